"""序列索引: which row of a partition's rings belongs to which outlet and factor."""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from services.detect.domain.series_key import SeriesKey


class SeriesIndex:
    """Rows in the order in which series first came, kept in an append-only text file."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._keys: list[SeriesKey] = []
        self._rows: dict[SeriesKey, int] = {}
        self._by_outlet: dict[str, list[int]] = defaultdict(list)
        if path is not None and path.exists():
            self._load(path)

    def __len__(self) -> int:
        return len(self._keys)

    def key(self, row: int) -> SeriesKey:
        """The series of a row."""
        return self._keys[row]

    def row(self, key: SeriesKey) -> int | None:
        """The row of a series, None where it never sent."""
        return self._rows.get(key)

    def outlets(self) -> list[str]:
        """All outlets that ever sent, in order of appearance."""
        return list(self._by_outlet)

    def rows_of(self, outlet_id: str) -> list[int]:
        """All rows of an outlet."""
        return self._by_outlet.get(outlet_id, [])

    def rows_for(self, keys: Iterable[SeriesKey]) -> list[int]:
        """Rows of series, new ones appended."""
        wanted = list(keys)
        fresh = [key for key in dict.fromkeys(wanted) if key not in self._rows]
        if fresh and self._path is not None:
            # On disk before the first value: a row without a name would be lost with the process.
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(key) + "\n" for key in fresh)
        for key in fresh:
            self._add(key)
        return [self._rows[key] for key in wanted]

    def _add(self, key: SeriesKey) -> None:
        self._rows[key] = len(self._keys)
        self._by_outlet[key.outlet_id].append(len(self._keys))
        self._keys.append(key)

    def _load(self, path: Path) -> None:
        """Read whole lines; a line cut by a power failure is dropped from the file."""
        text = path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):
            with path.open("r+b") as file:
                file.truncate(len(whole))
        for line in whole.decode().splitlines():
            self._add(SeriesKey(*json.loads(line)))
