"""平台历史: readings, marks, records and closed matters of a running platform, over its doors."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from farsight.backtest.history import CONFIRMED, REFUTED, Label, between, empty_columns, joined
from farsight.lab.door_client import SignedInClient
from services.chassis.clock import from_unix, to_timestamp
from services.chassis.errors import Forbidden
from services.chassis.identity import jurisdiction_prefix
from services.chassis.pb.cases.v1 import cases_pb2, cases_pb2_grpc
from services.chassis.pb.ingest.v1 import ingest_pb2, ingest_pb2_grpc, mark_pb2, mark_pb2_grpc
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2_grpc
from services.detect import wire
from services.detect.judgement.marks import MarkRevision
from services.detect.mark_wire import revision_of
from services.detect.windows.partition_windows import Columns

_KINDS = (
    pb.RECORD_KIND_DIVISION,
    pb.RECORD_KIND_ENTERPRISE,
    pb.RECORD_KIND_OUTLET,
    pb.RECORD_KIND_LIMIT,
)
_READINGS = (ingest_pb2.READING_KIND_HOUR, ingest_pb2.READING_KIND_MINUTE)
_PAGE = 500
#: Hours of one question: a month of one kind stays far below a message's size.
_ASKED_H = 31 * 24
#: What a check or a verification of cases found.
_VERDICTS = {
    "violation": CONFIRMED,
    "rectified": CONFIRMED,
    "confirmed": CONFIRMED,
    "device": REFUTED,
    "condition": REFUTED,
    "false_alarm": REFUTED,
    "not_confirmed": REFUTED,
}
Tell = Callable[[int, int], None]


class StoredHistory:
    """历史 that was fetched from the doors once, into memory, for the outlets of a jurisdiction.

    Needs an account that reads readings, marks and registry there; without the right to read
    matters there are no labels. Raises the platform's errors.
    """

    def __init__(
        self,
        client: SignedInClient,
        division: str,
        first_hour: int,
        end_hour: int,
        tell: Tell = lambda _done, _all: None,
    ) -> None:
        self.name = f"stored by {client.user_name}'s platform"
        self.records = [one for kind in _KINDS for one in _records(client, kind)]
        outlets = [
            one.outlet.outlet_id
            for one in self.records
            if one.kind == pb.RECORD_KIND_OUTLET
            and one.outlet.division.startswith(jurisdiction_prefix(division))
        ]
        self.marks = _marks(client, outlets)
        self.labels: Sequence[Label] = stored_labels(client, division)
        self._columns: dict[str, Columns] = {}
        for number, outlet_id in enumerate(outlets):
            self._columns[outlet_id] = _readings(client, outlet_id, first_hour, end_hour)
            tell(number + 1, len(outlets))

    def columns(self, outlet_id: str, first_hour: int, end_hour: int) -> Columns:
        """读数 of an outlet."""
        whole = self._columns.get(outlet_id)
        return between(whole, first_hour, end_hour) if whole else empty_columns()


def _records(client: SignedInClient, kind: "pb.RecordKind.ValueType") -> Iterator[pb.Record]:
    stub = registry_pb2_grpc.RegistryServiceStub(client.channel)
    token = ""
    while True:
        request = pb.ListRecordsRequest(kind=kind, page_size=_PAGE, page_token=token)
        page = client.call(stub.ListRecords, request)
        yield from page.records
        token = page.next_page_token
        if not token:
            return


def _marks(client: SignedInClient, outlets: Iterable[str]) -> dict[str, list[MarkRevision]]:
    stub = mark_pb2_grpc.MarkServiceStub(client.channel)
    found: dict[str, list[MarkRevision]] = {}
    for outlet_id in outlets:
        token = ""
        while True:
            request = mark_pb2.ListMarksRequest(
                outlet_id=outlet_id, with_revisions=True, page_size=_PAGE, page_token=token
            )
            page = client.call(stub.ListMarks, request)
            mine = (revision_of(one.SerializeToString(deterministic=True)) for one in page.records)
            found.setdefault(outlet_id, []).extend(mine)
            token = page.next_page_token
            if not token:
                break
    return {outlet_id: marks for outlet_id, marks in found.items() if marks}


def _readings(client: SignedInClient, outlet_id: str, first: int, end: int) -> Columns:
    """First-received values of hours and ten-minute values, oldest first."""
    stub = ingest_pb2_grpc.HistoryServiceStub(client.channel)
    parts = []
    for kind in _READINGS:
        for begin in range(first, end, _ASKED_H):
            request = ingest_pb2.GetReadingsRequest(
                outlet_id=outlet_id,
                kind=kind,
                start=to_timestamp(from_unix(begin * 3600)),
                end=to_timestamp(from_unix(min(begin + _ASKED_H, end) * 3600)),
            )
            part = wire.columns_of_history(client.call(stub.GetReadings, request))
            if len(part.time_s):
                parts.append(part)
    if not parts:
        return empty_columns()
    whole = joined(parts)
    order = np.argsort(whole.time_s, kind="stable")
    return Columns(
        whole.series,
        whole.series_index[order],
        whole.time_s[order],
        whole.value[order],
        whole.converted[order],
        whole.flag[order],
    )


def stored_labels(client: SignedInClient, division: str) -> tuple[Label, ...]:
    """标签, none for an account that may not read matters (the platform's operator)."""
    try:
        return tuple(_labels(client, division))
    except Forbidden:
        return ()


def _labels(client: SignedInClient, division: str) -> Iterator[Label]:
    """标签 of closed matters: what their check or verification found, by finding."""
    stub = cases_pb2_grpc.CaseServiceStub(client.channel)
    for state in ("closed", "case_opened", "no_filing"):
        token = ""
        while True:
            request = cases_pb2.ListMattersRequest(
                division=division, state=state, page_size=200, page_token=token
            )
            page = client.call(stub.ListMatters, request)
            for head in page.matters:
                asked = cases_pb2.GetMatterRequest(matter_id=head.matter_id)
                yield from _labels_of(client.call(stub.GetMatter, asked).matter)
            token = page.next_page_token
            if not token:
                break


def _labels_of(matter: cases_pb2.Matter) -> Iterator[Label]:
    verdict = _verdict(matter)
    if not verdict:
        return
    for row in matter.rows:
        for factor in row.factors or ("",):
            yield Label(
                outlet_id=matter.outlet_id,
                factor=factor,
                rule_id=row.rule_id,
                start=row.start.seconds // 3600,
                end=-(-row.end.seconds // 3600),
                verdict=verdict,
                matter=matter.number,
            )


def _verdict(matter: cases_pb2.Matter) -> str:
    """What people found last; empty where nobody looked."""
    said = ""
    for event in matter.timeline:
        for name in ("verdict", "found"):
            if name in event.fields:
                said = _VERDICTS.get(str(event.fields[name]), said)
    return said
