"""Gates of the record 记录要件: what may be corrected, what must be attached."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.cases.domain.attempt import Attempt
from services.cases.domain.lifecycle import Gate


def _correctable(_: Gate, attempt: Attempt) -> str:
    """The line exists and holds the field that is corrected."""
    seq, name = attempt.fields.get("seq", ""), attempt.fields.get("field", "")
    line = next((event for event in attempt.matter.events if str(event.seq) == seq), None)
    if line is None:
        return f"第{seq}条记录"
    return "" if name in line.fields else f"第{seq}条记录中的“{name}”"


def _handed_in(_: Gate, attempt: Attempt) -> str:
    """The line speaks of the file that was kept for it, and of no other."""
    kept = {one.attachment_id: one for one in attempt.attachments}
    file = kept.get(attempt.fields.get("attachment_id", ""))
    if file is None or file.seq != attempt.matter.version + 1:
        return "经附件通道提交的文件"
    return "" if attempt.fields.get("sm3") == file.sm3.hex() else "与所存文件一致的摘要"


def _attached(gate: Gate, attempt: Attempt) -> str:
    """Files that a field names are attachments of this matter, of these purposes."""
    name = gate.asks["field"]
    kept = {one.attachment_id: one.purpose for one in attempt.attachments}
    asked = attempt.fields.get(name, "").split()
    if strange := [one for one in asked if one not in kept]:
        return f"本事项的附件（{'、'.join(strange)} 不是）"
    purposes = gate.asks.get("purposes", ())
    if asked and purposes and not any(kept[one] in purposes for one in asked):
        return f"用途为{'、'.join(_PURPOSES[one] for one in purposes)}的附件"
    return ""


_PURPOSES = {
    "photo": "照片", "video": "视频", "record": "笔录", "before": "整改前", "after": "整改后",
    "proof": "证明", "other": "其他",
}  # fmt: skip
GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {
    "correctable": _correctable,
    "handed_in": _handed_in,
    "attached": _attached,
}
BEFORE_FIELDS: frozenset[str] = frozenset({"handed_in"})
