"""串通雷达图: rings as graphs with the evidence for each edge, as SVG. Same radar, same bytes."""

import math
from collections.abc import Iterator, Mapping

from services.chassis.picture.parts import FONT, INK, LINE, QUIET, line, rect, text, wrapped
from services.detect.screening.radar import Edge, Radar, Ring
from services.detect.screening.radar_words import KINDS, trace_words

WIDTH = 920
_CARD, _RADIUS, _DOT = 440, 96, 9
_HEAD, _ROW, _PAD = 78, 16.0, 14
_SAID = 2.0  # -log10 p from which a trace is put into words
_MOST_LINES = 14

Place = tuple[float, float]


def radar_svg(radar: Radar, names: Mapping[str, str] | None = None) -> bytes:
    """串通雷达图: one card a ring, two beside each other, largest ring first.

    Outlets stand on a circle; a line is an edge, its colour the strongest kind of trace, its width
    the strength. Under the graph each edge is put into words. `names` of outlets where there are.
    """
    known = names or {}
    parts, top = [_legend(radar)], float(_HEAD)
    for at in range(0, len(radar.rings), 2):
        cards = [_card(ring, known) for ring in radar.rings[at : at + 2]]
        height = max(card[1] for card in cards)
        for place, (body, _) in enumerate(cards):
            frame = rect(0, 0, _CARD, height, "#fff").replace("/>", f' stroke="{LINE}"/>')
            parts.append(f'<g transform="translate({14 + place * (_CARD + 12)} {top:.0f})">')
            parts += [frame, body, "</g>"]
        top += height + 14
    if not radar.rings:
        parts.append(text(WIDTH / 2, top + 30, "未见串通迹象 no ring found", size=14, at="middle"))
        top += 60
    label = f"串通雷达：{len(radar.rings)}个圈"
    frame = f'viewBox="0 0 {WIDTH} {top:.0f}" role="img" aria-label="{label}" font-family="{FONT}"'
    whole = f'<svg xmlns="http://www.w3.org/2000/svg" {frame}>{rect(0, 0, WIDTH, top, "#f4f7f7")}'
    return (whole + "".join(parts) + "</svg>\n").encode()


def _legend(radar: Radar) -> str:
    title = f"运维串通雷达　{len(radar.rings)} 个圈，比对 {radar.pairs} 对排放口"
    parts = [text(16, 28, title, size=16, fill=INK, bold=True)]
    x = 16.0
    for name_zh, name_en, colour in KINDS.values():
        parts.append(line([(x, 50), (x + 22, 50)], colour, ' stroke-width="4"'))
        parts.append(text(x + 28, 54, f"{name_zh} {name_en}"))
        x += 60 + 11 * len(name_zh) + 6.2 * len(name_en)
    return "".join(parts)


def _card(ring: Ring, names: Mapping[str, str]) -> tuple[str, float]:
    """A ring's graph and words, and the height they take."""
    head = f"{ring.operator}　{len(ring.outlets)} 个排放口"
    parts = [text(_PAD, 24, head, size=13, fill=INK, bold=True)]
    places = _places(ring)
    for edge in reversed(ring.edges):
        one, other = (places[outlet] for outlet in edge.outlets)
        colour = KINDS[edge.traces[0].kind][2]
        width = f' stroke-width="{_width(edge):.1f}" stroke-linecap="round" stroke-opacity="0.8"'
        parts.append(line([one, other], colour, width))
    for outlet, (x, y) in places.items():
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_DOT}" fill="#0f5c63"/>')
        parts.append(_label(x, y, names.get(outlet, outlet), ring))
    y = _graph(ring)
    for words, colour in _lines(ring, names):
        for row in wrapped(words, _CARD - 2 * _PAD - 10, 11.0):
            parts.append(text(_PAD + 10, y, row, size=11, fill=INK))
            y += _ROW
        parts.append(rect(_PAD, y - _ROW - 8, 4, 9, colour))
    return "".join(parts), y + 4


def _lines(ring: Ring, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Edges in words with their colours, strongest first; the last line tells of those left out."""
    for edge in ring.edges[:_MOST_LINES]:
        said = [trace_words(t) for t in edge.traces if t.strength >= _SAID]
        said = said or [trace_words(edge.traces[0])]
        one, other = (names.get(outlet, outlet) for outlet in edge.outlets)
        yield f"{one} — {other}：{'；'.join(said)}", KINDS[edge.traces[0].kind][2]
    if (more := len(ring.edges) - _MOST_LINES) > 0:
        yield f"另有 {more} 条连线", QUIET


def _graph(ring: Ring) -> float:
    """Height of the graph: two outlets need no circle."""
    return 110.0 if len(ring.outlets) == 2 else 300.0


def _places(ring: Ring) -> dict[str, Place]:
    """Outlets evenly on a circle in order of name, the first on top; two beside each other."""
    middle = _CARD / 2, _graph(ring) / 2 + 8
    if len(ring.outlets) == 2:
        return {outlet: (middle[0] + side * _RADIUS, middle[1] - 10)
                for outlet, side in zip(ring.outlets, (-1, 1), strict=True)}  # fmt: skip
    turn = 2 * math.pi / len(ring.outlets)
    return {
        outlet: (
            middle[0] + _RADIUS * math.sin(turn * at),
            middle[1] - _RADIUS * math.cos(turn * at),
        )
        for at, outlet in enumerate(ring.outlets)
    }


def _label(x: float, y: float, name: str, ring: Ring) -> str:
    """The name, outside the circle."""
    away = x - _CARD / 2
    if len(ring.outlets) == 2 or abs(away) < 1:
        above = len(ring.outlets) > 2 and y < _graph(ring) / 2
        return text(x, y - 16 if above else y + 25, name, at="middle", fill=INK, halo=True)
    side = "" if away > 0 else "end"
    return text(x + math.copysign(14, away), y + 4, name, at=side, fill=INK, halo=True)


def _width(edge: Edge) -> float:
    return min(1.5 + 1.6 * math.log10(1 + edge.strength), 7.0)
