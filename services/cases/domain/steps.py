"""One step of a matter 办理一步: an act checked against its table row, and what it makes of it.

`take` is the only way a matter changes state. It refuses with the article and what is missing, or
answers with the new matter (its timeline one line longer, its clocks started, stopped, moved) and
with what has to follow: who is told, which effect the row names.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.cases.domain import history, timing
from services.cases.domain.gates import Attempt, check, hinders
from services.cases.domain.lifecycle import SAME, Act, Field, LifeCycle, Tell
from services.cases.domain.matter import (
    SYSTEM,
    ClockState,
    Event,
    Level,
    Matter,
    Running,
)
from services.cases.domain.timing import Terms
from services.chassis.errors import Forbidden, InputRejected, RuleViolated

_LONGEST_TEXT = 4000


@dataclass(frozen=True)
class Step:
    """What one act did. `moved` are the clocks whose end is new, `told` the rows that apply."""

    matter: Matter
    event: Event
    moved: tuple[Running, ...]
    told: tuple[Tell, ...]
    effect: str


def take(life: LifeCycle, act_key: str, attempt: Attempt, terms: Terms) -> Step:
    """Do an act of a person or of the system.

    Raises `Forbidden` for a role that may never do it, `InputRejected` for a field that is none,
    and `RuleViolated` for a move the table does not have or a gate that is shut.
    """
    row = _row(life, act_key, attempt)
    if attempt.doer.role not in row.by:
        raise Forbidden(f"{attempt.doer.role} may not {act_key}", action=act_key)
    if attempt.doer != SYSTEM:
        _check_fields(row, attempt)
    for gate in row.gates:
        check(gate, attempt)
    return _apply(life, row, attempt, terms)


def allowed(life: LifeCycle, attempt: Attempt) -> list[Act]:
    """The acts this person may try now; gates that need the fields are asked only by `take`."""
    matter = attempt.matter
    return [
        row
        for row in life.from_state(matter.state, matter.level)
        if attempt.doer.role in row.by and not any(hinders(gate, attempt) for gate in row.gates)
    ]


def raise_level(life: LifeCycle, attempt: Attempt, level: Level, terms: Terms) -> Step:
    """Lift an order to a higher level; the clocks of the new level start."""
    higher = replace(attempt, matter=replace(attempt.matter, level=level))
    return take(life, "raise_level", higher, terms)


def breach(life: LifeCycle, attempt: Attempt, clock: Running, terms: Terms) -> Step | None:
    """Note that a clock ran out; None where the table has nothing to say about it any more."""
    matter = attempt.matter
    row = life.for_breach(clock.key, matter.state, matter.level)
    if row is None:
        return None
    broken = replace(clock, state=ClockState.BREACHED)
    fields = {"clock": clock.key, "due": timing.iso(clock.due_at)}
    matter = replace(matter, clocks=timing.replaced(matter.clocks, broken))
    return _apply(life, row, replace(attempt, matter=matter, fields=fields), terms)


def reckon(life: LifeCycle, attempt: Attempt, fresh: Running, terms: Terms) -> Step:
    """Note that a provisional end was computed again and moved."""
    fields = {"clock": fresh.key, "due": timing.iso(fresh.due_at)}
    step = take(life, "reckon", replace(attempt, fields=fields), terms)
    clocks = timing.replaced(step.matter.clocks, fresh)
    return replace(step, matter=replace(step.matter, clocks=clocks), moved=(fresh,))


def _row(life: LifeCycle, act_key: str, attempt: Attempt) -> Act:
    matter = attempt.matter
    row = life.row(act_key, matter.state, matter.level)
    if row is not None:
        return row
    rows = [act for act in life.acts if act.key == act_key]
    if not rows:
        raise InputRejected(f"{life.kind.value} has no act {act_key}", act=act_key)
    names = sorted({life.states[key].zh for act in rows for key in act.from_states})
    raise RuleViolated(
        f"“{life.states[matter.state].zh}”状态下不能办理“{rows[0].zh}”",
        article=rows[0].hint or f"流程表 {life.version}",
        missing=f"状态：{'、'.join(names)}",
    )


def _check_fields(row: Act, attempt: Attempt) -> None:
    known = {field.name: field for field in row.fields}
    for name, value in attempt.fields.items():
        if name not in known:
            raise InputRejected(f"{row.key} has no field {name}", field=name)
        _check_value(known[name], value)
    missing = [
        f.zh for f in row.fields if f.required and not attempt.fields.get(f.name, "").strip()
    ]
    if row.reason and not attempt.reason.strip():
        missing.append("理由")
    if missing:
        what = "、".join(missing)
        raise RuleViolated(f"“{row.zh}”缺少：{what}", article=row.hint or row.zh, missing=what)
    if len(attempt.reason) > _LONGEST_TEXT:
        raise InputRejected("the reason is too long", field="reason")


def _check_value(field: Field, value: str) -> None:
    if len(value) > _LONGEST_TEXT:
        raise InputRejected(f"{field.name} is too long", field=field.name)
    if field.kind == "choice" and value and value not in field.values:
        raise InputRejected(f"{value!r} is no choice of {field.name}", field=field.name)
    if field.kind == "date" and value:
        try:
            dt.date.fromisoformat(value)
        except ValueError as fault:
            raise InputRejected(f"{field.name} is no date", field=field.name) from fault


def _apply(life: LifeCycle, row: Act, attempt: Attempt, terms: Terms) -> Step:
    matter, now = attempt.matter, attempt.now
    to_state = matter.state if row.to == SAME else row.to
    final = life.states[to_state].final
    clocks, moved = timing.after(row, matter, terms, now, final=final and row.to != SAME)
    event = _event(row, attempt, to_state, _clock_notes(matter, clocks))
    event = replace(event, digest=history.digest(_last_digest(matter), matter.matter_id, event))
    changed = replace(
        matter,
        state=to_state,
        version=event.seq,
        clocks=clocks,
        events=(*matter.events, event),
        closed_at=matter.closed_at or (now if final else None),
    )
    told = tuple(one for one in row.tell if one.applies(matter.level, matter.item))
    return Step(changed, event, moved, told, row.effect)


def _event(row: Act, attempt: Attempt, to_state: str, notes: Mapping[str, str]) -> Event:
    given = {name: value.strip() for name, value in attempt.fields.items()}
    return Event(
        seq=attempt.matter.version + 1,
        at=attempt.now,
        doer=attempt.doer,
        act=row.key,
        act_zh=row.zh,
        from_state=attempt.matter.state,
        to_state=to_state,
        reason=attempt.reason.strip(),
        fields={**given, **notes},
    )


def _clock_notes(matter: Matter, clocks: tuple[Running, ...]) -> dict[str, str]:
    """What happened to clocks, written into the timeline: the clock rows themselves change."""
    before = {clock.clock_id: clock for clock in matter.clocks}
    started = [c for c in clocks if c.clock_id not in before]
    ended = [c for c in clocks if not c.open and c.clock_id in before and before[c.clock_id].open]
    notes = {
        "clocks_started": "; ".join(f"{c.key} {timing.iso(c.due_at)}" for c in started),
        "clocks_ended": "; ".join(f"{c.key} {c.state.value}" for c in ended),
    }
    return {name: text for name, text in notes.items() if text}


def _last_digest(matter: Matter) -> bytes:
    return matter.events[-1].digest if matter.events else history.START
