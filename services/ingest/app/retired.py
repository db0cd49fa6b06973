"""迟到的旧数据: frames for a time whose table has gone to Parquet bring their first values back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from services.ingest import retention_store
from services.ingest.domain.readings import Reading
from services.ingest.parquet_files import ParquetFiles

#: How long what is known of dropped tables holds. A frame for a table that was dropped within this
#: time finds no first value; reading then shows the file's row, which came first.
KNOWN_FOR = timedelta(minutes=1)


class Retired:
    """Knows up to when each kind lies in files; without files nothing does."""

    def __init__(self, files: ParquetFiles | None) -> None:
        self._files = files
        self._until: Mapping[int, datetime] = {}
        self._asked: datetime | None = None

    def fetch_back(self, session: Session, readings: Sequence[Reading], now: datetime) -> None:
        """Bring back the rows that these readings must be compared with."""
        if self._files is None:
            return
        if self._asked is None or now - self._asked >= KNOWN_FOR:
            self._until, self._asked = retention_store.dropped_until(session), now
        until = self._until
        if until:
            keys = [one.key for one in readings if one.key.kind in until]
            retention_store.fetch_back(session, self._files, keys, until)
