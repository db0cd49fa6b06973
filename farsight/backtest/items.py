"""事项: what triggers would have made of findings, hour by hour as they grew."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.cases import rules
from services.cases.domain.matter import Kind, Row
from services.cases.domain.triggers import CLUE, Decision, Seen, Table, Trigger, decide
from services.chassis.clock import BEIJING, from_unix
from services.detect.domain.describe import Description
from services.detect.domain.grid import day_start
from services.detect.domain.judge import SILENCE
from services.detect.domain.reconcile import Kept
from services.detect.judgement.parameters import OutletFacts
from services.detect.packs.pack import Pack

#: Measures that one description and the counts of each hour tell in full: all others want a
#: description of the finding as it stood after each of its hits.
_COUNTED = frozenset({"count", "count_today", "count_7_days", "hours", "clock"})
_LEVELS = ("warning", "dispatch", "supervision", CLUE)


@dataclass(frozen=True)
class Item:
    """事项 of one finding: the highest trigger that it reached (`trigger_hit` of cases)."""

    finding_id: str
    outlet_id: str
    division: str
    factors: tuple[str, ...]
    item: str
    item_zh: str
    trigger: str
    level: str  # warning | dispatch | supervision | clue
    live: bool
    day: dt.date  # Beijing day of the finding's start

    @property
    def key(self) -> tuple[str, str, tuple[str, ...], dt.date]:
        """What one open order takes together on a day: outlet, item and factors."""
        return self.outlet_id, self.item, self.factors, self.day


def table_of(pack: Pack) -> Table:
    """触发规则表 of a pack, or the shipped one."""
    return rules.trigger_table(pack.triggers) if pack.triggers else rules.triggers()


def wants_each_hit(table: Table, rule_id: str) -> bool:
    """Whether triggers of a rule ask what a finding said after each of its hits."""
    return any(one.rule == rule_id and one.measure not in _COUNTED for one in table.triggers)


def seen_of(finding: Kept, text: Description, facts: OutletFacts) -> Seen:
    """A finding as triggers look at it; the same fields that `cases` reads from the event."""
    return Seen(
        row=_row_of(finding, text),
        count_today=text.count_today,
        count_7_days=text.count_7_days,
        confidential=finding.confidential,
        division=facts.division,
        industry=facts.industry,
        process=facts.process,
        outlet_id=finding.key.outlet_id,
        facts={
            name: float(value)
            for name, value in text.facts.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        },
    )


def _row_of(finding: Kept, text: Description) -> Row:
    key = finding.key
    return Row(
        finding_id=finding.finding_id,
        revision=finding.revision,
        rule_id=key.rule_id,
        factors=(key.factor,) if key.factor else (),
        start=from_unix(finding.begin * 3600),
        end=from_unix(finding.end * 3600),
        closed=not finding.open,
        seen=text.seen,
        statistic=text.statistic,
        threshold=text.threshold,
        unit=text.unit,
        count=text.count,
    )


def at_their_highest(seen: Seen, finding: Kept) -> Seen:
    """The finding with the largest counts that it ever told while it grew.

    A row of the table asks for one measure only, so the largest of each decides as the sequence of
    revisions would have.
    """
    if finding.key.rule_id == SILENCE:
        return seen
    slots, ends = finding.hits["slot"], np.maximum.accumulate(finding.hits["end"])
    number = np.arange(1, len(slots) + 1)
    today = number - np.searchsorted(slots, [day_start(int(end) - 1) for end in ends])
    week = number - np.searchsorted(slots, ends - 7 * 24)
    return replace(seen, count_today=int(today.max()), count_7_days=int(week.max()))


def decided(table: Table, seen: Seen) -> Decision:
    """触发判定 by the terms that cases uses."""
    return decide(table, seen, rules.terms())


def items_of(seen: Seen, decisions: Iterable[Decision]) -> tuple[Item, ...]:
    """The highest trigger of each item, kind of matter and mode over all decisions."""
    best: dict[tuple[str, Kind, bool], Trigger] = {}
    for decision in decisions:
        for one in (*decision.live, *decision.monitored):
            key = one.item, one.opens, one.live
            if key not in best or one.level > best[key].level:
                best[key] = one
    return tuple(_item(seen, one) for _, one in sorted(best.items(), key=lambda x: x[1].key))


def risen(before: Iterable[Item], now: Iterable[Item]) -> tuple[Item, ...]:
    """Items of a finding after a revision: a level that was reached stays reached."""
    best: dict[tuple[str, bool, bool], Item] = {}
    for one in (*before, *now):
        key = one.item, one.live, one.level == CLUE
        if key not in best or _LEVELS.index(one.level) > _LEVELS.index(best[key].level):
            best[key] = one
    return tuple(best.values())


def _item(seen: Seen, trigger: Trigger) -> Item:
    return Item(
        finding_id=seen.row.finding_id,
        outlet_id=seen.outlet_id,
        division=seen.division,
        factors=seen.row.factors,
        item=trigger.item,
        item_zh=trigger.item_zh,
        trigger=trigger.key,
        level=trigger.level_key,
        live=trigger.live,
        day=seen.row.start.astimezone(BEIJING).date(),
    )


@dataclass(frozen=True)
class ItemCount:
    """Items of one county, trigger and mode, with the officer-hours that they cost."""

    division: str
    trigger: str
    item_zh: str
    level: str
    live: bool
    items: int
    officer_hours: float


def count_items(items: Sequence[Item], table: Table) -> list[ItemCount]:
    """事项计数 by county and trigger, counted as the monitor page of cases counts."""
    groups: dict[tuple[str, str, str, str, bool], set[tuple[object, ...]]] = {}
    for one in items:
        group = one.division, one.trigger, one.item_zh, one.level, one.live
        groups.setdefault(group, set()).add(one.key)
    return [
        ItemCount(*group, items=len(keys), officer_hours=len(keys) * table.officer_hours[group[3]])
        for group, keys in sorted(groups.items())
    ]
