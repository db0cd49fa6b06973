"""What each role sees on the pages, and what it does not."""

import csv
import io
from datetime import timedelta

import pytest

from services.chassis.clock import from_timestamp
from services.chassis.pb.detect.v1 import detect_pb2 as detect
from services.console.session import COOKIE
from tests.unit.console.conftest import Browser
from tests.unit.console.world import FOREIGN_OUTLET, HOSTILE, OUTLET, World


def test_the_overview_counts_the_own_jurisdiction(officer: Browser) -> None:
    """A county officer sees the county's counts, findings, due matters and frame balance."""
    page = officer.get("/").text

    assert "武安市" in page
    assert "<b>1</b>在办督办单" in page
    assert "督〔2026〕130481-0001" in page
    assert "督〔2026〕130404-0002" not in page
    assert "6,240" in page  # two plants, 24 hours, 130 frames
    assert "收支相符" in page
    assert page.count('class="dot finding"') >= 2  # on the plan and in the list


def test_a_leader_sees_all_counties_of_the_city_and_no_other_city(browser: Browser) -> None:
    """Jurisdiction is what the doors give, by division."""
    browser.sign_in("leader")

    page = browser.get("/").text

    assert "武安市" in page
    assert "复兴区" in page
    assert "藁城区" not in page


def test_names_from_outside_stay_text(browser: Browser) -> None:
    """A plant named with markup is shown, never run."""
    browser.sign_in("leader")

    for path in ("/", "/matters", "/outlets"):
        page = browser.get(path).text

        assert HOSTILE not in page
        assert "&lt;img src=x onerror=" in page


def test_the_outlet_page_shows_head_limits_live_values_and_findings(officer: Browser) -> None:
    """Everything the officer needs about a stack on one page."""
    page = officer.get(f"/outlets/{OUTLET}").text

    for text in (
        "泽垚热电有限公司", "91130481FARX00013L001P", "0100FA25C16F", "GB 13223-2011 表2",
        "按基准氧 6 % 折算", "限值 50", "怎样就不会提示", "最近数据",
    ):  # fmt: skip
        assert text in page
    assert "折算值" in page


def test_a_rule_without_enough_history_is_shown_as_not_evaluated(
    officer: Browser, world: World
) -> None:
    """Silence about a rule must not read as "clean"; a rule with its history says nothing."""
    for factor, known in (("a21026", 12), ("a21002", 90)):
        world.evaluations.append(
            detect.Evaluation(
                factor=factor,
                rule_id="low_variance_part_of_day",
                known_days=known,
                needed_days=30,
            )
        )

    page = officer.get(f"/outlets/{OUTLET}").text

    assert "二氧化硫 · 波动异常偏小：未评价，历史数据12天，需30天" in page
    assert "历史数据90天" not in page


def test_curves_come_as_panels_with_limit_marks_and_spans(officer: Browser, world: World) -> None:
    """Judged = converted where the limit converts; limited factors first; holes are null."""
    body = officer.get(f"/outlets/{OUTLET}/curves?range=90d").json()
    first = body["panels"][0]

    assert [panel["code"] for panel in body["panels"]] == ["a21026", "a21002", "a19001", "a00000"]
    assert first["converted"]
    assert first["limit"] == {"averaging": "hourly", "upper": 50.0, "lower": None}
    assert len(first["points"]) == 90 * 24
    assert first["points"][5][1] is None
    assert first["points"][7][1] == pytest.approx(first["measured"][7][1] * 1.08, abs=1e-3)
    assert [flag for _, flag in first["flags"]] == ["C"]
    assert {span["id"] for span in first["spans"]} == {"f-1", "f-2"}
    assert body["panels"][2]["limit"] is None
    assert body["panels"][2]["spans"] == []


def test_the_realtime_range_holds_an_hour(officer: Browser, world: World) -> None:
    """30 s values of the last hour, the newest not older than the world."""
    points = officer.get(f"/outlets/{OUTLET}/curves?range=1h").json()["panels"][0]["points"]

    assert 118 <= len(points) <= 121
    assert points[-1][0] == world.now.timestamp() * 1000


def test_values_are_there_as_a_table_and_as_csv(officer: Browser) -> None:
    """The text alternative of the curves: newest rows on the page, all of them in the file."""
    page = officer.get(f"/outlets/{OUTLET}?range=30d").text
    text = officer.get(f"/outlets/{OUTLET}/values.csv?range=30d").text
    rows = list(csv.reader(io.StringIO(text)))

    assert "另有 520 行未显示" in page
    assert rows[0][:3] == ["time_beijing", "a21026", "a21026-Zs"]
    assert rows[0][3:] == ["a21002", "a21002-Zs", "a19001", "a00000"]
    assert len(rows) == 1 + 720
    assert rows[1][0].endswith("+08:00")


def test_a_foreign_outlet_is_not_there(officer: Browser) -> None:
    """404: even the existence of another jurisdiction's outlet is nobody's business."""
    answer = officer.get(f"/outlets/{FOREIGN_OUTLET}")

    assert answer.status_code == 404
    assert "没有找到" in answer.text


def test_the_finding_page_gives_picture_and_basis(officer: Browser) -> None:
    """Statistic, threshold, counterfactual and clause; the picture has band and tested span."""
    page = officer.get("/findings/f-1").text
    panel = officer.get("/findings/f-1/picture").json()["panels"][0]

    assert "第一千一百零七条" in page
    assert "最高小时均值降到 50" in page
    assert len(panel["points"]) == len(panel["band"]) == 48
    assert panel["unit"] == "mg/m³"
    assert len(panel["spans"]) == 1


