"""Life cycles as tables 办理流程表: states, and one row for each act.

`data/lifecycle_<kind>.yaml` are the tables, `lifecycle_common.yaml` the rows that all kinds share;
`lifecycle_reader` reads them. What a row means is in `steps`, what its gates ask in `gates`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.cases.domain.matter import Kind, Level

SAME = "same"


@dataclass(frozen=True)
class State:
    """One state; an enterprise sees `shown_to_enterprise` instead where the work is internal."""

    key: str
    zh: str
    final: bool = False
    shown_to_enterprise: str = ""


@dataclass(frozen=True)
class When:
    """A condition on the fields of an act: the field has one of these values. Empty = always."""

    field: str = ""
    values: frozenset[str] = frozenset()

    def holds(self, fields: Mapping[str, str]) -> bool:
        """Whether the fields fulfil it."""
        return not self.field or fields.get(self.field, "") in self.values


ALWAYS = When()


@dataclass(frozen=True)
class Field:
    """What an act asks for. `required` counts only while `when` holds.

    `kind`: text | choice | date | moment (ISO with zone) | officer | number | money (whole yuan) |
    files (ids of attachments, separated by spaces).
    """

    name: str
    zh: str
    kind: str
    required: bool
    choices: tuple[str, ...] = ()
    when: When = ALWAYS

    @property
    def values(self) -> frozenset[str]:
        """The values a choice allows."""
        return frozenset(choice.partition("|")[0] for choice in self.choices)

    def name_of(self, value: str) -> str:
        """Chinese name of a choice; empty for what is no choice."""
        named = (choice.partition("|") for choice in self.choices)
        return next((zh for key, _, zh in named if key == value), "")


@dataclass(frozen=True)
class Gate:
    """A condition of law or of our own rules, by name, with the article that asks for it."""

    name: str
    article: str
    asks: Mapping[str, Any]
    when: When = ALWAYS


@dataclass(frozen=True)
class Start:
    """A clock that an act starts, at the levels named (none = all).

    It starts at the act's own moment, or on the Beijing day in the field `at`, or on the last day
    of the clock `after`, whichever the row names. `until` names the field with the last day of a
    clock whose end is decided, not counted.
    """

    clock: str
    levels: frozenset[Level] = frozenset()
    at: str = ""
    after: str = ""
    when: When = ALWAYS
    until: str = ""


@dataclass(frozen=True)
class Tell:
    """Who is told by which template, at which levels and for which items (none = all)."""

    template: str
    to: str
    urgent: bool = False
    levels: frozenset[Level] = frozenset()
    items: frozenset[str] = frozenset()
    except_items: frozenset[str] = frozenset()
    clock: str = ""
    when: When = ALWAYS

    def applies(self, level: Level, item: str) -> bool:
        """Whether this level and item are meant."""
        at_level = not self.levels or level in self.levels
        return at_level and (not self.items or item in self.items) and item not in self.except_items


@dataclass(frozen=True)
class Paper:
    """A document 文书 that an act issues, by the key of its template."""

    template: str
    when: When = ALWAYS


@dataclass(frozen=True)
class Opens:
    """A matter that an act opens below this one. `copy`: its field <- field of this act."""

    kind: Kind
    act: str
    fields: Mapping[str, str]
    copy: Mapping[str, str]
    when: When = ALWAYS


@dataclass(frozen=True)
class TellParent:
    """What the matter above does by itself after this act.

    `{name}` inside `act` stands for a field of this matter's first line, so that a served paper
    names its own act (`{paper}_served`). `copy` are fields of this act handed up.
    """

    act: str
    copy: tuple[str, ...]
    when: When = ALWAYS


@dataclass(frozen=True)
class Act:
    """One row: who may do it, from where to where, what it asks, starts, stops and tells."""

    key: str
    zh: str
    by: frozenset[str]
    from_states: frozenset[str]
    to: str
    levels: frozenset[Level]
    internal: bool
    reason: bool
    hint: str
    fields: tuple[Field, ...]
    gates: tuple[Gate, ...]
    start: tuple[Start, ...]
    stop: tuple[str, ...]
    stop_first: tuple[str, ...]
    extend: Mapping[str, str]
    pause: Mapping[str, str]
    resume: Mapping[str, str]
    on_breach: str
    effect: str
    tell: tuple[Tell, ...]
    to_when: tuple[tuple[When, str], ...] = ()  # another target where a field says so
    papers: tuple[Paper, ...] = ()
    opens: tuple[Opens, ...] = ()
    parent: TellParent | None = None
    discloses: bool = False  # from now on the plant may know of the matter
    assigns: str = ""  # field that names the new officer in charge
    notes: Mapping[str, str] = field(default_factory=dict)  # written into its line by itself
    reopens: bool = False  # it may leave a final state: the matter is open again
    common: bool = False
    stop_at: str = ""  # field with the day on which `stop` and `stop_first` really were met

    def applies(self, state: str, level: Level) -> bool:
        """Whether the row is about this state (empty = a matter that does not exist yet)."""
        there = state in self.from_states if state else not self.from_states
        return there and (not self.levels or level in self.levels)

    def target(self, state: str, fields: Mapping[str, str]) -> str:
        """The state after the act."""
        to = next((to for when, to in self.to_when if when.holds(fields)), self.to)
        return state if to == SAME else to

    @property
    def targets(self) -> frozenset[str]:
        """Every state it may lead to; `same` stays as it is written."""
        return frozenset({self.to, *(to for _, to in self.to_when)})


@dataclass(frozen=True)
class LifeCycle:
    """流程表 of one kind of matter."""

    kind: Kind
    version: str
    states: Mapping[str, State]
    acts: tuple[Act, ...]
    zh: str = ""
    source: str = field(default="", compare=False)

    def row(self, act: str, state: str, level: Level) -> Act | None:
        """The row of an act in a state, or None when it is not a legal move."""
        return next((a for a in self.acts if a.key == act and a.applies(state, level)), None)

    def from_state(self, state: str, level: Level) -> list[Act]:
        """Rows that start in a state."""
        return [act for act in self.acts if act.applies(state, level)]

    def fields_of(self, act: str) -> tuple[Field, ...]:
        """Every field that a row of this act asks for, each name once."""
        fields = (field for row in self.acts if row.key == act for field in row.fields)
        return tuple({field.name: field for field in fields}.values())

    def for_end(self, clock: str, state: str, level: Level, *, lapses: bool) -> Act | None:
        """The row that the end of this clock sets off here: its own, else the general one."""
        rows = self.from_state(state, level)
        own = next((act for act in rows if act.on_breach == clock), None)
        general = "lapsed" if lapses else "overdue"
        return own or next((act for act in rows if act.key == general), None)
