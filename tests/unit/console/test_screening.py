"""筛查 pages: raised, held back, suppressions by two persons, votes, the radar; for nobody else."""

import math
import re
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.struct_pb2 import Struct

from services.chassis.pb.detect.v1 import detect_pb2 as detect
from services.chassis.pb.detect.v1 import screening_pb2 as pb
from services.console.language import translator
from services.console.views import screening as views
from tests.unit.console.conftest import Browser
from tests.unit.console.doors import TestDoors
from tests.unit.console.screening_doors import SECRET
from tests.unit.console.world import OUTLET, World

PAGES = (
    "/screening",
    "/screening/clues/k-1",
    "/screening/held",
    "/screening/suppressions",
    "/screening/radar",
    "/screening/radar/picture.svg",
)
SUPPRESSIONS = "/screening/suppressions"


@pytest.fixture
def leader(browser: Browser) -> Browser:
    """The city's leader."""
    browser.sign_in("leader")
    return browser


def measured(finding: detect.Finding, rate: float, families: str) -> None:
    """Give a finding what the screening writes into its facts."""
    facts = Struct()
    facts.update({"false_alarms_per_station_year": rate, "families": families})
    finding.facts.CopyFrom(facts)


def test_raised_clues_and_findings_of_one_kind_stand_apart(officer: Browser, world: World) -> None:
    """A clue with kinds of information, rarity in plain words and a picture; the rest below."""
    measured(world.findings["f-2"], 0.04, "scatter,copy")
    measured(world.findings["f-1"], 0.5, "level")

    clues, lone = officer.get("/screening").text.split("数据质量疑点", 1)

    for expected in ("离散", "复制", "每站约 25 年一次", "/screening/clues/k-1",
                     "/findings/f-2/picture.svg", "武安市"):  # fmt: skip
        assert expected in clues, expected
    assert "/findings/f-1" in lone
    assert "每站约 2.0 年一次" in lone
    assert "/findings/f-2" not in lone  # it is in a clue
    assert "/findings/f-3" not in lone  # no test of the screening


def test_the_votes_of_a_clue_say_test_window_and_what_would_have_silenced_it(
    officer: Browser, world: World
) -> None:
    """One row a sign, with its picture; series without enough history are told."""
    world.evaluations.append(
        detect.Evaluation(factor="a21002", rule_id="quiet_signal", known_days=12, needed_days=45)
    )
    text = officer.get(f"/screening/clues/k-1?outlet_id={OUTLET}").text

    for expected in (SECRET, "波动达到历史的三分之一", "（折算）", "单独即成立", "每年约 3 次",
                     "/findings/f-2/picture.svg", "未评估", "45", "氮氧化物"):  # fmt: skip
        assert expected in text, expected
    assert officer.get("/screening/clues/none").status_code == 404


def test_a_finding_shows_its_votes_to_officers_alone(browser: Browser) -> None:
    """The plant reads its own public finding without a word of the screening."""
    browser.sign_in("officer")
    assert SECRET in browser.get("/findings/f-2").text
    assert "各项检验的意见" not in browser.get("/findings/f-1").text  # no sign, no empty table
    browser.sign_in("plant")

    page = browser.get("/findings/f-1")

    assert page.status_code == 200
    assert "各项检验的意见" not in page.text


def test_the_list_says_why_each_sign_waits(officer: Browser) -> None:
    """In the door's order; budget, weakness, one kind alone, and which suppression."""
    text = officer.get("/screening/held").text

    for expected in ("超出县区当日名额", "证据不足以控制误报比例", "单一类别", "#s-s-1",
                     "factor=a21026&amp;rule_id=spike"):  # fmt: skip
        assert expected in text, expected
    assert text.index("波动小") < text.index("一次尖峰")


