"""Rows of the ingest schema; the migrations hold their constraints and partitions."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Integer, LargeBinary, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Metadata of the schema."""


class ReadingRow(Base):
    """One outlet, kind and time; arrays in the order of `factors`, float64 little endian."""

    __tablename__ = "reading"
    mn: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    data_time: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    outlet_id: Mapped[str] = mapped_column(Text)
    factors: Mapped[list[str]] = mapped_column(ARRAY(Text))
    value: Mapped[bytes] = mapped_column(LargeBinary)
    min: Mapped[bytes | None] = mapped_column(LargeBinary)  # NULL where no factor has one
    max: Mapped[bytes | None] = mapped_column(LargeBinary)
    cou: Mapped[bytes | None] = mapped_column(LargeBinary)
    converted: Mapped[bytes | None] = mapped_column(LargeBinary)
    flags: Mapped[str] = mapped_column(Text)  # a letter a factor, "-" = absent
    odd: Mapped[dict[str, dict[str, str]] | None] = mapped_column(JSONB)  # factor -> field -> text
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    part: Mapped[int] = mapped_column(SmallInteger)
    leaf: Mapped[int] = mapped_column(BigInteger)
    origin: Mapped[int] = mapped_column(SmallInteger)  # number of Origin
    added: Mapped[dict[str, tuple[float, int]] | None] = mapped_column(
        JSONB
    )  # factor of a later frame -> its received_at (unix seconds) and origin
    reported: Mapped[dict[str, tuple[str, float, str]] | None] = mapped_column(
        JSONB
    )  # factor -> code, scale and unit as received, where they are not its own


class VersionRow(Base):
    """A later value that deviates from the first one, or a corrected or exempted one beside it."""

    __tablename__ = "reading_version"
    mn: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    data_time: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    factor: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    outlet_id: Mapped[str] = mapped_column(Text)
    value: Mapped[float | None]
    min: Mapped[float | None]
    max: Mapped[float | None]
    cou: Mapped[float | None]
    converted: Mapped[float | None]
    flag: Mapped[str] = mapped_column(Text)
    odd: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    part: Mapped[int] = mapped_column(SmallInteger)
    leaf: Mapped[int] = mapped_column(BigInteger)
    origin: Mapped[int] = mapped_column(SmallInteger)  # number of Origin
    state: Mapped[int] = mapped_column(SmallInteger)  # number of ValueState
    reported: Mapped[tuple[str, float, str] | None] = mapped_column(JSONB)  # as of ReadingRow


class LedgerRow(Base):
    """One frame's entry."""

    __tablename__ = "ledger"
    part: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    leaf: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    arrival_hour: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    segment: Mapped[str] = mapped_column(Text)
    block_offset: Mapped[int] = mapped_column(BigInteger)
    block_size: Mapped[int]
    byte_offset: Mapped[int]
    size: Mapped[int]
    sm3: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    outcome: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    mn: Mapped[str] = mapped_column(Text)
    outlet_id: Mapped[str] = mapped_column(Text)
    cn: Mapped[str] = mapped_column(Text)
    qn: Mapped[str] = mapped_column(Text)
    data_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    peer: Mapped[str] = mapped_column(Text)
    correlation_id: Mapped[str] = mapped_column(Text)
    notes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    version: Mapped[int] = mapped_column(SmallInteger)
    repairs: Mapped[list[str]] = mapped_column(ARRAY(Text))
    origin: Mapped[int] = mapped_column(SmallInteger)
    command_id: Mapped[str] = mapped_column(Text)
    entry_version: Mapped[int] = mapped_column(SmallInteger)
    leaf_sm3: Mapped[bytes | None] = mapped_column(LargeBinary)  # NULL for version 1 entries


class HeadRow(Base):
    """Where a partition's ledger ends, and up to which leaf it is sealed."""

    __tablename__ = "ledger_head"
    part: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    next_leaf: Mapped[int] = mapped_column(BigInteger)
    sealed_leaf: Mapped[int] = mapped_column(BigInteger)
    last_hour: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SealRow(Base):
    """Sealed leaves [first_leaf, first_leaf + size), from before the log had signed heads."""

    __tablename__ = "ledger_seal"
    part: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    first_leaf: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    hour: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    root_sm3: Mapped[bytes] = mapped_column(LargeBinary)
    previous_seal_id: Mapped[str] = mapped_column(Text)
    chain_sm3: Mapped[bytes] = mapped_column(LargeBinary)


class BalanceRow(Base):
    """How many frames of an owner and arrival hour fell under a word."""

    __tablename__ = "balance"
    hour: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    owner: Mapped[str] = mapped_column(Text, primary_key=True)
    word: Mapped[str] = mapped_column(Text, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
