"""草稿: the document that an act would issue, before anybody acts. No number is used up.

The gates are not asked: a draft is made to be talked about. What the document itself needs is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from services.cases import rules, store
from services.cases.app.act_on_matter import action_of, doer_of, require_readable
from services.cases.app.attempts import attempt_of
from services.cases.app.make_papers import Draft, draft_paper
from services.cases.domain import steps
from services.cases.domain.attempt import Attempt
from services.cases.domain.lifecycle import Act, Opens
from services.cases.domain.matter import SYSTEM, Event, Matter
from services.cases.domain.steps import Step
from services.chassis.errors import InputRejected, RuleViolated
from services.chassis.identity import AUTHORITY, Actor, require


@dataclass(frozen=True)
class Wish:
    """What is to be drafted. `key` empty = the first document of the act."""

    matter_id: str
    act: str
    fields: Mapping[str, str]
    reason: str = ""
    key: str = ""


def preview_paper(session: Session, actor: Actor, wish: Wish, now: dt.datetime) -> Draft:
    """The draft. Raises `NotFound`, `Forbidden`, and `InputRejected` for an act without papers."""
    matter = store.load(session, wish.matter_id)
    require_readable(actor, matter)
    require(actor, "cases.act", division=matter.division)
    require(actor, action_of(matter.kind, "act"), division=matter.division)
    if actor.role not in AUTHORITY:
        raise InputRejected("drafts are for the authority", field="act")
    attempt = attempt_of(session, matter, doer_of(actor), now, wish.fields, reason=wish.reason)
    row = rules.life_cycle(matter.kind).row(wish.act, matter.state, matter.level)
    if row is None:
        raise RuleViolated(
            f"此状态下不能办理 {wish.act}", article="流程表", missing=f"状态（现为 {matter.state}）"
        )
    for field in row.fields:
        steps.check_value(field, wish.fields.get(field.name, ""))
    for step, above in _steps(row, attempt):
        for key in step.papers:
            if wish.key in {"", key}:
                return draft_paper(session, step, above, key)
    raise InputRejected(f"{wish.act} issues no {wish.key or 'document'}", field="key")


def _steps(row: Act, attempt: Attempt) -> Iterator[tuple[Step, Attempt]]:
    """The act's own step, then those of the matters that it would open."""
    own = _step(row, attempt)
    yield own, attempt
    family = (*attempt.family, own.matter)
    for opens in row.opens:
        life = rules.life_cycle(opens.kind)
        first = life.row(opens.act, "", attempt.matter.level)
        if opens.when.holds(attempt.fields) and first is not None:
            fields = _handed_down(opens, attempt)
            below = replace(
                attempt.matter, matter_id="", kind=opens.kind, number="（编号待定）", state="",
                parent_matter_id=attempt.matter.matter_id, version=0, events=(), clocks=(), rows=(),
            )  # fmt: skip
            child = replace(attempt, matter=below, doer=SYSTEM, fields=fields, family=family)
            yield _step(first, child), child


def _step(row: Act, attempt: Attempt) -> Step:
    """The step as far as a document looks at it."""
    matter = attempt.matter
    given = {name: value.strip() for name, value in attempt.fields.items() if value.strip()}
    event = Event(
        seq=matter.version + 1,
        at=attempt.now,
        doer=attempt.doer,
        act=row.key,
        act_zh=row.zh,
        from_state=matter.state,
        to_state=row.target(matter.state, given),
        reason=attempt.reason.strip(),
        fields={**given, **row.notes},
    )
    papers = tuple(one.template for one in row.papers if one.when.holds(given))
    changed: Matter = replace(matter, events=(*matter.events, event), version=event.seq)
    return Step(changed, event, (), (), row.effect, papers=papers)


def _handed_down(opens: Opens, attempt: Attempt) -> dict[str, str]:
    given = attempt.fields
    fields = {**opens.fields, **{name: given.get(key, "") for name, key in opens.copy.items()}}
    fields |= {"officer_1": attempt.doer.person_id, "officer_2": given.get("officer_2", "")}
    return {name: value for name, value in fields.items() if value}
