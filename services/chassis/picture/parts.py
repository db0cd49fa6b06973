"""SVG 元素: text, lines, areas and axes of pictures; every number to a tenth of a pixel."""

import math
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from services.chassis.clock import beijing, from_unix
from services.chassis.picture.drawing import Floats

FONT = "'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif"
INK, QUIET, LINE = "#1b2629", "#56646a", "#dbe1e4"
_DAY_S = 86_400
_STEPS_S = (
    600,
    1800,
    3600,
    3 * 3600,
    6 * 3600,
    12 * 3600,
    *(n * _DAY_S for n in (1, 2, 5, 10, 30)),
)


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: float = 11,
    fill: str = QUIET,
    at: str = "",
    bold: bool = False,
    halo: bool = False,
) -> str:
    """Words with their base line at `y`; `at` is middle or end; a halo keeps them off lines."""
    anchor = f' text-anchor="{at}"' if at else ""
    weight = ' font-weight="600"' if bold else ""
    if halo:
        weight += ' stroke="#fff" stroke-width="3" paint-order="stroke"'
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:g}"{anchor}{weight}'
    return f'<text {place} fill="{fill}">{escape(words)}</text>'


def rect(x: float, y: float, width: float, height: float, fill: str) -> str:
    """A filled box, at least a hair wide."""
    box = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.8):.1f}" height="{height:.1f}"'
    return f'<rect {box} fill="{fill}"/>'


def line(points: Sequence[tuple[float, float]], stroke: str, more: str = "") -> str:
    """Straight pieces through points."""
    places = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path d="M{places}" stroke="{stroke}" fill="none"{more}/>'


def polyline(x: Floats, y: Floats, stroke: str, more: str = "") -> str:
    """A curve that breaks where `y` is NaN; a lone value is a dot."""
    pieces = []
    for begin, end in runs(np.isfinite(y)):
        places = [f"{a:.1f} {b:.1f}" for a, b in zip(x[begin:end], y[begin:end], strict=True)]
        if len(places) == 1:
            places.append(places[0])
        pieces.append("M" + "L".join(places))
    if not pieces:
        return ""
    cap = ' stroke-linecap="round" stroke-linejoin="round"'
    return f'<path d="{"".join(pieces)}" stroke="{stroke}" fill="none"{cap}{more}/>'


def area(x: Floats, low: Floats, high: Floats, fill: str) -> str:
    """What lies between two curves."""
    there = [f"{a:.1f} {b:.1f}" for a, b in zip(x, high, strict=True)]
    back = [f"{a:.1f} {b:.1f}" for a, b in zip(x[::-1], low[::-1], strict=True)]
    return f'<path d="M{"L".join(there + back)}Z" fill="{fill}" fill-opacity="0.65"/>'


def number(value: float, digits: int) -> str:
    """At most so many significant digits."""
    return f"{value:.{digits}g}"


def runs(found: Iterable[bool]) -> list[tuple[int, int]]:
    """Begin and end of each stretch of True.

    >>> runs([False, True, True, False, True])
    [(1, 3), (4, 5)]
    """
    edge = np.diff(np.concatenate(([0], np.asarray(list(found), dtype=np.int8), [0])))
    return list(
        zip(np.nonzero(edge > 0)[0].tolist(), np.nonzero(edge < 0)[0].tolist(), strict=True)
    )


def thinned(values: Floats, columns: int) -> tuple[Floats, Floats]:
    """Places (in cells) and values of at most 2 points a column: the lowest and the highest.

    Nothing that sticks out is lost, whatever the size of the picture. Few values stay as they are.
    A column without a number is NaN.
    """
    cells = values.size
    if cells <= 2 * columns:
        return np.arange(cells, dtype=float) + 0.5, values
    edges = np.linspace(0, cells, columns + 1).astype(np.int64)
    low = np.fmin.reduceat(values, edges[:-1])
    high = np.fmax.reduceat(values, edges[:-1])
    middle: Floats = (edges[:-1] + edges[1:]) * np.float64(0.5)
    rising = np.arange(columns) % 2 == 0
    pairs = np.where(rising, (low, high), (high, low))
    return np.repeat(middle, 2), pairs.T.reshape(-1)


def nice_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers between two values.

    >>> nice_ticks(0, 437)
    [0.0, 100.0, 200.0, 300.0, 400.0]
    """
    span = max(high - low, 1e-12)
    raw = span / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.9), 10 * power)
    first = math.ceil(low / step - 1e-9)
    return [(first + n) * step for n in range(int((high - first * step) / step + 1e-9) + 1)]


def time_ticks(begin_s: int, end_s: int, most: int = 10) -> list[tuple[int, str]]:
    """Round moments in Beijing time and how they read: days as 3-16, hours as 06:00.

    >>> [words for _, words in time_ticks(1700000000, 1700172800, 5)]
    ['12:00', '11-16', '12:00', '11-17']
    """
    longest = -(-(end_s - begin_s) // most // _DAY_S) * _DAY_S
    step = next((s for s in _STEPS_S if (end_s - begin_s) / s <= most), longest)
    zone = 8 * 3600
    first = -(-(begin_s + zone) // step) * step - zone
    return [(at, _tick(at)) for at in range(first, end_s + 1, step)]


def _tick(at_s: int) -> str:
    at = beijing(from_unix(at_s))
    return f"{at.hour:02d}:{at.minute:02d}" if at.hour or at.minute else f"{at.month}-{at.day:02d}"


def wrapped(words: str, width: float, size: float) -> list[str]:
    """Lines of a sentence: a Chinese letter is `size` wide, a Latin one about 0.55 of it.

    >>> wrapped("波动远低于其历史", 40, 10)
    ['波动远低', '于其历史']
    """
    lines, room = [""], width
    for letter in words:
        need = size if ord(letter) > 0x2E80 else 0.55 * size
        if need > room and letter not in ",.;:、，。；：）":
            lines.append("")
            room = width
        lines[-1] += letter
        room -= need
    return lines
