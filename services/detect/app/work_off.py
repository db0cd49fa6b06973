"""重判: works off outlets that have to be judged again, and days that were frozen.

Handlers of events only write rows (`keep_news`); here the owner of a partition judges, a slice of
outlets a transaction, so that live batches get their turn between two slices. A killed process
leaves rows and days undone, and whoever owns the partition next does them.
"""

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from prometheus_client import Counter, Gauge
from sqlalchemy.orm import Session

from services.chassis.log import get_logger
from services.detect import judgement_store, store
from services.detect.app import keep_news
from services.detect.app.detector import Detector, Partition
from services.detect.app.judge_outlets import Task, judge_outlets
from services.detect.app.look_for_silence import ORPHANED_AFTER
from services.detect.app.refill import refill
from services.detect.app.save_days import Saving, save_days
from services.detect.app.stored_readings import History, StoredReadings
from services.detect.domain.grid import HOUR
from services.detect.judgement.periods import day_of, first_hour

log = get_logger(__name__)

#: Outlets of one transaction.
SLICE = 128
#: Days of one transaction, for outlets that wait since long ago.
DAYS = 7
#: Seconds after which a look ends and the next one goes on.
PATIENCE_S = 20.0
#: Days that the rings can judge: 128 without the week before a day (`LOOK_BACK_DAYS`).
REACH_DAYS = 120

WAITING = Gauge("farsight_detect_rejudge_waiting", "Outlets to be judged again", ["partition"])
REVISIONS = Counter("farsight_detect_day_revisions_total", "Day judgements kept", ["partition"])


def work_off(detector: Detector, now: datetime, history: History) -> int:
    """Judge what waits in all partitions that are ours; gives the number of day revisions."""
    with detector.database.transaction() as session:
        mine = store.partitions_to_watch(session, detector.owner, ORPHANED_AFTER)
        waiting = judgement_store.count_waiting(session)
    for number in mine:
        WAITING.labels(str(number)).set(waiting.get(number, 0))
    return sum(_partition(detector, detector.partition(number), now, history) for number in mine)


def _partition(detector: Detector, partition: Partition, now: datetime, history: History) -> int:
    """Slice after slice until nothing waits or the look's time is over."""
    stored = StoredReadings(history, partition.memory)
    end = time.monotonic() + PATIENCE_S
    revisions = slices = 0
    while time.monotonic() < end:
        with partition.lock:
            if partition.fresh:
                refill(detector, partition, history)
            with detector.database.transaction() as session:
                detector.known.refresh(session)
                store.lock_partition(session, partition.number)
                saving = Saving(session, detector, partition, stored, now)
                done = _slice(saving)
            if done is None:
                break
            # Only after the commit: what was rolled back is still unjudged.
            partition.unjudged |= done.left
            for outlet_id in done.finished:
                partition.unjudged.pop(outlet_id, None)
                partition.behind.discard(outlet_id)
        revisions, slices = revisions + done.revisions, slices + 1
    if slices:
        REVISIONS.labels(str(partition.number)).inc(revisions)
        log.info(
            "judged_again", partition=partition.number, slices=slices, revisions=revisions,
            days_left=len(partition.unjudged),
        )  # fmt: skip
    return revisions


@dataclass(frozen=True)
class Done:
    """What a slice came to; `left` and `finished` are of frozen days."""

    revisions: int
    left: Mapping[str, dt.date] = field(default_factory=dict)
    finished: frozenset[str] = frozenset()


def _slice(saving: Saving) -> Done | None:
    """One slice: rows that wait, else days that were frozen. None where there is nothing to do."""
    frozen = judgement_store.frozen_until(saving.session)
    due = judgement_store.claim_due(saving.session, saving.partition.number, saving.now, SLICE)
    if due:
        return _slice_of_rows(saving, due, frozen)
    _note_frozen(saving.session, saving.partition, frozen)
    return _slice_of_days(saving, frozen) if saving.partition.unjudged else None


