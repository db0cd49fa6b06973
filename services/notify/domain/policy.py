"""发送规则 Whether a text goes out now, later or not at all.

The order of the questions matters: a cause that is old news is muted even at night; a repetition
within the storm window is left to the summary; only then does the night hold back what is not
urgent.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from services.chassis.clock import beijing

URGENT = 1


@dataclass(frozen=True, slots=True)
class Policy:
    """规则 Start values from `data/policy.yaml`. Times of day are Beijing time."""

    signature: str
    quiet_from: dt.time | None
    quiet_to: dt.time | None
    mute_after: dt.timedelta
    storm: dt.timedelta
    receipt_wait: dt.timedelta

    def quiet(self, now: dt.datetime) -> bool:
        """Whether `now` lies in the quiet hours; the span may pass midnight."""
        if self.quiet_from is None or self.quiet_to is None:
            return False
        time = beijing(now).time()
        if self.quiet_from <= self.quiet_to:
            return self.quiet_from <= time < self.quiet_to
        return time >= self.quiet_from or time < self.quiet_to

    def quiet_until(self, now: dt.datetime) -> dt.datetime:
        """The end of the quiet hours that hold `now`."""
        here = beijing(now)
        assert self.quiet_to is not None
        end = here.replace(
            hour=self.quiet_to.hour, minute=self.quiet_to.minute, second=0, microsecond=0
        )
        if end <= here:
            end += dt.timedelta(days=1)
        return end.astimezone(dt.UTC)


@dataclass(frozen=True, slots=True)
class Decision:
    """`action`: send, hold (until `until`), mute or storm; `reason` is kept with the row."""

    action: str
    reason: str = ""
    until: dt.datetime | None = None


def decide(
    policy: Policy,
    *,
    level: int,
    event_time: dt.datetime,
    now: dt.datetime,
    last_alike: dt.datetime | None,
) -> Decision:
    """Decide on one text to one person.

    `last_alike` is when this person was last sent the same item of the same outlet, or None.
    """
    age = now - event_time
    if age > policy.mute_after:
        hours = int(age / dt.timedelta(hours=1))
        return Decision("mute", f"old_span: ended {hours} h before")
    if last_alike is not None and now - last_alike < policy.storm:
        return Decision("storm", "storm: told within the window", last_alike + policy.storm)
    if level != URGENT and policy.quiet(now):
        return Decision("hold", "quiet_hours", policy.quiet_until(now))
    return Decision("send")


def read_policy(document: dict[str, Any], quiet_hours: str = "") -> Policy:
    """The policy of a parsed file; `quiet_hours` overrides it: "22:00-07:00" or "none".

    Raises ValueError for an unreadable time.
    """
    span = quiet_hours or f"{document['quiet_from']}-{document['quiet_to']}"
    start = end = None
    if span != "none":
        start, end = (dt.time.fromisoformat(text) for text in span.split("-"))
    return Policy(
        signature=document["signature"],
        quiet_from=start,
        quiet_to=end,
        mute_after=dt.timedelta(hours=document["mute_after_hours"]),
        storm=dt.timedelta(minutes=document["storm_minutes"]),
        receipt_wait=dt.timedelta(hours=document["receipt_wait_hours"]),
    )
