"""重建: what the reading tables must hold, from the frames in the order in which they were settled.

The rules are those of settling, over a dictionary instead of a table. A block of the archive is one
batch: inside a batch first values come before later ones, and corrected ones last.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from services.ingest.domain.readings import (
    RECEIVED,
    Key,
    Reading,
    ValueSet,
    compare,
    split_by_key,
)


@dataclass(frozen=True, slots=True)
class Placed:
    """A reading with the ledger entry that brought it."""

    reading: Reading
    part: int
    leaf: int


@dataclass(slots=True)
class Built:
    """A row of `reading`: the first frame, its values, and what later frames added."""

    first: Placed
    values: dict[str, ValueSet]
    added: dict[str, list[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BuiltVersion:
    """A row of `reading_version`."""

    placed: Placed
    factor: str
    number: int


class Rebuilt:
    """The rows of some outlets and of some time."""

    def __init__(self) -> None:
        self.rows: dict[Key, Built] = {}
        self.versions: dict[tuple[Key, str], list[BuiltVersion]] = {}

    def take(self, batch: Iterable[Placed]) -> None:
        """Settle one batch, in order of its frames."""
        batch = list(batch)
        of = {id(placed.reading): placed for placed in batch}
        came = [placed.reading for placed in batch if placed.reading.state == RECEIVED]
        firsts, later = split_by_key(came)
        new = [reading for reading in firsts if reading.key not in self.rows]
        known = [reading for reading in firsts if reading.key in self.rows]
        for reading in new:
            self.rows[reading.key] = Built(of[id(reading)], dict(reading.values))
        for reading in known + later:
            self._take_later(of[id(reading)])
        for placed in batch:
            if placed.reading.state != RECEIVED:
                for factor in placed.reading.values:
                    self._add_version(placed, factor)

    def all_versions(self) -> Iterator[BuiltVersion]:
        """Every version."""
        for versions in self.versions.values():
            yield from versions

    def _take_later(self, placed: Placed) -> None:
        reading = placed.reading
        built = self.rows[reading.key]
        result = compare(built.values, reading.values)
        built.values |= result.added
        came = [reading.received_at.timestamp(), reading.origin]
        built.added |= dict.fromkeys(result.added, came)
        for deviation in result.deviations:
            self._add_version(placed, deviation.factor)

    def _add_version(self, placed: Placed, factor: str) -> None:
        reading = placed.reading
        versions = self.versions.setdefault((reading.key, factor), [])
        later = reading.values[factor]
        if any(
            one.placed.reading.state == reading.state
            and later.same_as(one.placed.reading.values[factor])
            for one in versions
        ):
            return
        versions.append(BuiltVersion(placed, factor, len(versions) + 1))
