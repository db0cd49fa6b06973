"""Gates of an inspection 现场检查的要件: request, place and time, certificates, records.

What an officer cannot keep to he may explain: over a limit of place or time a reason is asked for,
and it stays in the chained line. What the law asks without exception has none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from services.cases.domain.attempt import Attempt
from services.cases.domain.four_eyes import is_recused, numbers_of
from services.cases.domain.inspection import Site, distance_m, team, window
from services.cases.domain.lifecycle import Gate
from services.cases.domain.matter import Kind
from services.cases.domain.office import competent
from services.chassis.clock import BEIJING

#: A device's clock may be this much ahead before a moment counts as one of the future.
_AHEAD = dt.timedelta(minutes=10)
_SYSTEMS = frozenset({"cgcs2000", "wgs84"})


def _site(attempt: Attempt) -> Site:
    if attempt.site is None:
        raise LookupError(f"{attempt.matter.matter_id} is no inspection")
    return attempt.site


def _given(attempt: Attempt, name: str) -> str:
    return attempt.fields.get(name, "").strip()


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _said(moment: dt.datetime) -> str:
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


def _pair_certified(_: Gate, attempt: Attempt) -> str:
    """两名以上持证执法人员 who go: certified, of this jurisdiction, not recused, two persons."""
    pair = [_given(attempt, "officer_1"), _given(attempt, "officer_2")]
    officers = [attempt.officers.get(one) for one in pair]
    for name, officer in zip(pair, officers, strict=True):
        if officer is None:
            return f"{name or '第二名人员'} 不是在册执法人员"
        if not officer.certified(attempt.today):
            return f"{officer.name} 没有有效执法证件"
        if not competent(officer, attempt.matter):
            return f"{officer.name} 不在本辖区"
        if is_recused(attempt, name):
            return f"{officer.name} 已回避"
    same = pair[1] in numbers_of(attempt, pair[0])
    return "第二名执法人员须为另一人" if same else ""


def _goes_along(_: Gate, attempt: Attempt) -> str:
    """Only who was approved for the visit acts on the spot."""
    who = team(attempt.matter)
    if attempt.doer.person_id in who:
        return ""
    names = "、".join(attempt.officers[one].name for one in who if one in attempt.officers)
    return f"经批准的检查人员（{names or '未指定'}）"


def _not_on_team(_: Gate, attempt: Attempt) -> str:
    """批准、审结 by another person than who asked for the visit or goes."""
    hands = set()
    for event in attempt.matter.events:
        if event.act in {"request", "begin", "begin_urgent", "replan", "report"}:
            hands |= {event.doer.person_id, event.fields.get("officer_1", "")}
            hands.add(event.fields.get("officer_2", ""))
    mine = numbers_of(attempt, attempt.doer.person_id)
    return "须由申请人、检查人员以外的负责人办理" if mine & hands else ""


def _visit_window(gate: Gate, attempt: Attempt) -> str:
    """计划检查时段: in order, not over, not longer than one approval may cover."""
    if wrong := _window_given(gate, attempt):
        return wrong
    start, end = (_moment(_given(attempt, name)) for name in ("planned_from", "planned_until"))
    longest = _site(attempt).limits.longest_visit_days
    return f"一次审批的检查时段不超过{longest}日" if end - start > dt.timedelta(longest) else ""


def _window_given(_: Gate, attempt: Attempt) -> str:
    """计划检查时段 where a case asks for a visit: in order, not over."""
    start, end = (_moment(_given(attempt, name)) for name in ("planned_from", "planned_until"))
    if start >= end:
        return "计划结束时间须晚于开始时间"
    return "计划检查时段已过" if end <= attempt.now else ""


def _planned(_: Gate, attempt: Attempt) -> str:
    """A visit that a case opened is planned before it is approved."""
    return "" if window(attempt.matter) and len(team(attempt.matter)) > 1 else "检查人员和计划时段"


def _known_topics(gate: Gate, attempt: Attempt) -> str:
    """检查主题: keys of checklists."""
    asked = set(_given(attempt, gate.asks["field"]).split())
    unknown = sorted(asked - _site(attempt).topics)
    return f"检查主题 {'、'.join(unknown)} 不存在" if unknown else ""


def _not_ahead(gate: Gate, attempt: Attempt) -> str:
    """A moment that was, as far as the device's clock may be trusted."""
    said = _given(attempt, gate.asks["field"])
    return "现场时间不得晚于现在" if said and _moment(said) > attempt.now + _AHEAD else ""


