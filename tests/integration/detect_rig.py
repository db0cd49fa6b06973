"""Detect on a real PostgreSQL without the bus: batches as the gate builds them."""

import dataclasses
import itertools
import socket
import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from sqlalchemy import select

from services.chassis.clock import BEIJING, to_timestamp
from services.chassis.db import Database
from services.chassis.pb.detect.v1 import detect_pb2 as pb
from services.chassis.pb.ingest.v1 import ingest_pb2, mark_pb2
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.tables import OutboxRow
from services.detect import judgement_wire
from services.detect.app.detector import Detector
from services.detect.app.keep_checks import keep_check
from services.detect.app.keep_news import freeze_day, keep_marks, keep_records
from services.detect.app.take_batch import Neighbours, take_batch
from services.detect.app.work_off import work_off
from services.detect.judgement_tables import DayRow
from services.detect.store import FindingRow

HOUR = ingest_pb2.READING_KIND_HOUR
MINUTE = ingest_pb2.READING_KIND_MINUTE
_REVISIONS = itertools.count(1)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def outlet_record(outlet_id: str, *, lines=(), division="130402"):
    """A registry record of an outlet."""
    credit_code = outlet_id.partition("-")[0]
    return registry_pb2.Record(
        kind=registry_pb2.RECORD_KIND_OUTLET, key=outlet_id,
        outlet=registry_pb2.Outlet(
            outlet_id=outlet_id, credit_code=credit_code, division=division, sampling_lines=lines
        ),
    )  # fmt: skip


def limit_record(outlet_id: str, factor: str, upper: float, ref_o2=0.0):
    """A registry record of an hourly permit limit."""
    key = f"{outlet_id}-{factor}"
    return registry_pb2.Record(
        kind=registry_pb2.RECORD_KIND_LIMIT, key=key,
        limit=registry_pb2.Limit(
            limit_id=key, outlet_id=outlet_id, factor=factor, averaging="hourly", upper=upper,
            lower=float("nan"), unit="mg/m3", ref_o2_percent=ref_o2, source="排污许可证",
            valid_from="2020-01-01",
        ),
    )  # fmt: skip


def batch_of(frames: Iterable[tuple[str, int, dict[str, tuple[float, float]]]], partition=0,
             kind=HOUR, flag="N") -> ingest_pb2.ReadingBatch:  # fmt: skip
    """A batch of (outlet, unix seconds, {factor: (value, converted)}) frames."""
    series: dict[tuple[str, str], int] = {}
    heads, rows = [], []
    for number, (outlet, time_s, values) in enumerate(frames):
        heads.append(
            ingest_pb2.Frame(
                outlet_id=outlet, data_time_s=time_s, outcome=ingest_pb2.OUTCOME_ACCEPTED,
                correlation_id=f"frame-{outlet}-{time_s}",
            )
        )  # fmt: skip
        for factor, (value, converted) in values.items():
            index = series.setdefault((outlet, factor), len(series))
            rows.append((index, number, time_s, value, converted))
    index, frame, times, value, converted = zip(*rows, strict=True)
    return ingest_pb2.ReadingBatch(
        batch_id=str(uuid.uuid4()), partition=partition, frames=heads,
        series=[ingest_pb2.Series(outlet_id=o, factor=f, kind=kind) for o, f in series],
        series_index=np.array(index, "<u4").tobytes(), frame_index=np.array(frame, "<u4").tobytes(),
        time_s=np.array(times, "<i8").tobytes(), value=np.array(value, "<f8").tobytes(),
        converted=np.array(converted, "<f8").tobytes(), flag=flag.encode() * len(rows),
    )  # fmt: skip


def nothing_stored(outlet_id, kind, start, end):
    """An ingest that has no history."""
    return ingest_pb2.GetReadingsResponse(outlet_id=outlet_id, kind=kind)


class Rig:
    """A detector on a database and a folder, as one process has it."""

    def __init__(self, url: str, folder, *, history=nothing_stored, owner="rig") -> None:
        self.database = Database(url, "detect")
        self.now = datetime.now(UTC)
        self.detector = Detector(self.database, folder, owner, partitions=8)
        self.others = Neighbours(catch_up=lambda: True, history=history)

    def know(self, records) -> None:
        """Take registry records into the copy; like the registry, with ever growing revisions."""
        for record in records:
            record.revision = next(_REVISIONS)
        with self.database.transaction() as session:
            keep_records(session, records, self.detector.partitions, self.now)

    def mark(self, *records) -> None:
        """Handle MarksChanged."""
        with self.database.transaction() as session:
            keep_marks(session, records, self.detector.partitions, self.now)

    def freeze(self, day: str) -> None:
        """Handle DayFrozen."""
        noon = datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(12), BEIJING)
        with self.database.transaction() as session:
            event = mark_pb2.DayFrozen(day=day, frozen_at=to_timestamp(noon))
            freeze_day(session, event)

    def check(self, *events) -> None:
        """Handle QualityCheck."""
        for event in events:
            with self.database.transaction() as session:
                keep_check(session, event, self.detector.partitions, self.now)

    def work(self) -> int:
        """Work off what waits, as the service's timer does; back-fill has had its time."""
        return work_off(self.detector, self.now + timedelta(hours=1), self.others.history)

    def days(self, outlet_id: str, day: str = "") -> list:
        """Kept revisions of day judgements, whole, by day and revision."""
        with self.database.transaction() as session:
            rows = session.scalars(select(DayRow).where(DayRow.outlet_id == outlet_id).order_by(
                DayRow.day, DayRow.revision
            ))  # fmt: skip
            found = [judgement_wire.day_of_row(row) for row in rows]
            return [one for one in found if not day or one.day == day]

    def take(self, batch: ingest_pb2.ReadingBatch) -> int:
        """Handle a batch as the service does."""
        queue = f"detect.readings.p{batch.partition}"
        return take_batch(self.detector, batch, queue, self.others)

    def findings(self) -> list[pb.Finding]:
        """Findings as they stand, by outlet, rule, factor and time."""
        with self.database.transaction() as session:
            rows = session.scalars(select(FindingRow).order_by(
                FindingRow.outlet_id, FindingRow.rule_id, FindingRow.factor, FindingRow.begin_hour
            ))  # fmt: skip
            return [pb.Finding.FromString(row.body) for row in rows]

    def events(self) -> list[pb.FindingChanged | pb.ClueChanged]:
        """Events in the outbox, oldest first."""
        names = {c.DESCRIPTOR.full_name: c for c in (pb.FindingChanged, pb.ClueChanged)}
        with self.database.transaction() as session:
            rows = session.scalars(select(OutboxRow).order_by(OutboxRow.outbox_id))
            return [names[row.type_name].FromString(row.body) for row in rows]

    def close(self) -> None:
        """Let go of the database."""
        self.database.engine.dispose()


@dataclasses.dataclass(frozen=True)
class Facts:
    """A finding without what depends on the order of arrival."""

    outlet_id: str
    rule_id: str
    factors: tuple[str, ...]
    start: int
    end: int
    hours: tuple[int, ...]
    seen: str
    state: int

    @classmethod
    def of(cls, finding: pb.Finding) -> "Facts":
        """Fields that come from event time and data."""
        return cls(
            finding.outlet_id, finding.rule_id, tuple(finding.factors), finding.start.seconds,
            finding.end.seconds, tuple(finding.hours_s), finding.seen, finding.state,
        )  # fmt: skip
