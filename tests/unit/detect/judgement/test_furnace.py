"""焚烧炉: five-minute means of a day, and what excuses them."""

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.detect.judgement.furnace import (
    FurnaceMeans,
    furnace_excuses,
    judge_furnace,
)
from services.detect.judgement.marks import MarkRevision, Status
from services.detect.judgement.parameters import FurnaceRule, MarkKind, OutletFacts, Scope
from services.detect.judgement.periods import first_hour
from services.detect.judgement.pools import PoolCharge

DAY = dt.date(2026, 11, 20)
BEGIN = first_hour(DAY) * 3600
ROW = {
    "scope": Scope(), "since": dt.date(2020, 1, 1), "until": None, "source": "test",
    "confidence": "sure",
}  # fmt: skip
RULE = FurnaceRule(key="mswi", **ROW)
FACTS = OutletFacts("o", "130100", "c", "4417", "air", "mswi")


class Rules:
    """Kinds that touch the furnace and one that does not."""

    marks = (
        MarkKind(key="temp", condition="temp", effect="excused", factors=("a01901",), **ROW),
        MarkKind(key="ty", condition="ty", effect="stopped", **ROW),
        MarkKind(key="gz", condition="gz", effect="exempt", pool="a", **ROW),
        MarkKind(key="maint", family=2, effect="invalid", **ROW),
        MarkKind(key="process", family=5, effect="invalid", **ROW),
    )
    pools = ()


def mark(condition, start_h, end_h, family=7):
    """A mark by hours of the day."""
    return MarkRevision(
        "o", "m", 1, family, 0, condition, "", (), int(BEGIN + start_h * 3600),
        int(BEGIN + end_h * 3600), Status.ACTIVE, 0,
    )  # fmt: skip


def means(values, flags=None, start=BEGIN):
    """Five-minute means from the day's midnight on."""
    at = start + 300 * np.arange(len(values))
    flag = np.zeros(len(values), np.uint8) if flags is None else flags
    return FurnaceMeans(at, np.array(values, float), flag)


def test_vectors_of_low_temperature(vectors):
    """More than five low means of a natural day are a violation."""
    for case in vectors["mswi_temperature"]["cases"]:
        day = means([849.9] * case["low_means"] + [850.0] * 20)

        judged = judge_furnace(day, DAY, [], RULE)

        assert judged.violation is case["want"]
        assert (judged.low, judged.lowest_degc) == (case["low_means"], 849.9)


def test_only_the_natural_day_counts():
    """Low means around midnight belong to their own Beijing day; the first of a slot counts."""
    around = means([800.0] * 12, start=BEGIN - 6 * 300)
    twice = FurnaceMeans(
        np.append(around.start_s, BEGIN), np.append(around.degc, 900.0), np.zeros(13, np.uint8)
    )

    judged = judge_furnace(twice, DAY, [], RULE)

    assert (judged.five_minute_means, judged.low) == (6, 6)
    assert judged.low_at_s == tuple(range(BEGIN, BEGIN + 1800, 300))


def test_a_day_without_means_says_nothing():
    """Nothing received: no violation, no lowest value."""
    judged = judge_furnace(means([math.nan]), DAY, [], RULE)

    assert (judged.five_minute_means, judged.violation) == (0, False)
    assert math.isnan(judged.lowest_degc)


@pytest.mark.parametrize(
    ("one", "spans"),
    [
        (mark("temp", 1, 2), [(1, 2)]),
        (mark("ty", 1, 3), [(1, 3)]),
        (mark("gz", 1.5, 4), [(1.5, 2), (3, 4)]),
        (mark("", 1, 2, family=2), []),
        (mark("", 1, 2, family=5), [(1, 2)]),
        (mark("nobody knows", 1, 2), []),
    ],
)
def test_what_excuses_low_means(one, spans):
    """Marks of the furnace as marked, a condition inside charged hours, pollutant devices never."""
    hour = first_hour(DAY)
    charges = [
        PoolCharge("a", "", "2026", hour + h, "m", h != 2, "" if h != 2 else "cap")
        for h in range(1, 4)
    ]

    found = furnace_excuses([one], FACTS, Rules, charges)

    assert found == tuple((int(BEGIN + a * 3600), int(BEGIN + b * 3600)) for a, b in spans)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-50, 340), st.sampled_from([700.0, 849.99, 850.0, math.nan])),
        max_size=60,
    ),
    st.lists(st.tuples(st.integers(-50, 340), st.integers(0, 40)), max_size=4),
    st.sampled_from(["N", "D", "\0"]),
)
def test_counts_equal_a_plain_loop(sent, spans, letter):
    """Any times, repeated and missing means, any excuses: the loop counts the same."""
    excuses = [(BEGIN + a * 300, BEGIN + (a + b) * 300) for a, b in spans]
    first = {}
    for slot, value in sent:
        if 0 <= slot < 288 and not math.isnan(value):
            first.setdefault(slot, value)
    excused = {
        s for s in first
        if letter == "D" or any(a <= BEGIN + s * 300 < b for a, b in excuses)
    }  # fmt: skip
    low = {s for s, v in first.items() if v < 850}

    judged = judge_furnace(
        FurnaceMeans(
            np.array([BEGIN + s * 300 for s, _ in sent], np.int64),
            np.array([v for _, v in sent], float),
            np.full(len(sent), ord(letter), np.uint8),
        ),
        DAY, excuses, RULE,
    )  # fmt: skip

    assert judged.low_at_s == tuple(BEGIN + s * 300 for s in sorted(low - excused))
    assert judged.excused == len(low & excused)
    assert judged.violation is (len(low - excused) > 5)
