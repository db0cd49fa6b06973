"""辖区图: plants as dots on a plan of their coordinates. No tiles, no foreign request, plain SVG.

CGCS2000 degrees are laid out with the length of a degree at the middle latitude, good for a
province.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from services.chassis.pb.detect.v1.detect_pb2 import Finding
from services.chassis.pb.registry.v1.registry_pb2 import Division, Enterprise, Outlet

PlaceOf = Callable[[Enterprise], tuple[float, float]]

WIDTH = 640.0
MARGIN = 44.0
#: More county names than this would lie on each other.
MOST_COUNTIES = 5
#: No data for longer than this many seconds: silent. Two arrival hours, as rows are by the hour.
SILENT_S = 2 * 3600
#: Worst first.
STATES = ("finding", "silent", "normal", "unknown")


@dataclass(frozen=True)
class Dot:
    """One plant on the plan."""

    x: float
    y: float
    name: str
    state: str
    credit_code: str


@dataclass(frozen=True)
class Label:
    """The name of a county, over its plants."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Plan:
    """The whole drawing, in its own units."""

    width: float
    height: float
    dots: tuple[Dot, ...]
    labels: tuple[Label, ...]


@dataclass(frozen=True)
class OutletLine:
    """One outlet in a list, with its present state."""

    outlet: Outlet
    enterprise_name: str
    division_name: str
    state: str
    open_findings: int
    last_s: int | None  # unix seconds of the last hour with accepted data


def outlet_lines(
    *,
    outlets: Iterable[Outlet],
    enterprises: Mapping[str, Enterprise],
    divisions: Mapping[str, str],
    open_findings: Iterable[Finding],
    last: Mapping[str, int],
    now_s: float,
) -> list[OutletLine]:
    """Give each outlet its state; outlets that need attention come first."""
    counts: dict[str, int] = defaultdict(int)
    for finding in open_findings:
        counts[finding.outlet_id] += 1
    lines = [
        OutletLine(
            outlet,
            enterprises[outlet.credit_code].name
            if outlet.credit_code in enterprises
            else outlet.credit_code,
            divisions.get(outlet.division, outlet.division),
            outlet_state(counts[outlet.outlet_id], last.get(outlet.outlet_id), now_s),
            counts[outlet.outlet_id],
            last.get(outlet.outlet_id),
        )
        for outlet in outlets
    ]
    return sorted(lines, key=lambda line: (STATES.index(line.state), line.outlet.outlet_id))


def outlet_state(findings: int, last_s: int | None, now_s: float) -> str:
    """Tell the state of an outlet: what needs a look wins."""
    if findings:
        return "finding"
    if last_s is None:
        return "unknown"
    # `last_s` is the start of an arrival hour: data may have come until its end.
    return "silent" if now_s - last_s > SILENT_S else "normal"


def plan_of(
    enterprises: Iterable[Enterprise],
    lines: Iterable[OutletLine],
    divisions: Mapping[str, Division],
) -> Plan | None:
    """Lay the plants out; None when no plant has coordinates."""
    located = [one for one in enterprises if one.longitude and one.latitude]
    if not located:
        return None
    worst: dict[str, str] = {}
    for line in lines:
        code = line.outlet.credit_code
        worst[code] = min(worst.get(code, "unknown"), line.state, key=STATES.index)
    west, east = bounds([one.longitude for one in located])
    south, north = bounds([one.latitude for one in located])
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = (WIDTH - 2 * MARGIN) / ((east - west) * squeeze)
    height = min(max((north - south) * scale + 2 * MARGIN, 240.0), 620.0)
    scale_y = (height - 2 * MARGIN) / (north - south)
    scale = min(scale, scale_y)

    def place(one: Enterprise) -> tuple[float, float]:
        middle = (west + east) / 2
        x = WIDTH / 2 + (one.longitude - middle) * squeeze * scale
        y = height / 2 - (one.latitude - (south + north) / 2) * scale
        return round(x, 1), round(y, 1)

    dots = [
        Dot(*place(one), one.name, worst.get(one.credit_code, "unknown"), one.credit_code)
        for one in located
    ]
    dots.sort(key=lambda dot: -STATES.index(dot.state))  # the worst lies on top
    return Plan(WIDTH, round(height, 1), tuple(dots), tuple(labels(located, place, divisions)))


def bounds(values: list[float]) -> tuple[float, float]:
    """Give the least and the greatest, at least a tenth of a degree apart."""
    low, high = min(values), max(values)
    if high - low < 0.1:
        middle = fmean((low, high))
        return middle - 0.05, middle + 0.05
    return low, high


def labels(
    enterprises: Sequence[Enterprise],
    place: PlaceOf,
    divisions: Mapping[str, Division],
) -> Iterable[Label]:
    """Write each county's name over its plants; where many counties are shown, each city's."""
    by_city = len({one.division for one in enterprises}) > MOST_COUNTIES
    spots: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for one in enterprises:
        known = divisions.get(one.division)
        spots[known.parent if by_city and known else one.division].append(place(one))
    for code, found in sorted(spots.items()):
        x, top = fmean(x for x, _ in found), min(y for _, y in found)
        name = divisions[code].name if code in divisions else code
        yield Label(round(x, 1), round(top - 14, 1), name)
