"""One step of a matter 办理一步: an act checked against its table row, and what it makes of it.

`take` is the only way a matter changes state. It refuses with the article and what is missing, or
answers with the new matter (its timeline one line longer, its clocks started, stopped, moved) and
with what has to follow: who is told, which effect the row names.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from services.cases.domain import history, timing
from services.cases.domain.attempt import Attempt
from services.cases.domain.correcting import corrected, read_correction
from services.cases.domain.four_eyes import is_recused
from services.cases.domain.gates import check, hinders
from services.cases.domain.lifecycle import Act, Field, LifeCycle, Opens, Tell, TellParent
from services.cases.domain.matter import (
    SYSTEM,
    ClockState,
    Event,
    Level,
    Matter,
    Running,
)
from services.cases.domain.timing import Terms
from services.chassis.clock import BEIJING
from services.chassis.errors import Forbidden, InputRejected, RuleViolated

_LONGEST_TEXT = 4000
_LONGEST_NUMBER = 13


@dataclass(frozen=True)
class Step:
    """What one act did. `moved` are the clocks whose end is new.

    `told`, `papers`, `opens` and `parent` are the parts of the row that apply to these fields.
    """

    matter: Matter
    event: Event
    moved: tuple[Running, ...]
    told: tuple[Tell, ...]
    effect: str
    papers: tuple[str, ...] = ()
    opens: tuple[Opens, ...] = ()
    parent: TellParent | None = None


def take(life: LifeCycle, act_key: str, attempt: Attempt, terms: Terms) -> Step:
    """Do an act of a person or of the system.

    Raises `Forbidden` for a role that may never do it, `InputRejected` for a field that is none,
    and `RuleViolated` for a move the table does not have or a gate that is shut.
    """
    row = _row(life, act_key, attempt)
    if attempt.doer.role not in row.by:
        raise Forbidden(f"{attempt.doer.role} may not {act_key}", action=act_key)
    if attempt.doer != SYSTEM:
        _check_recused(attempt)
        _check_fields(row, attempt)
    for gate in row.gates:
        if gate.when.holds(attempt.fields):
            check(gate, attempt)
    return _apply(life, row, attempt, terms)


def allowed(life: LifeCycle, attempt: Attempt) -> list[Act]:
    """The acts this person may try now; gates that need the fields are asked only by `take`."""
    matter = attempt.matter
    if is_recused(attempt, attempt.doer.person_id):
        return []
    return [
        row
        for row in life.from_state(matter.state, matter.level)
        if attempt.doer.role in row.by and not any(hinders(gate, attempt) for gate in row.gates)
    ]


def raise_level(life: LifeCycle, attempt: Attempt, level: Level, terms: Terms) -> Step:
    """Lift an order to a higher level; the clocks of the new level start."""
    higher = replace(attempt, matter=replace(attempt.matter, level=level))
    return take(life, "raise_level", higher, terms)


def end_clock(life: LifeCycle, attempt: Attempt, clock: Running, terms: Terms) -> Step | None:
    """Note that a clock ran out: a breach, or a right or a waiting time that lapsed.

    None where the table has nothing to say about it any more.
    """
    matter = attempt.matter
    row = life.for_end(clock.key, matter.state, matter.level, lapses=clock.lapses)
    if row is None:
        return None
    if clock.lapses:
        over = replace(clock, state=ClockState.LAPSED, ended_at=clock.due_at)
    else:
        over = replace(clock, state=ClockState.BREACHED)
    assert clock.due_at is not None
    last = (clock.due_at - dt.timedelta(seconds=1)).astimezone(BEIJING).date()
    ended = {"clock": clock.key, "due": timing.iso(clock.due_at), "last_day": last.isoformat()}
    fields = {**ended, **attempt.fields}
    matter = replace(matter, clocks=timing.replaced(matter.clocks, over))
    return _apply(life, row, replace(attempt, matter=matter, fields=fields), terms)


def reckon(life: LifeCycle, attempt: Attempt, fresh: Running, terms: Terms) -> Step:
    """Note that an end was computed again and moved; what runs after it moves with it."""
    matter = attempt.matter
    fields = {"clock": fresh.key, "due": timing.iso(fresh.due_at)}
    step = take(life, "reckon", replace(attempt, fields=fields), terms)
    clocks = timing.replaced(matter.clocks, fresh)
    return _with_clocks(step, matter, timing.followed(clocks, terms, attempt.now))


def correct(life: LifeCycle, attempt: Attempt, terms: Terms) -> Step:
    """更正: the line of the correction, with every clock judged again that the wrong value moved.

    Raises what `take` raises, `InputRejected` for a value that the field cannot hold, and
    `RuleViolated` for a day that cannot be.
    """
    matter, fields = attempt.matter, attempt.fields
    step = take(life, "correct", attempt, terms)
    seq, name = int(fields["seq"]), fields["field"].strip()
    wrong = read_correction(life, matter, seq, name, fields["value"])
    if wrong.form is not None:
        check_value(wrong.form, wrong.new)
    clocks = corrected(matter, wrong, terms, attempt.now)
    return _with_clocks(with_notes(step, {"old": wrong.old}), matter, clocks)


def _with_clocks(step: Step, matter: Matter, clocks: tuple[Running, ...]) -> Step:
    """The step with the clocks that it leaves behind, and their notes in its line."""
    step = with_notes(step, _clock_notes(matter, clocks))
    changed = replace(step.matter, clocks=clocks)
    return replace(step, matter=changed, moved=timing.moved(matter.clocks, clocks))


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


def _check_recused(attempt: Attempt) -> None:
    if is_recused(attempt, attempt.doer.person_id):
        raise RuleViolated(
            f"{attempt.doer.name} 已回避本案",
            article="行政处罚法第四十三条",
            missing="未回避的人员",
        )


def _check_fields(row: Act, attempt: Attempt) -> None:
    known = {field.name: field for field in row.fields}
    given = attempt.fields
    for name, value in given.items():
        if name not in known:
            raise InputRejected(f"{row.key} has no field {name}", field=name)
        check_value(known[name], value)
    missing = [
        field.zh
        for field in row.fields
        if field.required and field.when.holds(given) and not given.get(field.name, "").strip()
    ]
    if row.reason and not attempt.reason.strip():
        missing.append("理由")
    if missing:
        what = "、".join(missing)
        raise RuleViolated(f"“{row.zh}”缺少：{what}", article=row.hint or row.zh, missing=what)
    if len(attempt.reason) > _LONGEST_TEXT:
        raise InputRejected("the reason is too long", field="reason")


def check_value(field: Field, value: str) -> None:
    """Raise `InputRejected` for a value that the field cannot hold; an empty one is none."""
    if len(value) > _LONGEST_TEXT:
        raise InputRejected(f"{field.name} is too long", field=field.name)
    if not value.strip():
        return
    if field.kind == "choice" and value not in field.values:
        raise InputRejected(f"{value!r} is no choice of {field.name}", field=field.name)
    if field.kind in _READERS:
        try:
            _READERS[field.kind](value.strip())
        except ValueError as fault:
            raise InputRejected(f"{field.name} is no {field.kind}", field=field.name) from fault


def _moment(text: str) -> None:
    if dt.datetime.fromisoformat(text).tzinfo is None:
        raise ValueError(text)


def _whole_yuan(text: str) -> None:
    if not (text.isascii() and text.isdecimal() and len(text) < _LONGEST_NUMBER):
        raise ValueError(text)


_READERS: Mapping[str, Callable[[str], object]] = {
    "date": dt.date.fromisoformat,
    "moment": _moment,
    "number": Decimal,
    "money": _whole_yuan,
}


def _apply(life: LifeCycle, row: Act, attempt: Attempt, terms: Terms) -> Step:
    matter, now, fields = attempt.matter, attempt.now, attempt.fields
    to_state = row.target(matter.state, fields)
    final = life.states[to_state].final and to_state != matter.state
    clocks, moved = timing.after(row, attempt, terms, final=final)
    event = _event(row, attempt, to_state, _clock_notes(matter, clocks))
    event = replace(event, digest=history.digest(_last_digest(matter), matter.matter_id, event))
    changed = replace(
        _assigned(row, attempt),
        state=to_state,
        version=event.seq,
        clocks=clocks,
        events=(*matter.events, event),
        confidential=matter.confidential and not row.discloses,
        closed_at=(matter.closed_at or now) if life.states[to_state].final else None,
    )
    return Step(
        changed,
        event,
        moved,
        told=tuple(
            one
            for one in row.tell
            if one.applies(matter.level, matter.item) and one.when.holds(fields)
        ),
        effect=row.effect,
        papers=tuple(one.template for one in row.papers if one.when.holds(fields)),
        opens=tuple(one for one in row.opens if one.when.holds(fields)),
        parent=row.parent if row.parent and row.parent.when.holds(fields) else None,
    )


def _assigned(row: Act, attempt: Attempt) -> Matter:
    """The matter with the officer in charge that the act names."""
    officer = attempt.officers.get(attempt.fields.get(row.assigns, "")) if row.assigns else None
    if officer is None:
        return attempt.matter
    return replace(
        attempt.matter,
        assignee_id=officer.officer_id,
        assignee_name=officer.name,
        team_id=officer.team_id,
        in_charge=officer.division,
    )


def with_notes(step: Step, notes: Mapping[str, str]) -> Step:
    """The step with more written into its line: what was made because of it, e.g. papers."""
    *before, last = step.matter.events
    event = replace(step.event, fields={**step.event.fields, **notes})
    previous = before[-1].digest if before else history.START
    event = replace(event, digest=history.digest(previous, step.matter.matter_id, event))
    assert last == step.event
    return replace(step, event=event, matter=replace(step.matter, events=(*before, event)))


def _event(row: Act, attempt: Attempt, to_state: str, notes: Mapping[str, str]) -> Event:
    given = {name: value.strip() for name, value in attempt.fields.items()}
    given |= {name: text.format_map(given) for name, text in row.notes.items()}
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
    pairs = [(before[c.clock_id], c) for c in clocks if c.clock_id in before]
    ends = [(a.key, timing.iso(a.due_at), timing.iso(b.due_at)) for a, b in pairs]
    states = [(a.key, a.state.value, b.state.value) for a, b in pairs if _was_over(a)]
    notes = {
        "clocks_started": "; ".join(f"{c.key} {timing.iso(c.due_at)}" for c in started),
        "clocks_ended": "; ".join(f"{c.key} {c.state.value}" for c in ended),
        "clocks_moved": _changes(ends),
        "clocks_restored": _changes(states),
    }
    return {name: text for name, text in notes.items() if text}


def _changes(words: Iterable[tuple[str, str, str]]) -> str:
    """What was and what is, of the clocks for which the two differ."""
    return "; ".join(f"{key} {old} -> {new}" for key, old, new in words if old != new)


def _was_over(clock: Running) -> bool:
    """Whether its end was written down before, so that another one has to say so."""
    return not clock.open or clock.state is ClockState.BREACHED


def _last_digest(matter: Matter) -> bytes:
    return matter.events[-1].digest if matter.events else history.START
