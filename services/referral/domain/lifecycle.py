"""移送流程表 The life cycle of a referral as a table, and the one step that an act takes.

The table is `data/lifecycle.yaml`; reading it checks that it names only states and clocks that
exist. `take` decides and changes nothing: the caller writes what it says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.chassis.errors import Forbidden, InputRejected, RuleViolated

SAME = "same"
_MOST_TEXT = 2000


@dataclass(frozen=True, slots=True)
class State:
    """办理状态 One state with its Chinese name."""

    key: str
    zh: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """What an act asks for. `type`: text | choice | date."""

    name: str
    zh: str
    type: str
    required: bool
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """办理动作 One row: who may, from where to where, what it asks, starts, stops and tells."""

    key: str
    zh: str
    by: frozenset[str]
    from_states: frozenset[str]
    to: str
    hint: str = ""
    reason: bool = False
    outcome: str = ""
    reroute: bool = False
    needs_running: str = ""
    fields: tuple[Field, ...] = ()
    start: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    extend_clock: str = ""
    extend_field: str = ""
    on_breach: tuple[str, ...] = ()
    tell: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LifeCycle:
    """流程表 States and acts by key."""

    version: str
    states: Mapping[str, State]
    acts: Mapping[str, Act]

    def allowed(self, state: str, role: str, running: Iterable[str] = ()) -> list[Act]:
        """The acts that a role may do in a state while these clocks run."""
        clocks = frozenset(running)
        return [
            act
            for act in self.acts.values()
            if state in act.from_states
            and role in act.by
            and (not act.needs_running or act.needs_running in clocks)
        ]

    def on_breach(self, clock: str, state: str) -> Act:
        """What the system does when a clock runs out in a state."""
        for act in self.acts.values():
            if clock in act.on_breach and state in act.from_states:
                return act
        return self.acts["overdue"]


def read_lifecycle(document: Mapping[str, Any], clocks: Iterable[str]) -> LifeCycle:
    """The table of a parsed file. Raises ValueError that names the row with a fault."""
    states = {key: State(key, **body) for key, body in document["states"].items()}
    acts = {row["act"]: _read_act(row, states) for row in document["acts"]}
    known = frozenset(clocks)
    for act in acts.values():
        named = {*act.start, *act.stop, *act.on_breach, act.extend_clock, act.needs_running} - {""}
        if not named <= known:
            raise ValueError(f"act {act.key}: unknown clocks {sorted(named - known)}")
        if act.to != SAME and act.to not in states:
            raise ValueError(f"act {act.key}: unknown state {act.to}")
        if not act.from_states <= states.keys():
            raise ValueError(f"act {act.key}: unknown states {sorted(act.from_states)}")
    return LifeCycle(document["version"], states, acts)


def _read_act(row: Mapping[str, Any], states: Mapping[str, State]) -> Act:
    extend = row.get("extend", {})
    return Act(
        key=row["act"],
        zh=row["zh"],
        by=frozenset(row["by"]),
        from_states=frozenset(states if row["from"] == "any" else row["from"]),
        to=row["to"],
        hint=row.get("hint", ""),
        reason=row.get("reason", False),
        outcome=row.get("outcome", ""),
        reroute=row.get("reroute", False),
        needs_running=row.get("needs_running", ""),
        fields=tuple(
            Field(f["name"], f["zh"], f["type"], f["required"], tuple(f.get("choices", ())))
            for f in row.get("fields", ())
        ),
        start=tuple(row.get("start", ())),
        stop=tuple(row.get("stop", ())),
        extend_clock=extend.get("clock", ""),
        extend_field=extend.get("field", ""),
        on_breach=tuple(row.get("on_breach", ())),
        tell=tuple(row.get("tell", ())),
    )


def check_act(
    life: LifeCycle,
    key: str,
    *,
    state: str,
    role: str,
    running: Iterable[str],
    fields: Mapping[str, str],
    reason: str,
) -> Act:
    """The row of an act that may be done here and now.

    Raises Forbidden for another role's act, RuleViolated for an act that this state does not have
    or a missing field or reason, InputRejected for an unknown act, field or choice.
    """
    act = life.acts.get(key)
    if act is None or "system" in act.by:
        raise InputRejected(f"unknown act {key}")
    if role not in act.by:
        raise Forbidden(f"{role} may not {key}", action=key)
    if act not in life.allowed(state, role, running):
        raise RuleViolated(f"{key} is not possible in {state}", article=act.hint, missing="state")
    _check_fields(act, fields)
    if act.reason and not reason.strip():
        raise RuleViolated(f"{key} needs a reason", article=act.hint, missing="reason")
    return act


def _check_fields(act: Act, fields: Mapping[str, str]) -> None:
    known = {field.name for field in act.fields}
    if not fields.keys() <= known:
        raise InputRejected(f"{act.key} has no field {min(fields.keys() - known)}")
    for field in act.fields:
        value = fields.get(field.name, "").strip()
        if field.required and not value:
            message = f"{act.key} needs {field.name}"
            raise RuleViolated(message, article=act.hint, missing=field.name)
        if len(value) > _MOST_TEXT:
            raise InputRejected(f"{field.name} is longer than {_MOST_TEXT} characters")
        values = {choice.partition("|")[0] for choice in field.choices}
        if value and values and value not in values:
            raise InputRejected(f"{field.name} must be one of {', '.join(sorted(values))}")
