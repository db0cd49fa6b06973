"""研判依据 as one process holds it: registry copy and rule packs, and what outlets add to it."""

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from services.detect import check_store, judgement_store, mark_wire
from services.detect.app.directory import Directory
from services.detect.app.keep_checks import least_tolerance
from services.detect.app.stored_readings import StoredReadings
from services.detect.domain.grid import HOUR
from services.detect.domain.known import MARKS_BACK_H, Known
from services.detect.domain.rule import RuleBook
from services.detect.domain.series_key import SeriesKey
from services.detect.domain.standard_checks import StandardCheck
from services.detect.judgement.marks import MarkRevision
from services.detect.judgement.parameters import OutletFacts
from services.detect.judgement.periods import day_of, first_hour, period_of
from services.detect.packs import store as pack_store
from services.detect.packs.pack import Pack
from services.detect.packs.timeline import Timeline
from services.detect.windows.partition_windows import PartitionWindows

#: Bodies of mark records by mark id, revision and moment of the decision (unix us, 0 = none).
Bodies = Mapping[tuple[str, int, int], bytes]


class Knowledge:
    """What judging rests on beside the values, brought up to date before each use."""

    def __init__(self) -> None:
        self.directory = Directory()

    @property
    def timeline(self) -> Timeline:
        """Which pack judges which event hour."""
        return self.directory.timeline

    @property
    def book(self) -> RuleBook:
        """Rules of all packs of the timeline."""
        return self.timeline.book

    def refresh(self, session: Session) -> None:
        """Read what changed in the registry copy and in the timeline of packs."""
        self.directory.refresh(session)
        timeline = pack_store.timeline(session)
        if timeline is not self.timeline:
            self.directory.use(timeline)

    def facts_of(self, outlets: Iterable[str]) -> dict[str, OutletFacts]:
        """Facts of the outlets that the registry copy has."""
        known = ((outlet_id, self.directory.facts(outlet_id)) for outlet_id in outlets)
        return {outlet_id: facts for outlet_id, facts in known if facts is not None}


@dataclass(frozen=True)
class Gathered:
    """研判依据 of some outlets, with the marks as they were told."""

    known: Known
    bodies: Mapping[str, Bodies]


def gather(
    session: Session,
    windows: PartitionWindows,
    knowledge: Knowledge,
    since: Mapping[str, int],
    *,
    frozen_until: dt.date | None,
    stored: StoredReadings | None,
) -> Gathered:
    """研判依据 of outlets that are judged from an hour on each: facts, marks, particulate means."""
    first = min(since.values())
    hour, back = year_start(first), known_from(first)
    bodies = {
        outlet_id: {mark_wire.name_of(body): body for body in mine}
        for outlet_id, mine in judgement_store.marks_of(session, since, back).items()
    }
    marks = {outlet_id: revisions(mine) for outlet_id, mine in bodies.items()}
    known = Known(
        timeline=knowledge.timeline,
        facts=knowledge.facts_of(since),
        marks=marks,
        particulate=particulate_of(windows, marks, knowledge.timeline, hour, stored),
        frozen_until=frozen_until,
        checks=known_checks(session, since, back, knowledge.timeline),
    )
    return Gathered(known, bodies)


def known_checks(
    session: Session, outlets: Iterable[str], since_hour: int, timeline: Timeline
) -> dict[str, tuple[StandardCheck, ...]]:
    """标样核查 by outlet, of factors that failed one since an hour; none without such a rule."""
    least = least_tolerance(timeline)
    if least is None:
        return {}
    return check_store.checks_of(session, outlets, since_hour, least)


def revisions(bodies: Bodies) -> tuple[MarkRevision, ...]:
    """标记: one entry a revision, that with the newest decision, by mark and revision."""
    newest: dict[tuple[str, int], bytes] = {}
    for mark_id, revision, decided_us in sorted(bodies):
        newest[mark_id, revision] = bodies[mark_id, revision, decided_us]
    return tuple(mark_wire.revision_of(body) for body in newest.values())


def particulate_of(
    windows: PartitionWindows,
    marks: Mapping[str, Iterable[MarkRevision]],
    timeline: Timeline,
    since: int,
    stored: StoredReadings | None,
) -> dict[str, dict[int, float]]:
    """颗粒物小时均值 (mg/m3) of hours marked for a pool with a particulate bound, by outlet.

    As reported, converted where the logger sent a converted mean: GB 18485-2014 states all its
    concentrations at 11 % oxygen. Which of both order 10 means is not sure. Hours that have left
    the ring are asked of ingest; without `stored` they have none and count as not above the bound.
    """
    bounds = _bounds(timeline.newest)
    found: dict[str, dict[int, float]] = {}
    for outlet_id, mine in marks.items():
        spans = [one for one in mine if one.condition in bounds]
        if not spans:
            continue
        factor = bounds[spans[0].condition]
        means = found.setdefault(outlet_id, {})
        for one in spans:
            first, end = max(one.start_s // 3600, since), -(-one.end_s // 3600)
            kept_from = _kept_from(windows, SeriesKey(outlet_id, factor))
            if stored is not None and first < kept_from:
                means |= stored.hours(outlet_id, factor, first, min(end, kept_from))
            means |= _means(windows, SeriesKey(outlet_id, factor), max(first, kept_from), end)
    return found


def _bounds(pack: Pack) -> dict[str, str]:
    """Particulate factor of each condition whose pool has a particulate bound."""
    return {
        condition: pool.pm_factor
        for pool in pack.pools
        if pool.pm_bound > 0
        for condition in pool.conditions
    }


def _kept_from(windows: PartitionWindows, key: SeriesKey) -> int:
    """First hour slot that a series' ring can hold; 0 where it never sent."""
    row = windows.index.row(key)
    return 0 if row is None else int(windows.rings[HOUR].newest[row]) - HOUR.slots + 1


def _means(windows: PartitionWindows, key: SeriesKey, first: int, end: int) -> dict[int, float]:
    row = windows.index.row(key)
    if row is None or end <= first:
        return {}
    start = np.array([first], dtype=np.int64)
    read = windows.rings[HOUR].read(np.array([row]), start, end - first)
    best = np.where(np.isfinite(read.converted[0]), read.converted[0], read.value[0])
    return {first + at: value for at, value in enumerate(best.tolist()) if math.isfinite(value)}


def known_from(first: int) -> int:
    """First hour slot whose marks and checks are asked for, to judge from an hour on."""
    return min(year_start(first), first - MARKS_BACK_H)


def year_start(hour: int) -> int:
    """First hour slot of the natural year (Beijing) that an hour slot lies in."""
    return first_hour(period_of(day_of(hour), "year")[1])
