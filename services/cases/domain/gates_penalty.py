"""Gates of the penalty procedure 行政处罚程序要件: filing, investigation, proposal, notice.

What comes later is in `gates_hearing`, `gates_decision` and `gates_execution`. Each gate answers
with what is missing; the article stands beside its name in the table.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from services.cases.domain import gates_decision, gates_execution, gates_hearing
from services.cases.domain.attempt import Attempt
from services.cases.domain.case_facts import (
    NO,
    PENALTY,
    YES,
    basis,
    discovered,
    fields_of,
    fine_range,
    last_day,
    since,
    stated,
    whole,
    years_after,
)
from services.cases.domain.four_eyes import numbers_of
from services.cases.domain.lifecycle import Gate
from services.cases.domain.office import office_of
from services.chassis.identity import covers

#: Whoever did one of these has reviewed the case and investigates it no more (order 30 art 38).
_REVIEWS = frozenset(
    {"review_technical", "review_legal", "return_record", "review_case", "review_decision"}
)
#: Ways in which a case begins with facts that two officers saw already.
_CONFIRMED = ("open_from_order", "open_from_inspection", "find_on_inspection")
_PAUSES = {
    "monitoring": "监测、检测报告",
    "appraisal": "评估、鉴定意见",
    "expert_opinion": "专家认定意见",
}


def _confirmed_facts(_: Gate, attempt: Attempt) -> str:
    """有涉嫌违法的事实: confirmed on the spot, by an inspection, or by an order's check."""
    verified = attempt.matter.last("verify")
    if verified is None:
        return "" if any(map(attempt.matter.last, _CONFIRMED)) else "现场核实"
    return "" if verified.fields.get("found") == "confirmed" else "现场核实结果为属实"


def _own_jurisdiction(_: Gate, attempt: Attempt) -> str:
    """属于本机关管辖: the one who decides answers for the county of the act (PL art 22)."""
    own = covers(attempt.doer.division, office_of(attempt.matter))
    return "" if own else f"对{attempt.matter.division}有管辖权的机关"


def _limitation(_: Gate, attempt: Attempt) -> str:
    """未超过处罚时效: found within two years, five where the environment was harmed."""
    found = discovered(attempt.matter)
    act_date = attempt.fields.get("act_date", "")
    if act_date:
        years = attempt.law.limitation_years.get(attempt.fields.get("harm", NO), 0)
        end = years_after(dt.date.fromisoformat(act_date), years)
        return f"违法行为发生后{years}年内被发现（至{end}）" if years and found > end else ""
    for clock in attempt.matter.clocks:
        if clock.key.startswith("limitation_") and clock.due_at:
            end = last_day(clock)
            if found > end:
                return f"处罚时效已于{end}届满，发现于{found}"
    return ""


def _never_reviewed(_: Gate, attempt: Attempt) -> str:
    """Neither investigator has reviewed this case before (order 30 art 38)."""
    pair = (attempt.doer.person_id, attempt.fields.get("officer_2", ""))
    people = frozenset().union(*(numbers_of(attempt, one) for one in pair))
    for event in attempt.matter.events:
        if event.act in _REVIEWS and event.doer.person_id in people:
            return f"{event.doer.name}办理过“{event.act_zh}”，须由其他人员调查"
    return ""


def _electronic_stated(_: Gate, attempt: Attempt) -> str:
    """A case that automatic data opened rests on them, unless the reason is given why not."""
    opening = attempt.matter.opening()
    automatic = bool(attempt.matter.rows) or bool(opening and opening.act == "receive_clue")
    without = attempt.fields.get("electronic") == NO
    return (
        "不以自动监测数据作为证据的理由"
        if automatic and without and not attempt.reason.strip()
        else ""
    )


def _open_causes(attempt: Attempt) -> set[str]:
    clock = attempt.matter.open_clock("decision")
    return {pause.cause for pause in clock.pauses if pause.end is None} if clock else set()


def _nothing_pending(_: Gate, attempt: Attempt) -> str:
    """No report is still out: its time would stop the term of the case for ever."""
    return "、".join(zh for cause, zh in _PAUSES.items() if cause in _open_causes(attempt))


def _not_paused(gate: Gate, attempt: Attempt) -> str:
    """One report of a kind at a time."""
    cause = gate.asks["cause"]
    return f"先取得已委托的{_PAUSES[cause]}" if cause in _open_causes(attempt) else ""


def _paused(gate: Gate, attempt: Attempt) -> str:
    """A report that was asked for."""
    cause = gate.asks["cause"]
    return "" if cause in _open_causes(attempt) else f"已委托的{_PAUSES[cause]}"


def _records_reviewed(_: Gate, attempt: Attempt) -> str:
    """未经审核的记录不得作为证据: reviewed after everything that was added (PL art 41)."""
    matter = attempt.matter
    finished = matter.last("finish_investigation")
    if finished is None or finished.fields.get("electronic") == NO:
        return ""
    reviewed = since(matter, "review_legal", finished)
    if reviewed is None or not since(matter, "review_technical", finished):
        return "自动监测、电子监控记录的技术审核和法制审核"
    return "审核后并入的线索的技术审核和法制审核" if since(matter, "add_clue", reviewed) else ""


def _basis(_: Gate, attempt: Attempt) -> str:
    """法定依据: the table has one for this violation on this day."""
    if basis(attempt):
        return ""
    known = attempt.law.violations.get(stated(attempt, "violation"))
    what = known.zh if known else stated(attempt, "violation")
    return f"“{what}”在{stated(attempt, 'act_date')}的处罚依据和罚款幅度"


