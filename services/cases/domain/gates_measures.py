"""Gates of orders and measures 行政命令与强制措施要件: seizures, limits, transfers, the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from services.cases.domain import gates_daily
from services.cases.domain.attempt import Attempt
from services.cases.domain.daily_penalty import stated
from services.cases.domain.four_eyes import did, is_recused
from services.cases.domain.lifecycle import Gate
from services.cases.domain.matter import ClockState, Kind, Matter
from services.cases.domain.office import competent
from services.chassis.clock import BEIJING

#: 措施: what must be over before a case is.
_MEASURES = frozenset(
    {Kind.RECTIFICATION, Kind.SEIZURE, Kind.RESTRICTION, Kind.DETENTION, Kind.PRESERVATION}
)
#: 涉嫌犯罪移送 that was asked for: the police decide on the crime before anything lighter.
_CRIMINAL = frozenset({"request_referral", "approve_referral", "hand_over", "police_file"})
_CRIMINAL_OVER = frozenset({"refuse_referral", "police_refuse"})


def _past(gate: Gate, attempt: Attempt) -> str:
    """A day or a moment that was, where one is named; not one that will be."""
    text = attempt.fields.get(gate.asks["field"], "").strip()
    return "不晚于现在的时间" if text and _moment(text) > attempt.now else ""


def _given_on(_: Gate, attempt: Attempt) -> str:
    """提交日期: an officer writes down what was handed in earlier; a plant acts now."""
    text = attempt.fields.get("given_on", "").strip()
    if not text:
        return ""
    if attempt.doer.role == "enterprise":
        return "提交日期由代为登记的执法人员填写"
    return "不晚于今天的日期" if _moment(text) > attempt.now else ""


def _since_act(gate: Gate, attempt: Attempt) -> str:
    """Not before an earlier act was done."""
    event = attempt.matter.last(gate.asks["act"])
    if event is None:
        return str(gate.asks["act"])
    text = attempt.fields[gate.asks["field"]].strip()
    given, since = _moment(text), event.at.astimezone(BEIJING)
    early = given < since if "T" in text else given.date() < since.date()
    return f"不早于“{event.act_zh}”（{since:%Y-%m-%d %H:%M}）的时间" if early else ""


def _since_served(gate: Gate, attempt: Attempt) -> str:
    """Not before the paper was served."""
    event = attempt.matter.last(gate.asks["act"])
    served = stated(attempt.matter, event, "served_on") if event else ""
    early = not served or _moment(attempt.fields[gate.asks["field"]]) < _moment(served)
    return f"不早于送达日期 {served}" if early else ""


def _between(gate: Gate, attempt: Attempt) -> str:
    """A number within the bounds of the law."""
    value = Decimal(attempt.fields[gate.asks["field"]].strip())
    least, most = gate.asks.get("least"), gate.asks.get("most")
    if not value.is_finite() or (least is not None and value < least):
        return f"不低于 {least}"
    return f"不高于 {most}" if most is not None and value > most else ""


def _amounts(gate: Gate, attempt: Attempt) -> str:
    """Numbers of something that is measured: none below zero, each finite."""
    for name in gate.asks["fields"]:
        value = Decimal(attempt.fields[name].strip())
        if not value.is_finite() or value < 0:
            return f"{name} 须为不小于零的数值"
    return ""


def _proof_attached(gate: Gate, attempt: Attempt) -> str:
    """证明材料: files of these purposes, handed in after the latest of these acts.

    With `any: true` one purpose is enough.
    """
    since = max((e.seq for e in attempt.matter.events if e.act in gate.asks["since"]), default=0)
    there = {one.purpose for one in attempt.attachments if one.seq > since}
    missing = [one for one in gate.asks["purposes"] if one not in there]
    enough = gate.asks.get("any", False) and len(missing) < len(gate.asks["purposes"])
    if not missing or enough:
        return ""
    joint = "或者" if gate.asks.get("any", False) else "、"
    return f"附件：{joint.join(_PURPOSES[one] for one in missing)}"


_PURPOSES = {
    "before": "改正前的照片等材料",
    "after": "改正后的照片等材料",
    "proof": "证明材料（监测报告等）",
}


def _none_running(gate: Gate, attempt: Attempt) -> str:
    """None of these clocks asks for something already."""
    running = [one for one in map(attempt.matter.open_clock, gate.asks["clocks"]) if one]
    return "".join(f"先办结：{one.action_zh}" for one in running)


def _in_term(gate: Gate, attempt: Attempt) -> str:
    """The term still runs: what ends by itself cannot be decided on afterwards."""
    clock = attempt.matter.open_clock(gate.asks["clock"])
    runs = clock and clock.state is ClockState.RUNNING
    if clock and runs and (clock.due_at is None or attempt.now < clock.due_at):
        return ""
    return "期限内办理（期限已过，措施已自动解除）"


def _clock_over(gate: Gate, attempt: Attempt) -> str:
    """The term has run out: breached, lapsed, or past its end."""
    clocks = [one for one in attempt.matter.clocks if one.key == gate.asks["clock"]]
    if not clocks:
        return str(gate.asks["clock"])
    last = clocks[-1]
    over = last.due_at is not None and last.due_at <= attempt.now
    done = over and last.state is not ClockState.SATISFIED
    return "" if done else f"期限届满：{last.action_zh}"


def _rights_over(gate: Gate, attempt: Attempt) -> str:
    """陈述申辩、听证的期限已过: the notices were served and no right of the party still runs."""
    missing = [act for act in gate.asks["acts"] if attempt.matter.last(act) is None]
    if missing:
        return "告知书送达当事人"
    for key in gate.asks["clocks"]:
        clock = attempt.matter.open_clock(key)
        if clock and (clock.due_at is None or attempt.now < clock.due_at):
            return f"期限届满：{clock.action_zh}"
    return ""


def _hearing_told(_: Gate, attempt: Attempt) -> str:
    """停产整治 opens the right to a hearing: its notice was served (PL 63)."""
    opening = attempt.matter.opening()
    stop = opening is not None and opening.fields.get("measure") == "stop"
    told = attempt.matter.last("hearing_rights_notice_served") is not None
    return "听证告知书送达" if stop and not told else ""


def _not_heavier(_: Gate, attempt: Attempt) -> str:
    """不得因陈述申辩而加重: who was told of a limit is not stopped without a new notice (PL 45)."""
    opening = attempt.matter.opening()
    told = opening.fields.get("measure", "") if opening else ""
    heavier = told == "limit" and attempt.fields.get("measure") == "stop"
    return "停产整治重于已告知的限制生产，须重新告知" if heavier else ""


def _host_not_investigator(gate: Gate, attempt: Attempt) -> str:
    """听证由非本案调查人员主持 (PL 64): of this place, not recused, no investigator."""
    person = attempt.fields.get(gate.asks["field"], "")
    officer = attempt.officers.get(person)
    if officer is None or not competent(officer, attempt.matter):
        return "本辖区在册的听证主持人"
    if is_recused(attempt, person):
        return f"{officer.name} 已回避本案"
    acts = attempt.people.investigates.get(attempt.matter.kind, frozenset())
    event = did(attempt, person, acts)
    return f"{officer.name} 办理过“{event.act_zh}”，不得主持听证" if event else ""


def _release_ground(_: Gate, attempt: Attempt) -> str:
    """解除理由 as the state has it: what must be lifted is lifted for that reason."""
    wanted = {"expired": "expired", "must_lift": "unapproved", "urgent": "unapproved"}
    need = wanted.get(attempt.matter.state)
    given = attempt.fields.get("ground")
    if need is None:
        wrong = given in {"expired", "unapproved"}
        return "与案件状态相符的解除理由" if wrong else ""
    fits = given == need or (
        attempt.matter.state == "urgent" and given in {"corrected", "mistake", "not_needed"}
    )
    return "" if fits else "与案件状态相符的解除理由"


def _dossier(gate: Gate, attempt: Attempt) -> str:
    """移送材料: the whole dossier, named where it lacks."""
    missing = [zh for name, zh in _DOSSIER.items() if attempt.fields.get(name) != "yes"]
    asked = set(gate.asks["fields"])
    return "、".join(zh for zh in missing if any(_DOSSIER[n] == zh for n in asked))


_DOSSIER = {
    "material_list": "移送材料清单",
    "report": "案件调查报告",
    "evidence": "涉案证据材料原件",
    "item_list": "涉案物品清单",
    "penalty_decision": "行政处罚决定书",
}


def _penalty_decided(_: Gate, attempt: Attempt) -> str:
    """The decision that the dossier holds was really made in the case above."""
    for one in attempt.family:
        event = one.last("decide") if one.kind is Kind.CASE else None
        if event is not None and event.fields.get("outcome") == "penalty":
            return ""
    return "案件已作出行政处罚决定"


def _seizure_open(_: Gate, attempt: Attempt) -> str:
    """依法查封、扣押: the seizure was proposed in the same case."""
    found = any(one.kind is Kind.SEIZURE and one.closed_at is None for one in attempt.family)
    return "" if found else "先在案件中提出查封、扣押"


def _limited_before(_: Gate, attempt: Attempt) -> str:
    """被责令限制生产后仍然超标: a limit of production was served before."""
    for one in attempt.below(Kind.RESTRICTION):
        decided = one.last("decide_restriction")
        limit = decided is not None and decided.fields.get("measure") == "limit"
        if limit and one.last("restriction_decision_served"):
            return ""
    return "此前已送达的限制生产决定"


def _no_criminal_transfer(_: Gate, attempt: Attempt) -> str:
    """尚不构成犯罪: no transfer for a crime is under way."""
    for event in reversed(attempt.matter.events):
        if event.act in _CRIMINAL_OVER:
            return ""
        if event.act in _CRIMINAL:
            return "涉嫌犯罪的移送尚未有不予立案的结果，不得以行政拘留代替"
    return ""


def open_below(attempt: Attempt, kinds: frozenset[Kind] = _MEASURES) -> Iterator[Matter]:
    """下级未办结事项: open matters of these kinds below this one, at any depth."""
    by_id = {one.matter_id: one for one in attempt.family}
    for one in attempt.family:
        if one.kind not in kinds or one.closed_at is not None:
            continue
        above: Matter | None = one
        while above is not None and above.parent_matter_id != attempt.matter.matter_id:
            above = by_id.get(above.parent_matter_id)
        if above is not None:
            yield one


def _nothing_open_below(gate: Gate, attempt: Attempt) -> str:
    """措施未办结的不得结案. `kinds` in the row: other kinds than the measures."""
    kinds = frozenset(map(Kind, gate.asks["kinds"])) if "kinds" in gate.asks else _MEASURES
    waiting = [f"{one.number}（{one.title}）" for one in open_below(attempt, kinds)]
    return f"办结下级事项：{'、'.join(waiting)}" if waiting else ""


def _service_failed(gate: Gate, attempt: Attempt) -> str:
    """送达已撤销或者被确认无效: only then a paper is made and served anew."""
    paper = attempt.fields.get(gate.asks["field"], "")
    for one in reversed(attempt.below(Kind.SERVICE)):
        opening = one.opening()
        if opening is not None and opening.fields.get("paper") == paper:
            failed = one.state == "revoked" or one.last("annul") is not None
            return "" if failed else f"送达（{one.number}）已撤销或者被确认无效"
    return "已交付送达的文书"


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)


GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {
    **gates_daily.GATES,
    "past": _past,
    "given_on": _given_on,
    "since_act": _since_act,
    "since_served": _since_served,
    "between": _between,
    "amounts": _amounts,
    "proof_attached": _proof_attached,
    "none_running": _none_running,
    "in_term": _in_term,
    "clock_over": _clock_over,
    "measure_rights_over": _rights_over,
    "measure_hearing_told": _hearing_told,
    "not_heavier": _not_heavier,
    "host_not_investigator": _host_not_investigator,
    "release_ground": _release_ground,
    "police_dossier": _dossier,
    "penalty_decided": _penalty_decided,
    "seizure_open": _seizure_open,
    "limited_before": _limited_before,
    "no_criminal_transfer": _no_criminal_transfer,
    "nothing_open_below": _nothing_open_below,
    "service_failed": _service_failed,
}
#: `nothing_open_below` is asked by the act itself, so that the refusal names what is open.
BEFORE_FIELDS: frozenset[str] = gates_daily.BEFORE_FIELDS | {
    "none_running", "in_term", "clock_over", "measure_rights_over",
    "measure_hearing_told", "no_criminal_transfer",
}  # fmt: skip
