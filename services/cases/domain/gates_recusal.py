"""Gates of recusal 回避的要件: who decides on whom (PL art 43)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.cases.domain.attempt import Attempt
from services.cases.domain.four_eyes import GRANTED, is_recused, numbers_of
from services.cases.domain.gates_handover import above
from services.cases.domain.lifecycle import Gate


def _recusal_pending(_: Gate, attempt: Attempt) -> str:
    """An application of the party is still to be answered."""
    return "" if _pending(attempt) > 0 else "当事人的回避申请"


def _pending(attempt: Attempt) -> int:
    acts = [event.act for event in attempt.matter.events]
    return acts.count("apply_recusal") - acts.count("answer_recusal")


def _may_decide_recusal(gate: Gate, attempt: Attempt) -> str:
    """The leader decides on officers, the office above or a collective decision on leaders.

    Nobody decides on himself, also not by refusing an application that names him.
    """
    doer, fields = attempt.doer, attempt.fields
    named = fields.get(gate.asks["field"], "")
    if named in numbers_of(attempt, doer.person_id) or _applied_against_doer(attempt):
        return "本人的回避由上级机关负责人决定或者集体讨论决定"
    if fields.get("verdict", GRANTED) != GRANTED:
        return ""
    officer = attempt.officers.get(named)
    if officer is None:
        return "在册人员"
    if officer.role != "leader" or above(doer.division, officer.division):
        return ""
    collective = fields.get("collective") == "yes" and fields.get("minutes", "").strip()
    return "" if collective else "负责人的回避由上级机关负责人决定，或者集体讨论决定并附记录"


def _applied_against_doer(attempt: Attempt) -> bool:
    """Whether the application that waits names the very person who decides."""
    application = attempt.matter.last("apply_recusal")
    if application is None or _pending(attempt) < 1:
        return False
    officer = attempt.officers.get(attempt.doer.person_id)
    name = officer.name if officer else attempt.doer.name
    return bool(name) and name in application.fields.get("person", "")


def _not_yet_recused(gate: Gate, attempt: Attempt) -> str:
    """Once is enough."""
    named = attempt.fields.get(gate.asks["field"], "") or attempt.doer.person_id
    return "该人员已回避" if is_recused(attempt, named) else ""


GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {
    "recusal_pending": _recusal_pending,
    "may_decide_recusal": _may_decide_recusal,
    "not_yet_recused": _not_yet_recused,
}
BEFORE_FIELDS: frozenset[str] = frozenset({"recusal_pending"})
