"""Calling a logger back through the whole platform: page or terminal to logger and back."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from services.chassis.clock import beijing
from services.chassis.pb.ingest.v1 import callback_pb2, callback_pb2_grpc
from services.chassis.pb.registry.v1 import registry_pb2, registry_pb2_grpc
from tests.e2e.browser import CHROMIUM, chromium_arguments, sign_in
from tests.e2e.clients import Person, logger_of, wait_until
from tests.e2e.platform import RunningPlatform

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

OUTLET = "91130426FARX00216L-DW001"
OFFICER = "officer1.130426"


@pytest.fixture(scope="module")
def connected(seeded_platform: RunningPlatform) -> Iterator[RunningPlatform]:
    """The platform with one simulated logger of 2025 that is connected and can be asked."""
    platform = seeded_platform
    logger = logger_of(OUTLET)
    state = platform.data / "callback-logger.json"
    process = platform.start_command(
        "simulate", "--only", logger.mn, "--version", "2025", "--honest", "--history", "1",
        "--live", "--state", str(state),
    )  # fmt: skip
    person = Person(platform.grpc, OFFICER)
    stub = callback_pb2_grpc.CommandServiceStub(person._channel)
    request = callback_pb2.ListLoggersRequest(outlet_id=OUTLET, open_only=True)
    wait_until(
        lambda: stub.ListLoggers(request, metadata=person.metadata, timeout=10).loggers,
        60,
        "the simulated logger's session",
    )
    yield platform
    process.terminate()
    process.communicate(timeout=30)


@pytest.fixture(scope="module")
def page(connected: RunningPlatform) -> Iterator[Page]:
    """An officer's browser, signed in; it must not complain about any page."""
    with sync_playwright() as play:
        browser: Browser = play.chromium.launch(executable_path=CHROMIUM, args=chromium_arguments())
        context = browser.new_context(
            base_url=connected.console, viewport={"width": 1360, "height": 860}
        )
        page, faults = context.new_page(), []
        page.on("console", lambda note: note.type == "error" and faults.append(note.text))
        sign_in(page, connected.console, OFFICER)
        yield page
        browser.close()
        assert faults == []


def ask(page: Page, cn: str, fields: dict[str, str], reason: str = "") -> None:
    """Fill in the form of the outlet's page and wait until the request has ended."""
    page.goto(f"/outlets/{OUTLET}")
    page.wait_for_selector("#logger .tag.good")
    page.click("#logger h2 a")
    if page.input_value("#cn") != cn:
        with page.expect_response(lambda answer: f"cn={cn}" in answer.url):
            page.select_option("#cn", cn)
    for name, value in fields.items():
        page.fill(f'[name="field.{name}"]', value)
    page.fill("#reason", reason)
    page.click("#call button.main")
    page.wait_for_selector("#live[data-state=done]", timeout=40_000)


def steps(page: Page) -> list[str]:
    """The names of the steps on the page."""
    return page.locator("#steps .line b").all_inner_texts()


def test_an_hour_of_minutes_is_called_back_on_the_page(page: Page) -> None:
    """The last full hour: asked, acknowledged, six means of ten minutes stored and shown."""
    ask(page, "2051", {})

    assert steps(page)[:4] == ["提出请求", "交给网关", "发往数采仪", "请求应答"]
    assert steps(page)[-1] == "执行结果"
    page.wait_for_function("document.querySelectorAll('#readings tbody tr').length >= 6")
    assert "化学需氧量" in page.inner_text("#readings")


def test_a_remote_standard_check_is_carried_out_and_its_result_read(page: Page) -> None:
    """3024 with a reason, then 2062: the standard's value and the reading, named in Chinese."""
    ask(page, "3024", {"PolId": "w01018"}, "季度远程质控")
    assert "控制" in page.inner_text("#live")
    assert "季度远程质控" in page.inner_text("#live")
    assert steps(page)[-1] == "执行结果"

    now = beijing(datetime.now(UTC))
    day = {"BeginTime": now - timedelta(hours=1), "EndTime": now + timedelta(minutes=1)}
    ask(page, "2062", {name: f"{at:%Y-%m-%dT%H:%M:%S}" for name, at in day.items()})

    answer = page.locator("table.answer").first.inner_text()
    assert "标样标准值" in answer
    assert "核查结果" in answer


def test_the_command_line_asks_and_follows(connected: RunningPlatform) -> None:
    """`farsight call`: minutes by word with --wait, the site's range by name, and the list."""
    platform = connected
    end = beijing(datetime.now(UTC)).replace(minute=0, second=0, microsecond=0)
    period = ["--from", (end - timedelta(hours=2)).isoformat(), "--to", end.isoformat()]
    call = ("call", "--data", str(platform.data))

    minutes = platform.json_command(*call, OUTLET, "minutes", *period, "--wait", "--json")
    told = platform.run_command(*call, OUTLET, "info", "PolId=w01018", "InfoId=i13001", "--wait")
    listed = json.loads(platform.run_command(*call, "--list", OUTLET, "--json"))["commands"]

    assert minutes["command"]["state"] == "COMMAND_STATE_DONE"
    assert any(one["kind"] == "COMMAND_STEP_KIND_ANSWER" for one in minutes["steps"])
    assert "测量量程 i13001-Info = " in told
    assert "done: 1 success" in told
    assert [one["cn"] for one in listed[:2]] == ["3020", "2051"]


def test_a_password_set_by_call_back_is_known_to_the_registry(connected: RunningPlatform) -> None:
    """1072: the logger's frames count under the new password, and no frame is refused meanwhile."""
    platform, logger = connected, logger_of(OUTLET)
    call = ("call", "--data", str(platform.data))
    operator = platform.operator()
    registry = registry_pb2_grpc.RegistryServiceStub(operator._channel)
    request = registry_pb2.GetRecordRequest(kind=registry_pb2.RECORD_KIND_LOGGER, key=logger.mn)

    def known() -> str:
        record = registry.GetRecord(request, metadata=operator.metadata, timeout=10).record
        return str(record.logger.password)

    before = operator.balance(OUTLET).refused["wrong_password"]
    for password in ("654321", logger.password):  # and back: other tests use this logger
        words = (f"NewPW={password}", "--reason", "密码轮换", "--wait")
        told = platform.run_command(*call, OUTLET, "1072", *words)
        assert "done: 1 success" in told
        wait_until(lambda password=password: known() == password, 20, "the registry to know")
        assert "SystemTime" in platform.run_command(*call, OUTLET, "time", "--wait")

    assert operator.balance(OUTLET).refused["wrong_password"] == before
