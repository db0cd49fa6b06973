"""重新启动: a closed order is opened again by a leader, a follow-up or a sampled check."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from services.cases import rules, store
from services.cases.app.attempts import system_attempt
from services.cases.app.perform import perform
from services.cases.domain.matter import Matter
from services.cases.domain.steps import Step
from services.chassis.errors import RuleViolated

_BAD = frozenset({"recurred", "bad"})


def require_only(session: Session, matter: Matter, act: str) -> None:
    """An outlet, item and set of factors has one open order: raises `RuleViolated` for a second."""
    row = rules.life_cycle(matter.kind).row(act, matter.state, matter.level)
    if row is None or not row.reopens:
        return
    other = _other(session, matter)
    if other:
        raise RuleViolated(
            f"{row.zh}：已有在办督办单 {other}",
            article="工作规则：同一排放口、同一事项只保留一张在办督办单",
            missing=f"{other} 办结",
        )


def reopen_when_bad(session: Session, step: Step, now: dt.datetime) -> Matter:
    """What a follow-up or a sampled check says of the matter: bad news open it again.

    Where another order of the same outlet and item is at work already, that one deals with it.
    """
    matter = step.matter
    if step.event.fields.get("result") not in _BAD:
        return matter
    other = _other(session, matter)
    act = "note_recurred" if other else "reopen_recurred"
    fields = {"because": step.event.act, "order": other}
    known = {name: value for name, value in fields.items() if value}
    return perform(session, act, system_attempt(session, matter, now, known)).matter


def _other(session: Session, matter: Matter) -> str:
    """Number of the open order about the same thing, empty = none."""
    other = store.open_order(session, matter.outlet_id, matter.item, matter.factors)
    return "" if other is None else store.load(session, other).number
