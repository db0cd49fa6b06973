"""Rows of notify: who can be told, what is told, each part's way through the gateway."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    MetaData,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Metadata of notify's own tables."""

    metadata = MetaData()
    type_annotation_map = {str: Text, datetime: DateTime(timezone=True), bool: Boolean}  # noqa: RUF012 - SQLAlchemy reads it so


class PersonRow(Base):
    """Somebody who can be told, as the registry last described them. Personal data."""

    __tablename__ = "people"
    person_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]  # contact | officer
    home: Mapped[str] = mapped_column(index=True)
    role: Mapped[str]
    name: Mapped[str]
    phone: Mapped[str]
    revision: Mapped[int] = mapped_column(BigInteger)
    deleted: Mapped[bool]


class DutyRow(Base):
    """One officer's duty on one Beijing day."""

    __tablename__ = "duties"
    duty_id: Mapped[str] = mapped_column(primary_key=True)
    officer_id: Mapped[str]
    day: Mapped[date] = mapped_column(Date, index=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    deleted: Mapped[bool]


class SendingRow(Base):
    """One SMS to one person for one cause. The unique pair is the promise."""

    __tablename__ = "sendings"
    sending_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    cause_id: Mapped[str]
    recipient_id: Mapped[str]
    recipient_name: Mapped[str]
    phone: Mapped[str]
    matter_id: Mapped[str]
    division: Mapped[str]
    credit_code: Mapped[str]
    outlet_id: Mapped[str]
    item_key: Mapped[str]
    template: Mapped[str]
    text: Mapped[str]
    parts: Mapped[int]
    level: Mapped[int]
    state: Mapped[str]  # queued held sending sent delivered failed muted uncertain
    reason: Mapped[str]
    possibly_repeated: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    epoch: Mapped[int] = mapped_column(BigInteger, default=0)
    not_before: Mapped[datetime]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    correlation_id: Mapped[str]
    __table_args__ = (UniqueConstraint("cause_id", "recipient_id"),)


class SubmissionRow(Base):
    """One part handed to a gateway once. `message_id` is the gateway's, empty until it answers."""

    __tablename__ = "submissions"
    submission_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    sending_id: Mapped[int] = mapped_column(ForeignKey("sendings.sending_id"), index=True)
    part: Mapped[int]
    gateway: Mapped[str]
    epoch: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str]  # pending accepted throttled unsent refused lost delivered undelivered
    message_id: Mapped[str] = mapped_column(default="")
    submitted_at: Mapped[datetime]


class ReceiptRow(Base):
    """A receipt as it came; kept even when nothing it belongs to is known yet."""

    __tablename__ = "receipts"
    gateway: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())


class LeaseRow(Base):
    """Who may use a gateway account now. `epoch` grows with each new holder."""

    __tablename__ = "leases"
    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    epoch: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[datetime]
