"""画图: a drawing as SVG. Same drawing, same bytes: no clock, no counter, no font of our own."""

from html import escape

import numpy as np

from services.chassis.clock import beijing, from_unix
from services.chassis.picture.drawing import Bools, Curve, Drawing, Floats, Overlay, Span
from services.chassis.picture.parts import (
    FONT,
    INK,
    LINE,
    QUIET,
    area,
    line,
    nice_ticks,
    number,
    polyline,
    rect,
    runs,
    text,
    thinned,
    time_ticks,
    wrapped,
)

WIDTH = 920
_LEFT, _RIGHT = 62, 16
_PLOT = WIDTH - _LEFT - _RIGHT
_TITLE, _LEGEND, _MAIN, _BELOW, _OVER, _STRIP, _AXIS = 30, 26, 210, 84, 120, 7, 34
_SENTENCE = 13.0
_CURVE, _TESTED, _OTHER, _BAND = "#0f5c63", "#c2410c", "#41606b", "#cfe3df"
_WINDOW, _FURTHER, _WINDOW_EDGE, _SOURCE, _SOURCE_INK = (
    "#fff0dc",
    "#fff9f1",
    "#e8a25c",
    "#e7eefb",
    "#2f5fb3",
)
_LIMIT, _MARK, _MISSING = "#b3261e", "#8a63c9", "#b8c1c6"
#: A limit further above the curve than this many times is not drawn: it would flatten the curve.
_LIMIT_REACH = 1.8


def svg(drawing: Drawing) -> bytes:
    """一张图 as SVG, UTF-8.

    Curve over the usual range of its own history, limit, tested windows, marked and missing cells
    under it, sister curves below on the same axis, the copied stretch laid over its source, and
    the sentences where the drawing has any.
    """
    top = _TITLE if drawing.title else 0
    parts, y = [_head(drawing, top)], float(top + _LEGEND)
    for at, curve in enumerate(drawing.curves):
        height = _BELOW if at else _MAIN
        parts.append(_plot(curve, y, height, first=not at))
        y += height + _STRIP + (6 if at + 1 == len(drawing.curves) else 22)
    parts.append(_time_axis(drawing.curves[0], y))
    y += _AXIS
    if drawing.overlay is not None:
        parts.append(_overlay(drawing.overlay, y))
        y += _OVER + 40
    for at, sentence in enumerate(drawing.captions):
        for row in wrapped(sentence, WIDTH - 32, _SENTENCE):
            parts.append(text(16, y + 8, row, size=_SENTENCE, fill=QUIET if at else INK))
            y += _SENTENCE * 1.55
        y += 3
    label = escape(drawing.title or drawing.curves[0].name)
    frame = f'viewBox="0 0 {WIDTH} {y:.0f}" role="img" aria-label="{label}" font-family="{FONT}"'
    whole = f'<svg xmlns="http://www.w3.org/2000/svg" {frame}>{rect(0, 0, WIDTH, y, "#fff")}'
    return (whole + "".join(parts) + "</svg>\n").encode()


def _head(drawing: Drawing, top: float) -> str:
    """Title and legend of what there is to see."""
    curves = drawing.curves
    entries = [("line", _CURVE, "监测值 value")]
    if any(c.tested for c in curves):
        entries.append(("box", _WINDOW_EDGE, "可疑时段 tested"))
    if any(c.low.size for c in curves):
        entries.append(("box", _BAND, "历史范围 usual 5–95%"))
    if any(_has_limit(c) for c in curves):
        entries.append(("line", _LIMIT, "限值 limit"))
    if any(c.source for c in curves):
        entries.append(("box", _SOURCE_INK, "来源段 source"))
    if any(c.marked.any() for c in curves):
        entries.append(("box", _MARK, "标记 marked"))
    if any(_missing(c).any() for c in curves):
        entries.append(("box", _MISSING, "缺失 missing"))
    parts, x = [], float(_LEFT)
    if drawing.title:
        parts.append(text(16, 22, drawing.title, size=15, fill=INK, bold=True))
    for kind, colour, words in entries:
        height, down = (2.0, 9.0) if kind == "line" else (8.0, 6.0)
        parts += [rect(x, top + down, 14, height, colour), text(x + 19, top + 14, words)]
        x += 34 + sum(11.0 if ord(letter) > 0x2E80 else 6.2 for letter in words)
    return "".join(parts)


