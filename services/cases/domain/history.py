"""过程记录链: the timeline of a matter as a chain of digests.

A line's digest is SM3(previous digest ‖ canonical JSON of the line); the first follows 32 zero
bytes. Whoever changes, drops or inserts a line has to change every later one. The referral bundle
carries the same lines and checks them offline with the same rule.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence

from services.cases.domain.matter import Event

START = bytes(32)


def canonical(matter_id: str, event: Event) -> bytes:
    """The one spelling of a line: UTF-8 JSON, sorted keys, no spaces, microseconds in UTC."""
    line = {
        "matter_id": matter_id,
        "seq": event.seq,
        "at": event.at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "actor_id": event.doer.person_id,
        "actor_name": event.doer.name,
        "actor_role": event.doer.role,
        "scripted": event.doer.scripted,
        "act": event.act,
        "act_name": event.act_zh,
        "from_state": event.from_state,
        "to_state": event.to_state,
        "reason": event.reason,
        "fields": dict(event.fields),
    }
    return json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(previous: bytes, matter_id: str, event: Event) -> bytes:
    """SM3 (GB/T 32905) over the previous digest and this line, 32 bytes."""
    return hashlib.new("sm3", previous + canonical(matter_id, event)).digest()


def first_break(matter_id: str, events: Sequence[Event]) -> int | None:
    """The number of the first line that is missing or does not follow; None for a whole chain."""
    previous = START
    for number, event in enumerate(events, start=1):
        previous = digest(previous, matter_id, event)
        if event.seq != number or event.digest != previous:
            return number
    return None
