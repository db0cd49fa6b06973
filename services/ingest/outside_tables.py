"""Rows of things from outside; migration 0005 holds their constraints."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Integer, LargeBinary, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.ingest.tables import Base


class OutsideRow(Base):
    """One received item. Version 0 came first; later ones deviate from it."""

    __tablename__ = "outside_item"
    kind: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    revision: Mapped[int] = mapped_column(Integer)  # of a mark, else 0
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    subject: Mapped[str] = mapped_column(Text)  # meter, cell, station, device
    division: Mapped[str] = mapped_column(Text)
    outlet_id: Mapped[str] = mapped_column(Text)  # empty = none
    credit_code: Mapped[str] = mapped_column(Text)  # empty = none
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    sm3: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    peer: Mapped[str] = mapped_column(Text)
    correlation_id: Mapped[str] = mapped_column(Text)


class MarkRow(Base):
    """标记: one revision, never changed; [start_at, end_at), empty factors = all.

    The revision that counts is in the view mark_now.
    """

    __tablename__ = "mark"
    outlet_id: Mapped[str] = mapped_column(Text, primary_key=True)
    mark_id: Mapped[str] = mapped_column(Text, primary_key=True)
    revision: Mapped[int] = mapped_column(Integer, primary_key=True)
    family: Mapped[int] = mapped_column(SmallInteger)  # domain.md B.3, 1..8
    subtype: Mapped[int] = mapped_column(SmallInteger)
    condition: Mapped[str] = mapped_column(Text)
    facility: Mapped[str] = mapped_column(Text)
    factors: Mapped[list[str]] = mapped_column(ARRAY(Text))
    start_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    end_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    status: Mapped[str] = mapped_column(Text)  # active | rejected | withdrawn
    reason: Mapped[str] = mapped_column(Text)
    proof_ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    made_by: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    rule_version: Mapped[str] = mapped_column(Text)
    manual_values: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    division: Mapped[str] = mapped_column(Text)
    credit_code: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    channel: Mapped[str] = mapped_column(Text)  # console | grpc | csv | push
    late: Mapped[bool]  # counts for frozen days only once it is accepted


class PushTallyRow(Base):
    """How many pushed things of a peer's named stream fell under a word."""

    __tablename__ = "push_tally"
    peer: Mapped[str] = mapped_column(Text, primary_key=True)
    word: Mapped[str] = mapped_column(Text, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
