"""Rows about marks beside the marks themselves; migration 0006 holds their constraints."""

from datetime import date, datetime

from sqlalchemy import Date, DateTime, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.ingest.tables import Base


class DecisionRow(Base):
    """审核 of one revision, never changed."""

    __tablename__ = "mark_decision"
    outlet_id: Mapped[str] = mapped_column(Text, primary_key=True)
    mark_id: Mapped[str] = mapped_column(Text, primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    decision: Mapped[str] = mapped_column(Text)  # accepted | refused | rejected
    decided_by: Mapped[str] = mapped_column(Text)  # account
    decided_name: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    reason: Mapped[str] = mapped_column(Text)


class ProofRow(Base):
    """证明材料: a file with its digests."""

    __tablename__ = "mark_proof"
    outlet_id: Mapped[str] = mapped_column(Text, primary_key=True)
    proof_id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)
    size: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    sm3: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    kept_by: Mapped[str] = mapped_column(Text)
    kept_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class FreezeRow(Base):
    """冻结 of one Beijing day."""

    __tablename__ = "mark_freeze"
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    frozen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))  # 12:00 of the next day
    told_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
