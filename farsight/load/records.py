"""档案装载: tables of records over the registry's Sync, with the differences of a dry run."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message

from farsight.lab.door_client import SignedInClient
from farsight.load.fields import field_at, put
from farsight.load.report import FileReport
from farsight.load.tables import TableFault, columns_of, rows_of
from services.chassis import grpc_host
from services.chassis.errors import InputRejected
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2_grpc as grpc_pb

REGISTRY = "registry"
KINDS: dict[str, type[Message]] = {
    "divisions": pb.Division,
    "enterprises": pb.Enterprise,
    "outlets": pb.Outlet,
    "loggers": pb.Logger,
    "limits": pb.Limit,
    "teams": pb.Team,
    "officers": pb.Officer,
    "contacts": pb.Contact,
    "agencies": pb.Agency,
    "duties": pb.Duty,
    "leaves": pb.Leave,
    "meter_pairs": pb.MeterPair,
    "control_orders": pb.ControlOrder,
}
"""Table -> record, in an order in which every reference is known before it is used."""
_PART = 400
#: What a table without the column, or with an empty cell, means: as in the registry's own import.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "limits": {"lower": float("nan"), "upper": float("nan")},
    "loggers": {"enabled": True, "realtime_interval_s": 30, "minute_interval_min": 10},
}


@dataclass(frozen=True)
class Table:
    """A file and what its rows are."""

    path: Path
    kind: str


def tables_of(kind: str, paths: list[Path]) -> list[Table]:
    """Return the files in the order in which they refer to each other.

    For `registry` a file's own name tells its kind, as outlets.csv. Raises InputRejected for a
    name that tells none.
    """
    found = []
    for path in paths:
        own = path.stem.lower() if kind == REGISTRY else kind
        if own not in KINDS:
            raise InputRejected(f"{path}: its name is none of {', '.join(KINDS)}")
        found.append(Table(path, own))
    order = list(KINDS)
    return sorted(found, key=lambda table: order.index(table.kind))


class RegistrySync:
    """Sends tables as one stream, so that a row may refer to one of a table before."""

    def __init__(
        self, client: SignedInClient, *, dry_run: bool, complete: bool, division: str
    ) -> None:
        self._client = client
        self._dry_run = dry_run
        self._complete = complete
        self._division = division
        self._places: list[tuple[FileReport, int]] = []  # row of the stream -> file and line

    def sync(self, tables: list[Table]) -> tuple[list[FileReport], pb.SyncResponse]:
        """Sync the tables, or tell what would differ; rows that cannot be read stay away.

        With unreadable rows nothing is deleted. Raises the platform's errors.
        """
        reports = [FileReport(str(table.path)) for table in tables]
        parts = list(zip(tables, reports, strict=True))
        if self._complete:
            readable = [self._check(table, report) for table, report in parts]
            if not all(readable):
                return reports, pb.SyncResponse()
        stub = grpc_pb.RegistryServiceStub(self._client.channel)
        answer = self._client.call(stub.Sync, self._requests(parts), timeout_s=3600.0)
        for error in answer.errors:
            self._note(error, reports)
        for report in reports:
            report.safe = report.items - report.refused
        return reports, answer

    def _check(self, table: Table, report: FileReport) -> bool:
        """Whether every row can be read; a complete table must not lose one on the way."""
        for _ in read_records(table, report):
            pass
        return not report.faults

    def _note(self, error: pb.RowError, reports: list[FileReport]) -> None:
        if error.field == "complete" or error.row >= len(self._places):
            reports[0].problem(0, error.field, "refused", error.reason)
            return
        report, line = self._places[error.row]
        report.refused += 1
        report.problem(line, error.field, "refused", f"{error.key}: {error.reason}")

    def _requests(self, parts: list[tuple[Table, FileReport]]) -> Iterator[pb.SyncRequest]:
        request = pb.SyncRequest(dry_run=self._dry_run)
        if self._complete:
            kinds = {_kind_of(table.kind) for table, _ in parts}
            request.complete.kinds.extend(sorted(kinds))
            request.complete.division = self._division
        for table, report in parts:
            for line, record in read_records(table, report):
                self._places.append((report, line))
                report.items += 1
                request.records.append(record)
                if len(request.records) == _PART:
                    yield request
                    request = pb.SyncRequest(dry_run=self._dry_run)
        yield request


def read_records(table: Table, report: FileReport) -> Iterator[tuple[int, pb.Record]]:
    """Yield (line, record); what cannot be read is noted."""
    shape = KINDS[table.kind]
    try:
        strange = [name for name in columns_of(table.path) if field_at(shape, name) is None]
        for name in strange:
            report.problem(1, name, "unknown_column", f"{table.kind} have no such field")
        if strange:
            return
        for row in rows_of(table.path):
            try:
                if row.fault is not None:
                    raise row.fault
                yield row.line, _record(table.kind, row.line, row.cells)
            except TableFault as fault:
                report.problem(fault.line, fault.column, "unreadable", fault.reason)
    except TableFault as fault:
        report.problem(fault.line, fault.column, "unreadable", fault.reason)


def _record(kind: str, line: int, cells: Any) -> pb.Record:
    shape = KINDS[kind]
    name = _body_of(kind)
    record = pb.Record(kind=_kind_of(kind))
    body = getattr(record, name)
    body.SetInParent()
    for field, value in _DEFAULTS.get(kind, {}).items():
        setattr(body, field, value)
    for column, value in cells.items():
        try:
            put(body, column, value)
        except ValueError as error:
            raise TableFault(line, column, str(error)) from error
    record.key = str(getattr(body, shape.DESCRIPTOR.fields[0].name))
    return record


def _kind_of(kind: str) -> pb.RecordKind.ValueType:
    return pb.RecordKind.Value(f"RECORD_KIND_{_body_of(kind).upper()}")


def _body_of(kind: str) -> str:
    """Return the field of a Record that holds a table's records: duties -> duty."""
    bodies = pb.Record.DESCRIPTOR.oneofs_by_name["body"].fields
    return next(one.name for one in bodies if one.message_type is KINDS[kind].DESCRIPTOR)


