"""The pure half of the pages: curves, countdowns, balance, plan, numbers."""

import math
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.clock import to_timestamp
from services.chassis.pb.cases.v1.cases_pb2 import Clock, MatterEvent
from services.chassis.pb.detect.v1.detect_pb2 import Finding, Picture
from services.chassis.pb.ingest.v1.ingest_pb2 import BalanceRow, FactorSeries
from services.chassis.pb.registry.v1.registry_pb2 import Division, Enterprise, Limit, Outlet
from services.console.language import translator
from services.console.routes.matters import safe_cell
from services.console.views.balance import balance_of, last_arrivals
from services.console.views.curve import (
    judged_column,
    limit_in_force,
    marked_spans,
    points,
    usual_step,
)
from services.console.views.latest import latest_values
from services.console.views.moments import countdown, in_beijing
from services.console.views.numbers import file_size, number, percent
from services.console.views.plan import outlet_lines, outlet_state, plan_of
from services.console.views.table import value_table
from services.console.views.timeline import timeline_lines

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
T = translator("zh_CN")


def test_a_line_never_bridges_a_hole() -> None:
    """After a missing hour and a half a null stands between the values."""
    drawn = points([0, 3600, 4 * 3600], [1.0, math.nan, 3.0], 3600)

    assert drawn == [(0, 1.0), (3_600_000, None), (7_200_000, None), (14_400_000, 3.0)]


def test_a_picture_shows_what_the_plant_marked() -> None:
    """A span a mark, in milliseconds, with the mark's name."""
    picture = Picture(marked_start_s=[3600], marked_end_s=[7200], marked_text=["启炉"])

    (span,) = marked_spans(picture, "zh_CN")

    assert (span["from"], span["to"]) == (3_600_000, 7_200_000)
    assert span["label"] == "标记：启炉"


@given(st.lists(st.integers(0, 10**6), unique=True, max_size=60).map(sorted))
def test_points_keep_every_value_and_their_order(times: list[int]) -> None:
    """Holes only add nulls; nothing is lost or moved."""
    drawn = points(times, [1.0] * len(times), 30)

    assert [ms for ms, value in drawn if value is not None] == [t * 1000 for t in times]
    assert [ms for ms, _ in drawn] == sorted(ms for ms, _ in drawn)


def limit(**changed: object) -> Limit:
    """An hourly limit of 50 mg/m3 in force since 2022."""
    fields = {
        "factor": "a21026", "averaging": "hourly", "upper": 50.0, "valid_from": "2022-01-01",
        "ref_o2_percent": 6.0,
    }  # fmt: skip
    return Limit(**{**fields, **changed})  # type: ignore[arg-type]


def test_the_limit_is_the_hourly_one_in_force_that_day_else_the_daily_one() -> None:
    """`valid_from` counts, `valid_to` does not; a daily one only where no hourly is."""
    old = limit(upper=100.0, valid_from="2012-01-01", valid_to="2022-01-01")
    rows = [limit(averaging="daily", upper=35.0), limit(factor="a21002"), old, limit()]

    assert limit_in_force(rows, "a21026", date(2022, 1, 1)) == limit()
    assert limit_in_force(rows, "a21026", date(2021, 12, 31)) == old
    assert limit_in_force(rows, "a21026", date(2011, 1, 1)) is None
    assert limit_in_force(rows[:1], "a21026", date(2022, 1, 1)) == limit(
        averaging="daily", upper=35.0
    )


def test_the_converted_column_is_judged_only_where_the_limit_asks() -> None:
    """No reference oxygen, or nothing reported as converted: the measured column."""
    series = FactorSeries(factor="a21026", time_s=[0], value=[40.0], converted=[48.0])
    bare = FactorSeries(factor="a21026", time_s=[0], value=[40.0], converted=[math.nan])

    assert list(judged_column(series, limit())) == [48.0]
    assert list(judged_column(series, limit(ref_o2_percent=0))) == [40.0]
    assert list(judged_column(series, None)) == [40.0]
    assert list(judged_column(bare, limit())) == [40.0]


@pytest.mark.parametrize(
    ("value", "tone"), [(45.0, "normal"), (45.1, "near"), (50.0, "near"), (50.1, "over")]
)
def test_live_values_tell_how_they_stand_to_the_limit(value: float, tone: str) -> None:
    """From 90 % near; only above the limit over (the limit itself is kept)."""
    series = FactorSeries(factor="a21026", time_s=[60], value=[value], converted=[value], flags="N")

    (found,) = latest_values(["a21026"], [series], [limit()], NOW)

    assert found.tone == tone


