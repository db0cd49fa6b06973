"""Life cycles as tables 办理流程表: states, and one row for each act.

`data/lifecycle_order.yaml` and `lifecycle_case.yaml` are the tables; reading checks that they only
name states, clocks and gates that exist. What a row means is in `steps`, what its gates ask in
`gates`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.cases.domain.matter import Kind, Level

SAME = "same"
_LEVELS = {level.name.lower(): level for level in Level}


@dataclass(frozen=True)
class State:
    """One state; an enterprise sees `shown_to_enterprise` instead where the work is internal."""

    key: str
    zh: str
    final: bool = False
    shown_to_enterprise: str = ""


@dataclass(frozen=True)
class Field:
    """What an act asks for. `kind`: text | choice | date | officer | number."""

    name: str
    zh: str
    kind: str
    required: bool
    choices: tuple[str, ...] = ()

    @property
    def values(self) -> frozenset[str]:
        """The values a choice allows."""
        return frozenset(choice.partition("|")[0] for choice in self.choices)


@dataclass(frozen=True)
class Gate:
    """A condition of law or of our own rules, by name, with the article that asks for it."""

    name: str
    article: str
    asks: Mapping[str, Any]


@dataclass(frozen=True)
class Start:
    """A clock that an act starts, at the levels named (none = all)."""

    clock: str
    levels: frozenset[Level] = frozenset()


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

    def applies(self, level: Level, item: str) -> bool:
        """Whether this level and item are meant."""
        at_level = not self.levels or level in self.levels
        return at_level and (not self.items or item in self.items) and item not in self.except_items


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

    def applies(self, state: str, level: Level) -> bool:
        """Whether the row is about this state (empty = a matter that does not exist yet)."""
        there = state in self.from_states if state else not self.from_states
        return there and (not self.levels or level in self.levels)


@dataclass(frozen=True)
class LifeCycle:
    """流程表 of one kind of matter."""

    kind: Kind
    version: str
    states: Mapping[str, State]
    acts: tuple[Act, ...]

    def row(self, act: str, state: str, level: Level) -> Act | None:
        """The row of an act in a state, or None when it is not a legal move."""
        return next((a for a in self.acts if a.key == act and a.applies(state, level)), None)

    def from_state(self, state: str, level: Level) -> list[Act]:
        """Rows that start in a state."""
        return [act for act in self.acts if act.applies(state, level)]

    def for_breach(self, clock: str, state: str, level: Level) -> Act | None:
        """The row that a breach of this clock sets off here: its own, else the general one."""
        rows = self.from_state(state, level)
        own = next((act for act in rows if act.on_breach == clock), None)
        return own or next((act for act in rows if act.key == "overdue"), None)


def read_lifecycle(
    document: Mapping[str, Any], clocks: Iterable[str], gates: Iterable[str]
) -> LifeCycle:
    """A table from its document. `ValueError` names a row that refers to something unknown."""
    states = {key: State(key, **body) for key, body in document["states"].items()}
    acts = tuple(_read_act(row, states) for row in document["acts"])
    life = LifeCycle(Kind(document["kind"]), document["version"], states, acts)
    _check(life, frozenset(clocks), frozenset(gates))
    return life


def _read_act(row: Mapping[str, Any], states: Mapping[str, State]) -> Act:
    return Act(
        key=row["act"],
        zh=row["zh"],
        by=frozenset(row["by"]),
        from_states=frozenset(states if row["from"] == "any" else row["from"]),
        to=row["to"],
        levels=_levels(row),
        internal=row.get("internal", False),
        reason=row.get("reason", False),
        hint=row.get("hint", ""),
        fields=tuple(map(_read_field, row.get("fields", ()))),
        gates=tuple(map(_read_gate, row.get("gates", ()))),
        start=tuple(Start(one["clock"], _levels(one)) for one in row.get("start", ())),
        stop=tuple(row.get("stop", ())),
        stop_first=tuple(row.get("stop_first", ())),
        extend=row.get("extend", {}),
        pause=row.get("pause", {}),
        resume=row.get("resume", {}),
        on_breach=row.get("on_breach", ""),
        effect=row.get("effect", ""),
        tell=tuple(map(_read_tell, row.get("tell", ()))),
    )


def _read_field(row: Mapping[str, Any]) -> Field:
    choices = tuple(row.get("choices", ()))
    return Field(row["name"], row["zh"], row["type"], row.get("required", False), choices)


def _read_gate(row: Mapping[str, Any]) -> Gate:
    asks = {name: value for name, value in row.items() if name not in {"gate", "article"}}
    return Gate(row["gate"], row["article"], asks)


def _read_tell(row: Mapping[str, Any]) -> Tell:
    return Tell(
        template=row["template"],
        to=row["to"],
        urgent=row.get("urgent", False),
        levels=_levels(row),
        items=frozenset(row.get("items", ())),
        except_items=frozenset(row.get("except_items", ())),
        clock=row.get("clock", ""),
    )


def _levels(row: Mapping[str, Any]) -> frozenset[Level]:
    return frozenset(_LEVELS[name] for name in row.get("levels", ()))


def _check(life: LifeCycle, clocks: frozenset[str], gates: frozenset[str]) -> None:
    for act in life.acts:
        named_states = act.from_states | ({act.to} - {SAME})
        named_clocks = {one.clock for one in act.start} | {*act.stop, *act.stop_first}
        named_clocks |= {one["clock"] for one in (act.extend, act.pause, act.resume) if one}
        named_clocks |= {act.on_breach} - {""}
        for kind, named, known in (
            ("state", named_states, life.states.keys()),
            ("clock", named_clocks, clocks),
            ("gate", {gate.name for gate in act.gates}, gates),
        ):
            if unknown := set(named) - set(known):
                raise ValueError(f"{life.kind.value}.{act.key}: unknown {kind} {sorted(unknown)}")
    for state in life.states.values():
        if state.shown_to_enterprise and state.shown_to_enterprise not in life.states:
            raise ValueError(f"{life.kind.value}: {state.key} is shown as an unknown state")
