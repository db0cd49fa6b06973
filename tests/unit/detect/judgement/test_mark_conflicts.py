"""标记冲突: the wire says one thing, the mark another."""

import datetime as dt

import numpy as np

from services.detect.domain.series_key import SeriesKey
from services.detect.judgement.mark_conflicts import conflicts
from services.detect.judgement.marks import MarkRevision, Status
from services.detect.judgement.model import Hours
from services.detect.judgement.parameters import MarkKind, OutletFacts, Scope
from services.detect.judgement.periods import first_hour

START = first_hour(dt.date(2026, 11, 20))
FACTS = OutletFacts("o", "130100", "c", "4417", "air", "mswi")
ROW = {
    "scope": Scope(), "since": dt.date(2020, 1, 1), "until": None, "source": "test",
    "confidence": "sure",
}  # fmt: skip


class Rules:
    """A stop that expects F, and maintenance that expects M, D or C."""

    marks = (
        MarkKind(key="ty", condition="ty", effect="stopped", expects_flags="F", **ROW),
        MarkKind(key="dev", family=2, effect="invalid", expects_flags="MDC", **ROW),
    )
    pools = ()


def mark(start, end, condition="ty", family=7, factors=()):
    """A mark by hours of the day."""
    return MarkRevision(
        "o", "m", 1, family, 0, condition, "", factors, int((START + start) * 3600),
        int((START + end) * 3600), Status.ACTIVE, 0,
    )  # fmt: skip


def found(flags, oxygen, *marks, rules=Rules):
    """(hour of the day, flag, why) of SO2's conflicts."""
    count = len(flags)
    letters = flags + "N" * (24 - count)
    flag = np.array([[0 if x == "-" else ord(x) for x in letters]] * 2, np.uint8)
    value = np.full((2, 24), 80.0)
    value[1] = [*oxygen, *[np.nan] * (24 - count)]
    minus = np.full(2, -1)
    block = Hours(
        np.full(2, START), ("a21026", "a19001"), value, np.full((2, 24), np.nan), flag,
        np.ones((2, 24), bool), np.full((2, 24), np.nan), np.array([1, 1]), minus, minus,
    )  # fmt: skip
    rows = [SeriesKey("o", "a21026"), SeriesKey("o", "a19001")]
    return [
        (one.hour - START, one.flag, one.why)
        for one in conflicts(rows, block, {"o": marks}, {"o": FACTS}, rules)
        if one.factor == "a21026"
    ]


def test_a_stop_over_hours_of_a_fire_is_a_conflict():
    """N with 8 % oxygen contradicts 停运; N at ambient oxygen and F do not."""
    assert found("NNF", [8.0, 20.9, 8.0], mark(0, 3)) == [(0, "N", "running")]


def test_hours_that_a_mark_only_touches_are_not_held_against_it():
    """A stop from half past ten says nothing about the flag of the hour."""
    assert found("NN", [8.0, 8.0], mark(0.5, 1.5)) == []


def test_a_stop_without_oxygen_is_held_against_its_flag():
    """Nothing measured tells whether it ran: the flag decides."""
    assert found("N-", [np.nan, np.nan], mark(0, 2)) == [(0, "N", "running"), (1, "", "running")]


def test_flag_f_over_a_fire_without_a_mark_is_raised_where_stops_are_marked():
    """Not where the pack has no 停运 for it, a mark touches the hour, or it stands still."""

    class NoStops:
        marks = Rules.marks[1:]
        pools = ()

    assert found("FFN", [8.0] * 3, mark(0, 0.5)) == [(1, "F", "unmarked")]
    assert found("FFN", [8.0] * 3, rules=NoStops) == []
    assert found("FFN", [20.9, np.nan, 20.9]) == []


def test_maintenance_over_hours_that_the_instrument_calls_normal():
    """Flag N under a maintenance mark of the factor; another factor's mark does not matter."""
    device = mark(0, 3, "", 2, ("a21026",))

    assert found("NMD", [8.0] * 3, device) == [(0, "N", "flag")]
    assert found("NMD", [8.0] * 3, mark(0, 3, "", 2, ("a21002",))) == []
