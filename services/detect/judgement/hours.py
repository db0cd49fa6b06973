"""小时研判: what each received hour counts as, what is compared with the limit, what is over.

The order of decisions is the table in docs/judgement.md; the moves of states are tables in
`hour_states`. Everything works on whole arrays; limits are a day each, so values are compared as
blocks of 24 columns without spreading the limits over the hours.
"""

from typing import NamedTuple

import numpy as np

from services.detect.judgement.hour_states import by_flag, by_mark, notes_of, suspicious
from services.detect.judgement.model import (
    Codes,
    HourResult,
    Hours,
    HourState,
    LimitGrid,
    MarkEffect,
    Note,
)
from services.detect.judgement.row_rules import RowRules
from services.detect.kernels.exceedance import Exceedance, exceedance
from services.detect.kernels.o2_conversion import Converted, o2_conversion
from services.detect.kernels.rounding import round_half_even
from services.detect.kernels.series import Bools, Floats, Ints, Series
from services.detect.kernels.sudden import sudden

#: Slack of comparisons between two numbers that were rounded on their way, in their unit.
_SLACK = 1e-9
#: Decimals that a computed concentration keeps: far finer than any limit, far coarser than noise.
NOISE_DIGITS = 9


@np.errstate(invalid="ignore", divide="ignore", over="ignore")
def judge_hours(hours: Hours, effect: Codes, rules: RowRules, limits: LimitGrid) -> HourResult:
    """小时研判 of S series over T hours; `effect` is (S, T) `MarkEffect`, caps already charged.

    The order of decisions is the table in docs/judgement.md. Nothing is dropped: the received
    value stays as it came beside what is judged, what checks it and what a mark hides. A cell's
    state and values depend on the row, its companions and, for 突变, on the hours before it.
    Units: the factor's (mg/m3, mg/L); a value equal to its limit does not exceed it.
    Source: domain.md B.2-B.7; falsification.csv D29.
    """
    converts = limits.ref_o2 > 0
    number = np.isfinite(hours.value) | (np.isfinite(hours.converted) & converts[:, None])
    flagged = by_flag(hours, rules, number)
    state = by_mark(flagged, effect)
    notes = notes_of(hours, effect)
    state[(state == HourState.VALID) & suspicious(hours.value, rules)] = HourState.SUSPECT
    would, check = hours.value.copy(), hours.recomputed.copy()
    _convert(hours, rules, limits, _Cells(state, notes, would, check))
    judged = np.where(state == HourState.VALID, would, np.nan)
    notes[sudden(Series.of(judged), rules.numbers("sudden_factor"))] |= np.uint8(Note.SUDDEN)
    notes[(flagged == HourState.VALID) & _differs(hours, rules)] |= np.uint8(Note.DIFFERS)
    compared = _compared(judged, rules, limits)
    found = _exceedance(compared, rules, limits)
    warned = compared.reshape(-1, 24) > limits.warn_upper.reshape(-1, 1)
    return HourResult(
        state=state,
        notes=notes,
        received=hours.value,
        judged=judged,
        check=check,
        exempted=np.where(_hidden(state, effect), would, np.nan),
        over=found.over.reshape(state.shape),
        over_warn=warned.reshape(state.shape),
        multiple=found.multiple.reshape(state.shape),
    )


class _Cells(NamedTuple):
    """What the conversion changes in place."""

    state: Codes
    notes: Codes
    would: Floats
    check: Floats


def _convert(hours: Hours, rules: RowRules, limits: LimitGrid, cells: _Cells) -> None:
    """折算 of the rows whose limit has a reference oxygen.

    The reported converted mean is judged; ours where none was sent, so that leaving it out hides
    nothing. Near-ambient oxygen makes either meaningless. Without oxygen and without a sent value
    nothing can be compared: the hour is to be checked.
    """
    rows = np.flatnonzero(limits.ref_o2 > 0)
    oxygen, best_oxygen = _oxygen(hours, rows, cells.state)
    recomputed = hours.recomputed[rows]
    best = np.where(np.isfinite(recomputed), recomputed, hours.value[rows])
    ours = _by_oxygen(hours.value[rows], oxygen, rows, rules, limits)
    sent = hours.converted[rows]
    own = ~np.isfinite(sent)
    would = np.where(ours.guarded, np.nan, np.where(own, ours.values, sent))
    lost = ~np.isfinite(would)
    state = cells.state[rows]
    valid = state == HourState.VALID
    state[valid & lost] = HourState.SUSPECT
    state[valid & ours.guarded] = HourState.GUARDED
    cells.state[rows] = state
    judged_once = (state == HourState.VALID) | (state == HourState.EXEMPT)
    mine = np.where(own & ~lost & judged_once, np.uint8(Note.OWN_CONVERSION), np.uint8(0))
    cells.notes[rows] |= mine
    cells.would[rows] = would
    cells.check[rows] = _by_oxygen(best, best_oxygen, rows, rules, limits).values