def test_a_factor_without_data_is_absent_not_zero() -> None:
    """No series, or no number in it."""
    empty = FactorSeries(factor="b", time_s=[60], value=[math.nan], flags="D")

    first, second = latest_values(["a", "b"], [empty], [], NOW)

    assert (first.tone, first.value, first.time_s) == ("absent", None, None)
    assert (second.tone, second.value, second.flag) == ("absent", None, "D")


@pytest.mark.parametrize(
    ("left", "words", "tone"),
    [
        (timedelta(days=3, hours=2, minutes=59), "剩3天2小时", "calm"),
        (timedelta(hours=24), "剩1天0小时", "soon"),
        (timedelta(hours=1, minutes=5), "剩1小时5分", "soon"),
        (timedelta(seconds=30), "剩1分钟", "soon"),
        (timedelta(0), "已超期1分钟", "overdue"),
        (timedelta(days=-2, hours=-1), "已超期2天1小时", "overdue"),
    ],
)
def test_countdowns_are_words_with_a_tone(left: timedelta, words: str, tone: str) -> None:
    """The due moment itself is over; below a day it is soon."""
    found = countdown(NOW + left, NOW, T)

    assert (found.words, found.tone) == (words, tone)


def test_nothing_due_is_said_so() -> None:
    """A timestamp that was never set is no date in 1970."""
    assert countdown(to_timestamp(datetime(1970, 1, 1, tzinfo=UTC)), NOW, T).tone == "none"
    assert in_beijing(None) == "—"
    assert in_beijing(NOW) == "2026-11-22 11:00"


def test_the_balance_adds_up_or_says_that_it_does_not() -> None:
    """What arrived = accepted + duplicate + refused, by reason, most frequent first."""
    good = balance_of(
        BalanceRow(received=10, accepted=5, duplicate=1, refused={"crc": 1, "length": 3, "x": 0})
    )
    bad = balance_of(BalanceRow(received=10, accepted=9))

    assert good.balanced
    assert good.refused == (("length", 3), ("crc", 1))
    assert good.accepted_share == 0.5
    assert not bad.balanced
    assert balance_of(BalanceRow()).accepted_share is None


def test_only_accepted_frames_prove_that_an_outlet_speaks() -> None:
    """An hour of refused frames is silence."""
    rows = [
        BalanceRow(outlet_id="o", hour=to_timestamp(NOW - timedelta(hours=2)), accepted=3),
        BalanceRow(outlet_id="o", hour=to_timestamp(NOW), received=9, refused={"crc": 9}),
    ]

    assert last_arrivals(rows) == {"o": int((NOW - timedelta(hours=2)).timestamp())}


def test_a_finding_weighs_more_than_silence() -> None:
    """finding, silent, normal, unknown, in this order."""
    now = NOW.timestamp()

    assert outlet_state(1, None, now) == "finding"
    assert outlet_state(0, None, now) == "unknown"
    assert outlet_state(0, int(now) - 7200, now) == "normal"
    assert outlet_state(0, int(now) - 7201, now) == "silent"


def test_the_plan_keeps_north_up_and_shows_the_worst_on_top() -> None:
    """West is left, north is up, everything inside the frame."""
    plants = [
        Enterprise(credit_code="nw", name="nw", division="1", longitude=114, latitude=38),
        Enterprise(credit_code="se", name="se", division="2", longitude=118, latitude=36),
        Enterprise(credit_code="no", name="no coordinates", division="2"),
    ]
    outlets = [
        Outlet(outlet_id="nw-1", credit_code="nw"),
        Outlet(outlet_id="se-1", credit_code="se"),
    ]
    lines = outlet_lines(
        outlets=outlets, enterprises={p.credit_code: p for p in plants}, divisions={},
        open_findings=[Finding(outlet_id="nw-1")], last={"se-1": int(NOW.timestamp())},
        now_s=NOW.timestamp(),
    )  # fmt: skip

    plan = plan_of(plants, lines, {"1": Division(code="1", name="北县")})

    assert plan is not None
    south_east, north_west = plan.dots
    assert (north_west.credit_code, north_west.state) == ("nw", "finding")
    assert north_west.x < south_east.x
    assert north_west.y < south_east.y
    assert all(0 < dot.x < plan.width and 0 < dot.y < plan.height for dot in plan.dots)
    assert {label.text for label in plan.labels} == {"北县", "2"}
    assert plan_of([plants[2]], lines, {}) is None


