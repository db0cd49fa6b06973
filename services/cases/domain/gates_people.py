"""Gates about people 人员要件: certificates, four eyes, who may be put in charge of a matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.cases.domain import gates_handover, gates_recusal
from services.cases.domain.attempt import Attempt
from services.cases.domain.four_eyes import did, is_recused, numbers_of
from services.cases.domain.lifecycle import Gate
from services.cases.domain.office import competent


def uncertified(attempt: Attempt, person: str) -> str:
    """Why the person may not enforce the law here: no officer, no certificate, not his region."""
    officer = attempt.officers.get(person)
    if officer is None:
        return f"{person or '第二名人员'} 不是在册执法人员"
    if not officer.certified(attempt.today):
        return f"{officer.name} 没有有效执法证件"
    return "" if competent(officer, attempt.matter) else f"{officer.name} 不在本辖区"


def _certified(_: Gate, attempt: Attempt) -> str:
    """具有行政执法资格: an officer without a valid certificate enforces nothing (PL art 42)."""
    doer = attempt.doer
    return uncertified(attempt, doer.person_id) if doer.role == "officer" else ""


def _two_certified(_: Gate, attempt: Attempt) -> str:
    """两名以上具有行政执法资格的执法人员 of this jurisdiction; two numbers may be one person."""
    second = attempt.fields.get("officer_2", "")
    if second in numbers_of(attempt, attempt.doer.person_id):
        return "第二名执法人员须为另一人"
    for person in (attempt.doer.person_id, second):
        if missing := uncertified(attempt, person):
            return missing
    if is_recused(attempt, second):
        return f"{attempt.officers[second].name} 已回避本案"
    return ""


def _other_person(gate: Gate, attempt: Attempt) -> str:
    """回避、审核分离: nobody confirms what he did himself."""
    event = did(attempt, attempt.doer.person_id, frozenset(gate.asks["acts"]))
    return f"须由“{event.act_zh}”以外的人员办理" if event else ""


def _assignable(gate: Gate, attempt: Attempt) -> str:
    """A certified officer of this jurisdiction, there and not recused (PL art 42, 43)."""
    officer = attempt.officers.get(attempt.fields.get(gate.asks["field"], ""))
    if officer is None or officer.role != "officer":
        return "在册执法人员"
    if missing := uncertified(attempt, officer.officer_id):
        return missing
    if leave := officer.away(attempt.today):
        until = f"，至{leave.last}" if leave.last else ""
        return f"{officer.name} 离岗{until}"
    return f"{officer.name} 已回避本案" if is_recused(attempt, officer.officer_id) else ""


GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {
    "assignable": _assignable,
    "certified": _certified,
    "two_certified": _two_certified,
    "other_person": _other_person,
    **gates_handover.GATES,
    **gates_recusal.GATES,
}
BEFORE_FIELDS: frozenset[str] = (
    frozenset({"other_person", "certified"})
    | gates_handover.BEFORE_FIELDS
    | gates_recusal.BEFORE_FIELDS
)
