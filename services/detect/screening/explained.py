"""解释力: how far a copy explains a stretch better than everything honest does."""

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.innovations import Innovations
from services.detect.kernels.scaled_fit import scaled_fit
from services.detect.kernels.series import Floats, Ints
from services.detect.screening.coarse import Coarse
from services.detect.screening.panel import Panel

_GUARD_DAYS = 10
_PAST = 6


class Explained:
    """Rows of a coarse panel as roots, with their innovations: who explains whom."""

    def __init__(self, grid: Coarse, moves: Innovations) -> None:
        values = grid.series.masked
        self._root = np.sign(values) * np.sqrt(np.abs(values))
        self._moves = moves
        self._per_day = grid.per_day

    def bits(
        self, row: int, begin: int, end: int, copied: tuple[int, int], honest: list[tuple[int, int]]
    ) -> float:
        """Bits by which the source (row, lag) beats every honest explanation of a stretch.

        n log2(s_0 / s_1), less what the choice of source and fit costs. s_1: what the fit to the
        source leaves. s_0: the least of what these leave: last value and habit; a constant; fits to
        the honest sources. n: fresh cells, fewer where what is left still wanders.
        """
        moves = self._moves.unit[row, begin:end]
        own = np.where(np.nan_to_num(moves) != 0, self._root[row, begin:end], np.nan)
        known = np.isfinite(own)
        if not known.any():
            return -np.inf
        sources = [self._root[r, begin - lag : end - lag] for r, lag in (copied, *honest)]
        rest, echo = scaled_fit(own, np.stack(sources))
        count = int(known.sum())
        ahead = np.sqrt(np.mean(moves[known] ** 2)) * self._moves.scale[row, begin // self._per_day]
        least = float(np.min([ahead, np.std(own[known]), *rest[1:]]))
        fresh = count * (1 - echo[0]) / (1 + echo[0])
        left = max(float(rest[0]), 1e-3 * least, 1e-9)
        return float(fresh * np.log2(max(least, 1e-9) / left)) - self._choice(begin, count)

    @staticmethod
    def _choice(begin: int, count: int) -> float:
        """Bits that the choice of a lag and of two numbers of a fit costs."""
        return float(2 + np.log2(max(begin, 1)) + np.log2(max(count, 1)))

    def days_before(self, row: int, begin: int, lag: int, apart: int) -> list[tuple[int, int]]:
        """Honest sources in the own past: the fourteen days before, the days beside a lag."""
        days = [*range(self._per_day, 15 * self._per_day, self._per_day),
                lag - self._per_day, lag + self._per_day]  # fmt: skip
        return [(row, d) for d in days if abs(d - lag) > apart and 0 < d <= begin]


def record_before(bits: Floats, ends: Ints, until: Ints) -> Floats:
    """Most bits among the stretches with `ends` no later than each `until`; NaN where none is."""
    known = np.searchsorted(ends, until, "right")
    most = np.fmax.accumulate(np.column_stack([np.full(len(bits), np.nan), bits]), axis=1)
    return np.asarray(most[:, known])


def judged_and_history(
    panel: Panel, rule: Rule, grid: Coarse, length: int = 0
) -> tuple[Ints, Ints]:
    """Ends, in coarse cells, of the stretches to judge, and of those that make the record.

    Before a stretch lie the days that the rule asks for, and five times its own length.
    """
    cells = panel.cells // grid.times
    hop = max(1, round(rule.number("every_h") * grid.per_hour))
    since = int(panel.judged_since().min(initial=panel.cells)) // grid.times
    first = max(since, round(rule.number("min_history_days") * grid.per_day), _PAST * length)
    step = max(hop, round(rule.number("history_every_h") * grid.per_hour))
    return np.arange((first // hop + 1) * hop, cells + 1, hop), np.arange(step, cells + 1, step)


def guarded(ends: Ints, length: int, grid: Coarse) -> Ints:
    """Cells before each end that the record leaves out: ten days, a third of the past at most.

    A replay that lasts must not raise the record against which it is judged.
    """
    return np.maximum(length, np.minimum(_GUARD_DAYS * grid.per_day, ends // 3))
