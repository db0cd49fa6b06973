"""限值选用: the order of domain.md C, case by case, and against a slow obvious oracle."""

import csv
import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import farsight.demo
from services.detect.domain.block import Limit
from services.detect.domain.rule import day_hour
from services.detect.judgement.limits import limit_grid, resolve_limits
from tests.unit.detect.pack_scene import BASE, DEMO, TODAY, at, facts, permit, with_limits

PROVINCE = Path(farsight.demo.__file__).parent / "province"
HU, KEY = "a21026", {"region": "key"}


def resolved(own, outlet, factor="a21026", pack=BASE):
    """Limits of one series of the shipped pack."""
    return resolve_limits(own, pack, outlet, factor)


@pytest.mark.parametrize(
    ("process", "factor", "averaging", "traits", "want", "source"),
    [
        ("coal boiler", "a34013", "hourly", {}, 30, "GB 13223-2011 表1"),
        ("coal boiler", "a34013", "hourly", KEY, 20, "GB 13223-2011 表2"),
        ("coal boiler", "a21026", "hourly", {"unit": "new"}, 100, "GB 13223-2011 表1"),
        ("coal boiler", "a21026", "hourly", {"unit": "existing"}, 200, "GB 13223-2011 表1"),
        ("coal boiler", "a21002", "hourly", {"boiler": "w_flame"}, 200, "GB 13223-2011 表1"),
        ("coal boiler", "a21002", "hourly", {"boiler": "w_flame"} | KEY, 100, "GB 13223-2011 表2"),
        ("cement kiln", "a21002", "hourly", {}, 400, "GB 4915-2013 表1"),
        ("cement kiln", "a21002", "hourly", KEY, 320, "GB 4915-2013 表2"),
        ("clinker cooler", "a34013", "hourly", {}, 30, "GB 4915-2013 表1"),
        ("MSWI furnace", "a21005", "hourly", {}, 100, "GB 18485-2014 表4"),
        ("MSWI furnace", "a21005", "daily", {}, 80, "GB 18485-2014 表4"),
        ("sewage grade 1A", "w01018", "daily", {}, 50, "GB 18918-2002 表1"),
        ("sewage grade 1A", "w21011", "daily", {"built": "2009-10-01"}, 0.5, "GB 18918-2002 表1"),
        ("sewage grade 1A", "w21011", "daily", {"built": "2005-12-31"}, 1, "GB 18918-2002 表1"),
        ("paper mill", "w01018", "daily", {}, 80, "GB 3544-2008 表2"),
        ("paper mill", "w01018", "daily", KEY, 50, "GB 3544-2008 表3"),
    ],
)
def test_demo_processes_find_their_rows(process, factor, averaging, traits, want, source):
    """Without a permit the standard's row judges: the headline values of domain.md C."""
    limits = resolved([], facts(process, **traits), factor)

    penalty = at(limits, TODAY, averaging)[0]

    assert (penalty.upper, penalty.source, penalty.basis) == (want, source, "industry")
    assert penalty.why.startswith("无许可限值")


def test_every_limit_of_the_demo_province_judges_as_the_permit_says():
    """No standard is stricter than a demo permit: what the demo showed stays what it shows."""
    outlets = {row["outlet_id"]: row for row in _table("outlets")}
    for row in _table("limits"):
        outlet = outlets[row["outlet_id"]]
        traits = dict(one.split("=") for one in outlet["traits"].split(";"))
        own = _limit(row)
        limits = resolved([own], facts(outlet["process"], **traits), row["factor"])
        penalty = at(limits, TODAY, row["averaging"])[0]
        assert (penalty.basis, penalty.upper, penalty.limit_id) == (
            "permit", own.upper, own.limit_id,
        )  # fmt: skip
        assert "一致" in penalty.why or "严于" in penalty.why, penalty


