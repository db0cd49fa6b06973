"""历史文件夹: tables of records, marks, labels and readings, as `farsight load` knows them.

enterprises.csv outlets.csv limits.csv    records, columns of the registry (docs/load.md)
divisions.csv                             names of counties, may be missing
marks.csv                                 may be missing; `received_at`, `decision`, `decided_at`
                                          may be added, else a mark came when it was made
labels.csv                                may be missing: outlet_id,start,end,verdict and, if
                                          wanted, factor, rule_id, matter
readings*.csv, readings*.parquet          wide or long; hourly where no column `kind` is
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from farsight.backtest.history import CONFIRMED, REFUTED, Label, between, empty_columns
from farsight.backtest.readings_table import by_outlet, read_readings
from farsight.load.fields import moment
from farsight.load.items import outside_columns, outside_item
from farsight.load.records import Table, read_records
from farsight.load.report import FileReport
from farsight.load.tables import Row, TableFault, columns_of, rows_of
from services.chassis.clock import to_timestamp
from services.chassis.errors import InputRejected
from services.chassis.pb.ingest.v1 import mark_pb2
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.detect.judgement.marks import MarkRevision
from services.detect.mark_wire import revision_of
from services.detect.windows.partition_windows import Columns

T = TypeVar("T")

_RECORDS = ("divisions", "enterprises", "outlets", "limits")
_ARRIVAL = ("received_at", "decision", "decided_at")
_LABEL = ("outlet_id", "start", "end", "verdict")
_LABEL_MAY = ("factor", "rule_id", "matter")
_DECISIONS = {"": 0, "accepted": 1, "refused": 2}


class FolderHistory:
    """历史 of a folder. Every fault is an InputRejected that names file, line and column."""

    def __init__(self, folder: Path) -> None:
        if not (folder / "outlets.csv").is_file():
            raise InputRejected(f"{folder}: no outlets.csv; docs/backtest.md tells what it holds")
        self._folder = folder
        self.name = folder.name

    @cached_property
    def records(self) -> list[pb.Record]:
        """档案 of the record tables; an outlet lies where its plant does, unless it says so."""
        records = [record for kind in _RECORDS for record in self._records(kind)]
        divisions = {
            one.key: one.enterprise.division for one in records if one.HasField("enterprise")
        }
        for one in records:
            if one.HasField("outlet") and not one.outlet.division:
                one.outlet.division = divisions.get(one.outlet.credit_code, "")
        return records

    @cached_property
    def marks(self) -> Mapping[str, Sequence[MarkRevision]]:
        """标记 of marks.csv by outlet."""
        found: dict[str, list[MarkRevision]] = {}
        for mark in self._rows("marks.csv", _mark):
            found.setdefault(mark.outlet_id, []).append(mark)
        return found

    @cached_property
    def labels(self) -> list[Label]:
        """标签 of labels.csv."""
        return list(self._rows("labels.csv", _label))

    def columns(self, outlet_id: str, first_hour: int, end_hour: int) -> Columns:
        """读数 of an outlet."""
        whole = self._readings.get(outlet_id)
        return between(whole, first_hour, end_hour) if whole else empty_columns()

    @cached_property
    def _readings(self) -> dict[str, Columns]:
        files = [one for one in sorted(self._folder.glob("readings*")) if one.is_file()]
        if not files:
            raise InputRejected(f"{self._folder}: no readings*.csv and no readings*.parquet")
        return by_outlet([read_readings(path) for path in files])

    def _records(self, kind: str) -> Iterator[pb.Record]:
        path = self._folder / f"{kind}.csv"
        if not path.is_file():
            return
        report = FileReport(path.name)
        yield from (record for _, record in read_records(Table(path, kind), report))
        for one in report.problems:
            where = f"{path.name}: line {one.line}, {one.column or 'row'}"
            raise InputRejected(f"{where}: {one.detail}", field=one.column)

    def _rows(self, name: str, read: Callable[[Row], T]) -> Iterator[T]:
        """Rows of a table that may be missing; a fault names the file."""
        path = self._folder / name
        if not path.is_file():
            return
        try:
            strange = _strange(name, columns_of(path))
            if strange:
                raise InputRejected(f"{name}: no column is called {strange[0]}", field=strange[0])
            for row in rows_of(path):
                if row.fault is not None:
                    raise row.fault
                yield read(row)
        except TableFault as fault:
            raise InputRejected(f"{name}: {fault}", field=fault.column) from fault


def _strange(name: str, columns: Sequence[str]) -> list[str]:
    if name == "marks.csv":
        return outside_columns("mark", [one for one in columns if one not in _ARRIVAL])
    missing = [one for one in _LABEL if one not in columns]
    if missing:
        raise InputRejected(f"{name}: no column {missing[0]}", field=missing[0])
    return [one for one in columns if one not in (*_LABEL, *_LABEL_MAY)]


def _mark(row: Row) -> MarkRevision:
    own = {name: cell for name, cell in row.cells.items() if name not in _ARRIVAL}
    item = outside_item("mark", Row(row.line, own)).message
    mark = item.mark
    if not item.place.outlet_id or not mark.mark_id or mark.end.seconds <= mark.start.seconds:
        raise TableFault(row.line, "mark_id", "a mark has an outlet, an id, and an end after start")
    record = mark_pb2.MarkRecord(outlet_id=item.place.outlet_id, mark=mark)
    record.received_at.CopyFrom(mark.made_at)
    for name in ("received_at", "decided_at"):
        if row.cells.get(name):
            getattr(record, name).CopyFrom(to_timestamp(_moment(row, name)))
    decision = str(row.cells.get("decision") or "")
    if decision not in _DECISIONS:
        raise TableFault(row.line, "decision", "not one of accepted, refused")
    record.decision = _DECISIONS[decision]  # type: ignore[assignment]
    return revision_of(record.SerializeToString(deterministic=True))


def _label(row: Row) -> Label:
    verdict = str(row.cells["verdict"])
    if verdict not in {CONFIRMED, REFUTED}:
        raise TableFault(row.line, "verdict", f"not one of {CONFIRMED}, {REFUTED}")
    start, end = (int(_moment(row, name).timestamp()) for name in ("start", "end"))
    return Label(
        outlet_id=str(row.cells["outlet_id"]),
        factor=str(row.cells.get("factor") or ""),
        rule_id=str(row.cells.get("rule_id") or ""),
        start=start // 3600,
        end=-(-end // 3600),
        verdict=verdict,
        matter=str(row.cells.get("matter") or ""),
    )


def _moment(row: Row, name: str) -> dt.datetime:
    try:
        return moment(row.cells[name])
    except ValueError as fault:
        raise TableFault(row.line, name, str(fault)) from fault
