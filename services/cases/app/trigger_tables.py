"""触发规则表 by time: a pack's own table from the day it applies from, else the shipped one."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from services.cases import rules, trigger_store
from services.cases.domain.triggers import Table
from services.cases.trigger_store import Published
from services.chassis.clock import BEIJING, from_timestamp
from services.chassis.errors import InputRejected
from services.chassis.pb.detect.v1 import pack_pb2


def handle_pack(session: Session, event: pack_pb2.PackActivated) -> None:
    """Keep the table of an activated pack; an empty one stands for the shipped table.

    Raises `InputRejected` for a table that does not read: it becomes a dead letter that somebody
    sees, and the table before it stays in force.
    """
    if event.triggers:
        try:
            rules.trigger_table(event.triggers)
        except ValueError as fault:
            raise InputRejected(
                f"triggers.yaml of pack {event.pack.pack_id}@{event.pack.version}: {fault}",
                field="triggers",
                pack=f"{event.pack.pack_id}@{event.pack.version}",
            ) from fault
    newest = max(event.timeline, key=lambda one: one.activated_at.ToNanoseconds(), default=None)
    if newest is None:
        raise InputRejected("an activation without a timeline", field="timeline")
    timeline = sorted(
        event.timeline, key=lambda one: (one.applies_from, one.activated_at.ToNanoseconds())
    )
    published = Published(
        pack_id=event.pack.pack_id,
        version=event.pack.version,
        text=event.triggers,
        timeline=[(one.applies_from, one.pack_id, one.version) for one in timeline],
        activated_at=from_timestamp(newest.activated_at),
    )
    trigger_store.add_table(session, published)


def in_force(session: Session, moment: dt.datetime) -> Table:
    """触发规则表 for data that end at a moment, exclusive: the last instant before it decides."""
    day = (moment - dt.timedelta(microseconds=1)).astimezone(BEIJING).date()
    text = trigger_store.text_in_force(session, day)
    return rules.trigger_table(text) if text else rules.triggers()
