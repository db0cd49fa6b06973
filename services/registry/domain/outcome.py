"""What a bulk change asks for and what came of it."""

from dataclasses import dataclass, field

from services.registry.domain.diff import RecordChange
from services.registry.domain.records import Body, Fault

CHANGES_LISTED = 10_000
"""Differences that a report lists; further ones are counted."""


@dataclass(frozen=True)
class Entry:
    """One row of a bulk change: its number in the input and its record, or why it has none."""

    row: int
    body: Body | None
    deleted: bool = False
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class RowError:
    """Why a row was not kept."""

    row: int
    key: str
    field: str
    reason: str


@dataclass
class Outcome:
    """Counts of a bulk change and the rows that were left out."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    errors: list[RowError] = field(default_factory=list)
    changes: list[RecordChange] = field(default_factory=list)
    changes_left_out: int = 0

    def refuse(self, row: int, key: str, *faults: Fault) -> None:
        """Note the faults of a row."""
        self.errors.extend(RowError(row, key, fault.field, fault.reason) for fault in faults)

    def differs(self, change: RecordChange) -> None:
        """Note a difference, while there is room for it."""
        if len(self.changes) < CHANGES_LISTED:
            self.changes.append(change)
        else:
            self.changes_left_out += 1

    def add(self, other: "Outcome") -> None:
        """Take in the counts and errors of another part of the same input."""
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.deleted += other.deleted
        self.errors.extend(other.errors)
        self.changes_left_out += other.changes_left_out
        for change in other.changes:
            self.differs(change)
