"""焚烧炉月报: the page that a plant manager opens each morning."""

import datetime as dt
import re

import pytest

from services.chassis.pb.detect.v1 import judgement_pb2 as pb
from services.console.views.furnace import advice_of, bar_of, month_of, state_of
from tests.unit.console.conftest import Browser
from tests.unit.console.judgement_doors import (
    NOVEMBER,
    STORY,
    judgement,
    make_incinerators,
    pools,
)
from tests.unit.console.world import FOREIGN_OUTLET, OUTLET, World

PAGE = f"/furnaces/{OUTLET}?month=2026-11"
TODAY = dt.date(2026, 11, 22)


def november(days: int = 21, used: float = 57.0, open_from: dt.date = TODAY):
    """The story's month as laid out in the morning or the afternoon of the 22nd."""
    told = [judgement(OUTLET, NOVEMBER + dt.timedelta(days=n)) for n in range(days)]
    return month_of(
        OUTLET, "1号焚烧炉", process="MSWI furnace", first=NOVEMBER, today=TODAY,
        open_from=open_from, days=told, pools=pools(used),
    )  # fmt: skip


def test_each_day_of_the_month_has_one_cell_with_its_state():
    """Thirty cells in weeks; exceeded, cold, both, stopped, few data, open, to come."""
    cells = {cell.day.day: cell for cell in november().cells}

    assert len(cells) == 30
    names = {"few": "unjudged"}
    for day, cell in cells.items():
        expected = "good" if day < 22 else "open" if day == 22 else "future"
        assert cell.state == names.get(STORY.get(day, ""), STORY.get(day, expected))
    assert cells[1].x > cells[2].x == 0  # 2026-11-01 is a Sunday, the last column; Monday begins
    assert cells[2].y > cells[1].y


def test_a_day_that_is_due_for_marking_is_open_and_asked_for():
    """Before noon the day before is open: the sentence says until when its marks are due."""
    month = november(days=20, open_from=TODAY - dt.timedelta(days=1))

    assert month.waiting == [dt.date(2026, 11, 21), TODAY]
    (asked,) = (one for one in advice_of([month]) if one.key == "mark")
    assert asked.places == {"name": "1号焚烧炉", "day": "11-21", "until": "11-22 12:00"}


def test_stripes_lie_where_the_marks_lie():
    """Start 06 to 10 and dry-out 00 to 06 of the 17th, each in its own line, in scale."""
    (day,) = (cell for cell in november().cells if cell.day.day == 17)

    dry, start = sorted(day.stripes, key=lambda s: s.x)

    assert (dry.kind, start.kind) == ("pool_b", "pool_a")
    assert start.x - dry.x == pytest.approx(dry.width, abs=0.2)
    assert start.width / dry.width == pytest.approx(4 / 6, abs=0.01)
    assert start.y != dry.y


@pytest.mark.parametrize(
    ("used", "cap", "warn", "level", "left"),
    [(47, 60, False, "good", 13), (48, 60, True, "amber", 12), (60, 60, True, "red", 0)],
)
def test_a_bar_turns_amber_at_its_warning_and_red_at_its_end(used, cap, warn, level, left):
    """80 % and 100 %; what is left is told in hours."""
    bar = bar_of(pb.PoolUse(pool="a", cap_hours=cap, used_hours=used, warn=warn))

    assert (bar.level, bar.remaining) == (level, left)


def test_a_pool_without_a_confirmed_cap_is_counted_only():
    """Nothing is said to remain of what nobody knows."""
    assert bar_of(pb.PoolUse(pool="tp_fault", used_hours=9)).level == "unknown"


def test_advice_is_worst_first_and_calm_where_all_is_well():
    """Low temperature and exceedance before pools; a month without faults says so in one line."""
    worst = [one.key for one in advice_of([november()])]
    calm = month_of(
        OUTLET, "x", process="MSWI furnace", first=NOVEMBER, today=TODAY, open_from=TODAY,
        days=[judgement(OUTLET, NOVEMBER)], pools=pools(3.0),
    )  # fmt: skip

    assert worst == ["low", "over", "near", "mark"]
    assert advice_of([calm])[0].key == "calm"
    assert advice_of([november(days=0, used=0)])[0].key == "nothing"


def test_other_plants_are_judged_by_hours_too():
    """A boiler's hour above its limit makes the day; an incinerator's does not."""
    limit = pb.AppliedLimit(averaging="hourly", upper=50)
    day = pb.DayJudgement(
        frozen=True,
        factors=[
            pb.FactorDay(
                factor="a21026", over=bytes([1]), running_hours=24, enough=True, limits=[limit]
            )
        ],
    )

    assert state_of(day, of_five=False) == "over"
    assert state_of(day, of_five=True) == "good"


def test_the_page_says_all_at_once(officer: Browser, world: World):
    """Advice, bars with what is left, every day as a cell and the same days as a table."""
    make_incinerators(world)

    page = officer.get(PAGE).text

    assert "炉温不合格" in page
    assert "剩 3 小时" in page
    assert "已用 57 / 60 小时" in page
    assert page.count('<g class="day ') == 30 + 9  # the legend has one a state
    sheet = page.partition("<tbody>")[2].partition("</tbody>")[0]
    assert sheet.count("<tr") == 21
    assert re.search(r"99\.2 <small>超标 0\.24 倍", sheet)
    assert "部令第 10 号" in page


def test_the_page_of_a_boiler_shows_no_furnace(officer: Browser):
    """The same page without temperatures, with its own title."""
    page = officer.get(PAGE).text

    assert "日研判与豁免时段月报" in page
    assert "最低炉温" not in page


def test_the_page_speaks_english_and_keeps_to_the_jurisdiction(officer: Browser, world: World):
    """Words change with the language; another city's furnace does not exist for this officer."""
    make_incinerators(world)
    officer.get(PAGE)
    officer.post("/language", {"language": "en", "next": PAGE})

    assert "3 h left" in officer.get(PAGE).text
    assert officer.get(f"/furnaces/{FOREIGN_OUTLET}").status_code == 404
    assert officer.get(f"/furnaces/{OUTLET}?month=nonsense").status_code == 200


def test_the_outlet_page_leads_to_it(officer: Browser):
    """One link beside the name."""
    assert f'href="/furnaces/{OUTLET}"' in officer.get(f"/outlets/{OUTLET}").text
