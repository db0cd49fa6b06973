"""Gates of statement and hearing 陈述申辩与听证的要件 (PL art 44, 45, 63, 64)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.cases.domain.attempt import Attempt
from services.cases.domain.case_facts import (
    YES,
    day_of,
    fields_of,
    last_day,
    latest_clock,
    notice,
    runs,
    since,
    stated,
    value_of,
    whole,
)
from services.cases.domain.four_eyes import did, is_recused
from services.cases.domain.lifecycle import Gate
from services.cases.domain.matter import ClockState
from services.cases.domain.office import competent
from services.cases.domain.timing import moment_of

#: 没收、吊销、停产停业、关闭 open the right to a hearing whatever the fine is (PL art 63).
_HEAVY_MEASURES = {"stop": "责令停产停业", "close": "责令关闭", "revoke": "吊销许可证件"}
_INVESTIGATE = frozenset(
    {
        "verify", "find_on_inspection", "open_from_order", "open_from_inspection",
        "finish_investigation", "propose_penalty",
    }
)  # fmt: skip
_RIGHTS = {"statement": "陈述、申辩", "hearing_request": "要求听证"}


def _hearing_told(_: Gate, attempt: Attempt) -> str:
    """听证权利告知: computed from the fine and the measures, not left to memory (PL art 63)."""
    if attempt.fields.get("hearing") == YES:
        return ""
    measure = _HEAVY_MEASURES.get(attempt.fields.get("other_measures", ""))
    if measure:
        return f"告知听证权利（拟{measure}）"
    party = stated(attempt, "party_kind")
    line = attempt.law.larger_fine(attempt.matter.division, party)
    larger = line is not None and whole(attempt.fields.get("amount", "")) >= line
    return f"告知听证权利（较大数额罚款：{line}元以上）" if larger else ""


def _right_open(gate: Gate, attempt: Attempt) -> str:
    """The right was not used up, waived or lapsed on the day on which the party spoke.

    Only an officer who writes down what he was told names another day than the present.
    """
    clock = latest_clock(attempt.matter, gate.asks["clock"])
    if clock is None:
        return "告知书送达"
    given = attempt.fields.get("given_on", "")
    when = attempt.now if attempt.doer.role == "enterprise" else day_of(given, attempt)
    if when > attempt.now:
        return "不晚于今天的日期"
    if clock.state not in {ClockState.RUNNING, ClockState.LAPSED}:
        return "未行使、未放弃的权利"
    assert clock.due_at is not None
    return f"期限届满前提出（至{last_day(clock)}）" if when >= clock.due_at else ""


def running_right(attempt: Attempt) -> str:
    """The first right of the party that still runs, as what is missing."""
    for key, zh in _RIGHTS.items():
        clock = latest_clock(attempt.matter, key)
        if clock is not None and runs(clock, attempt.now):
            return f"{zh}期限届满（至{last_day(clock)}）"
    return ""


def _rights_over(_: Gate, attempt: Attempt) -> str:
    """Both notices were served and both rights used, waived or lapsed."""
    matter, told = attempt.matter, notice(attempt.matter)
    if told is None or not since(matter, "penalty_notice_served", told):
        return "处罚事先告知书送达"
    asked = told.fields.get("hearing") == YES
    if asked and not since(matter, "hearing_rights_notice_served", told):
        return "听证告知书送达"
    return running_right(attempt)


def _defence_answered(_: Gate, attempt: Attempt) -> str:
    """What the party said is answered, and nothing is answered that it did not say."""
    told = notice(attempt.matter)
    said = since(attempt.matter, "state_defence", told)
    heard = since(attempt.matter, "hold_hearing", told)
    spoke = bool(said) or fields_of(heard).get("attendance") == "attended"
    none = attempt.fields["result"] == "none"
    if spoke and none:
        return "对当事人陈述、申辩、听证意见的复核结论"
    return "" if spoke or none else "当事人的陈述、申辩"


def _chair_independent(_: Gate, attempt: Attempt) -> str:
    """听证主持人: of this office, not recused, not an investigator of the case (PL art 64)."""
    chair = attempt.officers.get(attempt.fields["chair"])
    if chair is None:
        return "在册人员"
    if not competent(chair, attempt.matter):
        return f"{chair.name} 不在本辖区"
    if is_recused(attempt, chair.officer_id):
        return f"{chair.name} 已回避本案"
    event = did(attempt, chair.officer_id, _INVESTIGATE)
    return f"非本案调查人员（{chair.name}办理过“{event.act_zh}”）" if event else ""


def _is_chair(_: Gate, attempt: Attempt) -> str:
    """The chair that was named holds the hearing."""
    chair = fields_of(attempt.matter.last("plan_hearing")).get("chair", "")
    return "" if attempt.doer.person_id == chair else "指定的听证主持人"


def _hearing_notice_in_time(_: Gate, attempt: Attempt) -> str:
    """Told seven working days ahead, and held on that day or later (PL art 64(2))."""
    planned = attempt.matter.last("plan_hearing")
    served = since(attempt.matter, "hearing_notice_served", planned)
    clock = latest_clock(attempt.matter, "hearing_notice")
    if planned is None or served is None or clock is None:
        return "听证通知书送达"
    assert clock.due_at is not None
    day = moment_of(value_of(attempt.matter, served, "served_on"))
    if day is None or day >= clock.due_at:
        return f"听证通知书在举行听证七个工作日前送达（至{last_day(clock)}），改期后重新通知"
    early = attempt.fields["held_on"] < planned.fields["hearing_on"]
    return f"不早于通知的日期{planned.fields['hearing_on']}" if early else ""


GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {
    "hearing_told": _hearing_told,
    "right_open": _right_open,
    "rights_over": _rights_over,
    "defence_answered": _defence_answered,
    "chair_independent": _chair_independent,
    "is_chair": _is_chair,
    "hearing_notice_in_time": _hearing_notice_in_time,
}
BEFORE_FIELDS: frozenset[str] = frozenset({"rights_over", "is_chair"})