def export(client: SignedInClient, table: Table, division: str) -> int:
    """Write a table of what the caller may see; returns the number of its rows.

    Raises the platform's errors.
    """
    stub = grpc_pb.RegistryServiceStub(client.channel)
    request = pb.ExportCsvRequest(kind=_kind_of(table.kind), division=division)
    lines = 0
    with table.path.open("w", encoding="utf-8", newline="") as file:
        try:
            for part in stub.ExportCsv(request, metadata=tuple(client.metadata()), timeout=600.0):
                file.write(part.csv)
                lines += part.csv.count("\n")  # no field of a record holds a line break
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error
    return lines - 1


def difference_lines(answer: pb.SyncResponse) -> Iterator[str]:
    """Yield the differences of a dry run as lines of a table a person can read."""
    signs = {pb.CHANGE_KIND_ADDED: "+", pb.CHANGE_KIND_CHANGED: "~", pb.CHANGE_KIND_DELETED: "-"}
    for change in answer.changes:
        kind = pb.RecordKind.Name(change.kind).removeprefix("RECORD_KIND_").lower()
        kind = "account" if kind == "unspecified" else kind
        yield f"{signs.get(change.change, '?')} {kind:<10} {change.key}"
        if change.change != pb.CHANGE_KIND_CHANGED:
            continue
        for field in change.fields:
            yield f"    {field.field:<22} {field.before or '∅'} → {field.after or '∅'}"
    if answer.changes_left_out:
        yield f"... {answer.changes_left_out} more differences"


def summary(answer: pb.SyncResponse, *, dry_run: bool) -> str:
    """Return one sentence on the whole stream."""
    changed = answer.updated - answer.deleted
    would = "would be " if dry_run else ""
    return (
        f"{would}added {answer.created}, changed {changed}, deleted {answer.deleted};"
        f" unchanged {answer.unchanged}, refused {len(answer.errors)}"
    )
