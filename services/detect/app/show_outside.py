"""Puts together what a page shows of a city's grid and of its townships."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from services.chassis.identity import Scope
from services.chassis.pb.detect.v1 import outside_clue_pb2 as pb
from services.detect import outside_store as store
from services.detect.app.draw_maps import mark
from services.detect.outside.positions import located
from services.detect.outside.rule import shipped_rule
from services.detect.outside.township import Township, day_start_s, rank_townships
from services.detect.outside_wire import series_of

_DAY_S = 86_400


def city_map(
    session: Session, scope: Scope, pollutant: str, product: str
) -> pb.GetOutsideMapResponse:
    """热点网格图 of the city in the scope with the most hot cells, with its open clues."""
    rows = store.maps_of(session, scope.division_prefix)
    wanted = [
        row for row in rows if pollutant in ("", row.pollutant) and product in ("", row.product)
    ]
    if not wanted:
        return pb.GetOutsideMapResponse(
            divisions=_divisions(rows), pollutants=sorted({row.pollutant for row in rows})
        )
    row = wanted[0]
    found = pb.GetOutsideMapResponse.FromString(row.body)
    found.division = f"{row.city}00"
    found.divisions.extend(_divisions(rows))
    found.pollutants.extend(sorted({one.pollutant for one in rows if one.city == row.city}))
    _cut(found, scope)
    scope_here = Scope(max(scope.division_prefix, row.city, key=len))
    clues = store.list_clues(session, scope_here, is_open=True, kind=0, credit_code="", size=200)
    found.marks.extend(_clue_marks(clues, found))
    return found


def _cut(found: pb.GetOutsideMapResponse, scope: Scope) -> None:
    """Leave out what lies outside the scope; ranks stay those of the city."""
    cells = [one for one in found.cells if scope.has(one.division, "")]
    marks = [one for one in found.marks if scope.has(one.division, "")]
    del found.cells[:]
    found.cells.extend(cells)
    del found.marks[:]
    found.marks.extend(marks)


def _divisions(rows: Iterable[store.MapRow]) -> list[str]:
    return sorted({f"{row.city}00" for row in rows})


def _clue_marks(
    rows: Iterable[store.OutsideClueRow], found: pb.GetOutsideMapResponse
) -> Iterable[pb.MapMark]:
    if not found.cells:
        return
    columns = [one.column for one in found.cells]
    lines = [one.row for one in found.cells]
    for row in rows:
        clue = pb.OutsideClue.FromString(row.body)
        if not clue.HasField("point"):
            continue
        point = located(clue.point.longitude, clue.point.latitude, "")
        label = clue.name or clue.reason
        one = mark("clue", clue.clue_id, label, point, clue.score, clue.division)
        inside = one is not None and (
            min(columns) - 1 <= one.x <= max(columns) + 2
            and min(lines) - 1 <= one.y <= max(lines) + 2
        )
        if one is not None and inside:
            yield one


def township_ranks(session: Session, scope: Scope, days: int) -> tuple[int, int, list[Township]]:
    """乡镇排名 in the scope: whole Beijing days before the day of the newest value."""
    cities = store.cities_of(session, scope.division_prefix)
    newest = max((row.newest_s for row in cities), default=0)
    end_s = day_start_s(newest)
    begin_s = end_s - days * _DAY_S
    series = tuple(
        one
        for row in cities
        for one in series_of(
            store.days_between(session, row.city, begin_s - days * _DAY_S, end_s, like="township|"),
            begin_s - days * _DAY_S,
            end_s,
        )
        if scope.has(one.division, "")
    )
    return begin_s, end_s, rank_townships(series, begin_s, end_s, shipped_rule())
