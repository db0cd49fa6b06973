"""用电监控 on the pages: minutes, curves with spans, the order's bars, in both languages."""

import re

from tests.unit.console.conftest import Browser
from tests.unit.console.power_doors import FAN, KILN, MIDNIGHT
from tests.unit.console.world import FOREIGN_OUTLET, OUTLET

PAGE = f"/outlets/{OUTLET}/power"


def test_the_page_tells_minutes_spans_and_what_is_not_judged(officer: Browser) -> None:
    """Counted and short spans, the pair without history, meters, sum check; linked."""
    page = officer.get(PAGE).text

    assert re.search(r"无保护生产</dt><dd><b>48</b>", page)
    assert "10:00 – 10:40" in page
    assert page.count("计入疑似问题") == 1
    assert page.count("时长不足，未计入") == 1
    assert "输送带：电表历史数据不足，未判定，不代表正常。" in page
    assert "80%的时间分表之和超过总表" in page
    assert "16 kW" in page
    assert f'href="{PAGE}"' in officer.get(f"/outlets/{OUTLET}").text


def test_the_order_s_bars_are_the_table_s_hours(officer: Browser) -> None:
    """Eight bars, two over, one unknown; the sums and the baseline in words."""
    page = officer.get(PAGE).text
    bars = re.findall(r'<rect class="used (\w+)" x=', page)

    assert bars == ["within"] * 2 + ["over"] * 2 + ["within"] * 3 + ["unknown"]
    assert page.count('<path class="allowed" d="M-2') == 8
    assert "2小时超出" in page
    assert "3,150" in page
    assert page.count("无法判断</td>") == 1


def test_each_meter_has_a_panel_with_its_threshold_and_the_red_span(officer: Browser) -> None:
    """Production first, both with the unprotected minutes; the rest of the day is open."""
    body = officer.get(f"{PAGE}/curves").json()
    kiln, fan = body["panels"]

    assert [kiln["code"], fan["code"]] == [KILN, FAN]
    assert fan["limit"] == {"averaging": "", "upper": 16.0, "lower": None, "label": "低于此为停运"}
    assert [(s["from"], s["tone"]) for s in fan["spans"]] == [
        ((MIDNIGHT + 200 * 60) * 1000, "red"), ((MIDNIGHT + 600 * 60) * 1000, "red"),
    ]  # fmt: skip
    assert fan["points"][121] == [(MIDNIGHT + 605 * 60) * 1000, 2.0]
    assert kiln["points"][-1][1] is None
    assert body["span"] == {"from": MIDNIGHT * 1000, "to": (MIDNIGHT + 86_400) * 1000}


def test_a_plant_sees_its_own_and_nobody_a_foreign_one(browser: Browser, officer: Browser) -> None:
    """The plant's own page opens, another city's does not exist; no day is the newest."""
    assert officer.get(f"/outlets/{FOREIGN_OUTLET}/power").status_code == 404
    assert officer.get(f"{PAGE}?day=nonsense").status_code == 200
    assert "未判定" in officer.get(f"{PAGE}?day=2026-11-19").text
    browser.sign_in("plant")
    assert "无保护生产" in browser.get(PAGE).text


def test_the_page_speaks_english(officer: Browser) -> None:
    """Words change with the language."""
    officer.get(PAGE)
    officer.post("/language", {"language": "en", "next": PAGE})

    page = officer.get(PAGE).text

    assert "Unprotected" in page
    assert "2 h over" in page
    assert "无保护生产" not in page
