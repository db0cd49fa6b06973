"""Irregularities of loggers: rows and queries; migration 0002 holds the constraints."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Identity, SmallInteger, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.clock import from_timestamp
from services.chassis.pb.ingest.v1 import logger_pb2 as pb
from services.ingest.tables import Base
from services.ingest.wire import clean


class AnomalyRow(Base):
    """One irregularity; append-only."""

    __tablename__ = "logger_anomaly"
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    mn: Mapped[str] = mapped_column(Text)
    outlet_id: Mapped[str] = mapped_column(Text)
    kind: Mapped[int] = mapped_column(SmallInteger)  # AnomalyKind
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    before: Mapped[str] = mapped_column(Text)
    after: Mapped[str] = mapped_column(Text)
    offset_s: Mapped[float]
    peer: Mapped[str] = mapped_column(Text)
    gate_id: Mapped[str] = mapped_column(Text)
    correlation_id: Mapped[str] = mapped_column(Text)


@dataclass(frozen=True, slots=True)
class AnomalyQuery:
    """What is looked for; None and empty = any. `before_id` is where the last page ended."""

    kinds: Collection[int]
    outlets: Collection[str] | None = None
    mn: str = ""
    start: datetime | None = None
    end: datetime | None = None
    before_id: int | None = None


def add_anomaly(session: Session, event: pb.LoggerAnomaly) -> None:
    """Keep one irregularity."""
    session.add(
        AnomalyRow(
            mn=clean(event.mn),
            outlet_id=clean(event.outlet_id),
            kind=event.kind,
            at=from_timestamp(event.at),
            before=clean(event.before),
            after=clean(event.after),
            offset_s=event.offset_s,
            peer=clean(event.peer),
            gate_id=clean(event.gate_id),
            correlation_id=clean(event.correlation_id),
        )
    )


def anomalies(session: Session, query: AnomalyQuery, limit: int) -> list[AnomalyRow]:
    """The newest ones first, in the order in which they were kept."""
    rows = select(AnomalyRow).where(AnomalyRow.kind.in_(query.kinds))
    if query.outlets is not None:
        rows = rows.where(AnomalyRow.outlet_id.in_(query.outlets))
    if query.mn:
        rows = rows.where(AnomalyRow.mn == query.mn)
    if query.start is not None:
        rows = rows.where(AnomalyRow.at >= query.start)
    if query.end is not None:
        rows = rows.where(AnomalyRow.at < query.end)
    if query.before_id is not None:
        rows = rows.where(AnomalyRow.id < query.before_id)
    return list(session.scalars(rows.order_by(AnomalyRow.id.desc()).limit(limit)))


def message_of(row: AnomalyRow) -> pb.LoggerAnomaly:
    """The row as the event that it was."""
    message = pb.LoggerAnomaly(
        mn=row.mn,
        outlet_id=row.outlet_id,
        kind=pb.AnomalyKind.ValueType(row.kind),
        before=row.before,
        after=row.after,
        offset_s=row.offset_s,
        peer=row.peer,
        gate_id=row.gate_id,
        correlation_id=row.correlation_id,
    )
    message.at.FromDatetime(row.at)
    return message
