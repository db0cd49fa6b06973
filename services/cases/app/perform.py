"""Take a step with all that follows in the same transaction: papers, children, the parent.

`perform` is the one way from an attempt to a changed matter. Whoever calls it holds the lock of
the family (`store.lock_family`), because a step below may move the matter above.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from services.cases import paper_store, people_store, rules, store
from services.cases.app.attempts import attempt_of, system_attempt
from services.cases.app.judge_risk import judge_risk
from services.cases.app.make_papers import make_papers
from services.cases.app.save_step import save_step
from services.cases.domain import steps
from services.cases.domain.attempt import Attempt
from services.cases.domain.lifecycle import Opens, TellParent
from services.cases.domain.papers import Paper
from services.cases.domain.steps import Step
from services.chassis.clock import BEIJING


def perform(session: Session, act: str, attempt: Attempt) -> Step:
    """Do the act; gives the step as saved. Raises what `steps.take` raises."""
    life, terms = rules.life_cycle(attempt.matter.kind), rules.terms_for(attempt.matter)
    if act == "correct":
        step = finish(session, steps.correct(life, attempt, terms), attempt)
        _correct_above(session, step, attempt)
        return step
    return finish(session, steps.take(life, act, attempt, terms), attempt)


def finish(session: Session, step: Step, attempt: Attempt) -> Step:
    """Save a step that was taken, and do what its row asks for besides."""
    papers = make_papers(session, step, attempt) if step.papers else []
    if papers:
        step = steps.with_notes(step, {"papers": "; ".join(map(_paper_note, papers))})
    if notes := _handed_on(step, attempt):
        step = steps.with_notes(step, notes)
    step = replace(step, matter=judge_risk(session, step.matter, attempt.now))
    save_step(session, step)
    for paper in papers:
        paper_store.add_paper(session, paper)
    for opens in step.opens:
        _open_below(session, step, opens, papers, attempt.now)
    if step.parent is not None and step.matter.parent_matter_id:
        _tell_parent(session, step, step.parent, attempt.now)
    return step


def _correct_above(session: Session, step: Step, attempt: Attempt) -> None:
    """更正 of what a line handed up: the matter above corrects its own line of that moment."""
    matter, fields = step.matter, attempt.fields
    if not matter.parent_matter_id:
        return
    line = matter.events[int(fields["seq"]) - 1]
    parent = store.load(session, matter.parent_matter_id, lock=True)
    for event in parent.events:
        source = (event.fields.get("from_id"), event.fields.get("from_act"), event.at)
        handed = source == (matter.matter_id, line.act, line.at)
        if handed and fields["field"] in event.fields:
            again = {**fields, "seq": str(event.seq)}
            reason = attempt.reason
            above = attempt_of(session, parent, attempt.doer, attempt.now, again, reason=reason)
            perform(session, "correct", above)


def _handed_on(step: Step, attempt: Attempt) -> dict[str, str]:
    """Who had the matter before, in the line that gives it to somebody else."""
    before = attempt.matter
    if step.matter.assignee_id == before.assignee_id or not before.events:
        return {}
    notes = {
        "from": before.assignee_id,
        "from_name": before.assignee_name,
        "officer_name": step.matter.assignee_name,
    }
    if step.matter.in_charge != before.in_charge:
        notes |= {"from_office": before.in_charge, "to_office": step.matter.in_charge}
    return {name: value for name, value in notes.items() if value}


def _paper_note(paper: Paper) -> str:
    """A paper as the chained line names it."""
    return f"{paper.template} {paper.number or paper.title} sm3:{paper.sm3.hex()}"


def _open_below(
    session: Session, step: Step, opens: Opens, papers: Sequence[Paper], now: dt.datetime
) -> None:
    """Open a matter under this one: same outlet, same people in charge, first line by the row."""
    above = step.matter
    fields = _fields_below(step, opens, papers)
    matter = replace(
        above,
        matter_id=str(uuid.uuid4()),
        kind=opens.kind,
        number=store.next_number(session, opens.kind, above.division, now.astimezone(BEIJING).year),
        state="",
        title=fields.get("paper_title") or f"{rules.life_cycle(opens.kind).zh}：{above.title}",
        confidential=True,
        opened_at=now,
        closed_at=None,
        parent_matter_id=above.matter_id,
        referral_id="",
        version=0,
        clocks=(),
        events=(),
        rows=(),
    )
    store.add(session, matter)
    if people_store.is_foreign(matter):
        people_store.keep_office(session, matter)
    perform(session, opens.act, system_attempt(session, matter, now, fields))


def _fields_below(step: Step, opens: Opens, papers: Sequence[Paper]) -> Mapping[str, str]:
    """First line of a child; one about a paper of this step names it by id, number and title."""
    given = step.event.fields
    fields = {**opens.fields, **{name: given.get(key, "") for name, key in opens.copy.items()}}
    fields |= {"officer_1": step.event.doer.person_id, "officer_2": given.get("officer_2", "")}
    paper = next((one for one in papers if one.template == fields.get("paper")), None)
    if paper is not None:
        fields |= {
            "paper_id": paper.paper_id,
            "paper_number": paper.number,
            "paper_title": paper.title,
        }
    return {name: value for name, value in fields.items() if value}


def _tell_parent(session: Session, step: Step, told: TellParent, now: dt.datetime) -> None:
    """The matter above moves on by the system; where its table has no such move, it notes it."""
    matter = step.matter
    parent = store.load(session, matter.parent_matter_id, lock=True)
    opening = matter.opening()
    act = told.act.format_map(opening.fields if opening else {})
    fields = {name: step.event.fields.get(name, "") for name in told.copy}
    fields |= {"from": matter.number, "from_id": matter.matter_id, "from_act": step.event.act}
    life = rules.life_cycle(parent.kind)
    known = life.row(act, parent.state, parent.level) is not None
    perform(session, act if known else "note_below", system_attempt(session, parent, now, fields))
