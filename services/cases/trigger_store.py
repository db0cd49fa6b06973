"""触发规则表 and 触发 in PostgreSQL: tables of packs, what was reached, counts for monitor mode."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.orm import Session

from services.cases.domain.triggers import Decision, Seen, Table, Trigger
from services.cases.tables import TriggerHitRow, TriggerTableRow
from services.chassis.clock import BEIJING
from services.chassis.identity import Scope

LIVE, MONITOR = "live", "monitor"
#: Findings that a count names: enough to look at, not a list.
_NAMED = 5


@dataclass(frozen=True)
class Published:
    """启用: a pack's table with the timeline as it is from this activation on."""

    pack_id: str
    version: str
    text: str  # empty = the shipped table
    timeline: Sequence[tuple[str, str, str]]  # first Beijing day (ISO), pack, version
    activated_at: dt.datetime


def add_table(session: Session, one: Published) -> None:
    """Append what an activation brought."""
    session.add(
        TriggerTableRow(
            pack_id=one.pack_id,
            version=one.version,
            text=one.text,
            timeline=[list(entry) for entry in one.timeline],
            activated_at=one.activated_at,
        )
    )
    session.flush()


def text_in_force(session: Session, day: dt.date) -> str:
    """The table's text for a Beijing day by the newest activation; empty = the shipped table.

    A pack whose table was refused has no text here: the entry before it counts.
    """
    newest = session.scalar(
        select(TriggerTableRow.timeline)
        .order_by(TriggerTableRow.activated_at.desc(), TriggerTableRow.seq.desc())
        .limit(1)
    )
    for since, pack_id, version in reversed(newest or []):
        if since > day.isoformat():
            continue
        text = session.scalar(
            select(TriggerTableRow.text)
            .where(TriggerTableRow.pack_id == pack_id, TriggerTableRow.version == version)
            .order_by(TriggerTableRow.seq.desc())
            .limit(1)
        )
        if text is not None:
            return text
    return ""


def keep_hits(
    session: Session, table: Table, seen: Seen, decision: Decision, now: dt.datetime
) -> None:
    """Note which triggers a finding reached; the level of a hit rises and never falls."""
    reached = [(LIVE, one) for one in decision.live]
    reached += [(MONITOR, one) for one in decision.monitored]
    for mode, trigger in reached:
        new = insert(TriggerHitRow).values(**_hit(table, seen, trigger, mode, now))
        session.execute(
            new.on_conflict_do_update(
                index_elements=["finding_id", "item", "mode", "opens"],
                set_={
                    name: new.excluded[name]
                    for name in ("level", "trigger", "item_zh", "table_version", "withdrawn")
                },
                where=(TriggerHitRow.level < new.excluded.level) | TriggerHitRow.withdrawn,
            )
        )


def _hit(
    table: Table, seen: Seen, trigger: Trigger, mode: str, now: dt.datetime
) -> dict[str, object]:
    return {
        "finding_id": seen.row.finding_id,
        "item": trigger.item,
        "mode": mode,
        "opens": trigger.opens.value,
        "level": int(trigger.level),
        "trigger": trigger.key,
        "item_zh": trigger.item_zh,
        "table_version": table.version,
        "outlet_id": seen.outlet_id,
        "division": seen.division,
        "factors": sorted(seen.row.factors),
        "day": seen.row.start.astimezone(BEIJING).date(),
        "first_at": now,
        "withdrawn": False,
    }


def withdraw_hits(session: Session, finding_id: str) -> None:
    """A finding fell away: what it would have set off was a false alarm."""
    session.execute(
        update(TriggerHitRow).where(TriggerHitRow.finding_id == finding_id).values(withdrawn=True)
    )


@dataclass(frozen=True)
class HitCount:
    """Items of one county, day, trigger and mode."""

    division: str
    day: dt.date
    mode: str
    trigger: str
    item_zh: str
    opens: str
    level: int
    items: int
    withdrawn: int
    finding_ids: tuple[str, ...]


def count_hits(session: Session, scope: Scope, first: dt.date, last: dt.date) -> list[HitCount]:
    """What triggers were reached from `first` to `last`, inclusive, by day, county and trigger.

    Findings of one outlet, set of factors and item are one item a day, as one open order takes
    them all.
    """
    row = TriggerHitRow
    key = (row.division, row.day, row.mode, row.trigger, row.item_zh, row.opens, row.level)
    one_item = func.concat_ws("|", row.outlet_id, row.item, func.array_to_string(row.factors, "+"))
    items = func.count(one_item.distinct()).filter(~row.withdrawn)
    named = func.array_agg(aggregate_order_by(row.finding_id, row.first_at, row.finding_id))
    query = (
        select(*key, items, func.count().filter(row.withdrawn), named)
        .where(row.day.between(first, last), row.division.startswith(scope.division_prefix))
        .group_by(*key)
        .order_by(row.day.desc(), row.division, row.mode, row.level.desc(), row.trigger)
    )
    return [_count(list(found)) for found in session.execute(query)]


def _count(columns: list[Any]) -> HitCount:
    *plain, named = columns
    return HitCount(*[*plain, tuple(named[:_NAMED])])
