"""Gates of service 送达要件: consent, witnesses, tries before an announcement (PL 61, CPL 87-95).

What was tried is read from the timeline: every failed try is a line with `way` and `why`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from services.cases.domain.attempt import Attempt
from services.cases.domain.lifecycle import Gate
from services.cases.domain.matter import Event, Kind, Matter
from services.chassis.clock import BEIJING

_WAYS = {
    "by_hand": "直接送达",
    "left": "留置送达",
    "electronic": "电子送达",
    "post": "邮寄送达",
    "entrusted": "委托送达",
    "inquiry": "查找下落",
}


def tries(matter: Matter) -> list[Event]:
    """送达未成的记录: every try that failed, oldest first."""
    return [event for event in matter.events if event.fields.get("why") and "way" in event.fields]


def _ways_tried(gate: Gate, attempt: Attempt) -> str:
    """其他方式无法送达: each way of the list was tried, or one that the list lets stand for it."""
    tried = {event.fields["way"] for event in tries(attempt.matter)}
    instead: Mapping[str, list[str]] = gate.asks.get("or", {})
    left = [way for way in gate.asks["ways"] if not tried & {way, *instead.get(way, ())}]
    if not left:
        return ""
    missing = "、".join(
        "或者".join(_WAYS[one] for one in (way, *instead.get(way, ()))) for way in left
    )
    done = "、".join(_WAYS.get(way, way) for way in sorted(tried)) or "无"
    return f"须先记明{missing}未成的经过（已记明：{done}）"


def _whereabouts_unknown(_: Gate, attempt: Attempt) -> str:
    """受送达人下落不明: some try ended so."""
    found = any(one.fields["why"] in {"unknown", "moved"} for one in tries(attempt.matter))
    return "" if found else "须先记明查找受送达人下落的经过（登记“下落不明”或者“原址查无”）"


def _left_proof(_: Gate, attempt: Attempt) -> str:
    """留置送达: a witness who signed, or photographs or a video of how it was left."""
    named = attempt.fields.get("video", "").split()
    kinds = {one.attachment_id: one.purpose for one in attempt.attachments}
    if any(kinds.get(one) in {"photo", "video"} for one in named):
        return ""
    if attempt.fields.get("witness", "").strip() and not named:
        return ""
    return "见证人签名，或者送达过程的照片、录像（附件）"


def _files_there(gate: Gate, attempt: Attempt) -> str:
    """附件: every file that is named was handed in on this matter."""
    known = {one.attachment_id for one in attempt.attachments}
    lost = [one for one in attempt.fields.get(gate.asks["field"], "").split() if one not in known]
    return f"附件 {'、'.join(lost)}" if lost else ""


def _one_given(gate: Gate, attempt: Attempt) -> str:
    """One of these fields is filled in."""
    given = any(attempt.fields.get(name, "").strip() for name in gate.asks["fields"])
    return "" if given else str(gate.asks["what"])


def consent(attempt: Attempt) -> Event | None:
    """电子送达确认书 in force: the latest of the family that was not withdrawn since."""
    latest = max(_consents(attempt), key=lambda event: (event.at, event.seq), default=None)
    return latest if latest and latest.act == "record_consent" else None


def _consents(attempt: Attempt) -> Iterator[Event]:
    """A party consents for the whole case, so the services beside this one count too."""
    for matter in (*attempt.family, attempt.matter):
        if matter.kind is Kind.SERVICE and matter.root_id == attempt.matter.root_id:
            yield from (e for e in matter.events if e.act in {"record_consent", "withdraw_consent"})


def _consented(_: Gate, attempt: Attempt) -> str:
    """当事人同意并签订确认书."""
    return "" if consent(attempt) else "当事人签订的电子送达确认书"


def _consented_address(gate: Gate, attempt: Attempt) -> str:
    """电子送达地址: the address that the party named, and not before the consent."""
    given = consent(attempt)
    if given is None:
        return "当事人签订的电子送达确认书"
    if attempt.fields.get(gate.asks["field"], "").strip() != given.fields["address"]:
        return f"与确认书一致的地址（{given.fields['address']}）"
    before = attempt.fields[gate.asks["served_on"]] < given.fields["signed_on"]
    return f"送达日期不得早于确认书签订日期 {given.fields['signed_on']}" if before else ""


def _not_before_issue(gate: Gate, attempt: Attempt) -> str:
    """A paper reaches nobody before it was issued."""
    opening = attempt.matter.opening()
    if opening is None:
        return "交付送达"
    issued = opening.at.astimezone(BEIJING).date().isoformat()
    return "" if attempt.fields[gate.asks["field"]] >= issued else f"不早于文书作出日期 {issued}"


def _not_before_act(gate: Gate, attempt: Attempt) -> str:
    """Not before the day that an earlier act named."""
    event = attempt.matter.last(gate.asks["act"])
    if event is None:
        return str(gate.asks["act"])
    since = event.fields.get(gate.asks["since"], "")
    early = attempt.fields[gate.asks["field"]] < since
    return f"不早于“{event.act_zh}”日期 {since}" if early else ""


def paper_to_serve(matter: Matter) -> str:
    """文书: the one that is to be served now, after any replacement."""
    line = matter.last("replace_paper") or matter.opening()
    return line.fields.get("paper_id", "") if line else ""


def _other_paper(_: Gate, attempt: Attempt) -> str:
    """A replacement is another paper."""
    same = attempt.fields.get("paper_id", "").strip() == paper_to_serve(attempt.matter)
    return "另一版本的文书" if same else ""


GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {
    "ways_tried": _ways_tried,
    "whereabouts_unknown": _whereabouts_unknown,
    "left_proof": _left_proof,
    "files_there": _files_there,
    "one_given": _one_given,
    "consented": _consented,
    "consented_address": _consented_address,
    "not_before_issue": _not_before_issue,
    "not_before_act": _not_before_act,
    "other_paper": _other_paper,
}
BEFORE_FIELDS: frozenset[str] = frozenset({"consented"})
