"""Reads a life-cycle table 办理流程表 from its document and checks what it names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.cases.domain.lifecycle import (
    ALWAYS,
    SAME,
    Act,
    Field,
    Gate,
    LifeCycle,
    Opens,
    Paper,
    Start,
    State,
    Tell,
    TellParent,
    When,
)
from services.cases.domain.matter import Kind, Level

_LEVELS = {level.name.lower(): level for level in Level}
#: What a row may hold; anything else is a misspelling.
_KNOWN = frozenset(
    {
        "act", "zh", "by", "from", "to", "to_if", "levels", "internal", "outward", "reason",
        "hint", "fields", "gates", "start", "stop", "stop_first", "stop_at", "extend", "pause",
        "resume", "on_breach", "effect", "tell", "papers", "opens", "parent", "discloses",
        "assigns", "notes", "reopens",
    }
)  # fmt: skip


def read_lifecycle(
    document: Mapping[str, Any],
    common: Mapping[str, Any],
    clocks: Iterable[str],
    gates: Iterable[str],
) -> LifeCycle:
    """A table from its document and the rows that all kinds share.

    A kind's own row of an act stands instead of the common one. `ValueError` names a row that
    refers to something unknown.
    """
    states = {key: State(key, **body) for key, body in document["states"].items()}
    hidden = document.get("internal_by_default", False)
    own = [_read_act(row, states, hidden=hidden) for row in document["acts"]]
    named = {act.key for act in own}
    shared = [
        _read_act(row, states, hidden=hidden, common=True)
        for row in common["acts"]
        if row["act"] not in named and row["act"] not in document.get("without", ())
    ]
    life = LifeCycle(
        Kind(document["kind"]),
        document["version"],
        states,
        (*own, *shared),
        document.get("zh", ""),
        document.get("source", ""),
    )
    _check(life, frozenset(clocks), frozenset(gates))
    return life


def _read_act(
    row: Mapping[str, Any], states: Mapping[str, State], *, hidden: bool, common: bool = False
) -> Act:
    if unknown := set(row) - _KNOWN:
        raise ValueError(f"{row['act']}: unknown {sorted(unknown)}")
    return Act(
        key=row["act"],
        zh=row["zh"],
        by=frozenset(row["by"]),
        from_states=_from_states(row["from"], states),
        to=row["to"],
        to_when=tuple((_read_when(one), one["to"]) for one in row.get("to_if", ())),
        levels=_levels(row),
        internal=row.get("internal", hidden and not row.get("outward", False)),
        reason=row.get("reason", False),
        hint=row.get("hint", ""),
        fields=tuple(map(_read_field, row.get("fields", ()))),
        gates=tuple(map(_read_gate, row.get("gates", ()))),
        start=tuple(map(_read_start, row.get("start", ()))),
        stop=tuple(row.get("stop", ())),
        stop_first=tuple(row.get("stop_first", ())),
        stop_at=row.get("stop_at", ""),
        extend=row.get("extend", {}),
        pause=row.get("pause", {}),
        resume=row.get("resume", {}),
        on_breach=row.get("on_breach", ""),
        effect=row.get("effect", ""),
        tell=tuple(map(_read_tell, row.get("tell", ()))),
        papers=tuple(map(_read_paper, row.get("papers", ()))),
        opens=tuple(map(_read_opens, row.get("opens", ()))),
        parent=_read_parent(row["parent"]) if "parent" in row else None,
        discloses=row.get("discloses", False),
        assigns=row.get("assigns", ""),
        notes=row.get("notes", {}),
        reopens=row.get("reopens", False),
        common=common,
    )


def _from_states(named: Any, states: Mapping[str, State]) -> frozenset[str]:
    """`any` = every state, `open` = every one that is not final, else the list."""
    if named == "any":
        return frozenset(states)
    if named == "open":
        return frozenset(key for key, state in states.items() if not state.final)
    return frozenset(named)


def _read_when(row: Mapping[str, Any]) -> When:
    """The `if: {field: x, is: value or [values]}` of a part of a row."""
    asked = row.get("if")
    if asked is None:
        return ALWAYS
    values = asked["is"] if isinstance(asked["is"], list) else [asked["is"]]
    return When(asked["field"], frozenset(values))


def _read_field(row: Mapping[str, Any]) -> Field:
    return Field(
        row["name"],
        row["zh"],
        row["type"],
        row.get("required", False),
        tuple(row.get("choices", ())),
        _read_when(row),
    )


def _read_gate(row: Mapping[str, Any]) -> Gate:
    asks = {name: value for name, value in row.items() if name not in {"gate", "article", "if"}}
    return Gate(row["gate"], row["article"], asks, _read_when(row))


def _read_start(row: Mapping[str, Any]) -> Start:
    return Start(
        row["clock"],
        _levels(row),
        row.get("at", ""),
        row.get("after", ""),
        _read_when(row),
        row.get("until", ""),
    )


def _read_tell(row: Mapping[str, Any]) -> Tell:
    return Tell(
        template=row["template"],
        to=row["to"],
        urgent=row.get("urgent", False),
        levels=_levels(row),
        items=frozenset(row.get("items", ())),
        except_items=frozenset(row.get("except_items", ())),
        clock=row.get("clock", ""),
        when=_read_when(row),
    )


def _read_paper(row: Mapping[str, Any] | str) -> Paper:
    return Paper(row) if isinstance(row, str) else Paper(row["paper"], _read_when(row))


def _read_opens(row: Mapping[str, Any]) -> Opens:
    return Opens(
        Kind(row["kind"]), row["act"], row.get("fields", {}), row.get("copy", {}), _read_when(row)
    )


def _read_parent(row: Mapping[str, Any]) -> TellParent:
    return TellParent(row["act"], tuple(row.get("copy", ())), _read_when(row))


def _levels(row: Mapping[str, Any]) -> frozenset[Level]:
    return frozenset(_LEVELS[name] for name in row.get("levels", ()))


def _check(life: LifeCycle, clocks: frozenset[str], gates: frozenset[str]) -> None:
    for act in life.acts:
        for kind, named, known in (
            ("state", act.from_states | (act.targets - {SAME}), life.states.keys()),
            ("clock", _clocks_of(act), clocks),
            ("gate", {gate.name for gate in act.gates}, gates),
            ("field", _fields_of(act), {field.name for field in act.fields}),
        ):
            # What the system does has no form, so its conditions name what the engine hands in.
            if kind == "field" and "system" in act.by:
                continue
            if unknown := set(named) - set(known):
                raise ValueError(f"{life.kind.value}.{act.key}: unknown {kind} {sorted(unknown)}")
        leaves = any(life.states[key].final for key in act.from_states)
        if leaves and act.targets != {SAME} and not act.reopens:
            raise ValueError(f"{life.kind.value}.{act.key}: leaves a final state")
    for state in life.states.values():
        if state.shown_to_enterprise and state.shown_to_enterprise not in life.states:
            raise ValueError(f"{life.kind.value}: {state.key} is shown as an unknown state")


def _clocks_of(act: Act) -> set[str]:
    named = {one.clock for one in act.start} | {one.after for one in act.start}
    named |= {*act.stop, *act.stop_first, act.on_breach}
    named |= {one["clock"] for one in (act.extend, act.pause, act.resume) if one}
    return named - {""}


def _fields_of(act: Act) -> set[str]:
    """Fields of the form that other parts of the row build on."""
    named = {when.field for when, _ in act.to_when}
    for parts in (act.fields, act.gates, act.start, act.tell, act.papers, act.opens):
        named |= {part.when.field for part in parts}
    named |= {day for one in act.start for day in (one.at, one.until)} | {act.assigns, act.stop_at}
    named |= {act.extend.get(name, "") for name in ("until", "at", "by")}
    named |= {act.pause.get("at", ""), act.resume.get("at", "")}
    named |= {source for one in act.opens for source in one.copy.values()}
    named |= {act.parent.when.field, *act.parent.copy} if act.parent else set()
    return named - {"", *act.notes}
