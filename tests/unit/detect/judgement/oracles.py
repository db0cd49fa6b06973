"""Slow and obvious judgement in plain Python, and blocks for it that are as hostile as received."""

import datetime as dt
import math
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
from hypothesis import strategies as st

from services.detect.judgement.model import Hours, HourState, LimitGrid, MarkEffect
from services.detect.judgement.parameters import Scope, ValidityRule
from services.detect.judgement.row_rules import row_rules

NAN = math.nan
#: Beijing midnights: the turn of a year, a leap day, and a day in between.
MIDNIGHTS = [(dt.date(*d) - dt.date(1970, 1, 1)).days * 24 - 8
             for d in ((2026, 12, 31), (2028, 2, 28), (2026, 11, 1))]  # fmt: skip
S, E = HourState, MarkEffect


def rule(**more) -> ValidityRule:
    """A row of validity, as given or with its defaults."""
    return ValidityRule(
        key="v", scope=Scope(), since=dt.date(2020, 1, 1), until=None, source="test",
        confidence="sure", **more,
    )  # fmt: skip


def hours_of(rows, days=1, *, start=MIDNIGHTS[0], oxygen=(), flow=(), factors=()):
    """A block from rows of (value, converted, flag, recomputed); None = not received."""
    count = len(rows)
    columns = days * 24
    names = ("value", "converted", "flag", "recomputed")
    parts = {name: np.full((count, columns), 0 if name == "flag" else NAN) for name in names}
    present = np.zeros((count, columns), dtype=bool)
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            if cell is None:
                continue
            present[i, j] = True
            for name, value in zip(names, cell, strict=False):
                parts[name][i, j] = (ord(value) if value else 0) if name == "flag" else value
    missing = [-1] * count
    return Hours(
        start=np.full(count, start, dtype=np.int64),
        factors=tuple(factors) or ("a21026",) * count,
        value=parts["value"],
        converted=parts["converted"],
        flag=parts["flag"].astype(np.uint8),
        present=present,
        recomputed=parts["recomputed"],
        oxygen=np.array(oxygen or missing),
        flow=np.array(flow or missing),
        temperature=np.array(missing),
    )


def limits_of(rows, days=1) -> LimitGrid:
    """Limits from one mapping a row; a list is a limit for each day."""

    def grid(name, default=NAN):
        got = [row.get(name, default) for row in rows]
        return np.array([g if isinstance(g, list) else [g] * days for g in got], dtype=float)

    return LimitGrid(
        hourly_upper=grid("upper"), hourly_lower=grid("lower"),
        daily_upper=grid("daily"), daily_lower=grid("daily_lower"), warn_upper=grid("warn"),
        decimals=grid("decimals", 0).astype(np.int64),
        ref_o2=np.array([row.get("ref_o2", 0.0) for row in rows], dtype=float),
    )  # fmt: skip


