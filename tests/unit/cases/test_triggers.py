"""Triggers and assignment: what becomes an order, of which level, and whose it is."""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import replace

import pytest

from services.cases import rules
from services.cases.domain.assignment import assign
from services.cases.domain.matter import Level, Officer
from services.cases.domain.trigger_reader import read_triggers
from services.cases.domain.triggers import Scope, Seen, decide, is_history
from tests.unit.cases.region import COUNTY, NOW, row

TABLE = rules.triggers()
TERMS = rules.terms()
TODAY = dt.date(2026, 11, 2)


def seen(**changes: object) -> Seen:
    """A finding of one exceeding hour."""
    return replace(Seen(row(), 1, 1, False, COUNTY, "4411"), **changes)


def level(one: Seen) -> Level | None:
    """The level it becomes."""
    order = decide(TABLE, one, TERMS).order
    return order and order.level


@pytest.mark.parametrize(
    ("today", "week", "want"),
    [(1, 1, Level.WARNING), (2, 4, Level.WARNING), (3, 3, Level.DISPATCH), (1, 5, Level.DISPATCH)],
)
def test_exceeding_hours_rise_from_warning_to_dispatch(today: int, week: int, want: Level):
    """1 h warns; 3 h in a day or 5 h in 7 days dispatch."""
    assert level(seen(count_today=today, count_7_days=week)) is want


@pytest.mark.parametrize(
    ("hours", "want"),
    [
        (1.9, None),
        (2, Level.WARNING),
        (11.9, Level.WARNING),
        (12, Level.DISPATCH),
        (24 * 7 + 13.4, Level.DISPATCH),
        (24 * 7 + 13.5, Level.SUPERVISION),
    ],
)
def test_silence_rises_with_its_length_and_with_the_repair_clock(hours: float, want: Level | None):
    """2 h, 12 h, and the end of the fifth working day after the start: Monday 10:30 to Monday."""
    start = NOW
    silent = row(rule_id="silence", start=start, end=start + dt.timedelta(hours=hours))

    assert level(seen(row=silent)) is want


def test_a_constant_value_is_a_dispatch():
    """The threshold was detect's."""
    assert level(seen(row=row(rule_id="constant_value"))) is Level.DISPATCH


def test_a_rule_without_a_trigger_becomes_nothing():
    """One vote of variance stays with detect."""
    assert level(seen(row=row(rule_id="low_variance_part_of_day"))) is None


def test_a_confidential_finding_becomes_nothing_even_where_a_trigger_fits():
    """The plant would learn of it."""
    assert level(seen(count_today=9, confidential=True)) is None


def test_a_scope_narrows_by_division_industry_and_factor():
    """Empty means everywhere; each part given must fit."""
    scope = Scope(("1304",), ("44",), ("boiler",), ("a21026",), ("x-DA001",))
    fits = seen(process="boiler.coal", outlet_id="x-DA001", row=row(factors=("a21002", "a21026")))

    assert scope.has(fits)
    assert not scope.has(replace(fits, division="130502"))
    assert not scope.has(replace(fits, industry="3011"))
    assert not scope.has(replace(fits, process="kiln"))
    assert not scope.has(replace(fits, outlet_id="x-DA002"))
    assert not scope.has(replace(fits, row=row(factors=("a21002",))))
    assert Scope().has(seen(row=row(factors=())))


def test_a_scoped_row_of_the_table_applies_there_only():
    """A region replaces a start value by a row of its own."""
    document = copy.deepcopy(rules.load("triggers.yaml"))
    document["triggers"][0]["scope"] = {"divisions": ["1305"]}
    table = read_triggers(document)

    assert decide(table, seen(), TERMS).order is None
    assert decide(table, seen(division="130502"), TERMS).order is not None


def test_every_trigger_says_where_it_comes_from():
    """Configuration with a source and a confidence; none pretends to be law."""
    assert all(one.source and one.confidence == "unsure" for one in TABLE.triggers)


def test_an_unknown_measure_is_refused_when_the_table_is_read():
    """With the row's id."""
    document = copy.deepcopy(rules.load("triggers.yaml"))
    document["triggers"][0]["measure"] = "mood"

    with pytest.raises(ValueError, match="exceed_1h"):
        read_triggers(document)


def test_history_is_what_closed_long_ago():
    """An open finding is never history, however old its start."""
    old = row(end=NOW - dt.timedelta(days=31), closed=True)

    assert is_history(TABLE, old, NOW)
    assert not is_history(TABLE, replace(old, closed=False), NOW)
    assert not is_history(TABLE, replace(old, end=NOW - dt.timedelta(days=29)), NOW)


def officer(officer_id: str, division: str, role: str = "officer", year: int = 2030) -> Officer:
    """Somebody with a certificate until that year."""
    return Officer(officer_id, officer_id, division, role, f"t-{division}", dt.date(year, 1, 1))


def test_the_county_handles_its_own_and_who_is_on_duty_goes_first():
    """Then by id, so that two replicas choose the same."""
    people = [officer("b", COUNTY), officer("a", COUNTY), officer("c", "130400")]

    assert assign(COUNTY, people, frozenset(), TODAY).officer_id == "a"
    assert assign(COUNTY, people, frozenset({"b", "c"}), TODAY).officer_id == "b"


def test_without_anybody_in_the_county_the_city_handles_it():
    """A leader, a neighbour, and a certificate that ran out are nobody."""
    people = [
        officer("l", COUNTY, "leader"),
        officer("n", "130403"),
        officer("x", COUNTY, year=2020),
        officer("c", "130400"),
        officer("p", "130000"),
    ]

    chosen = assign(COUNTY, people, frozenset(), TODAY)

    assert (chosen.division, chosen.officer_id) == ("130400", "c")


def test_a_region_without_people_still_gets_the_matter():
    """It stands in the county's queue without a name."""
    assert assign(COUNTY, [], frozenset(), TODAY).division == COUNTY
