"""数据标记 pages: what a plant and an officer see, send, and are told when it is refused."""

import asyncio
import re
from types import SimpleNamespace

import pytest

from services.chassis.errors import Unavailable
from services.chassis.pb.ingest.v1 import mark_pb2 as pb
from services.console.routes.marks import read_pools
from tests.unit.console.conftest import Browser
from tests.unit.console.doors import TestDoors
from tests.unit.console.mark_doors import FIRST, OVERLAP
from tests.unit.console.world import OUTLET


@pytest.fixture
def plant(browser: Browser) -> Browser:
    """A browser of the plant's manager."""
    browser.sign_in("plant")
    return browser


def test_a_plant_sees_its_day_at_once(plant: Browser) -> None:
    """Open days with their countdown, flags, suggestions, contradictions, the form, revisions."""
    text = plant.get("/marks").text

    for expected in (
        "可标记", "冻结于", "预标记建议", "监测设备维护", 'class="h flag-M marked"',
        'class="h marked conflict"', "仪器标记 N", "采用", "停运", "须与用电数据一致", "待审核",
        "剩余 / 60 h", "与工单不符", "&lt;img src=x",
    ):  # fmt: skip
        assert expected in text, expected
    assert "<img src=x" not in text


def test_hours_that_nobody_knows_are_said_to_be_unknown() -> None:
    """A detect that is away or older costs the page nothing."""

    class Away:
        doors = SimpleNamespace(judgement=SimpleNamespace(ListPools=None))

        async def call(self, method: object, request: object) -> object:
            raise Unavailable("no such method")

    assert asyncio.run(read_pools(Away(), OUTLET, "2026-11-22")) is None  # type: ignore[arg-type]


def test_a_form_becomes_a_mark_of_the_door(plant: Browser, doors: TestDoors) -> None:
    """Kind, Beijing times, factors and the revision that was seen; then back to the day."""
    answer = plant.post(
        "/marks/submit",
        {"outlet_id": OUTLET, "day": "2026-11-21", "kind": "tp_ty", "start": "2026-11-21T08:00",
         "end": "2026-11-21T10:30", "factors": "a21026", "reason": "停机", "mark_id": "m-1",
         "expected": "2", "manual_values": "a21026=3.5@2026-11-21 08:00"},
    )  # fmt: skip

    (request,) = doors.marks.asked
    assert (request.expected_revision, request.channel, request.mark.mark_id) == (
        2,
        "console",
        "m-1",
    )
    assert (request.mark.family, request.mark.condition) == (7, "tp_ty")
    assert request.mark.start.ToJsonString() == "2026-11-21T00:00:00Z"
    assert request.mark.end.ToJsonString() == "2026-11-21T02:30:00Z"
    assert request.mark.manual_values[0].value == 3.5
    assert "标记已提交" in answer.text


@pytest.mark.parametrize(
    ("error", "words"),
    [(FIRST, "刘工 已先提交版本 2"), (OVERLAP, "与同类标记 m-9 时段重叠")],
    ids=["stale", "overlap"],
)
def test_a_refusal_is_said_and_nothing_typed_is_lost(
    plant: Browser, doors: TestDoors, error: Exception, words: str
) -> None:
    """In words, with the form as it was."""
    doors.marks.refuse = error

    answer = plant.post(
        "/marks/submit",
        {"outlet_id": OUTLET, "kind": "dev_maint", "start": "2026-11-21T08:00",
         "end": "2026-11-21T09:00", "reason": "我写的原因"},
    )  # fmt: skip

    assert answer.status_code == 422
    assert words in answer.text
    assert "我写的原因" in answer.text
    assert 'value="dev_maint" selected' in answer.text