def _fine_in_range(_: Gate, attempt: Attempt) -> str:
    """罚款幅度: inside the basis; below its minimum only mitigated, with its reason."""
    one = basis(attempt)
    if one is None:
        return ""
    bounds, amount = fine_range(attempt, one), whole(attempt.fields.get("amount", ""))
    allowed = f"{bounds.least}元至{bounds.most}元（{one.article}）"
    if amount > bounds.most:
        return f"不高于法定最高罚款的金额：{allowed}"
    if amount >= bounds.least:
        return ""
    if stated(attempt, "mitigated") != "mitigated" or not stated(attempt, "mitigation_reason"):
        return f"低于法定最低罚款须有减轻处罚的情形和理由：{allowed}"
    least = attempt.law.least_mitigated(attempt.matter.division, bounds.least)
    return f"减轻处罚不得低于{least}元" if amount < least else ""


def _heaviest(_: Gate, attempt: Attempt) -> str:
    """同一行为违反多个规定: the one with the higher fine (PL art 29, Code art 1055)."""
    other = attempt.fields.get("concurrent", "")
    mine, theirs = basis(attempt), basis(attempt, other) if other else None
    if mine is None or theirs is None:
        return ""
    lower = fine_range(attempt, theirs).weight > fine_range(attempt, mine).weight
    return f"按罚款数额高的“{theirs.zh}”处理" if lower else ""


def _one_act(_: Gate, attempt: Attempt) -> str:
    """一事不再罚: no other case fines this plant for the same act (PL art 29, Code art 1055)."""
    violation, day = stated(attempt, "violation"), stated(attempt, "act_date")
    for prior in attempt.priors:
        if (prior.violation, prior.act_date) == (violation, day) and prior.outcome == PENALTY:
            return f"未受过罚款的违法行为：案件{prior.number}已就同一行为处罚"
    return ""


def _raise_needs_facts(_: Gate, attempt: Attempt) -> str:
    """A fine above the one that the party was told needs new facts (PL art 45)."""
    told = attempt.matter.last("issue_notice")
    if told is None or not since(attempt.matter, "penalty_notice_served", told):
        return ""
    higher = whole(attempt.fields.get("amount", "")) > whole(told.fields.get("amount", ""))
    if not higher or attempt.fields.get("new_facts", "").strip():
        return ""
    return f"高于已告知数额{told.fields['amount']}元的新事实和证据"


def _exemption(_: Gate, attempt: Attempt) -> str:
    """不予处罚的条件 of the ground that is named (PL art 33, Code art 1056)."""
    ground = stated(attempt, "ground")
    asked = {
        "minor": {"slight": "违法行为轻微", "corrected": "已及时改正"},
        "first": {"first_time": "初次违法", "slight": "危害后果轻微", "corrected": "已及时改正"},
    }.get(ground, {})
    missing = [zh for name, zh in asked.items() if stated(attempt, name) != YES]
    if ground == "minor" and stated(attempt, "harm") == YES:
        missing.append("没有造成危害后果")
    if ground == "no_fault" and not stated(attempt, "fault_proof").strip():
        missing.append("足以证明没有主观过错的证据")
    if ground == "first" and (earlier := _earlier(attempt)):
        missing.append(f"此前没有同类违法（案件{earlier}）")
    return "、".join(missing) if ground else "不予处罚的情形"


def _earlier(attempt: Attempt) -> str:
    """Number of a case that fined the plant for the same violation in the years that count."""
    violation, day = stated(attempt, "violation"), stated(attempt, "act_date")
    years = attempt.law.first_time_years
    for prior in attempt.priors:
        if prior.violation == violation and prior.outcome == PENALTY and prior.act_date and day:
            before = dt.date.fromisoformat(prior.act_date)
            if before <= dt.date.fromisoformat(day) <= years_after(before, years):
                return prior.number
    return ""


def _within_proposal(_: Gate, attempt: Attempt) -> str:
    """The notice says what was proposed and reviewed, or less."""
    proposed = fields_of(attempt.matter.last("propose_penalty"))
    if whole(attempt.fields.get("amount", "")) > whole(proposed.get("amount", "")):
        return f"不高于经审查的处理建议{proposed.get('amount', '')}元"
    same = attempt.fields.get("other_measures") in {"none", proposed.get("other_measures")}
    return "" if same else "与经审查的处理建议一致的其他处罚"


GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {
    "confirmed_facts": _confirmed_facts,
    "own_jurisdiction": _own_jurisdiction,
    "limitation": _limitation,
    "never_reviewed": _never_reviewed,
    "electronic_stated": _electronic_stated,
    "nothing_pending": _nothing_pending,
    "not_paused": _not_paused,
    "paused": _paused,
    "records_reviewed": _records_reviewed,
    "basis": _basis,
    "fine_in_range": _fine_in_range,
    "heaviest": _heaviest,
    "one_act": _one_act,
    "raise_needs_facts": _raise_needs_facts,
    "exemption": _exemption,
    "within_proposal": _within_proposal,
    **gates_decision.GATES,
    **gates_hearing.GATES,
    **gates_execution.GATES,
}
BEFORE_FIELDS: frozenset[str] = frozenset(
    {
        "confirmed_facts", "own_jurisdiction", "nothing_pending", "not_paused", "paused",
        "records_reviewed",
    }
    | gates_decision.BEFORE_FIELDS
    | gates_hearing.BEFORE_FIELDS
    | gates_execution.BEFORE_FIELDS
)  # fmt: skip