def test_two_persons_suppress_and_one_ends_it(browser: Browser, doors: TestDoors) -> None:
    """Asked by an officer, refused to herself, confirmed by a leader, ended with a reason."""
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    form = {"outlet_id": OUTLET, "factor": "a21026", "rule_id": "spike", "until": day}
    browser.sign_in("officer")
    begun = browser.get(f"{SUPPRESSIONS}?outlet_id={OUTLET}&rule_id=spike").text
    assert f'value="{OUTLET}"' in begun

    refused = browser.post(SUPPRESSIONS, {**form, "reason": " "})
    past = browser.post(SUPPRESSIONS, {**form, "reason": "旧", "until": "2020-01-01"})
    asked = browser.post(SUPPRESSIONS, {**form, "reason": "同一排气筒两套登记"})

    assert (refused.status_code, past.status_code) == (422, 422)
    assert "请写明原因" in refused.text
    assert day in refused.text  # what was typed stays
    assert "截止日期须在今天之后" in past.text
    assert "待第二人确认" in asked.text
    assert "/confirm" not in asked.text  # an officer is no leader
    (kept,) = doors.screening.suppressions.values()
    assert (kept.factor, kept.rule_id) == ("a21026", "spike")
    browser.sign_in("leader")
    browser.get(SUPPRESSIONS)
    confirmed = browser.post(f"{SUPPRESSIONS}/s-1/confirm")
    assert "生效" in confirmed.text
    assert "邯郸市负责人 乙" in confirmed.text
    ended = browser.post(f"{SUPPRESSIONS}/s-1/end", {"end_reason": "登记已更正"})
    assert "没有抑制" in ended.text
    assert "登记已更正" in browser.get(f"{SUPPRESSIONS}?ended=true").text
    again = browser.post(f"{SUPPRESSIONS}/s-1/end", {"end_reason": "又"})
    assert again.status_code == 422
    assert "已被确认或已结束" in again.text


def test_nobody_confirms_what_they_asked_for(leader: Browser) -> None:
    """No button; a form sent nevertheless is told why not."""
    day = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    leader.get(SUPPRESSIONS)
    asked = leader.post(SUPPRESSIONS, {"outlet_id": OUTLET, "until": day, "reason": "检修"})
    forced = leader.post(f"{SUPPRESSIONS}/s-1/confirm")

    assert "/confirm" not in asked.text
    assert forced.status_code == 422
    assert "须由另一名负责人确认" in forced.text


def test_the_radar_shows_rings_evidence_and_what_was_compared(officer: Browser) -> None:
    """The picture, each edge with its traces, and operators without a ring too."""
    text = officer.get("/screening/radar").text

    for expected in ("同源运维有限公司", "噪声同源", "错开12小时", "10<sup>−15", "清白运维有限公司",
                     "垣石水泥有限公司", "对照对数"):  # fmt: skip
        assert expected in text, expected
    picture = officer.get("/screening/radar/picture.svg")
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert picture.content.startswith(b"<svg")
    assert "未见串通迹象" in officer.get("/screening/radar?operator=清白运维有限公司").text


@pytest.mark.parametrize("who", ["plant", "operator", "police"])
def test_nobody_else_sees_or_does_any_of_it(browser: Browser, doors: TestDoors, who: str) -> None:
    """Plants, who runs the instruments or the platform, the police: no page, no menu, no act."""
    browser.sign_in(who)

    assert 'href="/screening' not in browser.get("/").text
    for path in PAGES:
        page = browser.get(path)
        assert page.status_code in {403, 404}, path
        assert SECRET not in page.text
    form = {"outlet_id": OUTLET, "reason": "x", "until": "2099-01-01", "end_reason": "x"}
    for path in ("", "/s-1/confirm", "/s-1/end"):
        assert browser.post(SUPPRESSIONS + path, form).status_code == 403
    assert not doors.screening.suppressions


def test_the_pages_speak_english(officer: Browser) -> None:
    """No word of the console is missing in the other language."""
    officer.post("/language", {"language": "en", "next": "/"})

    assert "Falsification clue" in officer.get("/screening/clues/k-1").text
    assert "over the county" in officer.get("/screening/held").text
    for path in PAGES[:-1]:
        assert not re.search(r">(screening|radar)\.[a-z_]+<", officer.get(path).text)


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (math.nan, "未实测"),
        (3.4, "每年约 3 次"),
        (0.4, "2.5 年一次"),
        (0.01, "100 年一次"),
        (1e-9, "1000 年不到一次"),
        (0.0, "1000 年不到一次"),
    ],
)
def test_rarity_is_told_in_plain_words(rate: float, words: str) -> None:
    assert words in views.strength(rate, translator("zh_CN"))


def test_a_sign_goes_to_the_finding_of_its_test_factor_and_time() -> None:
    """The converted concentration is the factor's own; another time is another finding."""
    finding = detect.Finding(finding_id="f", outlet_id="o", rule_id="spike", factors=["a21026"])
    finding.start.seconds, finding.end.seconds = 100, 200
    sign = pb.ScreenSign(outlet_id="o", rule_id="spike", factor="a21026_zs")
    sign.start.seconds, sign.end.seconds = 150, 160
    late = pb.ScreenSign()
    late.CopyFrom(sign)
    late.start.seconds, late.end.seconds = 200, 300

    votes = views.votes_of([sign, late], [finding])

    assert [vote.finding_id for vote in votes] == ["f", ""]
