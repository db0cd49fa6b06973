"""互拷证据: two series of which one has become a straight function of the other."""

from collections.abc import Iterator, Sequence

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.fresh_values import fresh_values
from services.detect.kernels.linear_link import LinearLink, linear_link
from services.detect.kernels.scaled_fit import scaled_fit
from services.detect.kernels.series import Bools, Floats, Ints
from services.detect.screening.coarse import Coarse
from services.detect.screening.explained import guarded, judged_and_history, record_before
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign

#: Hours of the windows, and cells where an interval makes those too few.
_HOURS = (24.0, 72.0)
_LEAST_CELLS = 12
#: Pairs whose windows are looked at together.
_PAIRS = 500
#: Share of values that must be equal, or on the line but for rounding.
_MOST = 0.9
#: Times the half steps of both: a fitted line is not quite the true one.
_ROUNDING = 1.5


def linked(panel: Panel, rule: Rule, pairs: Sequence[tuple[int, int]]) -> Iterator[Sign]:
    """Signs of pairs: a line joins them more exactly than their pasts explain, as never before."""
    fresh = fresh_values(panel.series)
    moved = np.zeros(panel.value.shape, dtype=bool)
    moved[fresh.row, fresh.cell] = True
    lengths = {max(round(hours * panel.per_hour), _LEAST_CELLS) for hours in _HOURS}
    for at in range(0, len(pairs), _PAIRS):
        block = np.array(pairs[at : at + _PAIRS], dtype=np.int64)
        for length in sorted(lengths):
            yield from _signs(panel, rule, block, length, moved)


def _signs(panel: Panel, rule: Rule, pairs: Ints, length: int, moved: Bools) -> Iterator[Sign]:
    grid = Coarse(panel.series, 1, panel.per_day, panel.per_hour)
    judged, history = judged_and_history(panel, rule, grid)
    judged, history = judged[judged >= length], history[history >= length]
    values = panel.series.masked
    own, other = values[pairs[:, 0]], values[pairs[:, 1]]
    counts = moved[pairs[:, 0]] | moved[pairs[:, 1]]
    bits = _bits(linear_link(own, other, counts, judged, length), judged)
    old = _bits(linear_link(own, other, counts, history, length), history)
    until = judged - guarded(judged, length, grid)
    record = np.fmax(record_before(old, history, until), 0.0)
    least, since = rule.number("least_bits"), panel.judged_since()
    with np.errstate(invalid="ignore"):
        some = bits - record >= least
    for at, end in zip(*np.nonzero(some), strict=True):
        stop, (row, source) = int(judged[end]), map(int, pairs[at])
        window = slice(stop - length, stop)
        known = float(record[at, end])
        score = float(bits[at, end]) * _weight(
            own[at, window], other[at, window], counts[at, window]
        )
        variant = _variant(own[at, :stop], other[at, :stop], length)
        if variant and score - known >= least and stop > since[row]:
            for one, told in ((row, source), (source, row)):
                yield Sign(one, stop, stop - length, rule.id, score - known,
                           length / panel.per_hour, value=score, expected=known,
                           silent_at=known + least, others=(told,), variant=variant,
                           source=stop - length)  # fmt: skip


def _bits(link: LinearLink, ends: Ints) -> Floats:
    """Bits by which the line beats the own past, less what the choice of two numbers costs."""
    with np.errstate(invalid="ignore", divide="ignore"):
        left = np.maximum(link.rest, 1e-3 * link.honest)
        gain = link.cells * np.log2(link.honest / left)
        found = gain - 2 - np.log2(np.maximum(ends, 1)) - np.log2(np.maximum(link.cells, 1))
    return np.where(link.slope > 0, found, np.nan)


def _weight(own: Floats, other: Floats, counts: Bools) -> float:
    """Share of the cells that say something new: what an honest line leaves wanders."""
    y = np.where(counts, own, np.nan)
    spread, size = (max(float(np.nanstd(part)), 1e-300) for part in (y, other))
    echo = float(scaled_fit(y / spread, (other / size)[None]).echo[0])
    return (1 - echo) / (1 + echo)


def _variant(own: Floats, other: Floats, length: int) -> str:
    """Whether the last cells are equal, joined by a line but for rounding, or neither."""
    y, x = own[-length:], other[-length:]
    both = np.isfinite(y) & np.isfinite(x)
    if np.mean(y[both] == x[both]) >= _MOST:
        return "exact"
    dx, dy = x[both] - x[both].mean(), y[both] - y[both].mean()
    slope = float(dx @ dy) / max(float(dx @ dx), 1e-300)
    rounding = _ROUNDING * (_grid(own) + slope * _grid(other)) / 2
    return "linear" if np.mean(np.abs(dy - slope * dx) <= rounding) >= _MOST else ""


def _grid(values: Floats) -> float:
    """Step on which values lie; a low quantile, as a change of unit makes a comb of it."""
    steps = np.diff(np.unique(values[np.isfinite(values)]))
    return float(np.quantile(steps, 0.1)) if len(steps) else 0.0
