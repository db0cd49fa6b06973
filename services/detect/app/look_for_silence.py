"""Looks for outlets that stopped sending; the clock decides when to look, never what is said."""

import time
from datetime import datetime, timedelta

from services.detect import store
from services.detect.app.detector import Detector, Partition
from services.detect.app.judge_outlets import Task, judge_outlets
from services.detect.domain.judge import SILENCE
from services.detect.domain.judge_silence import level_passed

#: A process that did not look for this long has lost its partitions to whoever looks next.
ORPHANED_AFTER = timedelta(minutes=5)
#: Gate time behind the present up to which a queue counts as drained.
_DRAINED_S = 20.0
#: An outlet whose newest hour is older than this is filling up history; a pause in it means nothing
#: until it has lasted ten times as long.
_HISTORY_H = 48
_HISTORY_PATIENCE = 10


def look_for_silence(detector: Detector, now: datetime, quiet_s: float) -> int:
    """Judge the silence of every partition that is ours and drained; gives the changes.

    While a backlog is worked off, an outlet's newest value is old only because we are late.
    """
    with detector.database.transaction() as session:
        mine = store.partitions_to_watch(session, detector.owner, ORPHANED_AFTER)
    return sum(_look(detector, detector.partition(number), now, quiet_s) for number in mine)


def _look(detector: Detector, partition: Partition, now: datetime, quiet_s: float) -> int:
    with partition.lock:
        if not drained(partition, now, quiet_s):
            return 0
        hour = int(now.timestamp()) // 3600
        windows = partition.windows
        silent = _silent(detector, partition, hour, quiet_s)
        if not silent:
            return 0
        with detector.database.transaction() as session:
            detector.known.refresh(session)
            store.lock_partition(session, partition.number)
            task = Task(silent, looked_at=dict.fromkeys(silent, hour))
            changed = judge_outlets(session, windows, detector.known, task)
        rule = detector.known.book.versions(SILENCE)[-1]
        for outlet_id, mark in silent.items():
            partition.looked[outlet_id] = level_passed(hour - mark - 1, rule)
        return changed


def _silent(detector: Detector, partition: Partition, hour: int, quiet_s: float) -> dict[str, int]:
    """Outlets that passed a level of silence since the last look, with their newest hour.

    Who is sending is not silent: an outlet of which anything arrived just now is filling up hours
    that are past, however old its newest hour is.
    """
    rule = detector.known.book.versions(SILENCE)[-1]
    found = {}
    for outlet_id in partition.windows.index.outlets():
        mark = partition.windows.watermark(outlet_id)
        patience = quiet_s * (_HISTORY_PATIENCE if hour - mark > _HISTORY_H else 1)
        if time.monotonic() - partition.arrived.get(outlet_id, partition.taken_at) < patience:
            continue
        passed = level_passed(hour - mark - 1, rule) if mark else 0
        if passed != partition.looked.get(outlet_id, 0):
            partition.looked[outlet_id] = 0
            if passed:
                found[outlet_id] = mark
    return found


def drained(partition: Partition, now: datetime, quiet_s: float) -> bool:
    """待办已清: whether everything that arrived has been worked off, as far as one can tell."""
    waited = time.monotonic() - partition.last_batch_at >= quiet_s
    return waited or now.timestamp() - partition.received_at_s < _DRAINED_S
