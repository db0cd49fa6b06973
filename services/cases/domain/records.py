"""现场检查记录: what a device brings back from a visit, what is wrong with it, what contradicts.

Nothing that a device sends is lost: each record is a version, and a version that was made from
others says so (`replaces`). Versions that nothing replaces stand side by side; where two of them
say different things about the same item, that is a conflict for people to settle.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.cases.domain.checklists import Checklist, Item
from services.cases.domain.inspection import Limits


@dataclass(frozen=True)
class Answer:
    """An answer to an item; `value` empty = not answered yet."""

    item_id: str
    value: str
    note: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class QuickTest:
    """快速检测 with a portable instrument."""

    factor: str
    value: float
    unit: str
    instrument: str
    instrument_id: str
    calibrated_on: str
    tested_at: dt.datetime | None
    place: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """采样."""

    sample_id: str
    factors: str
    place: str
    taken_at: dt.datetime | None
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Signature:
    """签名, or the refusal of one."""

    role: str
    name: str
    officer_id: str = ""
    file: str = ""
    media_type: str = ""
    image: bytes = b""
    refused: bool = False
    refusal: str = ""


@dataclass(frozen=True)
class Point:
    """A place of the device; longitude and latitude in degrees."""

    at: dt.datetime | None
    longitude: float
    latitude: float


@dataclass(frozen=True)
class Visit:
    """A whole record as handed in; `replaces` are versions that it stands for."""

    record_id: str
    complete: bool
    replaces: frozenset[int] = frozenset()
    answers: tuple[Answer, ...] = ()
    tests: tuple[QuickTest, ...] = ()
    samples: tuple[Sample, ...] = ()
    signatures: tuple[Signature, ...] = ()
    track: tuple[Point, ...] = ()
    started_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    device_id: str = ""
    situation: str = ""
    films: tuple[str, ...] = ()
    version: int = 0


@dataclass(frozen=True)
class Known:
    """What a record is checked against."""

    lists: Sequence[Checklist]
    limits: Limits
    files: Mapping[str, str] = field(default_factory=dict)  # attachment id -> purpose
    officers: frozenset[str] = frozenset()
    versions: frozenset[int] = frozenset()

    @property
    def items(self) -> dict[str, Item]:
        """Every item of the form."""
        return {item.item_id: item for one in self.lists for item in one.items}


def missing(visit: Visit, lists: Iterable[Checklist]) -> list[str]:
    """必查项 that have no answer, in the order of the lists."""
    given = {one.item_id: one.value for one in visit.answers if one.value}
    return [
        item.item_id
        for one in lists
        for item in one.items
        if item.required and item.asked(given) and item.item_id not in given
    ]


def faults(visit: Visit, known: Known) -> list[str]:
    """发现问题的检查项: items whose answer tells of a problem."""
    items = known.items
    return [
        one.item_id
        for one in visit.answers
        if one.item_id in items
        and items[one.item_id].fault
        and one.value == items[one.item_id].fault
    ]


def standing(visits: Iterable[Visit]) -> list[Visit]:
    """Versions that no later one stands for, oldest first."""
    every = sorted(visits, key=lambda one: one.version)
    replaced = {number for one in every for number in one.replaces}
    return [one for one in every if one.version not in replaced]


@dataclass(frozen=True)
class Conflict:
    """不一致: what standing versions say about the same thing, each with its version."""

    name: str
    said: tuple[tuple[int, str], ...]


def conflicts(visits: Iterable[Visit]) -> list[Conflict]:
    """Things that two standing versions say differently; silence contradicts nobody."""
    said: dict[str, list[tuple[int, str]]] = {}
    for visit in standing(visits):
        for name, value in _statements(visit).items():
            said.setdefault(name, []).append((visit.version, value))
    return [
        Conflict(name, tuple(values))
        for name, values in said.items()
        if len({value for _, value in values}) > 1
    ]


def _statements(visit: Visit) -> dict[str, str]:
    said = {one.item_id: one.value for one in visit.answers if one.value}
    for test in visit.tests:
        at = test.tested_at.isoformat() if test.tested_at else ""
        said[f"test:{test.factor}@{test.place}@{at}"] = f"{test.value:g} {test.unit}"
    for sample in visit.samples:
        said[f"sample:{sample.sample_id}"] = f"{sample.factors} {sample.place}"
    return said
