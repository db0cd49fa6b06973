"""Gates 程序要件: what the law and our own rules ask before an act, each a small question.

A gate answers with what is missing, or with nothing. It sees the matter, the person, the fields of
the act, the officers of the region and the present day: no database, no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.cases.domain import (
    gates_inspection,
    gates_measures,
    gates_penalty,
    gates_people,
    gates_record,
    gates_service,
    gates_supervision,
)
from services.cases.domain.attempt import Attempt
from services.cases.domain.lifecycle import Gate
from services.chassis.errors import RuleViolated


def check(gate: Gate, attempt: Attempt) -> None:
    """Raise `RuleViolated` with the gate's article and what is missing."""
    missing = GATES[gate.name](gate, attempt)
    if missing:
        raise RuleViolated(f"{gate.article}：{missing}", article=gate.article, missing=missing)


def hinders(gate: Gate, attempt: Attempt) -> bool:
    """Whether the gate already says no before any field was filled in."""
    return gate.name in _BEFORE_FIELDS and bool(GATES[gate.name](gate, attempt))


def _stated(gate: Gate, attempt: Attempt) -> str:
    """An earlier act stated this."""
    event = attempt.matter.last(gate.asks["act"])
    stated = event.fields.get(gate.asks["field"], "") if event else ""
    return "" if stated == gate.asks["equals"] else f"{gate.asks['field']} = {gate.asks['equals']}"


def _reason_if(gate: Gate, attempt: Attempt) -> str:
    """A reason, or the field `or` instead, is needed where an earlier act stated this."""
    given = attempt.reason.strip() or attempt.fields.get(gate.asks.get("or", ""), "").strip()
    return "理由" if not _stated(gate, attempt) and not given else ""


def _all_yes(gate: Gate, attempt: Attempt) -> str:
    """Each condition was answered with yes."""
    return "、".join(name for name in gate.asks["fields"] if attempt.fields.get(name) != "yes")


def _not_future(gate: Gate, attempt: Attempt) -> str:
    """A day that was, not one that will be."""
    name = gate.asks["field"]
    return f"{name} 不得晚于今天" if attempt.fields[name] > attempt.today.isoformat() else ""


def _running(gate: Gate, attempt: Attempt) -> str:
    """One of these clocks asks for the act."""
    keys = gate.asks["clocks"]
    return "" if any(attempt.matter.open_clock(key) for key in keys) else f"期限 {'、'.join(keys)}"


def _done(gate: Gate, attempt: Attempt) -> str:
    """These acts came first."""
    return "、".join(act for act in gate.asks["acts"] if attempt.matter.last(act) is None)


_GENERAL: Mapping[str, Callable[[Gate, Attempt], str]] = {
    "stated": _stated,
    "reason_if": _reason_if,
    "all_yes": _all_yes,
    "not_future": _not_future,
    "running": _running,
    "done": _done,
}
#: Every gate that a table may name: the general ones here, the others by subject.
GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {
    **_GENERAL,
    **gates_inspection.GATES,
    **gates_measures.GATES,
    **gates_people.GATES,
    **gates_penalty.GATES,
    **gates_record.GATES,
    **gates_service.GATES,
    **gates_supervision.GATES,
}
#: Gates that need no field: an act they refuse is not offered to this person at all.
_BEFORE_FIELDS = frozenset(
    {"stated", "running", "done"}
    | gates_inspection.BEFORE_FIELDS
    | gates_measures.BEFORE_FIELDS
    | gates_people.BEFORE_FIELDS
    | gates_penalty.BEFORE_FIELDS
    | gates_record.BEFORE_FIELDS
    | gates_service.BEFORE_FIELDS
    | gates_supervision.BEFORE_FIELDS
)
