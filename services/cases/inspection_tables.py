"""Rows of forms and records of inspections 现场检查. Append-only, by trigger and by rights."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.cases.tables import Base, Moment


class FormRow(Base):
    """离线表单 exactly as it went out; the same form to several devices is one row."""

    __tablename__ = "inspection_form"
    matter_id: Mapped[str] = mapped_column(Text, primary_key=True)
    sm3: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    issued_at: Mapped[dt.datetime] = mapped_column(Moment)
    issued_to: Mapped[str] = mapped_column(Text)


class RecordRow(Base):
    """现场检查记录: one version, `body` as the device sent it."""

    __tablename__ = "inspection_record"
    matter_id: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    record_id: Mapped[str] = mapped_column(Text)
    form_sm3: Mapped[bytes] = mapped_column(LargeBinary)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    sm3: Mapped[bytes] = mapped_column(LargeBinary)
    submitted_by: Mapped[str] = mapped_column(Text)
    received_at: Mapped[dt.datetime] = mapped_column(Moment)
    clock_offset_ms: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int] = mapped_column(BigInteger)


class OutcomeRow(Base):
    """What came of the acts that a record brought along: act, done, article, missing."""

    __tablename__ = "inspection_outcome"
    matter_id: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    outcomes: Mapped[list[list[str]]] = mapped_column(JSONB)