def _not_before(gate: Gate, attempt: Attempt) -> str:
    """Not before the moment that an earlier act named."""
    event = attempt.matter.last(gate.asks["act"])
    since = event.fields.get(gate.asks["since"], "") if event else ""
    said = _given(attempt, gate.asks["field"])
    if not event or not since or not said or _moment(said) >= _moment(since):
        return ""
    return f"不早于“{event.act_zh}”时间 {_said(_moment(since))}"


def _in_order(gate: Gate, attempt: Attempt) -> str:
    """Two moments of one act follow each other."""
    first, last = (_moment(_given(attempt, gate.asks[name])) for name in ("first", "last"))
    return "" if first <= last else "结束时间不早于开始时间"


def _near_plant(gate: Gate, attempt: Attempt) -> str:
    """到场定位: near the registered position, or a reason."""
    if _given(attempt, gate.asks["reason"]):
        return ""
    wrong = _off_place(attempt)
    return f"{wrong}，须说明理由" if wrong else ""


def _off_place(attempt: Attempt) -> str:
    site = _site(attempt)
    given = [_given(attempt, name) for name in ("longitude", "latitude")]
    if not all(given):
        return "没有到场定位"
    if _given(attempt, "system") not in _SYSTEMS:
        return "定位不是CGCS2000或者WGS-84坐标"
    if site.longitude is None or site.latitude is None:
        return "排污单位没有登记坐标，不能核对到场位置"
    here = (float(given[0]), float(given[1]))
    if not (abs(here[0]) <= 180 and abs(here[1]) <= 90):
        return "定位坐标超出范围"
    metres = distance_m(here, (site.longitude, site.latitude))
    within = site.limits.within_m
    return f"到场位置距排污单位{metres:.0f}米，超过{within}米" if metres > within else ""


def _on_time(gate: Gate, attempt: Attempt) -> str:
    """到场时间: inside the approved window, by a clock that is right, or a reason."""
    if _given(attempt, gate.asks["reason"]):
        return ""
    limits, planned = _site(attempt).limits, window(attempt.matter)
    arrived = _moment(_given(attempt, "arrived_at"))
    grace = dt.timedelta(minutes=limits.grace_minutes)
    if planned and not planned[0] - grace <= arrived < planned[1] + grace:
        return f"到场时间不在批准时段（{_said(planned[0])}至{_said(planned[1])}）内，须说明理由"
    offset = _given(attempt, "clock_offset_s")
    if offset and not abs(float(offset)) <= limits.clock_offset_s:
        return f"终端时钟偏差{float(offset):.0f}秒，超过{limits.clock_offset_s}秒，须说明理由"
    return ""


def _certificates_shown(_: Gate, attempt: Attempt) -> str:
    """执法证号 of both officers, as registered."""
    for field, person in zip(
        ("certificate_1", "certificate_2"), team(attempt.matter), strict=False
    ):
        officer = attempt.officers.get(person)
        if officer is None or not officer.certified(attempt.today):
            return f"{officer.name if officer else person} 没有有效执法证件"
        registered = _site(attempt).certificates.get(person, "")
        if registered and _given(attempt, field) != registered:
            return f"{officer.name} 的执法证号与登记的不一致"
    return ""


def _signed_or_proved(gate: Gate, attempt: Attempt) -> str:
    """当事人拒绝签名: a witness, or a film that was handed in."""
    if _given(attempt, gate.asks["signature"]) == "signed":
        return ""
    films = {one.attachment_id for one in attempt.attachments if one.purpose == "video"}
    if _given(attempt, gate.asks["witness"]):
        return ""
    if films & set(_given(attempt, gate.asks["files"]).split()):
        return ""
    return "见证人，或者拒签过程的录像（附件）"


