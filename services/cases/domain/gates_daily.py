"""Gates of orders to correct and daily penalties 责令改正、按日处罚要件 (MEP order 28 of 2014).

What the days and the amount come to is in `daily_penalty`; here is what an act must satisfy.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping

from services.cases.domain import daily_penalty
from services.cases.domain.attempt import Attempt
from services.cases.domain.lifecycle import Gate
from services.cases.domain.matter import Event, Kind, Matter
from services.chassis.clock import BEIJING

#: 办法28号第九条: what an order contains beside name, credit code and seal, which its paper has by
#: itself. The last is asked for only where a daily penalty is possible.
_CONTENTS = (
    ("第一项：当事人地址", "party_address"),
    ("第一项：法定代表人或者主要负责人", "party_head"),
    ("第二项：违法事实和证据", "facts"),
    ("第三项：违反的具体条款和处理依据", "clauses"),
    ("第四项：责令改正的具体内容", "demand"),
    ("第六项：复议、诉讼的途径和期限", "remedies"),
    ("第七项：决定日期", "ordered_on"),
)
#: Ends of a daily penalty after which its days may be punished anew.
_UNDONE = frozenset({"d_dropped", "d_revoked"})
#: 查封、限制 in force, by the kind of matter.
_IN_FORCE = {
    "seizure": (Kind.SEIZURE, frozenset({"urgent", "in_force", "testing"})),
    "restriction": (Kind.RESTRICTION, frozenset({"in_force", "finished"})),
}


def penalties(matter: Matter, family: tuple[Matter, ...]) -> Iterator[Matter]:
    """The daily penalties below an order to correct, those that came to nothing left out."""
    for one in family:
        opening = one.opening()
        mine = one.kind is Kind.RECTIFICATION and one.parent_matter_id == matter.matter_id
        if mine and opening and opening.act == "begin_daily_penalty" and one.state not in _UNDONE:
            yield one


def _settled(attempt: Attempt) -> list[dt.date]:
    """The rechecks up to which days were punished or are about to be."""
    openings = (one.opening() for one in penalties(attempt.matter, attempt.family))
    return [dt.date.fromisoformat(one.fields["through"]) for one in openings if one]


def _order_contents(_: Gate, attempt: Attempt) -> str:
    """责令改正决定书应当载明的事项 (art 9): each that is empty is named."""
    fields = attempt.fields
    missing = [zh for zh, name in _CONTENTS if not fields.get(name, "").strip()]
    if fields.get("daily") == "yes" and fields.get("daily_warning") != "yes":
        missing.append("第五项：拒不改正可能承担按日连续处罚的法律后果")
    return "、".join(missing)


def _same_daily(_: Gate, attempt: Attempt) -> str:
    """A new order after a refusal is of the kind of the first: its count goes on."""
    opening = attempt.matter.opening()
    first = daily_penalty.stated(attempt.matter, opening, "daily") if opening else ""
    same = attempt.fields.get("daily") == first
    return "" if same else "与首次责令改正相同的按日连续处罚情形"


def _after_service(gate: Gate, attempt: Attempt) -> str:
    """复查在送达次日以后: the day of service itself counts for nothing."""
    event = attempt.matter.last("rectification_order_served")
    served = daily_penalty.stated(attempt.matter, event, "served_on") if event else ""
    late = served and _day(attempt.fields[gate.asks["field"]]) > _day(served)
    return "" if late else f"送达（{served or '尚未送达'}）次日以后的日期"


def _not_before_finding(gate: Gate, attempt: Attempt) -> str:
    """Not before the recheck, or the new violation, that it answers."""
    matter = attempt.matter
    for event in reversed(matter.events):
        name = {"recheck": "rechecked_on", "violated_again": "found_on"}.get(event.act)
        if name:
            since = daily_penalty.stated(matter, event, name)
            early = _day(attempt.fields[gate.asks["field"]]) < _day(since)
            return f"不早于 {since} 的日期" if early else ""
    return ""


def _daily_order(_: Gate, attempt: Attempt) -> str:
    """责令改正决定书 told of the daily penalty, and its kind is one of art 5."""
    orders = [e for e in attempt.matter.events if e.act in {"begin", "order_again"}]
    warned = [
        all(daily_penalty.stated(attempt.matter, e, n) == "yes" for n in ("daily", "daily_warning"))
        for e in orders
    ]
    return "" if any(warned) else "属于可以按日连续处罚的情形，且决定书已载明该法律后果"


def _refused_rounds(_: Gate, attempt: Attempt) -> str:
    """拒不改正 found by a recheck, with days that were not punished yet."""
    days = daily_penalty.unpunished(attempt.matter, _settled(attempt))
    return "" if days else "复查认定拒不改正且尚未按日处罚的日数"


def _cases(attempt: Attempt) -> Iterator[Matter]:
    """The case above, then the other cases of the family."""
    by_id = {one.matter_id: one for one in attempt.family}
    above = by_id.get(attempt.matter.parent_matter_id)
    while above is not None:
        if above.kind is Kind.CASE:
            yield above
        above = by_id.get(above.parent_matter_id)
    yield from (one for one in attempt.family if one.kind is Kind.CASE)


def _fine_of(case: Matter) -> tuple[dt.date, int] | None:
    """原处罚决定 of a case: its day and the fine as it stands after review and suit."""
    found: tuple[dt.date, int] | None = None
    for event in case.events:
        fields = event.fields
        if event.act == "decide":
            made = fields.get("decided_on") or event.at.astimezone(BEIJING).date().isoformat()
            fined = fields.get("outcome") == "penalty" and fields.get("amount", "").isdecimal()
            found = (_day(made), int(fields["amount"])) if fined else None
        elif event.act in {"remedy_result", "withdraw_decision"} and found:
            if event.to_state == "revoked":
                found = None
            elif fields.get("new_amount", "").isdecimal():
                found = (found[0], int(fields["new_amount"]))
    return found if found and found[1] > 0 else None


def _fined(attempt: Attempt, since: dt.date | None) -> int | None:
    """原处罚决定的罚款: of the case above or its kin, made on or after a day."""
    for case in _cases(attempt):
        fine = _fine_of(case)
        if fine is not None and (since is None or fine[0] >= since):
            return fine[1]
    return None


def _claim(attempt: Attempt) -> daily_penalty.Claim | None:
    through = _day(attempt.fields["through"])
    return daily_penalty.claim(attempt.matter, _settled(attempt), through)


def _original_decision(_: Gate, attempt: Attempt) -> str:
    """按日连续处罚在原处罚决定之后 (art 7); its amount is that of the day (art 19)."""
    claim = _claim(attempt)
    began = claim.count.began if claim else None
    amount = _fined(attempt, began)
    if amount is None:
        again = f"（{began} 再次违法的，须重新作出处罚决定，第十八条）" if began else ""
        return f"已作出罚款的行政处罚决定{again}"
    same = int(attempt.fields["original"]) == amount
    return "" if same else f"原处罚决定罚款数额为 {amount} 元"


def _daily_sum(_: Gate, attempt: Attempt) -> str:
    """罚款总额 = 原处罚数额 x 计罚日数, over the rounds that were not punished yet."""
    claim = _claim(attempt)
    if claim is None:
        return "计罚截止日须为认定拒不改正的复查日期"
    if claim.days == 0:
        return "尚未按日处罚的计罚日数"
    want = daily_penalty.fine_daily(int(attempt.fields["original"]), claim.days)
    given = (attempt.fields["days"].strip(), attempt.fields["amount"].strip())
    if given == (str(claim.days), str(want)):
        return ""
    spans = "、".join(f"{one.served} 次日至 {one.found}（{one.days} 日）" for one in claim.rounds)
    return f"计罚日数 {claim.days} 日、总额 {want} 元（{spans}）"


def _unpunished_days_reasoned(_: Gate, attempt: Attempt) -> str:
    """可以按日连续处罚 (art 12): who does not, says why."""
    days = daily_penalty.unpunished(attempt.matter, _settled(attempt))
    told = days == 0 or attempt.reason.strip()
    return "" if told else f"未按日连续处罚 {days} 日的理由"


def _as_notified(_: Gate, attempt: Attempt) -> str:
    """不得加重: days and amount no higher than the notice told, and still one product (PL 45)."""
    opening = attempt.matter.opening()
    assert opening is not None
    told = {name: int(opening.fields[name]) for name in ("days", "original", "amount")}
    days, amount = (attempt.fields[name].strip() for name in ("days", "amount"))
    if not days.isdecimal() or int(days) > told["days"]:
        return f"不超过告知的 {told['days']} 日；增加日数的须重新告知"
    want = daily_penalty.fine_daily(told["original"], int(days))
    return "" if int(amount) == want else f"总额 {want} 元（{told['original']} 元 × {days} 日）"


def _paid_in_full(_: Gate, attempt: Attempt) -> str:
    """缴清: what was paid in all reaches the decision, as it stands after review and suit."""
    due, paid = 0, int(attempt.fields["sum"])
    for event in attempt.matter.events:
        if event.act == "decide_daily":
            due = int(event.fields.get("amount", "0"))
        elif event.act == "daily_remedy_result":
            due = int(event.fields.get("new_amount", "") or due)
        elif event.act == "daily_payment":
            paid += int(event.fields.get("sum", "0"))
    return f"尚欠 {due - paid} 元" if paid < due else ""


def _pending(matter: Matter) -> Event | None:
    """The review or suit that has no result yet."""
    filed, ended = matter.last("daily_remedy"), matter.last("daily_remedy_result")
    return filed if filed and (ended is None or ended.seq < filed.seq) else None


def _remedy_open(_: Gate, attempt: Attempt) -> str:
    """A result needs a review or a suit that was registered."""
    return "" if _pending(attempt.matter) else "已登记而尚无结果的复议、诉讼"


def _remedies_done(_: Gate, attempt: Attempt) -> str:
    """法定期限内不申请复议、不起诉: nothing pending, no right left (Coercion Law 53)."""
    matter = attempt.matter
    pending = _pending(matter)
    if pending is not None:
        return "复议、诉讼的结果"
    for clock in map(matter.open_clock, ("lawsuit", "review_suit")):
        if clock is not None and clock.due_at is not None and attempt.now < clock.due_at:
            return f"期限届满：{clock.action_zh}"
    return ""


def _measure_in_force(_: Gate, attempt: Attempt) -> str:
    """限产、停产、查封、扣押 of the same family, in force (art 20)."""
    kind, states = _IN_FORCE[attempt.fields["because"]]
    found = any(one.kind is kind and one.state in states for one in attempt.family)
    return "" if found else "正在执行的限制生产、停产整治或者查封、扣押"


def _daily_possible(gate: Gate, attempt: Attempt) -> str:
    """按日连续处罚的情形: not for a violation that the law leaves out, but by a local rule."""
    local = attempt.fields.get("daily_kind") == "local"
    violation = attempt.fields.get("violation", "")
    barred = violation in gate.asks.get("not_for", ())
    return "地方性法规的依据（该违法行为不属于办法第五条情形）" if barred and not local else ""


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text.strip())


GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {
    "order_contents": _order_contents,
    "same_daily": _same_daily,
    "after_service": _after_service,
    "not_before_finding": _not_before_finding,
    "daily_order": _daily_order,
    "refused_rounds": _refused_rounds,
    "original_decision": _original_decision,
    "daily_sum": _daily_sum,
    "unpunished_days_reasoned": _unpunished_days_reasoned,
    "as_notified": _as_notified,
    "daily_paid": _paid_in_full,
    "remedy_open": _remedy_open,
    "remedies_done": _remedies_done,
    "measure_in_force": _measure_in_force,
    "daily_possible": _daily_possible,
}
BEFORE_FIELDS: frozenset[str] = frozenset(
    {"daily_order", "refused_rounds", "remedy_open", "remedies_done"}
)
