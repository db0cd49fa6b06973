"""重建读数表: readings of a day from the raw archive and the ledger, held against the tables.

Outlets go in groups of bounded size, so that memory does not depend on the network's. `check` only
compares; `rebuild` writes fresh tables and, if asked, puts a day's rows in the place of the present
ones while no batch settles.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from services.chassis.db import Database
from services.chassis.errors import RuleViolated
from services.ingest import rebuild_store, retention_store, store
from services.ingest.app.replay_frames import Replay, Unreadable
from services.ingest.domain.reading_digest import RowsDigest, canonical
from services.ingest.domain.readings import FIELDS, Key, Reading
from services.ingest.domain.rebuilding import Built, BuiltVersion, Rebuilt
from services.ingest.parquet_files import ParquetFiles
from services.ingest.store import TABLES
from services.ingest.tables import ReadingRow, VersionRow

#: Frames of one group of outlets: some 200 MB.
GROUP_FRAMES = 100_000
#: Differences that are named; the others are counted.
NAMED = 20

Progress = Callable[[date, int, int], None]  # day, outlets done, outlets in all


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the tables hold and the archive does not give, or the other way round."""

    outlet_id: str
    kind: int
    data_time: datetime
    factor: str
    column: str  # "row" where a whole row is missing or too many
    stored: str
    rebuilt: str


@dataclass
class DayResult:
    """A day's two digests, what differs, and what could not be read."""

    day: date
    stored: RowsDigest = field(default_factory=RowsDigest)
    rebuilt: RowsDigest = field(default_factory=RowsDigest)
    differences: list[Difference] = field(default_factory=list)
    differing: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    applied: bool = False

    @property
    def equal(self) -> bool:
        """Whether the tables are what the archive gives."""
        return self.stored == self.rebuilt and not self.unreadable


def check_day(
    database: Database,
    replay: Replay,
    day: date,
    progress: Progress,
    *,
    files: ParquetFiles | None = None,
    write: bool = False,
) -> DayResult:
    """Rebuild a day (UTC, by DataTime) and compare; `write` fills the fresh tables besides.

    Rows of a day that lies in Parquet come from `files`.
    """
    start = datetime.combine(day, time(), UTC)
    end = start + timedelta(days=1)
    result = DayResult(day)
    with database.transaction() as session:
        outlets = rebuild_store.outlets_of(session, start, end)
    done = 0
    for group in _groups(outlets):
        with database.transaction() as session:
            entries = rebuild_store.accepted_entries(session, group, start, end)
            rebuilt = Rebuilt()
            for batch in replay.batches(entries):
                rebuilt.take(batch)
            rows, versions = rebuild_store.stored_rows(session, group, start, end)
            if files is not None:
                rows = _old_rows(session, files, group, start, end) | rows
            new_rows, new_versions = _rows(rebuilt), _versions(rebuilt)
            _compare(result, _columns(rows), new_rows)
            _compare(result, _columns(versions), new_versions)
            if write:
                rebuild_store.fill(session, ReadingRow, new_rows.values())
                rebuild_store.fill(session, VersionRow, new_versions.values())
        done += len(group)
        progress(day, done, len(outlets))
    result.unreadable, replay.unreadable = replay.unreadable, []
    return result


def rebuild_day(
    owner: Database, replay: Replay, day: date, progress: Progress, *, apply: bool, today: date
) -> DayResult:
    """Rebuild a day into fresh tables; with `apply` they take the place of the present rows.

    Safe while ingest runs: batches wait for the swap, and frames that came meanwhile stop it.
    Raises RuleViolated for a day that is still open, for entries that cannot be read and when
    frames came meanwhile.
    """
    if apply and day >= today - timedelta(days=1):
        raise RuleViolated(f"{day} is still open: its frames are still arriving")
    start = datetime.combine(day, time(), UTC)
    end = start + timedelta(days=1)
    with owner.transaction() as session:
        if apply and any(retention_store.files_of(session, kind, start, end) for kind in TABLES):
            raise RuleViolated(f"{day} lies in Parquet files; they are compared, not replaced")
        rebuild_store.make_fresh_tables(session)
        leaves = rebuild_store.next_leaves(session)
    result = check_day(owner, replay, day, progress, write=True)
    if not apply:
        return result
    if result.unreadable:
        raise RuleViolated(f"{len(result.unreadable)} frames of {day} cannot be read again")
    with owner.transaction() as session:
        rebuild_store.lock_ledger(session)
        if rebuild_store.came_since(session, leaves, start, end):
            raise RuleViolated(f"frames of {day} came meanwhile; nothing was changed, run it again")
        rebuild_store.swap_in(session, start, end)
    result.applied = True
    return result