def _video_or_reason(gate: Gate, attempt: Attempt) -> str:
    """全过程录像: the film of the visit, or why there is none."""
    films = {one.attachment_id for one in attempt.attachments if one.purpose == "video"}
    if films & set(_given(attempt, gate.asks["files"]).split()):
        return ""
    return "" if _given(attempt, gate.asks["reason"]) else "全过程录像（附件），或者没有录像的理由"


def _record_kept(_: Gate, attempt: Attempt) -> str:
    """The line speaks of the version that was kept for it, and of no other."""
    kept = {record.seq: record for record in _site(attempt).records}
    record = kept.get(attempt.matter.version + 1)
    if record is None or attempt.fields.get("sm3") != record.sm3.hex():
        return "经现场检查通道提交的记录"
    return ""


def _record_ready(_: Gate, attempt: Attempt) -> str:
    """现场记录: a complete version stands, and no two that stand say different things."""
    site = _site(attempt)
    if not any(one.complete and one.standing for one in site.records):
        return "完整的现场检查记录（必查项已全部填写并提交）"
    if site.conflicts:
        return f"不同终端的记录不一致（{'、'.join(site.conflicts[:5])}），须先合并"
    return ""


def _late_approved(_: Gate, attempt: Attempt) -> str:
    """An urgent visit is approved afterwards, before it is reported."""
    urgent, late = attempt.matter.last("begin_urgent"), attempt.matter.last("approve_late")
    return "负责人补办审批" if urgent and not late else ""


def _ordered_below(_: Gate, attempt: Attempt) -> str:
    """责令改正: ordered by this visit, so that its close-out is in somebody's hands."""
    return "" if attempt.below(Kind.RECTIFICATION) else "责令改正决定（先办理“当场责令改正”）"


def _fits_above(gate: Gate, attempt: Attempt) -> str:
    """A visit for a case reports to it; one without a case may lead to one."""
    result = _given(attempt, gate.asks["field"])
    above = attempt.parent is not None and attempt.parent.kind is Kind.CASE
    below = bool(attempt.below(Kind.CASE))
    if result == "open_case" and (above or (below and gate.asks.get("opens"))):
        return "已有案件，应当选择“查证属实，已有案件”"
    return "案件" if result == "confirmed" and not (above or below) else ""


def _as_reported(gate: Gate, attempt: Attempt) -> str:
    """审结: the result and the day as reported; another result needs a reason."""
    event = attempt.matter.last("report")
    if event is None:
        return "检查报告"
    if _given(attempt, gate.asks["day"]) != event.fields.get(gate.asks["day"]):
        return f"检查日期应为 {event.fields.get(gate.asks['day'])}"
    result = _given(attempt, gate.asks["result"])
    if result == event.fields.get(gate.asks["result"]):
        return ""
    if result == "open_case":
        return "检查人员的立案建议（退回补充后重新报告）"
    return "" if attempt.reason.strip() else "改变报告结论的理由"


def _visited_then(gate: Gate, attempt: Attempt) -> str:
    """检查日期: the day on which somebody arrived."""
    event = attempt.matter.last("arrive")
    if event is None:
        return "到达现场"
    day = _moment(event.fields["arrived_at"]).astimezone(BEIJING).date().isoformat()
    return "" if _given(attempt, gate.asks["field"]) == day else f"检查日期应为到场日 {day}"


GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {
    "pair_certified": _pair_certified,
    "goes_along": _goes_along,
    "not_on_team": _not_on_team,
    "visit_window": _visit_window,
    "window_given": _window_given,
    "planned": _planned,
    "known_topics": _known_topics,
    "not_ahead": _not_ahead,
    "not_before": _not_before,
    "in_order": _in_order,
    "near_plant": _near_plant,
    "on_time": _on_time,
    "certificates_shown": _certificates_shown,
    "signed_or_proved": _signed_or_proved,
    "video_or_reason": _video_or_reason,
    "record_kept": _record_kept,
    "record_ready": _record_ready,
    "late_approved": _late_approved,
    "ordered_below": _ordered_below,
    "fits_above": _fits_above,
    "as_reported": _as_reported,
    "visited_then": _visited_then,
}
BEFORE_FIELDS: frozenset[str] = frozenset(
    {"goes_along", "not_on_team", "planned", "record_kept", "late_approved"}
)
