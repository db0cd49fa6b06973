"""试运行 as rows of a table: one a county and trigger, with its items by day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.chassis.pb.cases.v1.cases_pb2 import MonitorCount


@dataclass(frozen=True)
class Line:
    """One county and trigger. `by_day` stands oldest day first."""

    division: str
    trigger: str
    item: str
    level: str
    items: int
    withdrawn: int
    officer_hours: float
    by_day: tuple[int, ...]
    finding_id: str  # one to look at


@dataclass(frozen=True)
class Total:
    """All counties and triggers."""

    items: int
    officer_hours: float


def lines_of(counts: Iterable[MonitorCount], newest_first: Sequence[str]) -> list[Line]:
    """Group counts; what costs most stands first."""
    groups: dict[tuple[str, str], list[MonitorCount]] = {}
    for one in counts:
        groups.setdefault((one.division, one.trigger), []).append(one)
    lines = [_line(group, newest_first) for group in groups.values()]
    return sorted(lines, key=lambda line: (-line.officer_hours, line.division, line.trigger))


def _line(group: list[MonitorCount], newest_first: Sequence[str]) -> Line:
    items = {one.day: one.items for one in group}
    return Line(
        division=group[0].division,
        trigger=group[0].trigger,
        item=group[0].item_name,
        level=group[0].level,
        items=sum(one.items for one in group),
        withdrawn=sum(one.withdrawn for one in group),
        officer_hours=sum(one.officer_hours for one in group),
        by_day=tuple(items.get(day, 0) for day in reversed(newest_first)),
        finding_id=next((id_ for one in group for id_ in one.finding_ids), ""),
    )


def sum_of(counts: Iterable[MonitorCount]) -> Total:
    """Items and officer-hours of all counts."""
    rows = list(counts)
    return Total(sum(one.items for one in rows), sum(one.officer_hours for one in rows))
