"""Rows of the log, of Parquet files and of balance checks; migration 0004 has their constraints."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, LargeBinary, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.ingest.tables import Base


class TreeRow(Base):
    """How many leaves of a partition's ledger are in its tree."""

    __tablename__ = "ledger_tree"
    part: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    last_hour: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class TileRow(Base):
    """Consecutive digests of one level of a partition's tree; the last of a level still grows."""

    __tablename__ = "ledger_tile"
    part: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    digests: Mapped[bytes] = mapped_column(LargeBinary)


class SignedHeadRow(Base):
    """A signed head over all partitions."""

    __tablename__ = "signed_head"
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hour: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    sizes: Mapped[dict[str, int]] = mapped_column(JSONB)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)


class ParquetRow(Base):
    """A table of readings that is kept as a Parquet file, and perhaps no longer as a table."""

    __tablename__ = "reading_parquet"
    child: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[int] = mapped_column(SmallInteger)
    first_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    end_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    path: Mapped[str] = mapped_column(Text)  # below the Parquet folder
    row_count: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[bytes] = mapped_column(LargeBinary)  # of the rows, independent of their order
    sha256: Mapped[bytes] = mapped_column(LargeBinary)  # of the file
    byte_count: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    dropped_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class BalanceCheckRow(Base):
    """What a closed arrival hour's balance came to when it was checked."""

    __tablename__ = "balance_check"
    hour: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    checked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    received: Mapped[int] = mapped_column(BigInteger)
    accounted: Mapped[int] = mapped_column(BigInteger)
    leaves: Mapped[int] = mapped_column(BigInteger)
