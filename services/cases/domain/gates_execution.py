"""Gates of execution and closing 执行与结案的要件: money, remedies, demand, court, file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping

from services.cases.domain.attempt import Attempt
from services.cases.domain.case_facts import (
    PENALTY,
    YES,
    account,
    day_of,
    decided,
    descendants,
    last_day,
    latest_clock,
    pending_remedy,
    published,
    since,
    value_of,
)
from services.cases.domain.lifecycle import Gate
from services.cases.domain.matter import ClockState

_REMEDIES = {
    "reconsider": "申请行政复议的期限",
    "lawsuit": "提起行政诉讼的期限",
    "review_suit": "对复议决定提起诉讼的期限",
}
#: Papers that a whole file holds, by the act that issues them.
_PAPERS = {
    "file_case": ("filing_approval", "立案审批表"),
    "propose_penalty": ("investigation_report", "案件调查报告"),
    "issue_notice": ("penalty_notice", "行政处罚事先告知书"),
    "plan_hearing": ("hearing_notice", "听证通知书"),
    "hold_hearing": ("hearing_record", "听证笔录"),
    "issue_demand": ("demand", "履行义务催告书"),
    "apply_court": ("court_application", "行政处罚强制执行申请书"),
    "close_case": ("closing_report", "结案审批表"),
    "terminate": ("closing_report", "结案审批表"),
    "close_after_police": ("closing_report", "结案审批表"),
}


def _paid_in_full(_: Gate, attempt: Attempt) -> str:
    """Fine and surcharge are paid, or the surcharge was reduced by law (Coercion Law art 42)."""
    fields = attempt.fields
    owed = account(attempt.matter, dt.date.fromisoformat(fields["last_paid_on"]))
    if owed.paid < owed.fine:
        return f"缴清罚款（尚欠{owed.fine - owed.paid}元）"
    if fields["surcharge"] == "none" and owed.surcharge:
        return f"对加处罚款{owed.surcharge}元的处理"
    if fields["surcharge"] == "paid" and owed.rest:
        return f"缴清加处罚款（尚欠{owed.rest}元）"
    return ""


def _unpaid(_: Gate, attempt: Attempt) -> str:
    """Something is still to be enforced: money, or a measure."""
    owed = account(attempt.matter, attempt.today)
    measures = decided(attempt.matter).get("other_measures", "none") != "none"
    return "" if owed.rest or measures else "未履行的处罚决定"


def _measures_done(_: Gate, attempt: Attempt) -> str:
    """What the decision ordered beside the fine was carried out."""
    ordered = decided(attempt.matter).get("other_measures", "none") != "none"
    return "其他处罚执行完毕" if ordered and attempt.fields.get("measures_done") != YES else ""


def _in_future(gate: Gate, attempt: Attempt) -> str:
    """A day that is still to come."""
    return (
        "" if attempt.fields[gate.asks["field"]] > attempt.today.isoformat() else "晚于今天的日期"
    )


def _remedy_in_time(_: Gate, attempt: Attempt) -> str:
    """Filed within its term, or taken in by the court or the reviewing office all the same."""
    if pending_remedy(attempt.matter):
        return "前一复议、诉讼的结果"
    if attempt.fields.get("case_number", "").strip():
        return ""
    suit = attempt.fields["route"] == "lawsuit"
    keys = ("review_suit", "lawsuit") if suit else ("reconsider",)
    clock = next((c for c in (latest_clock(attempt.matter, key) for key in keys) if c), None)
    if clock is None or clock.due_at is None:
        return ""
    late = day_of(attempt.fields["filed_on"], attempt) >= clock.due_at
    return f"期限内提出（至{last_day(clock)}），或者受理文号、案号" if late else ""


def _remedy_pending(_: Gate, attempt: Attempt) -> str:
    """There is a review or a suit whose result it is."""
    return "" if pending_remedy(attempt.matter) else "已登记的复议、诉讼"


def _no_remedy_pending(_: Gate, attempt: Attempt) -> str:
    """Nothing is with the reviewing office or the court."""
    return "复议、诉讼的结果" if pending_remedy(attempt.matter) else ""


def _same_served_on(_: Gate, attempt: Attempt) -> str:
    """The suit period that goes on is that of the decision's own service."""
    line = attempt.matter.last("decision_served")
    served = value_of(attempt.matter, line, "served_on") if line else ""
    return "" if attempt.fields["served_on"] == served else f"决定书的送达日期{served}"


def _remedies_over(_: Gate, attempt: Attempt) -> str:
    """Neither review nor suit is open or pending (Coercion Law art 53)."""
    if pending_remedy(attempt.matter):
        return "复议、诉讼的结果"
    when = day_of(attempt.fields.get("applied_on", ""), attempt)
    for key, zh in _REMEDIES.items():
        clock = latest_clock(attempt.matter, key)
        used = clock is None or clock.state in {ClockState.SATISFIED, ClockState.CANCELLED}
        if clock is not None and not used and clock.due_at is not None and clock.due_at > when:
            return f"{zh}届满（至{last_day(clock)}）"
    return ""


