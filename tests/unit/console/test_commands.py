"""Call-backs on the pages: the logger's box, the form, one request with its steps, the list."""

from datetime import UTC, datetime

import pytest

from services.chassis.pb.ingest.v1 import callback_pb2 as pb
from services.chassis.pb.ingest.v1 import command_pb2
from services.console.views.commands import clock_offset_s, likely_moment, period_of, wire_value
from tests.unit.console.conftest import Browser
from tests.unit.console.doors import TestDoors
from tests.unit.console.world import OUTLET

FORM = f"/outlets/{OUTLET}/call"


def test_the_outlets_page_asks_for_the_loggers_box(officer: Browser) -> None:
    """The page lives without it; the box has connection, version, address, clock, requests."""
    page = officer.get(f"/outlets/{OUTLET}").text
    box = officer.get(f"/outlets/{OUTLET}/logger").text

    assert f'hx-get="/outlets/{OUTLET}/logger" hx-trigger="load"' in page
    for said in ("在线", "HJ 212-2017", "10.1.2.3:40000", "时钟偏差", "97 s", "结果不明", "反控…"):
        assert said in box


def test_a_plant_sees_its_requests_and_no_address_and_no_form(browser: Browser) -> None:
    """The plant reads what was asked of its own logger; it may not ask."""
    browser.sign_in("plant")
    box = browser.get(f"/outlets/{OUTLET}/logger").text

    assert "在线" in box
    assert "10.1.2.3" not in box
    assert "反控…" not in box
    assert browser.get(FORM).status_code == 403


def test_police_see_no_loggers(browser: Browser) -> None:
    """A role without the right gets no menu entry, an empty box and no list."""
    browser.sign_in("police")

    assert "/commands" not in browser.get("/referrals").text
    assert browser.get(f"/outlets/{OUTLET}/logger").text == ""
    assert browser.get("/commands").status_code == 403


def test_a_request_tells_steps_codes_and_answer_in_words(officer: Browser) -> None:
    """Step, time, elapsed, return code in Chinese, named fields; foreign text stays text."""
    page = officer.get("/commands/c-1").text

    for said in ("执行成功", "准备执行请求", "测量量程", "i13001-Info", "发往数采仪", "+0.72 s"):
        assert said in page
    assert "&lt;b&gt;0.5&lt;/b&gt;" in page
    assert "抽查 &lt;i&gt;" in page
    assert 'hx-trigger="every 1s"' not in page  # it is over: nothing to poll for


def test_a_request_under_way_follows_by_itself_and_an_unknown_fate_is_said(
    officer: Browser,
) -> None:
    """Polling while it lives; a control command that nobody knows about says so."""
    running, lost = officer.get("/commands/c-3").text, officer.get("/commands/c-4").text

    assert 'hx-get="/commands/c-3" hx-trigger="every 1s"' in running
    assert "该时段已入库的数据" in running
    assert "无法确认现场是否已执行" in lost


def test_a_waiting_request_can_be_withdrawn_once(officer: Browser, doors: TestDoors) -> None:
    """The button is there while it waits; a second press is refused with the reason."""
    doors.commands.commands["c-2"].state = command_pb2.COMMAND_STATE_QUEUED
    assert "/commands/c-2/cancel" in officer.get("/commands/c-2").text

    done = officer.post("/commands/c-2/cancel")
    again = officer.post("/commands/c-2/cancel")

    assert "请求已撤回" in done.text
    assert again.status_code == 422
    assert "withdrawn" in again.text
    doors.commands.commands["c-2"].state = command_pb2.COMMAND_STATE_QUEUED


def test_the_form_offers_what_may_be_asked_with_likely_values(officer: Browser) -> None:
    """Minutes of the last full hour first; another command brings its own fields."""
    page, info = officer.get(FORM).text, officer.get(f"{FORM}?cn=3020").text

    assert '<option value="2051" selected>' in page
    assert 'name="field.BeginTime" type="datetime-local"' in page
    assert 'name="field.InfoId"' in info
    assert 'name="field.BeginTime" type="datetime-local" step="1" value=""' in info  # optional
    assert "测量量程" in info
    assert "须写明理由" in officer.get(f"{FORM}?cn=3011").text


def test_a_form_becomes_one_request(officer: Browser, doors: TestDoors) -> None:
    """Local moments become the standard's; the form's id goes along; the page of it follows."""
    officer.get(FORM)
    before = len(doors.commands.requests)
    answer = officer.post(
        FORM,
        {
            "cn": "2051",
            "request_id": "r-1",
            "field.BeginTime": "2026-11-22T08:00",
            "field.EndTime": "2026-11-22T09:00:00",
            "reason": "",
        },
    )
    (made,) = doors.commands.requests[before:]

    assert answer.url.path == "/commands/c-new"
    assert dict(made.parameters) == {"BeginTime": "20261122080000", "EndTime": "20261122090000"}
    assert made.request_id == "r-1"


def test_a_refused_form_keeps_what_was_typed(officer: Browser) -> None:
    """Control without a reason: the rule's words, and the factor that was chosen."""
    officer.get(FORM)
    answer = officer.post(FORM, {"cn": "3011", "field.PolId": "a21002", "reason": " "})

    assert answer.status_code == 422
    assert "needs a reason" in answer.text
    assert 'name="field.PolId" value="a21002"' in answer.text


def test_the_list_is_filtered_by_state(officer: Browser) -> None:
    """Waiting ones only; an unknown word means all."""
    waiting, everything = (officer.get(f"/commands?state={s}").text for s in ("queued", "x"))

    assert "/commands/c-2" in waiting
    assert "/commands/c-1" not in waiting
    assert "/commands/c-1" in everything


@pytest.mark.parametrize(
    ("typed", "wire"),
    [("2026-11-22T08:00", "20261122080000"), ("w01018", "w01018"), ("T-x", "T-x"), (" 1 ", "1")],
)
def test_moments_become_digits_and_nothing_else(typed: str, wire: str) -> None:
    """What is no moment goes through; the door judges it."""
    assert wire_value(typed) == wire


def test_periods_and_clocks_are_read_in_beijing_time() -> None:
    """The end is included; a logger's clock is compared with the moment of its answer."""
    fields = [("BeginTime", "20261122080000"), ("EndTime", "20261122090000")]
    command = pb.Command(
        cn="1011", parameters=[command_pb2.CommandField(name=n, value=v) for n, v in fields]
    )
    answer = pb.CommandStep(
        kind=command_pb2.COMMAND_STEP_KIND_ANSWER,
        fields=[pb.AnswerField(name="SystemTime", value="20261122080130")],
    )
    answer.at.FromDatetime(datetime(2026, 11, 22, 0, 0, tzinfo=UTC))

    begin, end = period_of(command) or (None, None)
    assert (begin, end) == (
        datetime(2026, 11, 22, 0, tzinfo=UTC),
        datetime(2026, 11, 22, 1, 0, 1, tzinfo=UTC),
    )
    assert clock_offset_s(pb.GetCommandResponse(command=command, steps=[answer])) == 90.0
    assert period_of(pb.Command()) is None
    assert likely_moment("BeginTime", datetime(2026, 11, 22, 1, 30, tzinfo=UTC)) == (
        "2026-11-22T08:00:00"
    )
