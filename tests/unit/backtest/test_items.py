"""Items of a replay are what triggers would have made of the finding hour by hour."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from farsight.backtest.items import at_their_highest, count_items, decided, items_of, risen, seen_of
from services.cases import rules
from services.chassis.clock import BEIJING
from services.detect.domain.describe import Description
from services.detect.domain.grid import day_start
from services.detect.domain.hits import hits_of
from services.detect.domain.judge import FindingKey
from services.detect.domain.reconcile import Kept
from services.detect.domain.rule import hour_of
from services.detect.judgement.parameters import OutletFacts

MONDAY = hour_of(dt.date(2026, 8, 3))
TABLE = rules.triggers()
FACTS = OutletFacts("x-DA001", "130402", "x", "4411", "air", "")


def kept(hours: list[int]) -> Kept:
    """An exceedance of these hours after Monday 00:00."""
    slot = np.array(hours) + MONDAY
    hits = hits_of(slot=slot, begin=slot, end=slot + 1, statistic=50.0, threshold=35.0)
    key = FindingKey("x-DA001", "hourly_exceedance", "a21026")
    return Kept("f-1", 1, key, hits, open=True, confidential=False)


def text(finding: Kept) -> Description:
    """What the finding says, counted as the law counts: by natural day and by seven days."""
    slots, end = finding.hits["slot"], finding.end
    today = int((slots >= day_start(end - 1)).sum())
    week = int((slots >= end - 168).sum())
    return Description(
        rule=None, limit=None, statistic=50.0, threshold=35.0, unit="mg/m3", seen="",
        silenced_by="", count=len(slots), count_today=today, count_7_days=week,
        peak_multiple=0.4, facts={},
    )  # type: ignore[arg-type] # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_the_largest_counts_decide_as_all_revisions_would_have(seed: int) -> None:
    """Random hours over nine days, with busy and quiet ones: each prefix is what live judged."""
    random = np.random.default_rng(seed)
    hours = np.flatnonzero(random.random(216) < np.repeat(random.random(9) * 0.2, 24)).tolist()
    if not hours:
        return
    whole = kept(hours)
    seen = seen_of(whole, text(whole), FACTS)
    prefixes = [kept(hours[:number]) for number in range(1, len(hours) + 1)]

    slow = items_of(seen, [decided(TABLE, seen_of(p, text(p), FACTS)) for p in prefixes])
    fast = items_of(seen, [decided(TABLE, at_their_highest(seen, whole))])

    assert [one.level for one in fast] == [one.level for one in slow]
    assert [one.item for one in fast] == [one.item for one in slow]


def test_a_level_that_was_reached_stays_reached() -> None:
    """Three hours on Monday dispatch; one hour on Tuesday does not bring it back to a warning."""
    monday, both = kept([3, 4, 5]), kept([3, 4, 5, 30])
    first, last = (
        items_of(seen, [decided(TABLE, seen)])
        for seen in (seen_of(one, text(one), FACTS) for one in (monday, both))
    )

    assert [one.level for one in last] == ["warning"]
    assert [one.level for one in risen(first, last)] == ["dispatch"]


def test_findings_of_one_outlet_item_and_day_are_one_item() -> None:
    """As one open order takes them; another day is another item, and hours follow items."""
    (one,) = items_of(
        seen_of(kept([3]), text(kept([3])), FACTS),
        [decided(TABLE, seen_of(kept([3]), text(kept([3])), FACTS))],
    )
    other = replace(one, finding_id="f-2")
    tomorrow = replace(one, finding_id="f-3", day=one.day + dt.timedelta(days=1))

    (count,) = count_items([one, other, tomorrow], TABLE)

    assert one.day == dt.datetime(2026, 8, 3, tzinfo=BEIJING).date()
    assert count.items == 2
    assert count.officer_hours == pytest.approx(2 * TABLE.officer_hours["warning"])
