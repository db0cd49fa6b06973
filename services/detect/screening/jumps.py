"""突变评分: what `spike` and `steep_rise` share: the usual level, pieces of rows, own tail."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.row_median import row_median
from services.detect.kernels.series import Floats, Ints, Series
from services.detect.kernels.sliding_extreme import sliding_extreme
from services.detect.kernels.tail_score import Tail, tail_score
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role

#: Rows worked on at once: their arrays stay in the processor's cache.
_ROWS = 32
_BLOCK_VALUES = 168
_MOST_DAYS = 60
#: What starts and stops as a plant works; its jumps tell nothing of falsified data.
_BY_NATURE = frozenset(
    {Role.PRODUCTION_POWER, Role.TREATMENT_POWER, Role.LOAD, Role.FURNACE, Role.PRESSURE}
)


@dataclass(frozen=True)
class Piece:
    """Some rows of a panel, and their usual level as known before each block of days."""

    rows: Ints
    series: Series
    usual: Floats
    """(rows x time)."""


def measured_rows(panel: Panel) -> Ints:
    """Rows whose level is measured by an analyser, not given by how the plant runs."""
    rows = [row for row, role in enumerate(panel.roles) if role not in _BY_NATURE]
    return np.array(rows, dtype=np.int64)


def pieces(panel: Panel, rows: Ints) -> Iterator[Piece]:
    """The rows, some at a time."""
    for at in range(0, len(rows), _ROWS):
        some = rows[at : at + _ROWS]
        series = Series(panel.series.values[some], panel.series.valid[some])
        yield Piece(some, series, _usual(series, panel.per_day, block_days(panel)))


def _usual(series: Series, per_day: int, step: int) -> Floats:
    """Median over the days before each block of the day's mean of |x|; NaN in the first block."""
    rows, cells = series.values.shape
    days = -(-cells // per_day)
    space = np.zeros((rows, days * per_day))
    space[:, :cells] = np.where(series.valid, np.abs(series.values), 0.0)
    count = np.zeros((rows, days * per_day))
    count[:, :cells] = series.valid
    number = count.reshape(rows, days, per_day).sum(axis=2)
    total = space.reshape(rows, days, per_day).sum(axis=2)
    mean = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    usual = np.full((rows, days), np.nan)
    for day in range(step, days, step):
        usual[:, day : day + step] = row_median(mean[:, :day])[:, None]
    return np.repeat(usual, per_day, axis=1)[:, :cells]


def history_needed(rule: Rule) -> float:
    """Days of own history of a series of hours; finer series need fewer."""
    return max(rule.number("min_history_days"), rule.number("min_history_values") / 24)


def least_history(panel: Panel, rule: Rule) -> int:
    """Cells of own history: enough values for a tail, some days, and two months at the most."""
    values = min(rule.hours("min_history_values"), _MOST_DAYS * panel.per_day)
    return max(values, round(rule.number("min_history_days") * panel.per_day))


def block_days(panel: Panel) -> int:
    """Days after which what is normal is learnt anew: 168 values, from a day to a week."""
    return min(7, -(-_BLOCK_VALUES // panel.per_day))


def own_tail(panel: Panel, rule: Rule, values: Floats) -> Tail:
    """尾部评分 by the rule's parameters."""
    return tail_score(
        values,
        block=block_days(panel) * panel.per_day,
        least=least_history(panel, rule),
        top=rule.hours("tail_values"),
        index=(rule.number("tail_index_least"), rule.number("tail_index_most")),
    )


def pulse(up: Floats, down: Floats, shortest: int, longest: int) -> Floats:
    """Lower of the two edges of a pulse that ended at each cell, 0 at least; NaN = not known."""
    before = sliding_extreme(up, max(1, longest - shortest + 1), shortest)
    return excess(np.minimum(before, down))


def excess(height: Floats) -> Floats:
    """Heights with 0 for slopes and NaN for what is not known."""
    return np.where(height > -np.inf, np.maximum(height, 0.0), np.nan)
