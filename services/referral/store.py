"""Rows of referral: the transfer, its append-only history, its clocks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from services.chassis.errors import NotFound


class Base(DeclarativeBase):
    """Metadata of referral's own tables."""

    metadata = MetaData()
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it so
        str: Text,
        datetime: DateTime(timezone=True),
        bool: Boolean,
        bytes: LargeBinary,
        dict[str, Any]: JSONB,
        list[str]: JSONB,
    }


class ReferralRow(Base):
    """One transfer. `request` is the event it came from; `bundle_*` stand once it is frozen."""

    __tablename__ = "referrals"
    referral_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str]
    matter_id: Mapped[str] = mapped_column(unique=True)
    matter_number: Mapped[str]
    outlet_id: Mapped[str]
    credit_code: Mapped[str]
    enterprise_name: Mapped[str]
    division: Mapped[str]
    charge: Mapped[str]
    charge_basis: Mapped[str]
    requested_by: Mapped[str]
    request: Mapped[bytes]
    police_agency_id: Mapped[str]
    police_agency_name: Mapped[str]
    police_division: Mapped[str]
    procuratorate_agency_id: Mapped[str]
    procuratorate_agency_name: Mapped[str]
    procuratorate_division: Mapped[str]
    state: Mapped[str]
    outcome: Mapped[str] = mapped_column(default="")
    outcome_reason: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    requested_at: Mapped[datetime]
    handed_over_at: Mapped[datetime | None]
    bundle_name: Mapped[str] = mapped_column(default="")
    bundle_size: Mapped[int] = mapped_column(BigInteger, default=0)
    bundle_sm3: Mapped[bytes] = mapped_column(default=b"")
    bundle_sha256: Mapped[bytes] = mapped_column(default=b"")
    key_fingerprint: Mapped[str] = mapped_column(default="")
    correlation_id: Mapped[str]


class EventRow(Base):
    """One line of the history. The database refuses to change or delete it."""

    __tablename__ = "referral_events"
    referral_id: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    line: Mapped[dict[str, Any]]
    digest: Mapped[bytes]


class ClockRow(Base):
    """A clock running on a referral."""

    __tablename__ = "referral_clocks"
    clock_id: Mapped[str] = mapped_column(primary_key=True)
    referral_id: Mapped[str] = mapped_column(index=True)
    key: Mapped[str]
    started_at: Mapped[datetime]
    due_at: Mapped[datetime]
    provisional: Mapped[bool]
    state: Mapped[str]  # running satisfied breached
    ended_at: Mapped[datetime | None]
    derivation: Mapped[list[str]]


def load(session: Session, referral_id: str, *, lock: bool = False) -> ReferralRow:
    """One referral. Raises NotFound."""
    row = session.get(ReferralRow, referral_id, with_for_update=lock)
    if row is None:
        raise NotFound(f"no referral {referral_id}")
    return row


def by_matter(session: Session, matter_id: str) -> ReferralRow | None:
    """The referral of a case, or None."""
    return session.scalar(select(ReferralRow).where(ReferralRow.matter_id == matter_id))


def history(session: Session, referral_id: str) -> Sequence[EventRow]:
    """The lines of the history in order."""
    query = select(EventRow).where(EventRow.referral_id == referral_id)
    return session.scalars(query.order_by(EventRow.seq)).all()


def clocks(session: Session, referral_id: str) -> Sequence[ClockRow]:
    """The clocks of a referral, oldest first."""
    query = select(ClockRow).where(ClockRow.referral_id == referral_id)
    return session.scalars(query.order_by(ClockRow.started_at, ClockRow.clock_id)).all()


def running(session: Session, referral_id: str) -> list[ClockRow]:
    """The clocks that nobody has satisfied: running ones, and breached ones still owed."""
    return [row for row in clocks(session, referral_id) if row.ended_at is None]


def next_number(session: Session, division: str, year: int) -> int:
    """The next serial of a division's referrals in a year; gaps never, doubles never."""
    statement = text(
        """
        INSERT INTO numbers (division, year, last) VALUES (:division, :year, 1)
        ON CONFLICT (division, year) DO UPDATE SET last = numbers.last + 1 RETURNING last
        """
    )
    return int(session.scalar(statement, {"division": division, "year": year}) or 0)
