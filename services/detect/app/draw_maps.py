"""Keeps what a picture of a city's grid shows, so that a page needs one row."""

import math

import numpy as np
from sqlalchemy.orm import Session

from services.chassis.clock import from_unix, to_timestamp
from services.chassis.pb.detect.v1 import outside_clue_pb2 as pb
from services.detect import outside_store as store
from services.detect.app.outside_desk import OutsideDesk
from services.detect.outside import cells
from services.detect.outside.hot_grid import HotCell, hot_cells
from services.detect.outside.look import since
from services.detect.outside.positions import Point
from services.detect.outside.records import Records, Series
from services.detect.outside.winds import Winds
from services.detect.outside_store import MapRow
from services.detect.outside_wire import point_message, wind_message

#: Marks so many cells beyond the grid's edge are left out of its picture.
_MARGIN = 1.0


def draw_maps(session: Session, desk: OutsideDesk, city: str, records: Records) -> None:
    """Replace the maps of a city: one a pollutant and product of its grid."""
    series = tuple(since(one, records.begin_s) for one in records.series)
    winds = Winds(series, desk.rule)
    groups: dict[tuple[str, str], list[HotCell]] = {}
    for one in hot_cells(series, winds, desk.rule):
        groups.setdefault((one.pollutant, one.product), []).append(one)
    rows = []
    for (pollutant, product), found in groups.items():
        body = picture_of(found, series, winds, records)
        hot = sum(one.hot for one in found)
        rows.append(
            MapRow(
                city=city, pollutant=pollutant, product=product, hot=hot,
                body=body.SerializeToString(),
            )
        )  # fmt: skip
    store.replace_maps(session, city, rows)


def picture_of(
    found: list[HotCell], series: tuple[Series, ...], winds: Winds, records: Records
) -> pb.GetOutsideMapResponse:
    """热点网格图 of one pollutant and product of a city."""
    first = found[0]
    mine = [s for s in series if (s.pollutant, s.product) == (first.pollutant, first.product)]
    starts = np.unique(np.concatenate([s.start_s for s in mine]))
    centres = [cells.centre_of(one.cell) for one in found]
    middle = Point(
        float(np.mean([one.x for one in centres])), float(np.mean([one.y for one in centres]))
    )
    message = pb.GetOutsideMapResponse(
        pollutant=first.pollutant, product=first.product, unit=first.unit,
        start=to_timestamp(from_unix(int(starts[0]))),
        end=to_timestamp(from_unix(int(starts[-1]) + mine[0].length_s)),
        cells=[_cell(one) for one in found], marks=_marks(found, series, records),
    )  # fmt: skip
    if (wind := wind_message(winds.over(middle, starts))) is not None:
        message.wind.CopyFrom(wind)
    return message


def _cell(one: HotCell) -> pb.HotCell:
    centre, half = cells.centre_of(one.cell), cells.CELL_M / 2
    corners = [
        point_message(Point(centre.x + dx * half, centre.y + dy * half), 0.0)
        for dx, dy in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    message = pb.HotCell(
        cell=one.cell, corners=[p for p in corners if p is not None], rank=one.rank,
        score=one.score, persistence=one.persistence, periods=one.periods, mean=one.mean,
        usual=one.usual, hot=one.hot, sub_cell=one.sub_cell, sub_value=one.sub_value,
        division=one.division, column=math.floor(centre.x / cells.CELL_M),
        row=math.floor(centre.y / cells.CELL_M),
    )  # fmt: skip
    if (wind := wind_message(one.wind)) is not None:
        message.wind.CopyFrom(wind)
    return message


def _marks(found: list[HotCell], series: tuple[Series, ...], records: Records) -> list[pb.MapMark]:
    centres = np.array([cells.centre_of(one.cell) for one in found]) / cells.CELL_M
    low, high = centres.min(axis=0) - 0.5 - _MARGIN, centres.max(axis=0) + 0.5 + _MARGIN
    marks = [
        mark(
            "plant", one.credit_code, one.short_name or one.name, one.point, math.nan, one.division
        )
        for one in records.plants
    ]
    marks += [
        mark(
            one.kind,
            one.subject,
            one.name or one.subject,
            one.point,
            float(np.nanmean(one.value)),
            one.division,
        )
        for one in series
        if one.kind != "grid" and one.pollutant == found[0].pollutant and one.value.size
    ]
    return [
        one
        for one in marks
        if one is not None and low[0] <= one.x <= high[0] and low[1] <= one.y <= high[1]
    ]


def mark(  # noqa: PLR0917 - what a mark is made of
    kind: str, name: str, label: str, point: Point, value: float, division: str
) -> pb.MapMark | None:
    """A mark at a point; None for nowhere."""
    where = point_message(point, 0.0)
    if where is None:
        return None
    return pb.MapMark(
        kind=kind, id=name, name=label, point=where, value=value,
        x=point.x / cells.CELL_M, y=point.y / cells.CELL_M, division=division,
    )  # fmt: skip
