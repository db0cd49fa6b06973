"""Gates of handing over 提级、交办、指定管辖: up and down the tree of offices and across it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.cases.domain.attempt import Attempt
from services.cases.domain.lifecycle import Gate
from services.cases.domain.matter import Officer
from services.cases.domain.office import office_of
from services.chassis.identity import covers


def above(higher: str, lower: str) -> bool:
    """Whether one office is strictly above another.

    >>> above("130400", "130402"), above("130400", "130400"), above("130402", "130400")
    (True, False, False)
    """
    return covers(higher, lower) and not covers(lower, higher)


def _named(gate: Gate, attempt: Attempt) -> Officer | None:
    return attempt.officers.get(attempt.fields.get(gate.asks["field"], ""))


def _same_office(gate: Gate, attempt: Attempt) -> str:
    """改派 stays in the office in charge: who moves a matter to another one says so."""
    officer = _named(gate, attempt)
    here = office_of(attempt.matter)
    if officer is None or officer.division == here:
        return ""
    return f"{officer.name} 不属于承办单位，应当办理提级、交办或者指定管辖"


def _from_above(_: Gate, attempt: Attempt) -> str:
    """提级办理 is decided above the office in charge."""
    return "" if above(attempt.doer.division, attempt.matter.in_charge) else "上级机关负责人"


def _moves_up(gate: Gate, attempt: Attempt) -> str:
    """The officer is of an office above, and that of the leader who takes over or below it."""
    officer = _named(gate, attempt)
    if officer is None or not above(officer.division, attempt.matter.in_charge):
        return "上级机关的执法人员"
    return "" if covers(attempt.doer.division, officer.division) else "本机关管辖范围内的执法人员"


def _by_office(_: Gate, attempt: Attempt) -> str:
    """交由下级办理 is decided by the office in charge, or above it; a county has none below."""
    matter = attempt.matter
    if not above(matter.in_charge, matter.division):
        return "承办单位的下级机关"
    return "" if covers(attempt.doer.division, matter.in_charge) else "承办单位负责人"


def _moves_down(gate: Gate, attempt: Attempt) -> str:
    """The officer is of an office below that answers for the place of the matter."""
    officer, matter = _named(gate, attempt), attempt.matter
    if officer is None or not above(matter.in_charge, officer.division):
        return "下级机关的执法人员"
    return "" if covers(officer.division, matter.division) else f"{officer.name} 不在本辖区"


def _common_superior(gate: Gate, attempt: Attempt) -> str:
    """共同的上一级机关: above the office that gives and above the one that takes."""
    officer, matter = _named(gate, attempt), attempt.matter
    if officer is None or officer.role != "officer":
        return "在册执法人员"
    if not officer.certified(attempt.today):
        return f"{officer.name} 没有有效执法证件"
    if officer.away(attempt.today):
        return f"{officer.name} 离岗"
    if officer.division == matter.in_charge:
        return "另一机关的执法人员"
    both = all(above(attempt.doer.division, one) for one in (matter.in_charge, officer.division))
    return "" if both else "双方共同的上级机关"


GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {
    "same_office": _same_office,
    "from_above": _from_above,
    "moves_up": _moves_up,
    "by_office": _by_office,
    "moves_down": _moves_down,
    "common_superior": _common_superior,
}
BEFORE_FIELDS: frozenset[str] = frozenset({"from_above", "by_office"})
