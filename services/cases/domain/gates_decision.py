"""Gates of the decision 处理决定的要件: notice first, legal review, discussion, no heavier fine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from services.cases.domain import gates_hearing
from services.cases.domain.attempt import Attempt
from services.cases.domain.case_facts import (
    PENALTY,
    YES,
    decided,
    fields_of,
    hearing_held,
    notice,
    since,
    whole,
    why_heavy,
)
from services.cases.domain.lifecycle import Gate


def _participants(_: Gate, attempt: Attempt) -> str:
    """集体讨论 by several leaders, each by name."""
    names = {one for one in re.split(r"[、，,;；\s]+", attempt.fields["participants"]) if one}
    needed = attempt.law.participants
    return "" if len(names) >= needed else f"至少{needed}名负责人参加集体讨论"


def _straight_to_decision(_: Gate, attempt: Attempt) -> str:
    """Without a notice only a case that ends without a penalty goes on."""
    if attempt.matter.state != "case_reviewed":
        return ""
    outcome = fields_of(attempt.matter.last("propose_penalty")).get("outcome")
    return "处罚事先告知" if outcome == PENALTY else ""


def _legal_review_done(_: Gate, attempt: Attempt) -> str:
    """法制审核 where the law asks for it (PL art 58)."""
    matter = attempt.matter
    line = attempt.law.reviewed_from(matter.division)
    reasons = why_heavy(attempt, line.amount, line.measures)
    if fields_of(matter.last("propose_penalty")).get("public_interest") == YES:
        reasons.append("涉及重大公共利益")
    if hearing_held(matter):
        reasons.append("经过听证程序")
    done = since(matter, "review_decision", notice(matter) or matter.last("review_case"))
    return f"决定前的法制审核（{'、'.join(reasons)}）" if reasons and not done else ""


def _discussion_done(_: Gate, attempt: Attempt) -> str:
    """集体讨论 of complex and heavy cases, and what it concluded (PL art 57)."""
    matter, fields = attempt.matter, attempt.fields
    line = attempt.law.heavy(matter.division)
    reasons = why_heavy(attempt, line.amount, line.measures)
    done = since(matter, "discuss", notice(matter) or matter.last("review_case"))
    if done is None:
        return f"负责人集体讨论（{'、'.join(reasons)}）" if reasons else ""
    conclusion, told = done.fields["conclusion"], fields_of(notice(matter)).get("amount", "")
    if conclusion == "no_penalty" and fields["outcome"] == PENALTY:
        return "与集体讨论结论（不予处罚）一致的决定"
    lighter = whole(fields.get("amount", "")) < whole(told)
    if conclusion == "lighter" and fields["outcome"] == PENALTY and not lighter:
        return "与集体讨论结论（从轻、减轻）一致的决定"
    return ""


def _notice_first(_: Gate, attempt: Attempt) -> str:
    """未告知不得处罚: notice served, defence heard and reviewed (PL art 44, 62)."""
    told = notice(attempt.matter)
    if told is None or not since(attempt.matter, "penalty_notice_served", told):
        return "处罚事先告知书送达当事人"
    return "" if since(attempt.matter, "review_defence", told) else "对陈述、申辩的复核"


def _no_heavier(_: Gate, attempt: Attempt) -> str:
    """不得因申辩加重: neither the fine nor a measure above what the notice said (PL art 45)."""
    told = fields_of(notice(attempt.matter))
    if not told:
        return ""
    if whole(attempt.fields.get("amount", "")) > whole(told["amount"]):
        return f"不高于已告知数额{told['amount']}元；加重须有新的事实并重新告知"
    same = attempt.fields.get("other_measures") in {"none", told["other_measures"]}
    return "" if same else "已告知的其他处罚；增加处罚须重新告知"


def _no_right_running(_: Gate, attempt: Attempt) -> str:
    """What was announced to the party is not taken back while it may still answer."""
    if decided(attempt.matter):
        return ""
    return gates_hearing.running_right(attempt)


GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {
    "participants": _participants,
    "straight_to_decision": _straight_to_decision,
    "legal_review_done": _legal_review_done,
    "discussion_done": _discussion_done,
    "notice_first": _notice_first,
    "no_heavier": _no_heavier,
    "no_right_running": _no_right_running,
}
BEFORE_FIELDS: frozenset[str] = frozenset({"straight_to_decision", "no_right_running"})
