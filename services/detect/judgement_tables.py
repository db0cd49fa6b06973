"""Rows of what judging rests on and came to: marks, freezes, day judgements, waiting outlets."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Integer, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.detect.store import Base


class MarkRow(Base):
    """标记 revision as told by ingest; a decision about it is a further row. Append-only."""

    __tablename__ = "mark_revision"
    outlet_id: Mapped[str] = mapped_column(Text, primary_key=True)
    mark_id: Mapped[str] = mapped_column(Text, primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    decided_us: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    first_hour: Mapped[int] = mapped_column(BigInteger)
    end_hour: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class FrozenRow(Base):
    """冻结 of a Beijing day; every earlier day is frozen too. Append-only."""

    __tablename__ = "frozen_day"
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    frozen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class RejudgeRow(Base):
    """An outlet to judge again from an hour on; deleted with the effect of doing so."""

    __tablename__ = "rejudge"
    outlet_id: Mapped[str] = mapped_column(Text, primary_key=True)
    reason: Mapped[str] = mapped_column(Text, primary_key=True)
    partition: Mapped[int] = mapped_column(Integer)
    since_hour: Mapped[int] = mapped_column(BigInteger)
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class DayRow(Base):
    """日研判 of an outlet: one revision, its body a zstd-compressed `DayJudgement`. Append-only."""

    __tablename__ = "day_judgement"
    outlet_id: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    revision: Mapped[int] = mapped_column(Integer, primary_key=True)
    pack: Mapped[str] = mapped_column(Text)
    inputs_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    known_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    judged_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    frozen: Mapped[bool] = mapped_column(Boolean)
    reason: Mapped[str] = mapped_column(Text)
    division: Mapped[str] = mapped_column(Text)
    credit_code: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)
