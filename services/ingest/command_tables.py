"""Rows of call-backs; migration 0002 holds their constraints."""

import uuid
from datetime import datetime

from sqlalchemy import DateTime, Integer, LargeBinary, SmallInteger, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.ingest.tables import Base


class CommandRow(Base):
    """One request to a logger."""

    __tablename__ = "command"
    command_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    mn: Mapped[str] = mapped_column(Text)
    outlet_id: Mapped[str] = mapped_column(Text)
    cn: Mapped[str] = mapped_column(Text)
    parameters: Mapped[list[list[str]]] = mapped_column(JSONB)  # [name, value] in CP's order
    control: Mapped[bool]
    purpose: Mapped[str] = mapped_column(Text)
    priority: Mapped[int] = mapped_column(SmallInteger)  # below 0 = background; higher goes first
    requested_by: Mapped[str] = mapped_column(Text)
    requested_name: Mapped[str] = mapped_column(Text)
    requested_role: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    deadline: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    state: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text, default="")
    sendings: Mapped[int] = mapped_column(SmallInteger, default=0)
    gate_id: Mapped[str] = mapped_column(Text, default="")
    qn: Mapped[str] = mapped_column(Text, default="")
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    heard_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    look_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # NULL = terminal
    steps: Mapped[int] = mapped_column(Integer, default=0)


class StepRow(Base):
    """One thing that happened to a command; append-only."""

    __tablename__ = "command_step"
    command_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)  # in the order of storing
    kind: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    detail: Mapped[str] = mapped_column(Text)
    qn: Mapped[str] = mapped_column(Text)
    gate_id: Mapped[str] = mapped_column(Text)  # empty = ingest itself
    sending: Mapped[int] = mapped_column(SmallInteger)
    gate_number: Mapped[int] = mapped_column(Integer)  # the gate's own count, 0 = ingest's step
    fields: Mapped[list[list[str]]] = mapped_column(JSONB)  # [name, value] as received
    raw: Mapped[bytes] = mapped_column(LargeBinary)


class SessionRow(Base):
    """A logger's connection as last heard of."""

    __tablename__ = "logger_session"
    mn: Mapped[str] = mapped_column(Text, primary_key=True)
    outlet_id: Mapped[str] = mapped_column(Text)
    session_id: Mapped[str] = mapped_column(Text)
    gate_id: Mapped[str] = mapped_column(Text)
    peer: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(SmallInteger)
    certificate_sha256: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reason: Mapped[str] = mapped_column(Text)