def judged_hour(cell, effect, r, limit, o2):
    """One hour: (state, judged, over, hidden value). `o2` is usable oxygen or NaN."""
    value, converted, flag = (cell or (NAN, NAN, ""))[:3]
    ref = limit.get("ref_o2", 0.0)
    number = math.isfinite(value) or (ref > 0 and math.isfinite(converted))
    letter = flag or "-"
    if cell is None or letter in r.missing_flags:
        state = S.MISSING
    elif letter in r.stopped_flags:
        state = S.STOPPED
    elif letter not in r.judged_flags:
        state = S.FLAGGED
    else:
        state = S.VALID if number else S.MISSING
    if effect == E.STOPPED:
        state = S.STOPPED
    elif effect in {E.INVALID, E.EXCUSED} and state in {S.VALID, S.FLAGGED}:
        state = S.MARKED
    elif effect == E.EXEMPT and state == S.VALID:
        state = S.EXEMPT
    elif effect == E.QC_FAILED and state == S.VALID:
        state = S.QC_FAILED
    suspect = (
        (r.suspect_zero and value == 0)
        or (r.suspect_negative and value < 0)
        or (r.detection_limit > 0 and value < r.detection_limit)
    )
    if state == S.VALID and suspect:
        state = S.SUSPECT
    would = value
    if ref > 0:
        guarded = o2 >= r.o2_guard_percent
        ours = NAN if guarded else round(value * (21 - ref) / (r.o2_initial_percent - o2), 9)
        would = NAN if guarded else converted if math.isfinite(converted) else ours
        if state == S.VALID and guarded:
            state = S.GUARDED
        elif state == S.VALID and not math.isfinite(would):
            state = S.SUSPECT
    judged = would if state == S.VALID else NAN
    upper, lower = limit.get("upper", NAN), limit.get("lower", NAN)
    if not r.averaged and math.isnan(upper) and math.isnan(lower):
        upper, lower = limit.get("daily", NAN), limit.get("daily_lower", NAN)
    compared = rounded(judged, limit.get("decimals", 0), r)
    hidden = state in {S.EXEMPT, S.MARKED} or (state == S.STOPPED and effect == E.STOPPED)
    return state, judged, compared > upper or compared < lower, would if hidden else NAN


def rounded(value, digits, r):
    """GB/T 8170 by decimal arithmetic, where the rule compares rounded values."""
    if r.comparison == "full_value" or not math.isfinite(value):
        return value
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN))


def judged_day(cells, flows, r, limit, *, has_flow):
    """One day of [(state, judged)]: (mean, enough, valid hours, running hours, over)."""
    running = sum(state != S.STOPPED for state, _ in cells)
    pairs = [
        (judged, flow if r.weight == "flow" and has_flow else 1.0)
        for (_, judged), flow in zip(cells, flows, strict=True)
        if math.isfinite(judged)
    ]
    if r.weight == "flow":
        if has_flow:
            pairs = [(c, q) for c, q in pairs if math.isfinite(q) and q >= 0]
        elif r.without_flow == "none":
            pairs = []
    enough = len(pairs) > 0 and len(pairs) >= r.day_min_valid_hours
    enough = enough and len(pairs) >= r.day_min_valid_share * running - 1e-9
    total = sum(q for _, q in pairs)
    mean = NAN
    if r.averaged:
        enough = enough and total > 0
        if enough:
            mean = round(sum(c * q for c, q in pairs) / total, 9)
    compared = rounded(mean, limit.get("decimals", 0), r)
    over = compared > limit.get("daily", NAN) or compared < limit.get("daily_lower", NAN)
    return mean, enough, len(pairs), running, over


NUMBERS = st.one_of(
    st.sampled_from([0.0, -1.5, 35.0, 35.5, 36.5, 20.0, NAN, math.inf, -math.inf]),
    st.floats(0, 80).map(lambda x: round(x, 2)),
)
CELLS = st.one_of(
    st.none(),
    st.tuples(NUMBERS, NUMBERS, st.sampled_from(["N", "N", "N", "", "T", "M", "D", "F", "B", "x"])),
)
OXYGEN = st.one_of(
    st.none(),
    st.tuples(
        st.sampled_from([0.0, 6.0, 11.5, 18.9, 19.0, 20.9, 21.0, NAN]),
        st.just(NAN),
        st.sampled_from(["N", "M", "F", ""]),
    ),
)
FLOWS = st.one_of(
    st.none(),
    st.tuples(
        st.sampled_from([0.0, -3.0, 1.0, 12.5, 100.0, NAN, math.inf]),
        st.just(NAN),
        st.sampled_from(["N", "N", "M", "F"]),
    ),
)
EFFECTS = st.sampled_from([E.NONE, E.NONE, E.NONE, *MarkEffect])
RULES = st.builds(
    rule,
    day_min_valid_hours=st.sampled_from([0, 4, 20]),
    day_min_valid_share=st.sampled_from([0.0, 0.75, 0.9]),
    weight=st.sampled_from(["none", "flow"]),
    without_flow=st.sampled_from(["mean", "none"]),
    averaged=st.booleans(),
    comparison=st.sampled_from(["full_value", "rounded_value"]),
    suspect_zero=st.booleans(),
    suspect_negative=st.booleans(),
    detection_limit=st.sampled_from([0.0, 1.0]),
)
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "upper": st.sampled_from([35.0, 0.0, 9.5]),
        "lower": st.just(2.0),
        "daily": st.sampled_from([30.0, 0.0]),
        "daily_lower": st.just(6.0),
        "ref_o2": st.sampled_from([0.0, 6.0, 11.0]),
        "decimals": st.integers(0, 2),
        "warn": st.just(10.0),
    },
)


