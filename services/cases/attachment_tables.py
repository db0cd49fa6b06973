"""Rows of files 证据材料. Every table here is append-only, by trigger and by rights."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, Float, Integer, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.cases.tables import Base, Moment


class ContentRow(Base):
    """The bytes of a file, once for each digest; they lie in `ChunkRow`."""

    __tablename__ = "attachment_content"
    sha256: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    sm3: Mapped[bytes] = mapped_column(LargeBinary)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    chunks: Mapped[int] = mapped_column(Integer)
    kept_at: Mapped[dt.datetime] = mapped_column(Moment)


class ChunkRow(Base):
    """At most 1 MiB of a file, counted from 0."""

    __tablename__ = "attachment_chunk"
    sha256: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class AttachmentRow(Base):
    """证据材料: a file as somebody handed it in on a matter."""

    __tablename__ = "attachment"
    attachment_id: Mapped[str] = mapped_column(Text, primary_key=True)
    matter_id: Mapped[str] = mapped_column(Text)
    seq: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    uploaded_at: Mapped[dt.datetime] = mapped_column(Moment)
    taken_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    longitude: Mapped[float | None] = mapped_column(Float)
    latitude: Mapped[float | None] = mapped_column(Float)
    name: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    media_type: Mapped[str] = mapped_column(Text)
    uploaded_by: Mapped[str] = mapped_column(Text)
    uploader_role: Mapped[str] = mapped_column(Text)
    device: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str] = mapped_column(Text)
