"""历史数据 as columns: the answer of `GetReadings`, for spans of any age.

Without versions and Parquet the database's own columns are taken over; else the values go one by
one (`get_readings`).
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.errors import InputRejected
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest import retention_store, series_store, store, wire
from services.ingest.app.get_readings import ROWS, get_readings
from services.ingest.parquet_files import ParquetFiles


def read_series(
    session: Session,
    outlet_id: str,
    kind: int,
    start: datetime,
    end: datetime,
    *,
    factors: Sequence[str] = (),
    with_versions: bool = False,
    files: ParquetFiles | None = None,
) -> pb.GetReadingsResponse:
    """Values in [start, end) by factor and time. Raises as `get_readings` does."""
    if not outlet_id or start >= end:
        raise InputRejected("an outlet and a span with start before end are needed")
    if with_versions or (files and retention_store.files_of(session, kind, start, end)):
        values = get_readings(
            session,
            outlet_id,
            kind,
            start,
            end,
            factors=factors,
            with_versions=with_versions,
            files=files,
        )
        return wire.series_message(outlet_id, kind, values)
    span = (outlet_id, kind, start, end)
    found, special = series_store.columns_between(session, *span, limit=ROWS + 1)
    if special:
        series_store.add_rows(found, store.special_rows(session, *span, limit=ROWS + 1))
    if found.rows > ROWS:
        raise InputRejected(f"more than {ROWS} readings; ask for a shorter span")
    return wire.columns_message(outlet_id, kind, found, frozenset(factors))