def test_many_counties_are_named_by_their_cities() -> None:
    """Six names of counties would lie on each other."""
    plants = [
        Enterprise(credit_code=str(n), division=f"1301{n:02d}", longitude=114 + n / 9, latitude=38)
        for n in range(1, 7)
    ]
    divisions = {one.division: Division(code=one.division, parent="130100") for one in plants}
    divisions["130100"] = Division(code="130100", name="石家庄市")

    plan = plan_of(plants, [], divisions)

    assert plan is not None
    assert [label.text for label in plan.labels] == ["石家庄市"]


def test_one_plant_alone_is_in_the_middle() -> None:
    """No division by zero for a jurisdiction of one."""
    plan = plan_of([Enterprise(credit_code="a", longitude=114, latitude=38)], [], {})

    assert plan is not None
    assert plan.dots[0].x == pytest.approx(plan.width / 2)


def test_a_timeline_line_speaks_and_keeps_the_record() -> None:
    """Clocks by action and Beijing date, people by name, choices by label; ids folded."""
    event = MatterEvent(seq=2, act="verify")
    event.fields.update(
        {
            "found": "confirmed", "officer_2": "o-2", "visited_on": "2026-11-22",
            "clocks_started": "filing 2026-12-07T16:00:00Z; unknown 2026-12-01T00:00:00Z",
            "clocks_ended": "filing satisfied", "finding": "f-1", "own_word": "as it came",
        }
    )  # fmt: skip
    clock = Clock(key="filing", action="决定是否立案")

    (first, second) = timeline_lines([MatterEvent(seq=1), event], [clock], {"o-2": "戊"}, "zh_CN")
    said = {one.label: one.text for one in first.said}

    assert (first.event.seq, second.event.seq) == (2, 1)
    assert said == {
        "核实结果": "属实",
        "第二名执法人员": "戊",
        "检查日期": "2026-11-22",
        "启动期限": "决定是否立案 2026-12-08 00:00；unknown 2026-12-01 08:00",
        "结束期限": "决定是否立案 已按期完成",
        "own_word": "as it came",
    }
    assert [one.text for one in first.record] == ["f-1"]


def test_the_table_has_a_row_for_each_moment_of_any_factor() -> None:
    """Newest first; converted columns only where some value is; what was cut is counted."""
    series = [
        FactorSeries(
            factor="a", time_s=[1, 2], value=[1.0, 2.0], converted=[math.nan] * 2, flags="NC"
        ),
        FactorSeries(factor="b", time_s=[2, 3], value=[5.0, 6.0], converted=[7.0, 8.0], flags="N"),
    ]

    table = value_table(["b", "a"], series, 2)

    assert [(c.code, c.suffix) for c in table.columns] == [("b", ""), ("b", "-Zs"), ("a", "")]
    assert [row.time_s for row in table.rows] == [3, 2]
    assert table.more == 1
    assert table.rows[0].plain == ["6", "8", ""]
    assert table.rows[1].plain == ["5", "7", "2C"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"),
        (math.nan, "—"),
        (0.0, "0"),
        (-0.001, "0"),
        (12.50, "12.5"),
        (1234.567, "1,234.57"),
    ],
)
def test_numbers_have_no_idle_zeros(value: float | None, text: str) -> None:
    """Nothing is a dash, never a zero."""
    assert number(value) == text


def test_a_share_is_never_rounded_up_to_all() -> None:
    """One lost frame in a million is not 100 %."""
    assert percent(0.999999) == "99.9 %"
    assert percent(1.0) == "100 %"
    assert percent(None) == "—"


def test_sizes_and_steps() -> None:
    """Bytes for people; the usual step of a series is its commonest one."""
    assert [file_size(size) for size in (1, 2048, 3 << 20)] == ["1 B", "2.0 KiB", "3.0 MiB"]
    assert usual_step([0, 3600, 7200, 86400]) == 3600
    assert usual_step([5]) == 3600


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_spreadsheets_run_no_cell_of_ours(text: str) -> None:
    """A leading sign that starts a formula is quoted."""
    assert safe_cell(text) == "'" + text
