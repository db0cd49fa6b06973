"""热点网格图: cells, stations, plants and clues laid out for a picture. Plain SVG, no tiles."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from services.chassis.pb.detect.v1 import outside_clue_pb2 as pb

#: Side of a cell in the picture's units, and room around the grid.
SIDE, EDGE = 48.0, 30.0
#: Upper ends of the classes of mean / usual; above the last one is the highest class.
CLASSES = (0.95, 1.05, 1.15, 1.3)
PlaceOf = Callable[[float, float], tuple[float, float]]
#: Words beside each other only where they have room.
MOST_NAMES = 40


@dataclass(frozen=True)
class CellBox:
    """One cell of 3 km: where it is drawn and how warm it is."""

    x: float
    y: float
    warmth: int  # 0..len(CLASSES)
    cell: pb.HotCell
    sub_x: float  # of its hottest sub-cell, NaN = not known
    sub_y: float


@dataclass(frozen=True)
class Symbol:
    """A plant, station or clue."""

    x: float
    y: float
    mark: pb.MapMark
    label: str  # empty where there is no room


@dataclass(frozen=True)
class Arrow:
    """Wind: rotation of an arrow that points to where it blows, degrees clockwise from north."""

    turn: float
    from_deg: float
    speed_ms: float


@dataclass(frozen=True)
class GridMap:
    """The whole drawing in its own units."""

    width: float
    height: float
    cells: tuple[CellBox, ...]
    symbols: tuple[Symbol, ...]
    wind: Arrow | None
    kilometre: float


def grid_map(answer: pb.GetOutsideMapResponse) -> GridMap | None:
    """Lay a city's grid out, north up; None where there is no cell."""
    if not answer.cells:
        return None
    west = min(one.column for one in answer.cells)
    north = max(one.row for one in answer.cells) + 1
    columns = max(one.column for one in answer.cells) + 1 - west
    rows = north - min(one.row for one in answer.cells)

    def at(x: float, y: float) -> tuple[float, float]:
        return round(EDGE + (x - west) * SIDE, 1), round(EDGE + (north - y) * SIDE, 1)

    boxes = []
    for one in answer.cells:
        x, y = at(one.column, one.row + 1)
        sub = at(*_sub_centre(one)) if one.sub_cell else (math.nan, math.nan)
        boxes.append(CellBox(x, y, warmth_of(one), one, *sub))
    boxes.sort(key=lambda box: box.cell.hot)  # outlines of hot ones lie on top
    return GridMap(
        width=columns * SIDE + 2 * EDGE,
        height=rows * SIDE + 2 * EDGE,
        cells=tuple(boxes),
        symbols=tuple(_symbols(answer.marks, at)),
        wind=arrow_of(answer.wind) if answer.HasField("wind") else None,
        kilometre=SIDE / 3,
    )


def warmth_of(one: pb.HotCell) -> int:
    """Give the class of a cell's mean beside what is usual.

    >>> warmth_of(pb.HotCell(mean=100, usual=80)), warmth_of(pb.HotCell(mean=50, usual=80))
    (3, 0)
    """
    ratio = one.mean / one.usual if one.usual > 0 else 1.0
    return sum(ratio > end for end in CLASSES)


def _sub_centre(one: pb.HotCell) -> tuple[float, float]:
    """Centre of the hottest sub-cell in cells of the grid: its name ends with row and column."""
    row, column = int(one.sub_cell[-2]), int(one.sub_cell[-1])
    return one.column + (column + 0.5) / 6, one.row + (row + 0.5) / 6


def _symbols(marks: Sequence[pb.MapMark], at: PlaceOf) -> Iterable[Symbol]:
    order = {"plant": 0, "micro": 1, "township": 2, "clue": 3}
    named = len(marks) <= MOST_NAMES
    for one in sorted(marks, key=lambda mark: order.get(mark.kind, 0)):
        label = one.name if named and one.kind in ("plant", "township") else ""
        yield Symbol(*at(one.x, one.y), one, label)


def arrow_of(wind: pb.OutsideWind) -> Arrow:
    """Give the arrow of a wind: it points to where the air goes.

    >>> arrow_of(pb.OutsideWind(from_deg=90, speed_ms=2)).turn
    270.0
    """
    return Arrow((wind.from_deg + 180.0) % 360.0, wind.from_deg, wind.speed_ms)


@dataclass(frozen=True)
class Around:
    """A clue's surroundings: the place, its signs, its candidates, how long a kilometre is."""

    width: float
    height: float
    kilometre: float
    signs: tuple[tuple[float, float, float, pb.OutsideSign], ...]  # x, y, radius
    plants: tuple[tuple[float, float, pb.OutsideCandidate], ...]
    wind: Arrow | None


_WIDTH, _HEIGHT = 520.0, 380.0
_ROOM_X, _ROOM_Y = 96.0, 52.0
_DEGREE_KM, _MOST_KM = 111.32, 3.0


def around(
    clue: pb.OutsideClue, plants: Iterable[tuple[pb.OutsideCandidate, float, float]]
) -> Around | None:
    """Lay out what lies around a clue; `plants` are candidates with longitude and latitude."""
    signs = [one for one in clue.signs if one.HasField("point")]
    known = [(one, lon, lat) for one, lon, lat in plants if lon and lat]
    points = [(one.point.longitude, one.point.latitude) for one in signs]
    points += [(lon, lat) for _, lon, lat in known]
    if not points:
        return None
    middle_lat = sum(lat for _, lat in points) / len(points)
    squeeze = math.cos(math.radians(middle_lat)) * _DEGREE_KM
    xs, ys = [lon * squeeze for lon, _ in points], [lat * _DEGREE_KM for _, lat in points]
    for one in signs:  # whole circles, but for those that would make all else a point
        reach = min(one.point.radius_m / 1000, _MOST_KM)
        x, y = one.point.longitude * squeeze, one.point.latitude * _DEGREE_KM
        xs, ys = [*xs, x - reach, x + reach], [*ys, y - reach, y + reach]
    wide, high = max(max(xs) - min(xs), 2.0), max(max(ys) - min(ys), 1.5)
    scale = min((_WIDTH - 2 * _ROOM_X) / wide, (_HEIGHT - 2 * _ROOM_Y) / high)
    mid_x, mid_y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2

    def at(lon: float, lat: float) -> tuple[float, float]:
        x = _WIDTH / 2 + (lon * squeeze - mid_x) * scale
        return round(x, 1), round(_HEIGHT / 2 - (lat * _DEGREE_KM - mid_y) * scale, 1)

    winds = [one.wind for one in signs if one.HasField("wind")]
    return Around(
        width=_WIDTH,
        height=_HEIGHT,
        kilometre=round(scale, 1),
        signs=tuple(
            (*at(one.point.longitude, one.point.latitude), _radius(one, scale), one)
            for one in signs
        ),
        plants=tuple((*at(lon, lat), one) for one, lon, lat in known),
        wind=arrow_of(winds[0]) if winds else None,
    )


def _radius(one: pb.OutsideSign, scale: float) -> float:
    return round(max(5.0, min(one.point.radius_m / 1000 * scale, _HEIGHT / 2)), 1)