def _old_rows(
    session: Session, files: ParquetFiles, group: list[str], start: datetime, end: datetime
) -> dict[Key, ReadingRow]:
    return {
        Key(row.mn, row.kind, row.data_time): row
        for kind in TABLES
        for row in retention_store.old_rows(session, files, kind, start, end, outlets=group)
    }


def _groups(outlets: list[tuple[str, int]]) -> Iterator[list[str]]:
    group: list[str] = []
    frames = 0
    for outlet_id, count in outlets:
        if group and frames + count > GROUP_FRAMES:
            yield group
            group, frames = [], 0
        group.append(outlet_id)
        frames += count
    if group:
        yield group


def _rows(rebuilt: Rebuilt) -> dict[Any, dict[str, Any]]:
    return {key: _row(built) for key, built in rebuilt.rows.items()}


def _row(built: Built) -> dict[str, Any]:
    first = built.first.reading
    whole = Reading(
        first.key,
        first.outlet_id,
        built.values,
        first.received_at,
        first.frame,
        origin=first.origin,
        state=first.state,
    )
    row = store.row_of(whole, built.first.part, built.first.leaf)
    return {**row, "added": built.added or None}


def _versions(rebuilt: Rebuilt) -> dict[Any, dict[str, Any]]:
    return {
        (one.placed.reading.key, one.factor, one.number): _version(one)
        for one in rebuilt.all_versions()
    }


def _version(one: BuiltVersion) -> dict[str, Any]:
    placed = one.placed
    return store.version_of(
        placed.reading, one.factor, one.number, part=placed.part, leaf=placed.leaf
    )


def _columns(rows: Mapping[Any, Any]) -> dict[Any, dict[str, Any]]:
    return {key: rebuild_store.columns_of(row) for key, row in rows.items()}


def _compare(
    result: DayResult, stored: dict[Any, dict[str, Any]], rebuilt: dict[Any, dict[str, Any]]
) -> None:
    """Add both sides to the digests and name what differs."""
    for row in stored.values():
        result.stored.add(row)
    for row in rebuilt.values():
        result.rebuilt.add(row)
    for key in sorted(stored.keys() | rebuilt.keys(), key=_order):
        differences = _differences(stored.get(key), rebuilt.get(key))
        result.differing += len(differences)
        result.differences += differences[: max(0, NAMED - len(result.differences))]


def _order(key: Any) -> tuple[Any, ...]:
    reading, *rest = (key,) if isinstance(key, Key) else key
    return (reading.data_time, reading.mn, reading.kind, *rest)


def _differences(stored: dict[str, Any] | None, rebuilt: dict[str, Any] | None) -> list[Difference]:
    known = stored or rebuilt or {}
    place = (known["outlet_id"], known["kind"], known["data_time"])
    factor = known.get("factor", "")
    if stored is None or rebuilt is None:
        sides = ("missing", "there") if stored is None else ("there", "missing")
        return [Difference(*place, factor, "row", *sides)]
    found = []
    for column, value in stored.items():
        other = rebuilt[column]
        if canonical({column: value}) == canonical({column: other}):
            continue
        if column in FIELDS and not factor and stored["factors"] == rebuilt["factors"]:
            found += [
                Difference(*place, name, column, repr(one), repr(two))
                for name, one, two in _by_factor(stored["factors"], value, other)
            ]
        else:
            found.append(Difference(*place, factor, column, str(value), str(other)))
    return found


def _by_factor(
    factors: list[str], stored: bytes | None, rebuilt: bytes | None
) -> Iterator[tuple[str, float, float]]:
    """(factor, stored, rebuilt) of the values that differ."""
    sides = (store.floats_of(one, len(factors)) for one in (stored, rebuilt))
    for factor, one, two in zip(factors, *sides, strict=True):
        if repr(one) != repr(two):
            yield factor, one, two
