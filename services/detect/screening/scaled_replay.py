"""缩放回放: a stretch that moves as an earlier one did, whatever its level and size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.innovations import Innovations, innovations
from services.detect.kernels.past_likeness import PastLikeness, past_likeness
from services.detect.kernels.series import Floats, Ints
from services.detect.screening.coarse import Coarse, coarse
from services.detect.screening.explained import (
    Explained,
    guarded,
    judged_and_history,
    record_before,
)
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role
from services.detect.screening.sign import Sign

#: Hours of the stretches that are compared.
_HOURS = (12.0, 24.0, 48.0, 96.0)
#: Cells below which a stretch says nothing: it is left out.
_LEAST_CELLS = 12
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
    explained = Explained(grid, moves)
    work = [_Work(panel, rule, grid, moves, explained, n) for n in lengths if n >= _LEAST_CELLS]
    return [sign for one in work for sign in one.signs(rows)]


@dataclass(frozen=True)
class _Work:
    """Stretches of one length."""

    panel: Panel
    rule: Rule
    grid: Coarse
    moves: Innovations
    explained: Explained
    length: int

    def signs(self, names: Sequence[int]) -> Iterator[Sign]:
        """Signs of the rows, under their numbers in the panel."""
        judged, history = judged_and_history(self.panel, self.rule, self.grid, self.length)
        likeness = self._likeness(judged, None)
        bits = self._bits(likeness, judged, None)
        least = self.rule.number("least_bits")
        # The record costs as much as the search: it is asked for where there is something to say.
        rows = np.flatnonzero((np.nan_to_num(bits) >= least).any(axis=1))
        if not len(rows):
            return
        old = self._bits(self._likeness(history, rows), history, rows)
        guard = guarded(judged, self.length, self.grid)
        record = np.fmax(record_before(old, history, judged - guard), 0.0)
        score = bits[rows] - record
        since = self.panel.judged_since()
        for at, end in zip(*np.nonzero(score >= least), strict=True):
            row, stop = rows[at], int(judged[end]) * self.grid.times
            if stop > since[names[row]]:
                begin = stop - self.length * self.grid.times
                source = begin - int(likeness.lag[row, end]) * self.grid.times
                known = float(record[at, end])
                yield Sign(names[row], stop, begin, self.rule.id, float(score[at, end]),
                           float(likeness.z[row, end]), value=float(bits[row, end]),
                           expected=known, silent_at=known + least, source=source)  # fmt: skip

    def _likeness(self, ends: Ints, rows: Ints | None) -> PastLikeness:
        min_lag = max(self.length, round(self.rule.number("min_lag_h") * self.grid.per_hour))
        unit = self.moves.unit
        return past_likeness(unit if rows is None else unit[rows], self.length, ends, min_lag)

    def _bits(self, likeness: PastLikeness, ends: Ints, rows: Ints | None) -> Floats:
        """(rows x ends): evidence that a stretch was copied; NaN where it is not even alike."""
        found = np.full(likeness.z.shape, np.nan)
        apart = round(self.rule.number("apart_h") * self.grid.per_hour)
        for at, end in zip(*np.nonzero(likeness.z >= self.rule.number("z")), strict=True):
            row = int(at if rows is None else rows[at])
            stop, lag = int(ends[end]), int(likeness.lag[at, end])
            begin = stop - self.length
            honest = self.explained.days_before(row, begin, lag, apart)
            found[at, end] = self.explained.bits(row, begin, stop, (row, lag), honest)
        return found
