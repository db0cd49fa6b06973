"""恒值: runs of equal values that are longer than the series' own habit explains."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from services.detect.kernels.run_threshold import run_threshold
from services.detect.kernels.series import Bools, Floats, Ints, Series


class Runs(NamedTuple):
    """The run that ends at each cell, knowing nothing of later cells."""

    start: Ints
    """Slot of the run's first value; -1 where the cell is not valid."""
    cycles: Ints
    """Whole analyser cycles in the run so far; 0 where not valid."""
    needed: Floats
    """Cycles from which the run counts as constant; infinity where it is not judged."""
    constant: Bools
    """True where the run has reached `needed`."""


def constant_run(
    series: Series,
    *,
    hold: ArrayLike,
    repeat_share: ArrayLike,
    lookback: ArrayLike,
    alpha: float = 0.01,
    tail_factor: float = 1.0,
    min_slots: int = 6,
    min_cycles: int = 5,
    max_gap: int = 2,
    max_repeat_share: float = 0.7,
) -> Runs:
    """恒值: run of equal values, counted in analyser cycles, against the own repeat share.

    Formula: cycles = floor(values in the run / hold); constant = cycles >= max(f T, min_cycles)
    and values >= min_slots, T = `run_threshold(repeat_share, lookback / hold, alpha)`, f the tail
    factor (1 is the plain formula; honest repeats cluster, which it does not know: on four years
    of 30 Beijing series f = 1.5 cuts the false alarms to a third).
    Units: `hold` in slots a cycle (an analyser of 2 h on the hour grid: 2), `lookback` in valid
    values from which `repeat_share` was learnt. Arrays broadcast against (series x time), so the
    share may follow the level class of each value.
    Missing data: up to `max_gap` cells without a valid value are bridged but not counted; a longer
    gap ends the run.
    Edges: one value alone is a run of one. A share above `max_repeat_share` or NaN is not judged.
    Clause: HJ 356-2019 (constant values need a check); pattern D02.
    Fails: a value at its detection limit, a plant that stands still, a logger that carries an old
    analysis forward: callers mask those.

    >>> runs = constant_run(Series.of([3.0] * 7), hold=1, repeat_share=0.1, lookback=2160)
    >>> runs.cycles.tolist(), runs.constant.tolist()[0][-2:]
    ([[1, 2, 3, 4, 5, 6, 7]], [False, True])
    """
    share, cycle, seen = (np.asarray(a, dtype=np.float64) for a in (repeat_share, hold, lookback))
    slots = np.arange(series.values.shape[1], dtype=np.int64)
    start, samples = _runs(series, slots, max_gap)
    cycles = np.floor(samples / np.maximum(cycle, 1.0)).astype(np.int64)
    with np.errstate(invalid="ignore"):
        allowed = np.where(share <= max_repeat_share, share, np.nan)
    expected = run_threshold(allowed, seen / np.maximum(cycle, 1.0), alpha)
    needed = np.maximum(np.ceil(tail_factor * expected), min_cycles)
    needed = np.broadcast_to(needed, series.values.shape)
    constant = series.valid & (cycles >= needed) & (samples >= min_slots)
    return Runs(start, cycles, needed, constant)


def _runs(series: Series, slots: Ints, max_gap: int) -> tuple[Ints, Ints]:
    """First slot of the run at each cell, and the valid values in it."""
    if slots.size == 0:
        empty = np.zeros(series.values.shape, dtype=np.int64)
        return empty, empty
    last = np.maximum.accumulate(np.where(series.valid, slots, -1), axis=1)
    before = np.concatenate([np.full((last.shape[0], 1), -1), last[:, :-1]], axis=1)
    previous = np.take_along_axis(series.values, np.maximum(before, 0), axis=1)
    goes_on = (before >= 0) & (series.values == previous) & (slots - before <= max_gap + 1)
    start = np.maximum.accumulate(np.where(series.valid & ~goes_on, slots, -1), axis=1)
    counted = np.cumsum(series.valid, axis=1)
    samples = counted - np.take_along_axis(counted, np.maximum(start, 0), axis=1) + 1
    return np.where(series.valid, start, -1), np.where(series.valid, samples, 0)