class _Scale:
    """Seconds and values to pixels of one plot."""

    def __init__(self, curve: Curve, top: float, height: float) -> None:
        self.begin_s, self.end_s = curve.start_s, curve.end_s
        self.top, self.height = top, height
        self.low, self.high = _value_range(curve)

    def x(self, at_s: float | Floats) -> Floats:
        share = (np.asarray(at_s, dtype=float) - self.begin_s) / (self.end_s - self.begin_s)
        return _LEFT + _PLOT * np.clip(share, 0.0, 1.0)

    def y(self, value: float | Floats) -> Floats:
        share = (np.asarray(value, dtype=float) - self.low) / (self.high - self.low)
        return self.top + self.height * (1.0 - np.clip(share, -0.02, 1.02))


def _plot(curve: Curve, top: float, height: float, *, first: bool) -> str:
    """One curve with all that belongs to it."""
    scale = _Scale(curve, top, height)
    parts = [_spans(curve, scale)]
    cells: Floats = np.arange(curve.value.size, dtype=np.float64) + 0.5
    if curve.low.size:
        place, low = thinned(curve.low, _PLOT)
        high = thinned(curve.high, _PLOT)[1]
        at = scale.x(curve.start_s + place * curve.step_s)
        parts.append(area(at, scale.y(low), scale.y(high), _BAND))
    parts += [_all_edges(curve, scale), _grid(scale, few=not first)]
    inside = _inside(curve, cells)
    main = _CURVE if first else _OTHER
    parts.append(_line(curve, scale, np.where(inside, np.nan, curve.value), main))
    tested = np.where(_grown(inside), curve.value, np.nan)
    parts.append(_line(curve, scale, tested, _TESTED if first else _CURVE, wide=True))
    parts += [_limit(curve, scale), _strip(curve, scale)]
    unit = f" ({curve.unit})" if curve.unit else ""
    parts.append(text(_LEFT + 6, top + 13, curve.name + unit, fill=INK, size=12, halo=True))
    return "".join(parts)


def _line(curve: Curve, scale: _Scale, value: Floats, colour: str, *, wide: bool = False) -> str:
    place, shown = thinned(value, _PLOT)
    return polyline(
        scale.x(curve.start_s + place * curve.step_s),
        scale.y(shown),
        colour,
        f' stroke-width="{1.6 if wide else 1.1}"',
    )


def _spans(curve: Curve, scale: _Scale) -> str:
    """Ground of the windows of other signs, the copied stretch, the window of the sentence."""
    ground = rect(_LEFT, scale.top, _PLOT, scale.height, "#fafbfb")
    shades = [(span, _FURTHER) for span in curve.tested[1:]]
    shades += [(curve.source, _SOURCE)] if curve.source else []
    shades += [(span, _WINDOW) for span in curve.tested[:1]]
    return ground + "".join(_box(span, scale, fill) for span, fill in shades)


def _all_edges(curve: Curve, scale: _Scale) -> str:
    """Where the copied stretch and the window of the sentence begin and end."""
    source = _edges(curve.source, scale, _SOURCE_INK) if curve.source else ""
    return source + (_edges(curve.tested[0], scale, _WINDOW_EDGE) if curve.tested else "")


def _box(span: Span, scale: _Scale, fill: str) -> str:
    begin, end = float(scale.x(span.begin_s)), float(scale.x(span.end_s))
    return rect(begin, scale.top, end - begin, scale.height, fill)


def _edges(span: Span, scale: _Scale, stroke: str) -> str:
    begin, end = float(scale.x(span.begin_s)), float(scale.x(span.end_s))
    bottom = scale.top + scale.height
    return "".join(
        line([(x, scale.top), (x, bottom)], stroke, ' stroke-width="1"') for x in (begin, end)
    )


def _grid(scale: _Scale, *, few: bool) -> str:
    parts = []
    for value in nice_ticks(scale.low, scale.high, 2 if few else 4):
        y = float(scale.y(value))
        parts.append(line([(_LEFT, y), (_LEFT + _PLOT, y)], LINE, ' stroke-width="0.7"'))
        parts.append(text(_LEFT - 6, y + 4, number(value, 5), at="end"))
    return "".join(parts)


