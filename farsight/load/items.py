"""Rows to pushed things: one row an outside item; one or more rows a reading."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from farsight.load.fields import field_at, put
from farsight.load.tables import Row, TableFault
from services.chassis.pb.ingest.v1 import ingest_pb2, outside_pb2

OUTSIDE = {
    "marks": "mark",
    "electricity": "electricity",
    "grid": "grid",
    "stations": "station",
    "events": "event",
    "complaints": "complaint",
    "spots": "spot",
    "fingerprints": "fingerprint",
}
"""Kind of `farsight load` -> body of an OutsideItem."""

_BODIES: dict[str, Any] = {
    "mark": outside_pb2.Mark,
    "electricity": outside_pb2.ElectricityReading,
    "grid": outside_pb2.GridValue,
    "station": outside_pb2.StationValue,
    "event": outside_pb2.DeviceEvent,
    "complaint": outside_pb2.Complaint,
    "spot": outside_pb2.SatelliteSpot,
    "fingerprint": outside_pb2.WaterFingerprint,
}
_PHASE = re.compile(r"([abc])\.(\w+)")  # a.current_a: a meter's phase A
_INDEX = re.compile(r"\[(\d+)\]")
READING = ("outlet_id", "kind", "data_time", "state", "request_id")
VALUE = ("value", "min", "max", "cou", "converted", "flag")
FACTOR = re.compile(r"([a-z]\d{5})(?:\.(min|max|cou|converted|flag))?")


@dataclass(slots=True)
class Item:
    """A thing to push, the lines it comes from, and how its fields were called there."""

    message: Any
    lines: list[int]
    columns: list[str] = field(default_factory=list)  # of a reading's values

    def place_of(self, path: str) -> tuple[int, str]:
        """Return line and column of a field that was refused."""
        if isinstance(self.message, ingest_pb2.PushedReading):
            return self._place_in_reading(path)
        name = path.removeprefix("place.").removeprefix(f"{self.message.WhichOneof('item')}.")
        phase = re.fullmatch(r"phases\[(\d+)\]\.(\w+)", name)
        if phase:
            letter = self.message.electricity.phases[int(phase[1])].phase.lower()
            name = f"{letter}.{phase[2]}"
        return self.lines[0], name.replace("[0].", ".")

    def _place_in_reading(self, path: str) -> tuple[int, str]:
        index = _INDEX.search(path)
        if index is None:
            return self.lines[0], path
        number, name = int(index[1]), path.rpartition(".")[2]
        if len(self.lines) > number and not self.columns:
            return self.lines[number], name
        factor = self.columns[number] if self.columns else ""
        return self.lines[0], factor if name in ("factor", "value") else f"{factor}.{name}"


def outside_columns(body: str, columns: Sequence[str]) -> list[str]:
    """Return the columns that no field of this kind is called."""
    return [name for name in columns if _target(body, name) is None]


def outside_item(body: str, row: Row) -> Item:
    """Return a row's item. Raises TableFault naming the column."""
    item = outside_pb2.OutsideItem()
    getattr(item, body).SetInParent()
    for column, value in row.cells.items():
        target = _target(body, column)
        assert target is not None, column
        try:
            if target == "phase":
                _put_phase(item.electricity, column, value)
            else:
                put(item, target, value)
        except ValueError as error:
            raise TableFault(row.line, column, str(error)) from error
    return Item(item, [row.line])


def _target(body: str, column: str) -> str | None:
    """Where a column belongs: source, place, body, or a meter's phase."""
    if column == "source":
        return "source"
    if field_at(outside_pb2.Place, column) is not None:
        return f"place.{column}"
    if field_at(_BODIES[body], column) is not None:
        return f"{body}.{column}"
    phase = _PHASE.fullmatch(column)
    if body == "electricity" and phase and field_at(outside_pb2.PhaseValue, phase[2]):
        return "phase"
    return None


def _put_phase(reading: outside_pb2.ElectricityReading, column: str, value: Any) -> None:
    if value is None or value == "":
        return
    letter, _, name = column.partition(".")
    found = [one for one in reading.phases if one.phase == letter.upper()]
    put(found[0] if found else reading.phases.add(phase=letter.upper()), name, value)


def reading_columns(columns: Sequence[str]) -> list[str]:
    """Return the columns that are neither of a reading nor of a value nor a factor's."""
    own = (*READING, *(("factor", *VALUE) if "factor" in columns else ()))
    wide = "factor" not in columns
    return [name for name in columns if name not in own and not (wide and FACTOR.fullmatch(name))]


def readings(rows: Iterator[Row], kind: str, *, long: bool) -> Iterator[Item | TableFault]:
    """Yield the readings of a table: a row each, or with a column `factor` a row each value.

    Neighbouring rows of one outlet, kind and time are one reading. `kind` serves where the table
    has no such column.
    """
    open_item: Item | None = None
    for row in rows:
        try:
            if row.fault is not None:
                raise row.fault
            item = _long(row, kind) if long else _wide(row, kind)
        except TableFault as fault:
            yield fault
            continue
        if long and open_item is not None and _same(open_item, item):
            open_item.message.values.extend(item.message.values)
            open_item.lines.append(row.line)
            continue
        if open_item is not None:
            yield open_item
        open_item = item
    if open_item is not None:
        yield open_item


def _same(one: Item, other: Item) -> bool:
    """Whether two neighbours say something of one outlet, kind, time and state, of new factors."""
    first, second = one.message, other.message
    if first.state != second.state:
        return False
    return (first.outlet_id, first.kind, first.data_time) == (
        second.outlet_id,
        second.kind,
        second.data_time,
    ) and second.values[0].factor not in {value.factor for value in first.values}


def _head(row: Row, kind: str) -> ingest_pb2.PushedReading:
    reading = ingest_pb2.PushedReading()
    for name in READING:
        value = row.cells.get(name) or (kind if name == "kind" else "")
        try:
            put(reading, name, value)
        except ValueError as error:
            raise TableFault(row.line, name, str(error)) from error
    return reading


def _long(row: Row, kind: str) -> Item:
    reading = _head(row, kind)
    value = reading.values.add()
    for name in ("factor", *VALUE):
        try:
            put(value, name, row.cells.get(name))
        except ValueError as error:
            raise TableFault(row.line, name, str(error)) from error
    return Item(reading, [row.line])


def _wide(row: Row, kind: str) -> Item:
    reading = _head(row, kind)
    values: dict[str, ingest_pb2.PushedValue] = {}
    for column, cell in row.cells.items():
        found = FACTOR.fullmatch(column)
        if not found or cell is None or cell == "":
            continue
        factor, name = found[1], found[2] or "value"
        if factor not in values:
            values[factor] = reading.values.add(factor=factor)
        try:
            put(values[factor], name, cell)
        except ValueError as error:
            raise TableFault(row.line, column, str(error)) from error
    return Item(reading, [row.line], list(values))