def of_days(cells, days):
    """A row of hours: wholly random, all missing, or one value only."""
    whole = st.lists(cells, min_size=24 * days, max_size=24 * days)
    return st.one_of(
        whole,
        st.just([None] * 24 * days),
        cells.map(lambda cell: [cell] + [None] * (24 * days - 1)),
    )


@st.composite
def scenes(draw, days=2):
    """Two pollutants with oxygen, one without; flow of all; limits that change between days."""
    rows = [draw(of_days(CELLS, days)) for _ in range(3)]
    rows += [draw(of_days(OXYGEN, days)), draw(of_days(FLOWS, days))]
    rules = [draw(RULES) for _ in range(3)] + [rule(), rule()]
    flow = [4 if draw(st.booleans()) else -1 for _ in range(3)] + [-1, -1]
    by_day = [[draw(LIMITS) for _ in range(days)] for _ in range(3)]
    for row in by_day:  # reference oxygen is one a row
        for limit in row:
            limit["ref_o2"] = row[0].get("ref_o2", 0.0)
    effect = np.array([draw(of_days(EFFECTS, days)) for _ in range(3)], dtype=object)
    effect = np.where(effect == None, E.NONE, effect)  # noqa: E711
    start = draw(st.sampled_from(MIDNIGHTS))
    return Scene(rows, rules, flow, by_day, effect.astype(np.uint8), start, days)


class Scene:
    """A drawn block with all that judges it."""

    def __init__(self, rows, rules, flow, by_day, effect, start, days) -> None:
        self.rows, self.list_of_rules, self.flow_rows = rows, rules, flow
        self.by_day, self.days = [*by_day, [{}] * days, [{}] * days], days
        self.effect = np.vstack([effect, np.zeros((2, 24 * days), dtype=np.uint8)])
        self.hours = hours_of(
            rows, days, start=start, oxygen=[3, 3, -1, -1, -1], flow=flow,
            factors=["a21026", "a21002", "w01018", "a19001", "a00000"],
        )  # fmt: skip
        self.rules = row_rules(rules)
        names = ("upper", "lower", "daily", "daily_lower", "warn", "decimals")
        self.limits = limits_of(
            [
                {n: [d.get(n, 0 if n == "decimals" else NAN) for d in row] for n in names}
                | {"ref_o2": row[0].get("ref_o2", 0.0)}
                for row in self.by_day
            ],
            days,
        )

    def hour(self, row, column):
        """The oracle's answer for an hour."""
        o2 = NAN
        if row < 2:
            state, judged, *_ = self.hour(3, column)
            o2 = judged if state == S.VALID else NAN
        return judged_hour(
            self.rows[row][column], E(self.effect[row, column]), self.list_of_rules[row],
            self.by_day[row][column // 24], o2,
        )  # fmt: skip

    def day(self, row, day):
        """The oracle's answer for a day."""
        columns = range(day * 24, day * 24 + 24)
        cells = [self.hour(row, c)[:2] for c in columns]
        flows = [f[1] if f[0] == S.VALID else NAN for f in (self.hour(4, c) for c in columns)]
        return judged_day(
            cells, flows, self.list_of_rules[row], self.by_day[row][day],
            has_flow=self.flow_rows[row] >= 0,
        )  # fmt: skip