def _limit(curve: Curve, scale: _Scale) -> str:
    if not _has_limit(curve):
        return ""
    y = float(scale.y(curve.limit))
    dash = ' stroke-width="1.2" stroke-dasharray="6 4"'
    words = text(_LEFT + _PLOT - 4, y - 4, f"{number(curve.limit, 5)}", at="end", fill=_LIMIT)
    return line([(_LEFT, y), (_LEFT + _PLOT, y)], _LIMIT, dash) + words


def _strip(curve: Curve, scale: _Scale) -> str:
    """Marked and missing cells under the plot."""
    top = scale.top + scale.height + 1
    parts = []
    for found, colour in ((_missing(curve), _MISSING), (curve.marked, _MARK)):
        for begin, end in runs(found):
            left, right = scale.x(curve.start_s + np.array([begin, end]) * curve.step_s)
            parts.append(rect(float(left), top, float(right - left), _STRIP - 2, colour))
    return "".join(parts)


def _time_axis(curve: Curve, top: float) -> str:
    scale = _Scale(curve, top, 1)
    parts = [line([(_LEFT, top), (_LEFT + _PLOT, top)], LINE)]
    for at_s, words in time_ticks(curve.start_s, curve.end_s):
        x = float(scale.x(at_s))
        parts.append(line([(x, top), (x, top + 4)], QUIET, ' stroke-width="0.8"'))
        parts.append(text(x, top + 16, words, at="middle"))
    year = beijing(from_unix(curve.start_s)).year
    parts.append(text(16, top + 16, f"{year}"))
    return "".join(parts)


def _overlay(overlay: Overlay, top: float) -> str:
    """The tested stretch over its source; the source on its own scale if that is another."""
    plot_top, cells = top + 22, max(overlay.tested.size, 2)
    parts = [
        text(_LEFT, top + 10, f"可疑段与来源段重叠 tested over source: {overlay.name}", fill=INK)
    ]
    parts.append(rect(_LEFT, plot_top, _PLOT, _OVER, "#fafbfb"))
    for values, colour, more in (
        (overlay.source, "#8fb0e6", ' stroke-width="4.5"'),
        (overlay.tested, _TESTED, ' stroke-width="1.3"'),
    ):
        place, shown = thinned(values, _PLOT)
        low, high = _padded(values)
        y = plot_top + _OVER * (1 - (shown - low) / (high - low))
        parts.append(polyline(_LEFT + _PLOT * place / cells, y, colour, more))
    hours = cells * overlay.step_s / 3600
    parts.append(text(_LEFT + _PLOT, top + 10, f"{number(hours, 3)} h", at="end"))
    return "".join(parts)


def _inside(curve: Curve, cells: Floats) -> Bools:
    """Cells of the window that the sentence is about."""
    at = curve.start_s + cells * curve.step_s
    span = curve.tested[0] if curve.tested else Span(0, 0)
    inside: Bools = (at > span.begin_s) & (at < span.end_s)
    return inside


def _grown(
    inside: Bools,
) -> Bools:
    """One cell more on each side, so that the curve does not break at the edges."""
    more = inside.copy()
    more[1:] |= inside[:-1]
    more[:-1] |= inside[1:]
    return more


def _missing(curve: Curve) -> Bools:
    return np.isnan(curve.value)


def _has_limit(curve: Curve) -> bool:
    top = np.nanmax(curve.value, initial=0.0)
    return bool(np.isfinite(curve.limit) and 0 < curve.limit <= _LIMIT_REACH * top)


def _value_range(curve: Curve) -> tuple[float, float]:
    """Lowest and highest value to show: curve, band, and the limit where it is near."""
    shown = [curve.value, curve.low, curve.high]
    if _has_limit(curve):
        shown.append(np.array([curve.limit]))
    return _padded(np.concatenate(shown))


def _padded(values: Floats) -> tuple[float, float]:
    """A range with some air; from zero where the values come near it."""
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if 0 <= low < 0.4 * high:
        low = 0.0
    air = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return (low if low == 0.0 and high > 0 else low - air), high + air