def _table(name: str) -> list[dict[str, str]]:
    with (PROVINCE / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _limit(row: dict[str, str]) -> Limit:
    return Limit(
        limit_id=row["limit_id"], averaging=row["averaging"], lower=float(row["lower"]),
        upper=float(row["upper"]), unit=row["unit"], ref_o2=float(row["ref_o2_percent"]),
        source=row["source"], since=day_hour(row["valid_from"]), until=2**40,
        decimals=int(row["decimals"]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("permitted", "want", "basis", "said"),
    [
        (50.0, 50.0, "permit", "许可限值严于GB 13223-2011 表1的100"),
        (100.0, 100.0, "permit", "一致"),
        (150.0, 100.0, "industry", "GB 13223-2011 表1严于许可限值150"),
    ],
)
def test_the_stricter_of_permit_and_standard_judges(permitted, want, basis, said):
    """And says why (domain.md C; Permit Regulation: a permit never allows more)."""
    (one, *policy) = at(
        resolved([permit(permitted)], facts("coal boiler", unit="new")), TODAY
    )  # fmt: skip

    assert (one.upper, one.basis) == (want, basis)
    assert said in one.why
    assert [p.upper for p in policy] == [35.0]
    limits = resolved([permit(permitted, since=day_hour("2022-01-01"))], facts("coal boiler"))
    assert [one.basis == "policy" for one in limits] == sorted(
        one.basis == "policy" for one in limits
    )


def test_policy_only_warns_unless_the_registry_makes_it_law():
    """Ultra-low 35 is a policy value; written into the permit it carries a penalty."""
    plain = resolved([], facts("coal boiler", unit="new"))
    written = resolved([permit(35.0)], facts("coal boiler", unit="new"))
    own = resolved([permit(30.0, basis="policy")], facts("coal boiler", unit="new"))

    assert [(one.upper, one.basis) for one in at(plain, TODAY)] == [
        (100.0, "industry"), (35.0, "policy"),
    ]  # fmt: skip
    assert "仅预警" in at(plain, TODAY)[1].why
    assert at(written, TODAY)[0].upper == 35.0
    assert [one.upper for one in at(own, TODAY)] == [100.0, 30.0]


def test_an_emergency_overlay_lies_over_everything_while_it_lasts():
    """Stricter than both while in force; a more lenient one lifts nothing."""
    begin, end = day_hour("2026-11-20"), day_hour("2026-11-23")
    overlay = permit(20.0, basis="emergency", limit_id="E", since=begin, until=end, source="冀1号")
    outlet = facts("coal boiler", unit="new")
    strict = resolved([permit(50.0), overlay], outlet)
    lenient = resolved([permit(50.0), dataclasses.replace(overlay, upper=90.0)], outlet)

    assert [at(strict, hour)[0].upper for hour in (begin - 1, begin, end - 1, end)] == [
        50.0, 20.0, 20.0, 50.0,
    ]  # fmt: skip
    assert at(strict, begin)[0].basis == "emergency"
    assert at(lenient, begin)[0].upper == 50.0
    assert "不更严" in at(lenient, begin)[0].why


def test_local_stands_over_industry_and_generic_only_where_nothing_else_covers():
    """Tianjin's own standard; a source without an industry standard; a factor without one."""
    tianjin = facts("sewage grade 1A", division="120101", capacity_m3_per_d="20000")
    elsewhere = facts("sewage grade 1A", capacity_m3_per_d="20000")
    blades = facts("drying oven", industry="3415")
    printing = facts("drying oven", industry="2319")

    assert at(resolved([], tianjin, "w01018"), TODAY, "daily")[0].basis == "local"
    assert at(resolved([], elsewhere, "w01018"), TODAY, "daily")[0].upper == 50.0
    assert at(resolved([], blades, "a24088"), TODAY)[0].basis == "generic"
    assert not resolved([], printing, "a24088"), "GB 41616 covers it, though no row has its limits"
    assert not resolved([], dataclasses.replace(blades, industry=""), "a24088")
    assert not resolved([], facts("coal boiler"), "a24088"), "GB 13223 covers the source"
    registered = permit(40.0, basis="local", ref_o2=6.0)
    assert at(resolved([registered], facts("coal boiler")), TODAY)[0].upper == 40.0


def test_tianjins_ammonia_limit_follows_the_season():
    """1.5 mg/L, 3.0 from November to March (note of DB12/599-2015)."""
    tianjin = facts("sewage grade 1A", division="120101", capacity_m3_per_d="20000")
    limits = resolved([], tianjin, "w21003")

    days = ["2026-03-31", "2026-04-01", "2026-10-31", "2026-11-01"]
    assert [at(limits, day_hour(day), "daily")[0].upper for day in days] == [3.0, 1.5, 1.5, 3.0]


def test_what_the_registry_does_not_tell_is_not_held_against_a_plant():
    """Unit age unknown and no row without it: the most lenient, saying so (stated default)."""
    unknown = at(resolved([], facts("coal boiler")), TODAY)[0]
    ammonia = at(resolved([], facts("cement kiln", unit="existing"), "a21001"), TODAY)[0]
    flame = at(resolved([], facts("coal boiler", unit="new"), "a21002"), TODAY)[0]

    assert unknown.upper == 200.0
    assert "未登记，取最宽松" in unknown.why
    assert ammonia.upper == 10.0
    assert flame.upper == 100.0, "a row without a condition covers it"
    assert not resolved([], facts("sewage grade 1A"), "w20122"), "only where the permit selects it"


def test_only_the_same_averaging_and_oxygen_are_compared():
    """A permit at another reference oxygen stays as it is; a daily one meets no hourly one."""
    other = at(resolved([permit(150.0, ref_o2=9.0)], facts("coal boiler", unit="new")), TODAY)
    daily = resolved([permit(10.0, averaging="daily")], facts("coal boiler", unit="new"))

    assert [(one.upper, one.ref_o2) for one in other] == [(150.0, 9.0)], "no policy value either"
    assert "未比较" in other[0].why
    assert at(daily, TODAY)[0].upper == 100.0
    assert at(daily, TODAY, "daily")[0].upper == 10.0


def test_units_are_those_of_the_wire():
    """HJ 212 sends total mercury in ug/L, GB 18918 prints 0.001 mg/L."""
    mercury = at(resolved([], facts("sewage grade 1A"), "w20111"), TODAY, "daily")[0]

    assert (mercury.upper, mercury.unit) == (1.0, "ug/L")


def test_ammonia_of_sewage_plants_follows_the_water_temperature():
    """5 (8) mg/L: brackets at 12 degC and below; an unknown temperature counts as cold."""
    limits = resolved([], facts("sewage grade 1A"), "w21003")
    degc = np.array([[12.0, 12.1, np.nan]])
    grid = limit_grid([limits], np.array([TODAY]), 3, degc)

    assert at(limits, TODAY, "daily", "le12")[0].upper == 8.0
    assert at(limits, TODAY, "daily", "gt12")[0].upper == 5.0
    assert grid.daily_upper.tolist() == [[8.0, 5.0, 8.0]]
    permitted = resolved([permit(5.0, averaging="daily", unit="mg/L", ref_o2=0.0)],
                         facts("sewage grade 1A"), "w21003")  # fmt: skip
    for tier in ("le12", "gt12"):
        assert [one.upper for one in at(permitted, TODAY, "daily", tier)] == [5.0]


@pytest.mark.parametrize(("actual", "want"), [("16", 80.0), ("30", 80.0 / 1.5), ("?", 80.0)])
def test_paper_above_the_benchmark_volume_is_converted(actual, want):
    """c x Q_actual / Q_benchmark against the limit is c against limit / (30 / 20) (GB 3544)."""
    outlet = facts("paper mill", discharge_m3_per_t=actual)
    own = permit(80.0, averaging="daily", unit="mg/L", ref_o2=0.0)

    one = at(resolved([own], outlet, "w01018"), TODAY, "daily")[0]

    assert one.upper == pytest.approx(want)
    assert ("限值除以1.5" in one.why) == (actual == "30")


def test_a_range_is_stricter_when_it_is_inside_and_crossed_ranges_meet():
    """pH 6~9 of the standard and another range of the permit."""
    outlet = facts("paper mill")
    own = permit(8.5, lower=5.0, unit="无量纲", ref_o2=0.0)

    one = at(resolved([own], outlet, "w01001"), TODAY)[0]
    inside = at(resolved([dataclasses.replace(own, lower=6.5)], outlet, "w01001"), TODAY)[0]

    assert (one.lower, one.upper) == (6.0, 8.5)
    assert "两端各取严者" in one.why
    assert (inside.lower, inside.basis) == (6.5, "permit")


# --- a slow obvious oracle ---

UPPERS = st.sampled_from([10.0, 20.0, 30.0, 40.0])
DAYS = st.sampled_from(["1990-01-01", "2020-01-01", "2022-06-01", "2026-11-22", "2030-01-01"])
ROWS = st.fixed_dictionaries(
    {
        "upper": UPPERS.map(lambda value: f"{value:g}"),
        "rank": st.sampled_from(["local", "industry", "generic", "policy"]),
        "since": DAYS,
        "unit_age": st.sampled_from(["", "new", "existing"]),
        "region": st.sampled_from(["", "special"]),
        "averaging": st.sampled_from(["hourly", "daily"]),
        "divisions": st.sampled_from(["", "13", "1304", "45"]),
        "water_temperature": st.sampled_from(["", "", "le12", "gt12"]),
    }
)
OWN = st.builds(
    lambda upper, basis, averaging, since, until: permit(
        upper, basis=basis, averaging=averaging, since=day_hour(since), until=day_hour(until),
        limit_id=f"{basis}-{upper:g}-{since}",
    ),
    UPPERS, st.sampled_from(["permit", "local", "emergency", "policy"]),
    st.sampled_from(["hourly", "daily"]), DAYS, DAYS,
)  # fmt: skip
TRAITS = st.sampled_from(
    [{}, {"unit": "new"}, {"unit": "existing"}, {"region": "key"}, {"unit": "new"} | KEY]
)


def oracle(own, rows, outlet, hour: int, averaging: str, tier: str) -> float | None:
    """The upper bound that carries a penalty in one hour, by the sentences of domain.md C."""
    mine = [o for o in own if o.since <= hour < o.until and o.averaging == averaging]
    standards = []
    for row in rows:
        if row["averaging"] != averaging or day_hour(row["since"]) > hour:
            continue
        if not outlet.division.startswith(row["divisions"]):
            continue
        if row["water_temperature"] not in {"", tier}:
            continue
        if row["region"] == "special" and outlet.traits.get("region") != "key":
            continue
        unit = outlet.traits.get("unit", "")
        if row["unit_age"] and unit and row["unit_age"] != unit:
            continue
        standards.append(row | {"met": not row["unit_age"] or row["unit_age"] == unit})
    covered = any(
        r["rank"] == "industry" and outlet.division.startswith(r["divisions"]) for r in rows
    )
    standard = None
    for met in (True, False):
        for rank in ("local", "industry", "generic"):
            fit = [r for r in standards if r["rank"] == rank and r["met"] == met]
            if rank == "generic" and covered:
                fit = []
            if fit and standard is None:
                standard = _best(fit, met)
    if locals_ := [o.upper for o in mine if o.basis == "local"]:
        standard = min(locals_)
    bounds = [o.upper for o in mine if o.basis in {"permit", "emergency"}]
    bounds += [standard] if standard is not None else []
    return min(bounds) if bounds else None


def _best(fit, met: bool) -> float:
    if not met:
        narrow = [r for r in fit if r["divisions"]] or fit
        return max(float(r["upper"]) for r in narrow)
    order = sorted(
        fit,
        key=lambda r: (
            r["region"] != "special",
            not r["divisions"],
            -(bool(r["unit_age"]) + bool(r["water_temperature"])),
            -day_hour(r["since"]),
            float(r["upper"]),
        ),
    )
    return float(order[0]["upper"])


@settings(max_examples=120, deadline=None)
@given(st.lists(ROWS, max_size=5), st.lists(OWN, max_size=4), TRAITS)
def test_precedence_equals_the_oracle(rows, own, traits):
    """Any standards, any registry limits, any day and water temperature."""
    own = [one for one in own if one.since < one.until]
    pack = with_limits(
        *(", ".join(f"{k}={v}" for k, v in row.items() if v) for row in rows)
    )  # fmt: skip
    outlet = facts("boiler", industry="9999", division="130481", **traits)
    limits = resolve_limits(own, pack, outlet, "a21026")

    for day in ("1989-12-31", "1990-01-01", "2020-01-01", "2022-06-01", "2026-11-22", "2031-01-01"):
        for averaging in ("hourly", "daily"):
            for tier, degc in (("le12", 5.0), ("gt12", 20.0)):
                hour = day_hour(day)
                want = oracle(own, rows, outlet, hour, averaging, tier)
                now = [o for o in at(limits, hour, averaging, tier) if o.basis != "policy"]
                assert [o.upper for o in now] == ([] if want is None else [want])
                grid = limit_grid([limits], np.array([hour]), 1, np.array([[degc]]))
                found = (grid.hourly_upper if averaging == "hourly" else grid.daily_upper)[0, 0]
                assert found == want or (want is None and math.isnan(found))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(OWN, max_size=4), min_size=1, max_size=5), st.integers(1, 4))
def test_the_grid_equals_a_loop_over_days(rows, days):
    """Every row and day has the strictest bound in force at its midnight, and its digits."""
    start = np.array([day_hour("2026-11-21") + 24 * number for number in range(len(rows))])
    grid = limit_grid(rows, start, days, np.full((len(rows), days), np.nan))

    for row, limits in enumerate(rows):
        for day in range(days):
            now = [o for o in limits if o.since <= start[row] + 24 * day < o.until]
            for bound, kind in (
                (grid.hourly_upper, lambda o: o.averaging == "hourly" and o.basis != "policy"),
                (grid.daily_upper, lambda o: o.averaging == "daily" and o.basis != "policy"),
                (grid.warn_upper, lambda o: o.basis == "policy"),
            ):
                want = min((o.upper for o in now if kind(o)), default=None)
                got = bound[row, day]
                assert got == want or (want is None and math.isnan(got))
    assert grid.ref_o2.shape == (len(rows),)
    assert set(DEMO) == {row["process"] for row in _table("outlets")}