def test_a_file_becomes_a_proof_before_the_mark(plant: Browser, doors: TestDoors) -> None:
    """The mark names the id that the door gave; a file of more than 10 MB is not sent."""
    fields = {"outlet_id": OUTLET, "kind": "dev_maint", "start": "2026-11-21T08:00",
              "end": "2026-11-21T09:00", "reason": "x"}  # fmt: skip

    plant.post("/marks/submit", fields, files={"proof": ("工单.jpg", b"photo", "image/jpeg")})
    large = plant.post(
        "/marks/submit", fields, files={"proof": ("a.bin", b"x" * (10 * 2**20 + 1), "a/b")}
    )

    proof, mark = doors.marks.asked
    assert (proof.name, proof.type, proof.content) == ("工单.jpg", "image/jpeg", b"photo")
    assert list(mark.mark.proof_ids) == ["p-kept"]
    assert large.status_code == 422
    assert "10 MB" in large.text


def test_a_table_is_checked_and_then_kept(plant: Browser, doors: TestDoors) -> None:
    """Row and field of each fault; a check keeps nothing."""
    fields = {"outlet_id": OUTLET, "day": "2026-11-21"}

    def send(content: bytes, act: str) -> str:
        files = {"table": ("marks.csv", content, "text/csv")}
        return plant.post("/marks/table", {**fields, "act": act}, files=files).text

    wrong, fine, done = send(b"bad", "keep"), send(b"good", "check"), send(b"good", "keep")

    assert "有 1 处错误" in wrong
    assert re.search(r"<td>3</td><td>开始时间</td><td>与其他标记重叠", wrong)
    assert "2 行全部正确" in fine
    assert "已提交 2 个标记" in done
    assert [one.dry_run for one in doors.marks.asked] == [False, True, False]


def test_an_officer_decides_and_does_not_state(officer: Browser, doors: TestDoors) -> None:
    """The list begins with what waits; accept, refuse and reject go with a reason."""
    listed = officer.get("/marks").text
    page = officer.get(f"/marks/{OUTLET}/m-waits").text

    assert listed.index("待审核异议") < listed.index("m-waits") < listed.index("最新标记")
    assert "异议成立" in page
    assert "新建标记" not in officer.get(f"/marks?outlet_id={OUTLET}").text
    for verdict in ("accept", "refuse", "reject"):
        officer.post(
            f"/marks/{OUTLET}/m-waits/decide",
            {"verdict": verdict, "reason": "经核实", "expected": "1"},
        )
    assert [one.verdict for one in doors.marks.asked] == [
        pb.MARK_VERDICT_ACCEPT, pb.MARK_VERDICT_REFUSE, pb.MARK_VERDICT_REJECT,
    ]  # fmt: skip
    assert officer.post("/marks/submit", {"outlet_id": OUTLET}).status_code == 403


def test_a_plant_takes_back_and_decides_nothing(plant: Browser, doors: TestDoors) -> None:
    """Its page has no verdict; the door would refuse it."""
    page = plant.get(f"/marks/{OUTLET}/m-waits").text

    assert 'name="verdict"' not in page
    plant.post(f"/marks/{OUTLET}/m-waits/withdraw", {"reason": "误标", "expected": "1"})
    assert (doors.marks.asked[0].reason, doors.marks.asked[0].expected_revision) == ("误标", 1)
    refused = plant.post(f"/marks/{OUTLET}/m-waits/decide", {"verdict": "accept", "reason": "x"})
    assert refused.status_code == 403


def test_a_proof_is_a_file_and_never_a_page(officer: Browser) -> None:
    """Markup that somebody uploaded is saved, not shown; its name breaks no header."""
    answer = officer.get(f"/marks/{OUTLET}/proofs/p-1")

    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%3C")
    assert "\r" not in answer.headers["content-disposition"]


def test_the_page_speaks_english_too(plant: Browser) -> None:
    """Every word of the console is in both catalogues."""
    plant.post("/language", {"language": "en", "next": "/marks"})

    text = plant.get("/marks").text

    for expected in ("Suggested marks", "New mark", "maintenance", "waiting", "freezes at"):
        assert expected in text, expected


def test_others_find_nothing(browser: Browser) -> None:
    """The police have no marks; no outlet of another plant is shown."""
    browser.sign_in("police")
    assert browser.get("/marks").status_code == 403
    browser.sign_in("plant")
    assert browser.get("/marks?outlet_id=91130109FARX00048F-DA001").status_code == 404
