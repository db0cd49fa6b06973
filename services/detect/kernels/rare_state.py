"""罕见状态: how long a series has been in a state that its own past hardly knows."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Bools, Floats


class RareState(NamedTuple):
    """Judgement of every cell, (series x cells)."""

    score: Floats
    """Information in nats; NaN = not evaluated."""
    run: Floats
    """Cells of the run that the cell ends; 0 outside the state."""


def rare_state(
    state: Bools, asked: Bools, per_day: int, *, least_share: float, min_days: int
) -> RareState:
    """罕见状态 (D09, D10): length of the run in a state against the own past share of that state.

    Formula: score = sqrt(n) ln(1 / p); n = hours of the run so far (one cell counts an
    hour at least), p = (cells in the state before today + least_share N0) / (cells asked
    before today + N0), N0 = one day of cells, p never below `least_share`. The root, because the
    hours of one run are one event.
    Null model: a run begins by chance as often as the own past shows.
    Units: score in nats, `run` in cells.
    Missing data: a cell not `asked` (plant off, a factor missing) ends no run and adds nothing.
    Edges: fewer than `min_days` days of asked cells before today: NaN. Days begin at cell 0.
    Paper: reference/falsification.csv D09, D10 (at least 10 minutes, 3 samples).
    Fails: a plant whose power meter runs on while the boiler is off: then the state is true.

    >>> state = np.zeros((1, 96), bool)
    >>> state[0, 90:] = True
    >>> got = rare_state(state, ~np.zeros_like(state), 24, least_share=0.001, min_days=2)
    >>> float(got.run[0, -1]), round(float(got.score[0, -1]), 1), bool(np.isnan(got.score[0, 0]))
    (6.0, 16.9, True)
    """
    there = state & asked
    days = np.arange(state.shape[1]) // per_day
    seen, held = (_before(part, per_day)[:, days] for part in (asked, there))
    share = (held + least_share * per_day) / (seen + per_day)
    run = _run(there, asked)
    hours = np.where(run > 0, np.maximum(run * 24 / per_day, 1.0), 0.0)
    score = np.sqrt(hours) * -np.log(np.maximum(share, least_share))
    return RareState(np.where(seen >= min_days * per_day, score, np.nan), run)


def _before(cells: Bools, per_day: int) -> Floats:
    """(series x days): cells that are True before each day."""
    whole = np.zeros((cells.shape[0], cells.shape[1] // per_day + 2))
    starts = np.arange(0, cells.shape[1], per_day)
    if starts.size:
        each = np.add.reduceat(cells, starts, axis=1, dtype=np.float64)
        whole[:, 1 : starts.size + 1] = np.cumsum(each, axis=1)
    return whole


def _run(there: Bools, asked: Bools) -> Floats:
    """Cells in the state since the last asked cell out of it, the cell included."""
    total = np.cumsum(there, axis=1)
    out = np.where(asked & ~there, total, 0)
    reset = np.maximum.accumulate(out, axis=1) if out.shape[1] else out
    found: Floats = np.where(there, total - reset, 0).astype(np.float64)
    return found
