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


GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {"correctable": _correctable}
BEFORE_FIELDS: frozenset[str] = frozenset()
