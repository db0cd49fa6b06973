"""热点网格图 as one SVG file that needs nothing else: the console's, with colours of its own."""

from html import escape

from services.chassis.clock import beijing, from_timestamp
from services.chassis.pb.detect.v1 import outside_clue_pb2 as pb
from services.console.views.outside_map import SIDE, CellBox, Symbol, grid_map

_COLOURS = ("#eef3ee", "#fbf3cf", "#fcd98f", "#f5a35c", "#dd5f45")
_HEAD = 34.0
_STAR = "M0-11L3.2-3.4L11-3.4L4.8 1.6L7 9.4L0 4.8L-7 9.4L-4.8 1.6L-11-3.4L-3.2-3.4Z"


def draw(answer: pb.GetOutsideMapResponse) -> str:
    """Draw a map that has cells; the same answer gives the same text."""
    picture = grid_map(answer)
    assert picture is not None, "no cells"
    end = beijing(from_timestamp(answer.end))
    title = f"{answer.division} {answer.pollutant} {answer.unit} {end:%Y-%m-%d %H:%M}"
    height = picture.height + _HEAD
    begin = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {picture.width:g} {height:g}" '
        'font-family="sans-serif" font-size="11">'
    )
    parts = [
        begin,
        f'<rect width="{picture.width:g}" height="{height:g}" fill="#fff"/>',
        f'<text x="14" y="22" font-size="14">热点网格 {escape(title)}</text>',
        f'<g transform="translate(0 {_HEAD:g})">',
        *(_cell(one) for one in picture.cells),
        *(_sub_cell(one) for one in picture.cells if one.cell.hot and one.cell.sub_cell),
        *(_symbol(one) for one in picture.symbols),
    ]
    if picture.wind is not None:
        parts.append(
            f'<path transform="translate({picture.width - 16:g} 16) '
            f'rotate({picture.wind.turn:.0f})" d="M0 16V-14M-6-6L0-15L6-6" '
            'fill="none" stroke="#0b5d75" stroke-width="3"/>'
        )
    scale = 3 * picture.kilometre
    parts += [
        f'<path d="M30 {picture.height - 14:g}v5h{scale:g}v-5" fill="none" stroke="#1b2629"/>',
        f'<text x="{36 + scale:g}" y="{picture.height - 9:g}">3 km</text>',
        "</g></svg>",
    ]
    return "\n".join(parts) + "\n"


def _cell(box: CellBox) -> str:
    one = box.cell
    line = 'stroke="#7a1a14" stroke-width="3"' if one.hot else 'stroke="#fff"'
    return (
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{SIDE:g}" height="{SIDE:g}" '
        f'fill="{_COLOURS[box.warmth]}" {line}><title>{escape(one.cell)} #{one.rank}</title></rect>'
        f'<text x="{box.x + SIDE - 3:g}" y="{box.y + SIDE - 4:g}" text-anchor="end" '
        f'fill="{"#fff" if box.warmth == len(_COLOURS) - 1 else "#37454a"}">{one.mean:.0f}</text>'
    )


def _sub_cell(box: CellBox) -> str:
    return (
        f'<rect x="{box.sub_x - 4:g}" y="{box.sub_y - 4:g}" width="8" height="8" fill="none" '
        'stroke="#1b2629" stroke-width="2"/>'
    )


def _symbol(one: Symbol) -> str:
    kind, label = one.mark.kind, escape(one.label)
    if kind == "clue":
        return f'<path transform="translate({one.x:g} {one.y:g})" d="{_STAR}" fill="#6a2fb0"/>'
    if kind == "plant":
        shape = f'<rect x="{one.x - 5:g}" y="{one.y - 5:g}" width="10" height="10" fill="#37454a"/>'
    else:
        radius = 5 if kind == "township" else 3.5
        shape = f'<circle cx="{one.x:g}" cy="{one.y:g}" r="{radius}" fill="#1f4e8c"/>'
    return f'{shape}<text x="{one.x + 8:g}" y="{one.y + 4:g}">{label}</text>' if label else shape
