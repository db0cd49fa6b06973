"""评分图: named recall against false alarms, ours as a curve, others as points, as SVG."""

import math
from collections.abc import Sequence

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 900, 460, 70, 30, 50, 60
_INK, _GRID, _OURS, _YARD, _PEER = "#1d2733", "#dde3ea", "#1f6fb2", "#2f8f5b", "#8a97a6"
_LEAST, _MOST = 0.1, 200.0
_FONT = 'font-family="system-ui, sans-serif"'
Point = tuple[str, float, float]


def recall_curve(ours: Sequence[Point], others: Sequence[Point]) -> str:
    """One picture: (name, recall, false alarms per station-year) of each; log scale across."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        _text(_LEFT, 28, "事件检出率与误报率 · named recall against false alarms", size=16),
        *_axes(),
    ]
    for name, recall, rate in others:
        colour = _YARD if name.startswith("yardstick") else _PEER
        parts.append(_dot(rate, recall, colour))
        at_right = _x(rate) > _WIDTH - 130
        x = _x(rate) - 9 if at_right else _x(rate) + 9
        parts.append(_text(x, _y(recall) + 4, name, colour, anchor="end" if at_right else "start"))
    path = " ".join(f"{_x(rate):.1f},{_y(recall):.1f}" for _, recall, rate in ours)
    parts.append(f'<polyline points="{path}" fill="none" stroke="{_OURS}" stroke-width="2.5"/>')
    for name, recall, rate in ours:
        parts.append(_dot(rate, recall, _OURS))
        parts.append(_text(_x(rate) - 6, _y(recall) - 10, name, _OURS, anchor="end"))
    return "".join([*parts, "</svg>\n"])


def _axes() -> list[str]:
    parts = []
    for rate in (0.1, 0.3, 1, 3, 10, 30, 100):
        x = _x(rate)
        parts.append(_line(x, _TOP, x, _HEIGHT - _BOTTOM))
        parts.append(_text(x, _HEIGHT - _BOTTOM + 20, f"{rate:g}", anchor="middle"))
    for tenth in range(0, 11, 2):
        y = _y(tenth / 10)
        parts.append(_line(_LEFT, y, _WIDTH - _RIGHT, y))
        parts.append(_text(_LEFT - 8, y + 4, f"{tenth / 10:.1f}", anchor="end"))
    parts.append(
        _text(_WIDTH / 2, _HEIGHT - 14, "每站年误报次数 · false-alarm episodes per station-year",
              anchor="middle")
    )  # fmt: skip
    return parts


def _x(rate: float) -> float:
    share = math.log(min(max(rate, _LEAST), _MOST) / _LEAST) / math.log(_MOST / _LEAST)
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(recall: float) -> float:
    return _HEIGHT - _BOTTOM - recall * (_HEIGHT - _TOP - _BOTTOM)


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{_GRID}"/>'


def _dot(rate: float, recall: float, colour: str) -> str:
    return f'<circle cx="{_x(rate):.1f}" cy="{_y(recall):.1f}" r="5" fill="{colour}"/>'


def _text(
    x: float, y: float, text: str, colour: str = _INK, *, anchor: str = "start", size: int = 13
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}"'
        f' text-anchor="{anchor}" {_FONT}>{text}</text>'
    )
