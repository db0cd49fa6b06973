"""Gates about people 人员要件: who may be put in charge of a matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.cases.domain.attempt import Attempt
from services.cases.domain.lifecycle import Gate
from services.chassis.identity import covers


def _assignable(gate: Gate, attempt: Attempt) -> str:
    """A certified officer of this jurisdiction who has not been recused (PL art 42, 43)."""
    officer = attempt.officers.get(attempt.fields.get(gate.asks["field"], ""))
    if officer is None:
        return "在册执法人员"
    if not officer.certified(attempt.today):
        return f"{officer.name} 没有有效执法证件"
    if not covers(officer.division, attempt.matter.division):
        return f"{officer.name} 不在本辖区"
    recused = {e.fields.get("officer") for e in attempt.matter.events if e.act == "recuse"}
    return f"{officer.name} 已回避本案" if officer.officer_id in recused else ""


GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {"assignable": _assignable}
BEFORE_FIELDS: frozenset[str] = frozenset()