def _demand_waited(_: Gate, attempt: Attempt) -> str:
    """催告书送达十个工作日后 (Coercion Law art 54, 69)."""
    served = attempt.matter.last("demand_served")
    clock = latest_clock(attempt.matter, "demand")
    if served is None or clock is None:
        return "履行义务催告书送达当事人"
    when = day_of(attempt.fields.get("applied_on", ""), attempt)
    assert clock.due_at is not None
    return f"催告期届满（至{last_day(clock)}）" if when < clock.due_at else ""


def _court_in_time(_: Gate, attempt: Attempt) -> str:
    """自法定救济期限届满之日起三个月内; a judgment has its own term (Coercion Law art 53)."""
    if attempt.matter.state == "judged":
        return ""
    clock = latest_clock(attempt.matter, "court_enforce")
    if clock is None or clock.due_at is None:
        return "法定救济期限届满"
    when = day_of(attempt.fields.get("applied_on", ""), attempt)
    return f"申请期限内提出（已于{last_day(clock)}届满）" if when >= clock.due_at else ""


def _once(gate: Gate, attempt: Attempt) -> str:
    """Not done already, unless it was taken back."""
    event = attempt.matter.last(gate.asks["act"])
    back = gate.asks.get("until")
    undone = event is None or (back and since(attempt.matter, back, event))
    return "" if event is None or undone else f"尚未“{event.act_zh}”"


def _below_closed(_: Gate, attempt: Attempt) -> str:
    """Orders to correct, measures, service: whatever grew from the case has ended."""
    left = [one.number for one in descendants(attempt) if one.closed_at is None]
    return f"办结下级事项：{'、'.join(left)}" if left else ""


def _published_truly(_: Gate, attempt: Attempt) -> str:
    """Whether the decision is public is what the timeline says."""
    said = attempt.fields.get("published", "")
    truth = published(attempt.matter)
    if not said or (said == YES) == truth:
        return ""
    return "公开情况：是" if truth else "公开情况：否"


def _publication_settled(_: Gate, attempt: Attempt) -> str:
    """Published, or why not; and what was revoked is withdrawn (PL art 48)."""
    matter = attempt.matter
    if matter.open_clock("withdraw_publication"):
        return "撤回公开信息并说明理由"
    fined = decided(matter).get("outcome") == PENALTY and matter.state != "revoked"
    told = published(matter) or attempt.fields.get("unpublished_why", "").strip()
    return "公开处罚决定，或者不公开的理由" if fined and not told else ""


def _whole_process(_: Gate, attempt: Attempt) -> str:
    """全过程记录: start, evidence, review, decision, service are in the timeline (PL art 47)."""
    matter = attempt.matter
    steps = {
        "file_case": "立案",
        "finish_investigation": "调查终结",
        "propose_penalty": "处理建议",
        "review_case": "案件审查",
        "decide": "处理决定",
    }
    if decided(matter).get("outcome") == PENALTY:
        steps |= {
            "penalty_notice_served": "事先告知书送达",
            "review_defence": "陈述申辩复核",
        }
        if matter.state != "revoked":
            steps["decision_served"] = "处罚决定书送达"
    return "、".join(zh for act, zh in steps.items() if matter.last(act) is None)


def _file_complete(_: Gate, attempt: Attempt) -> str:
    """案卷完整: the papers of every step, and a receipt or its like for each that was served."""
    there = {paper.template for paper in attempt.papers}
    missing = [zh for key, zh in _wanted(attempt) if key not in there]
    left = [one.title for one in descendants(attempt) if one.closed_at is None]
    return "、".join([*missing, *left])


def _wanted(attempt: Attempt) -> Iterator[tuple[str, str]]:
    matter = attempt.matter
    yield from (paper for act, paper in _PAPERS.items() if matter.last(act))
    if matter.last("decide"):
        penalty = decided(matter).get("outcome") == PENALTY
        yield (
            ("decision", "行政处罚决定书")
            if penalty
            else ("no_penalty_decision", "不予行政处罚决定书")
        )


GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {
    "paid_in_full": _paid_in_full,
    "unpaid": _unpaid,
    "measures_done": _measures_done,
    "in_future": _in_future,
    "remedy_in_time": _remedy_in_time,
    "remedy_pending": _remedy_pending,
    "no_remedy_pending": _no_remedy_pending,
    "same_served_on": _same_served_on,
    "remedies_over": _remedies_over,
    "demand_waited": _demand_waited,
    "court_in_time": _court_in_time,
    "once": _once,
    "below_closed": _below_closed,
    "published_truly": _published_truly,
    "publication_settled": _publication_settled,
    "whole_process": _whole_process,
    "file_complete": _file_complete,
}
BEFORE_FIELDS: frozenset[str] = frozenset(
    {"unpaid", "remedy_pending", "no_remedy_pending", "once", "below_closed", "whole_process"}
)
