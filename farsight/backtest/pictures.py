"""图: what a change of rules means, as SVG: officer-hours by county, and who flips on which day."""

import datetime as dt
from collections.abc import Sequence
from html import escape

from farsight.backtest.compare import Difference, Flip, Side, by_county

#: Counties and enterprises that a picture shows; the report counts all.
COUNTIES, ENTERPRISES = 24, 40
_OLD, _NEW, _GONE, _INK, _GRID = "#8a97a6", "#1f6fb2", "#2f8f5b", "#1d2733", "#dde3ea"
_OVER = "#c0392b"
_ROW, _LABEL, _WIDTH = 34, 190, 900
_FONT = 'font-family="system-ui, sans-serif"'


def county_bars(difference: Difference) -> str:
    """各区县工时: officer-hours of live items by county, old pack above new one."""
    sides = by_county(difference.old.counts, difference.new.counts)[:COUNTIES]
    top = max((hours for side in sides for hours in side.officer_hours), default=0.0) or 1.0
    room = _WIDTH - _LABEL - 90
    height = 58 + _ROW * max(len(sides), 1)
    parts = [
        _open(height, "各区县执法工时：旧规则包与新规则包"),
        _legend(
            [(_OLD, f"旧 {difference.old.pack.name}"), (_NEW, f"新 {difference.new.pack.name}")]
        ),
    ]
    for at, side in enumerate(sides):
        parts.append(_bar_row(side, _name(difference, side.division), 52 + at * _ROW, room / top))
    if not sides:
        parts.append(_text(16, 70, "两个规则包都没有产生事项"))
    return "".join([*parts, "</svg>"])


def _bar_row(side: Side, name: str, y: int, scale: float) -> str:
    parts = [_text(_LABEL - 10, y + 17, name, anchor="end")]
    for at, (hours, items, colour) in enumerate(
        zip(side.officer_hours, side.items, (_OLD, _NEW), strict=True)
    ):
        top = y + at * 13
        parts.append(_rect((_LABEL, top), (hours * scale, 11), colour))
        note = f"{hours:.1f} h · {items}"
        parts.append(_text(_LABEL + hours * scale + 6, top + 10, note, size=11))
    return "".join(parts)


def flip_calendar(difference: Difference) -> str:
    """改判日历: enterprises with most flipped days, a column a day."""
    flips = difference.flips[:ENTERPRISES]
    span = difference.old.span
    days = (span.last - span.first).days + 1
    room = _WIDTH - _LABEL - 20
    cell = min(14.0, room / days)
    height = 78 + 16 * max(len(flips), 1)
    parts = [
        _open(height, "改判日历：仅一个规则包认定有问题的日期"),
        _legend([(_OVER, "仅新规则包认定"), (_GONE, "仅旧规则包认定"), (_INK, "当日两种都有")]),
    ]
    parts += [_month(span.first, at, cell) for at in range(days)]
    for at, flip in enumerate(flips):
        y = 70 + 16 * at
        parts.append(_text(_LABEL - 10, y + 9, flip.name[:14], anchor="end", size=11))
        parts.append(_rect((_LABEL, y), (days * cell, 12), _GRID))
        parts += _cells(flip, span.first, y, cell)
    if not flips:
        parts.append(_text(16, 80, "没有企业改判"))
    return "".join([*parts, "</svg>"])


def _cells(flip: Flip, first: dt.date, y: int, cell: float) -> Sequence[str]:
    by_day: dict[dt.date, set[bool]] = {}
    for one in flip.days:
        by_day.setdefault(one.day, set()).add(one.now_over)
    parts = []
    for day, ways in sorted(by_day.items()):
        colour = _INK if len(ways) > 1 else _OVER if True in ways else _GONE
        x, words = _LABEL + (day - first).days * cell, f"{flip.name} {day.isoformat()}"
        parts.append(_rect((x, y), (max(cell - 0.5, 0.5), 12), colour, words))
    return parts


def _month(first: dt.date, at: int, cell: float) -> str:
    """The name of a month over its first day, and a thin line down."""
    day = first + dt.timedelta(days=at)
    if day.day != 1 and at:
        return ""
    x = _LABEL + at * cell
    return _text(x, 62, f"{day:%Y-%m}" if day.day == 1 or not at else "", size=10)


def _name(difference: Difference, division: str) -> str:
    return f"{difference.names.get(division, '')} {division}".strip()


def _legend(entries: Sequence[tuple[str, str]]) -> str:
    x, parts = 16, []
    for colour, words in entries:
        parts.append(f'<rect x="{x}" y="30" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(x + 18, 41, words, size=12))
        x += 48 + 11 * len(words)
    return "".join(parts)


def _open(height: int, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}" {_FONT}><rect width="{_WIDTH}" height="{height}" '
        f'fill="#ffffff"/>{_text(16, 20, title, size=15)}'
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 13) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="{_INK}">{escape(words)}</text>'
    )


def _rect(place: tuple[float, int], size: tuple[float, int], colour: str, words: str = "") -> str:
    (x, y), (width, height) = place, size
    shape = f'x="{x:.1f}" y="{y}" width="{width:.1f}" height="{height}" fill="{colour}"'
    return f"<rect {shape}><title>{escape(words)}</title></rect>" if words else f"<rect {shape}/>"