def test_the_picture_of_a_finding_is_a_file_with_the_same_bytes_each_time(officer: Browser) -> None:
    """SVG and PNG with both sentences; the page leads to them."""
    page = officer.get("/findings/f-1").text
    one, again = (officer.get("/findings/f-1/picture.svg") for _ in range(2))
    png = officer.get("/findings/f-1/picture.png")

    assert 'src="/findings/f-1/picture.svg"' in page
    assert one.headers["content-type"] == "image/svg+xml"
    assert one.content == again.content
    assert "最高小时均值降到 50" in one.text.replace("\n", "")
    assert png.content.startswith(b"\x89PNG")
    assert officer.get("/findings/f-1/picture.exe").status_code == 404


def test_a_picture_is_not_there_for_whom_the_finding_is_not(browser: Browser) -> None:
    """A confidential finding has no picture for the plant."""
    browser.sign_in("plant")

    assert browser.get("/findings/f-2/picture.svg").status_code == 404


def test_the_queue_is_ordered_by_deadline_with_words(browser: Browser) -> None:
    """Overdue first; level and time left are words, not colours only."""
    browser.sign_in("leader")

    page = browser.get("/matters").text
    places = [page.index(number) for number in ("130481-0001", "130404-0002", "案〔2026〕")]

    assert places == sorted(places)
    assert "已超期1天6小时" in page
    assert ">调度<" in page
    assert "130481-0003" not in page  # closed


@pytest.mark.parametrize(
    ("query", "seen", "unseen"),
    [
        ("kind=case", "案〔2026〕130481-0001", "督〔2026〕130481-0001"),
        ("level=warning", "督〔2026〕130404-0002", "督〔2026〕130481-0001"),
        ("search=0003&state=all", "督〔2026〕130481-0003", "督〔2026〕130481-0001"),
        ("state=closed", "督〔2026〕130481-0003", "督〔2026〕130481-0001"),
    ],
)
def test_the_queue_can_be_filtered(browser: Browser, query: str, seen: str, unseen: str) -> None:
    """Each filter reaches the door."""
    browser.sign_in("leader")

    page = browser.get(f"/matters?{query}").text

    assert seen in page
    assert unseen not in page


def test_the_csv_export_holds_what_the_filter_shows(browser: Browser, world: World) -> None:
    """UTF-8 with a mark for spreadsheet programs; a name that looks like a formula stays text."""
    world.matters["m-3"].enterprise_name = "=cmd|calc"
    browser.sign_in("leader")

    answer = browser.get("/matters.csv?state=open")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))

    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert [row[0] for row in rows[1:]] == [
        "督〔2026〕130481-0001", "督〔2026〕130404-0002", "案〔2026〕130481-0001",
    ]  # fmt: skip
    assert rows[2][2] == "'=cmd|calc"


def test_the_matter_page_tells_clocks_timeline_and_notices(officer: Browser) -> None:
    """Derivation, statutory, provisional, scripted people and sent texts are all said."""
    case = officer.get("/matters/m-2").text
    order = officer.get("/matters/m-1").text

    for text in (
        "法定期限",
        "暂定",
        "自收到线索之日起十五日",
        "第十八条",
        "演示脚本",
        "属实，涉嫌违法",
        "/referrals/r-1",
    ):
        assert text in case
    for text in ("工作期限，非法定", "199****1234", "已送达", "短信只是提醒"):
        assert text in order
    assert 'data-curves="/findings/f-1/picture"' in order


def test_the_enterprise_sees_its_own_orders_and_never_a_clue(browser: Browser) -> None:
    """Own outlet and order; the case does not exist for it, nor the confidential finding."""
    browser.sign_in("plant")

    overview, queue = browser.get("/").text, browser.get("/matters?state=all").text
    outlet = browser.get(f"/outlets/{OUTLET}").text

    assert "泽垚热电有限公司" in overview
    assert "督〔2026〕130481-0001" in queue
    for page in (overview, queue, outlet):
        assert "案〔2026〕" not in page
        assert "波动异常偏小" not in page
        assert "保密" not in page
        assert "移送" not in page
    assert browser.get("/matters/m-2").status_code == 404
    assert browser.get("/findings/f-2").status_code == 404
    assert browser.get("/referrals").status_code == 403


def test_the_operator_sees_frames_and_outlets(browser: Browser) -> None:
    """No matters for the operator, and no refused call in the audit log on the way."""
    browser.sign_in("operator")

    page = browser.get("/")

    assert page.status_code == 200
    assert "近24小时报文收支" in page.text
    assert "督〔2026〕" not in page.text


def test_the_handset_link_is_there_for_the_demo(officer: Browser) -> None:
    """`FARSIGHT_HANDSET_URL` makes the menu entry."""
    assert 'href="http://handset.test/"' in officer.get("/").text


def test_pages_speak_english_when_asked(officer: Browser) -> None:
    """The switch lasts for the session; what the services say stays Chinese."""
    officer.get("/matters")
    page = officer.post("/language", {"language": "en", "next": "/matters"}).text

    assert '<html lang="en">' in page
    assert "overdue by 1 d 6 h" in page
    assert "二氧化硫小时均值超标" in page
    assert COOKIE in officer.http.cookies


def test_due_dates_are_written_in_beijing_time(officer: Browser, world: World) -> None:
    """Eight hours ahead of UTC, in the queue and on the page."""
    due = from_timestamp(world.matters["m-1"].next_due_at) + timedelta(hours=8)

    assert due.strftime("%Y-%m-%d %H:%M") in officer.get("/matters/m-1").text


def test_a_province_sees_every_city(browser: Browser) -> None:
    """The other city's plant is on the plan and in the list."""
    browser.sign_in("province")

    assert "云涛热电有限公司" in browser.get("/outlets").text
    assert "云涛热电有限公司" not in browser.get("/outlets?state=normal&search=泽垚").text
