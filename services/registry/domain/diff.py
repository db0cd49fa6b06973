"""差异: how a record differs from the one that is kept, field by field, as text."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import IntEnum
from typing import Any

from services.registry.domain.records import KINDS, Body, Kind, key_of


class Change(IntEnum):
    """What becomes of a record; the numbers of `ChangeKind` in registry.proto."""

    ADDED = 1
    CHANGED = 2
    DELETED = 3


@dataclass(frozen=True)
class FieldChange:
    """One field before and after; an empty text is an empty field."""

    field: str
    before: str
    after: str


@dataclass(frozen=True)
class RecordChange:
    """One record, or with `kind` None one account, that differs; `row` of the input, 0 = none."""

    kind: Kind | None
    key: str
    change: Change
    fields: tuple[FieldChange, ...]
    row: int


def cell(value: Any) -> str:
    """Return a field as a CSV file holds it.

    >>> cell(("a21026", "a21002")), cell(None), cell(True), cell(6.0)
    ('a21026;a21002', '', 'true', '6.0')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ";".join(value) if isinstance(value, tuple) else str(value)


def record_change(before: Body | None, after: Body | None, row: int) -> RecordChange:
    """Return how a record changes; at least one of both is there."""
    body = after or before
    assert body is not None
    kind = KINDS[type(body)]
    change = change_of(before is not None, stays=after is not None)
    names = [field.name for field in fields(body)]
    own = field_changes(names, asdict(before) if before else {}, asdict(after) if after else {})
    return RecordChange(kind, key_of(body), change, own, row)


def change_of(was: object, *, stays: bool) -> Change:
    """Return what becomes of something that was there, or not, and stays, or not."""
    if not was:
        return Change.ADDED
    return Change.CHANGED if stays else Change.DELETED


def field_changes(
    names: list[str], before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[FieldChange, ...]:
    """Return the fields whose texts differ, in the order of `names`."""
    texts = [(name, cell(before.get(name)), cell(after.get(name))) for name in names]
    return tuple(FieldChange(*text) for text in texts if text[1] != text[2])
