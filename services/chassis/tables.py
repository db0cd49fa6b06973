"""Tables that every service's schema has: outbox, inbox, due rows, registry copy."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class ChassisBase(DeclarativeBase):
    """Metadata of the chassis tables; the search path decides whose they are."""

    metadata = MetaData()


class OutboxRow(ChassisBase):
    """An event that was decided and has to leave; deleted once the broker confirmed it."""

    __tablename__ = "outbox"
    outbox_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    message_id: Mapped[str] = mapped_column(Text)
    type_name: Mapped[str] = mapped_column(Text)
    correlation_id: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class InboxRow(ChassisBase):
    """A message whose effect is in this database already."""

    __tablename__ = "inbox"
    consumer: Mapped[str] = mapped_column(Text, primary_key=True)
    message_id: Mapped[str] = mapped_column(Text, primary_key=True)
    handled_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class DueRow(ChassisBase):
    """Something to be done at a time, once."""

    __tablename__ = "due"
    due_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    payload: Mapped[dict[str, object]] = mapped_column(JSONB)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    outcome: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        UniqueConstraint("kind", "key"),
        Index("due_waiting", "kind", "at", postgresql_where=text("done_at IS NULL")),
    )


class ReplicaRow(ChassisBase):
    """A registry record as this service last heard of it."""

    __tablename__ = "registry_copy"
    kind: Mapped[int] = mapped_column(Integer, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger, index=True)
    deleted: Mapped[bool]
    body: Mapped[bytes] = mapped_column(LargeBinary)


def create_chassis_tables_v1(bind: object) -> None:
    """Create the tables of version 1 in the current schema, for a first migration."""
    ChassisBase.metadata.create_all(bind)  # type: ignore[arg-type]
