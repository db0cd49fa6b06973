"""缩放回放: a stretch that moves as an earlier one did, whatever its level and size."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.innovations import Innovations, innovations
from services.detect.kernels.past_likeness import PastLikeness, past_likeness
from services.detect.kernels.series import Floats, Ints
from services.detect.screening.coarse import Coarse, coarse
from services.detect.screening.explained import Explained, older_record
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role
from services.detect.screening.sign import Sign

#: Hours of the stretches that are compared.
_HOURS = (12.0, 24.0, 48.0, 96.0)
#: Cells below which a stretch says nothing: it is left out.
_LEAST_CELLS = 12
#: Days that the record leaves out, that a replay which lasts may not raise it; a third at most.
_GUARD_DAYS = 10
#: Power and load follow timetables, which repeat by the minute.
_TIMETABLED = (Role.PRODUCTION_POWER, Role.TREATMENT_POWER, Role.LOAD)


def needs_days(rule: Rule) -> float:
    """Days of own history that the test needs."""
    return rule.number("min_history_days")


def scaled_replay(panel: Panel, rule: Rule) -> list[Sign]:
    """缩放回放 (D03): an earlier stretch explains this one far better than anything honest does.

    Of each stretch (half a day to four days) the most alike earlier one is sought by correlation of
    innovations. Evidence is then n log2(s_0 / s_1) bits, less what the choice of lag and fit costs:
    s_1 the residual of the fit to the alike stretch, s_0 the least of what honest data explain: the
    last value and habit, a constant, the days before, the days beside the alike one.
    """
    rows = [r for r, role in enumerate(panel.roles) if role not in _TIMETABLED]
    grid = coarse(panel.of_rows(rows), rule.hours("least_min"))
    moves = innovations(grid.series, grid.per_day)
    lengths = [round(hours * grid.per_hour) for hours in _HOURS]
    work = [_Work(panel, rule, grid, moves, n) for n in lengths if n >= _LEAST_CELLS]
    return [sign for one in work for sign in one.signs(rows)]


@dataclass(frozen=True)
class _Work:
    """Stretches of one length."""

    panel: Panel
    rule: Rule
    grid: Coarse
    moves: Innovations
    length: int

    def signs(self, rows: list[int]) -> list[Sign]:
        """Signs of the rows, under their numbers in the panel."""
        bits = self._bits
        score = bits - np.fmax(self._record(bits), 0.0)
        score[:, ~np.isin(self._asked, self._judged)] = np.nan
        found = []
        since = self.panel.judged_since()
        for row, at in zip(*np.nonzero(score >= self.rule.number("least_bits")), strict=True):
            end = int(self._asked[at]) * self.grid.times
            if end > since[rows[row]]:
                found.append(self._sign(rows[row], row, at, end, float(score[row, at])))
        return found

    def _sign(self, name: int, row: int, at: int, end: int, score: float) -> Sign:
        begin = end - self.length * self.grid.times
        bits = float(self._bits[row, at])
        source = begin - int(self._likeness.lag[row, at]) * self.grid.times
        return Sign(name, end, begin, self.rule.id, score, float(self._likeness.z[row, at]),
                    value=bits, expected=bits - score, silent_at=bits - score,
                    source=source)  # fmt: skip

    @cached_property
    def _judged(self) -> Ints:
        cells = self.panel.cells // self.grid.times
        hop = max(1, round(self.rule.number("every_h") * self.grid.per_hour))
        since = int(self.panel.judged_since().min(initial=self.panel.cells)) // self.grid.times
        first = max(since, round(self.rule.number("min_history_days") * self.grid.per_day))
        return np.arange((first // hop + 1) * hop, cells + 1, hop)

    @cached_property
    def _history(self) -> Ints:
        cells = self.panel.cells // self.grid.times
        hop = max(1, round(self.rule.number("every_h") * self.grid.per_hour))
        step = max(hop, cells // self.rule.hours("history_stretches"))
        return np.arange(step, cells + 1, step)

    @cached_property
    def _asked(self) -> Ints:
        return np.union1d(self._judged, self._history)

    @cached_property
    def _likeness(self) -> PastLikeness:
        min_lag = max(self.length, round(self.rule.number("min_lag_h") * self.grid.per_hour))
        return past_likeness(self.moves.unit, self.length, self._asked, min_lag)

    @cached_property
    def _bits(self) -> Floats:
        """(rows x asked): evidence that a stretch was copied; NaN where it is not even alike."""
        found = np.full(self._likeness.z.shape, np.nan)
        for row, at in zip(*np.nonzero(self._likeness.z >= self.rule.number("z")), strict=True):
            found[row, at] = self._bits_of(
                row, int(self._asked[at]), int(self._likeness.lag[row, at])
            )
        return found

    @cached_property
    def _explained(self) -> Explained:
        return Explained(self.grid, self.moves)

    def _bits_of(self, row: int, end: int, lag: int) -> float:
        begin = end - self.length
        apart = round(self.rule.number("apart_h") * self.grid.per_hour)
        honest = self._explained.days_before(row, begin, lag, apart)
        return self._explained.bits(row, begin, end, (row, lag), honest)

    def _record(self, bits: Floats) -> Floats:
        """Most bits among the stretches of the history well before each end; NaN where none is."""
        guard = np.minimum(_GUARD_DAYS * self.grid.per_day, self._asked // 3)
        guard = np.maximum(self.length, guard)
        return older_record(bits, self._asked, self._history, guard)