def _oxygen(hours: Hours, rows: Ints, state: Codes) -> tuple[Floats, Floats]:
    """Usable oxygen of each row's outlet as reported, and recomputed where that is known."""
    sister = hours.oxygen[rows]
    usable = np.isin(state[sister], (HourState.VALID, HourState.EXEMPT)) & (sister >= 0)[:, None]
    reported = np.where(usable, hours.value[sister], np.nan)
    recomputed = np.where(usable, hours.recomputed[sister], np.nan)
    return reported, np.where(np.isfinite(recomputed), recomputed, reported)


def _by_oxygen(
    value: Floats, oxygen: Floats, rows: Ints, rules: RowRules, limits: LimitGrid
) -> Converted:
    """折算, without the noise of its arithmetic: 50 converted to 50 must not exceed 50."""
    values, guarded = o2_conversion(
        value,
        oxygen,
        limits.ref_o2[rows, None],
        initial_o2=rules.numbers("o2_initial_percent")[rows, None],
        guard=rules.numbers("o2_guard_percent")[rows, None],
    )
    return Converted(np.round(values, NOISE_DIGITS), guarded)


def _hidden(state: Codes, effect: Codes) -> Bools:
    """Hours that a mark took out, whatever their flag said."""
    out = np.isin(state, (HourState.EXEMPT, HourState.MARKED))
    hidden: Bools = out | ((state == HourState.STOPPED) & (effect == MarkEffect.STOPPED))
    return hidden


def _differs(hours: Hours, rules: RowRules) -> Bools:
    """分钟-小时不符 (D29): |reported - recomputed| > max(share x reported, resolution)."""
    known = np.isfinite(hours.recomputed)
    differs = np.zeros(known.shape, dtype=np.bool_)
    rows = np.flatnonzero(known.any(axis=1))
    value = hours.value[rows]
    bound = np.maximum(
        np.abs(value) * rules.numbers("differs_share")[rows, None], _resolution(value)
    )
    differs[rows] = np.abs(value - hours.recomputed[rows]) > bound + _SLACK
    return differs


def _resolution(value: Floats) -> Floats:
    """Step in which a day's hours were reported: the coarsest of 1, 0.1, 0.01, 0.001 that fits all.

    By the day, so that it says the same in whatever window the day is looked at.
    """
    days = value.reshape(-1, 24)
    step = np.zeros((len(days), 1))
    for digits in (3, 2, 1, 0):
        scaled = days * 10.0**digits
        fits = (np.abs(scaled - np.rint(scaled)) < 1e-6) | ~np.isfinite(days)
        step[fits.all(axis=1)] = 10.0**-digits
    return np.broadcast_to(step, days.shape).reshape(value.shape)


def _compared(judged: Floats, rules: RowRules, limits: LimitGrid) -> Floats:
    """What is compared: the full value, or as GB/T 8170 rounds it to the digits of the limit."""
    rows = np.flatnonzero(rules.are("comparison", "rounded_value"))
    if not len(rows):
        return judged
    compared = judged.copy()
    some = judged[rows]
    digits = limits.decimals[rows].reshape(-1, 1)
    compared[rows] = round_half_even(some.reshape(-1, 24), digits).reshape(some.shape)
    return compared


def _exceedance(compared: Floats, rules: RowRules, limits: LimitGrid) -> Exceedance:
    """超标 of days of 24 columns; an hour of what is never averaged (pH) meets the daily limit."""
    alone = ~rules.are("averaged", value=True)[:, None]
    upper, lower = limits.hourly_upper, limits.hourly_lower
    none = alone & np.isnan(upper) & np.isnan(lower)
    upper = np.where(none, limits.daily_upper, upper)
    lower = np.where(none, limits.daily_lower, lower)
    return exceedance(
        Series.of(compared.reshape(-1, 24)), upper.reshape(-1, 1), lower.reshape(-1, 1)
    )
