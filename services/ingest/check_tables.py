"""Rows of standard checks; migration 0007 holds their constraints."""

from datetime import datetime

from sqlalchemy import DateTime, Double, LargeBinary, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.ingest.tables import Base


class CheckRow(Base):
    """标样核查 of one factor as its logger reported it; values in the factor's unit."""

    __tablename__ = "quality_check"
    outlet_id: Mapped[str] = mapped_column(Text, primary_key=True)
    factor: Mapped[str] = mapped_column(Text, primary_key=True)
    checked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    measured: Mapped[float | None] = mapped_column(Double)
    standard: Mapped[float | None] = mapped_column(Double)
    said: Mapped[int] = mapped_column(SmallInteger)  # number of CheckWord
    mn: Mapped[str] = mapped_column(Text)
    command_id: Mapped[str] = mapped_column(Text)  # the call-back that it answers, "" = none
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    sm3: Mapped[bytes] = mapped_column(LargeBinary)
