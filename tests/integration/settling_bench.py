"""A settling use case on a real database, with frames made as the gate makes them."""

import uuid
from copy import copy
from datetime import UTC, datetime, timedelta
from math import nan
from pathlib import Path

from gmssl_pyx import sm3_hash
from sqlalchemy import func, select

from services.chassis.db import Database
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest.app.get_balance import get_balance
from services.ingest.app.get_readings import get_readings
from services.ingest.app.settle_batch import SettleBatch, Settled
from services.ingest.archive import Archive
from services.ingest.gate.columns import BatchBuilder
from services.ingest.hj212.messages import FactorValues

NOW = datetime(2026, 11, 22, 3, 20, tzinfo=UTC)
HOUR = datetime(2026, 11, 22, 2, tzinfo=UTC)
QUEUE = "ingest.readings.p0"


class Bench:
    """A database, an archive and the use case; every test gets outlets of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        self.database = Database(url, "ingest")
        self.archive = Archive(folder, "test")
        self.now = NOW
        self.settle = SettleBatch(self.database, self.archive, now=lambda: self.now)
        self.outlet, self.mn = _names()

    def sibling(self) -> "Bench":
        """Another outlet of the same database and archive."""
        other = copy(self)
        other.settle = SettleBatch(self.database, self.archive, now=lambda: other.now)
        other.outlet, other.mn = _names()
        return other

    def frame(self, raw: bytes = b"", **fields: object) -> pb.Frame:
        """An accepted hour frame of this bench's logger."""
        raw = raw or uuid.uuid4().bytes
        values: dict[str, object] = {
            "mn": self.mn,
            "outlet_id": self.outlet,
            "cn": "2061",
            "qn": "20261122110000000",
            "data_time_s": int(HOUR.timestamp()),
            "outcome": pb.OUTCOME_ACCEPTED,
            "raw": raw,
            "sm3": sm3_hash(raw),
            "received_at_us": int(NOW.timestamp() * 1e6),
            "peer": "10.0.0.9:4711",
            "raw_size": len(raw),
        }
        return pb.Frame(**{**values, **fields})  # type: ignore[arg-type]

    def batch(self, *frames: tuple[pb.Frame, list[FactorValues]], part: int = 0) -> pb.ReadingBatch:
        """Frames with their values, as the gate gathers them."""
        builder = BatchBuilder(part, "gate")
        for frame, values in frames:
            builder.add(frame, values, None)
        return builder.seal()

    def run(self, *frames: tuple[pb.Frame, list[FactorValues]], part: int = 0) -> Settled:
        """Settle a new batch of these frames."""
        return self.settle(self.batch(*frames, part=part), QUEUE)

    def counts(self) -> dict[str, int]:
        """The balance of this bench's outlet by word."""
        with self.database.transaction() as session:
            day = NOW.replace(hour=0)
            return get_balance(session, day, day + timedelta(days=1), [self.outlet]).total

    def readings(self, **options: bool) -> list[tuple[str, float, int]]:
        """(factor, value, version) that history gives for the hour."""
        with self.database.transaction() as session:
            found = get_readings(
                session, self.outlet, 3, HOUR, HOUR + timedelta(hours=1), **options
            )
        return [(one.factor, one.values.value, one.version) for one in found]

    def rows(self, table: type) -> int:
        """Rows of this bench's outlet in a table."""
        with self.database.transaction() as session:
            query = select(func.count()).select_from(table).where(table.outlet_id == self.outlet)
            return session.scalar(query) or 0


def _names() -> tuple[str, str]:
    """Outlet and MN that nobody has."""
    return f"91130400TEST{uuid.uuid4().hex[:6].upper()}-DA001", uuid.uuid4().hex[:24].upper()


def so2(value: float, flag: str = "N", code: str = "a21026") -> list[FactorValues]:
    """One factor."""
    return [FactorValues(code, value=value, min=value - 1, max=value + 1, cou=nan, flag=flag)]