def _slice_of_rows(
    saving: Saving, due: Mapping[str, judgement_store.Due], frozen: dt.date | None
) -> Done:
    """Outlets that an event asked for. What is left of them waits as rows again."""
    index = saving.partition.windows.index
    mine = {outlet_id: one for outlet_id, one in due.items() if index.rows_of(outlet_id)}
    reasons = {outlet_id: one.reasons[0] for outlet_id, one in mine.items()}
    first = {o: _first_day(saving.partition, o, one.since) for o, one in mine.items()}
    revisions, left = _judge_days(replace(saving, reasons=reasons), first, frozen)
    for outlet_id, day in left.items():
        ask = {outlet_id: first_hour(day)}
        partitions = saving.detector.partitions
        keep_news.ask(saving.session, ask, reasons[outlet_id], partitions, saving.now, begun=True)
    # What is left of an outlet forgets where it began: findings are judged as far as they reach.
    _judge_findings(saving, dict.fromkeys((o for o in mine if o not in left), 0))
    return Done(revisions)


def _slice_of_days(saving: Saving, frozen: dt.date | None) -> Done:
    """Outlets with the oldest frozen days that have no judgement."""
    unjudged = saving.partition.unjudged
    oldest = sorted(unjudged, key=lambda outlet_id: (unjudged[outlet_id], outlet_id))[:SLICE]
    first = {outlet_id: unjudged[outlet_id] for outlet_id in oldest}
    revisions, left = _judge_days(saving, first, frozen)
    behind = saving.partition.behind
    since = {o: 0 if o in behind else first_hour(d) for o, d in first.items() if o not in left}
    _judge_findings(saving, since)
    return Done(revisions, left, frozenset(first) - set(left))


def _judge_days(
    saving: Saving, first: Mapping[str, dt.date], frozen: dt.date | None
) -> tuple[int, dict[str, dt.date]]:
    """Judge frozen days of each outlet from its first one on, `DAYS` at most; and what is left."""
    if frozen is None or not first:
        return 0, {}
    done = 0
    begin = min(first.values())
    end = min(begin + dt.timedelta(days=DAYS - 1), frozen)
    day = begin
    while day <= end:
        outlets = [outlet_id for outlet_id, own in first.items() if own <= day]
        done += save_days(saving, day, outlets)
        day += dt.timedelta(days=1)
    if end >= frozen:
        return done, {}
    return done, {outlet_id: max(own, day) for outlet_id, own in first.items() if own <= frozen}


def _judge_findings(saving: Saving, since: Mapping[str, int]) -> None:
    if since:
        windows, known = saving.partition.windows, saving.detector.known
        task = Task(since, stored=saving.stored)
        if changed := judge_outlets(saving.session, windows, known, task):
            log.info("findings_changed", partition=saving.partition.number, changed=changed)


def _note_frozen(session: Session, partition: Partition, frozen: dt.date | None) -> None:
    """Note which outlets have unjudged days up to a newly frozen one."""
    if frozen is None or partition.frozen_until == frozen:
        return
    outlets = partition.windows.index.outlets()
    last = judgement_store.last_days(session, outlets)
    partition.unjudged = {}
    for outlet_id in outlets:
        known = last.get(outlet_id)
        next_day = known + dt.timedelta(days=1) if known else _first_day(partition, outlet_id, 0)
        if next_day <= frozen:
            partition.unjudged[outlet_id] = next_day
        if next_day < frozen or partition.frozen_until is None:
            partition.behind.add(outlet_id)
    partition.frozen_until = frozen


def _first_day(partition: Partition, outlet_id: str, since: int) -> dt.date:
    """The first day to judge: that of the hour, or the first of which the rings have something."""
    ring = partition.windows.rings[HOUR]
    rows = partition.windows.index.rows_of(outlet_id)
    newest = max((int(ring.newest[row]) for row in rows), default=0)
    first = max(since, newest - REACH_DAYS * 24, min(map(ring.oldest, rows), default=0))
    return day_of(first)
