"""请假、离岗 Days on which an officer handles nothing, and who stands in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

#: Kinds of absence as people read them.
KINDS_ZH = {
    "leave": "请假",
    "training": "脱产培训",
    "secondment": "借调",
    "suspended": "暂停执法",
}


@dataclass(frozen=True)
class Leave:
    """离岗 on the Beijing days [first, last]; without a last day until it is changed."""

    leave_id: str
    officer_id: str
    first: dt.date
    last: dt.date | None = None
    substitute_id: str = ""
    kind: str = "leave"

    def on(self, day: dt.date) -> bool:
        """Whether the officer is away on that day."""
        return self.first <= day and (self.last is None or day <= self.last)


def away_on(leaves: tuple[Leave, ...], day: dt.date) -> Leave | None:
    """The absence of that day; of several the one that ends last, an open one before all."""
    there = [leave for leave in leaves if leave.on(day)]
    return max(there, key=lambda one: (one.last or dt.date.max, one.leave_id), default=None)
