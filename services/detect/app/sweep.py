"""夜间筛查: screens finished days of all outlets by all tests; the clock decides only when to look.

An outlet is due when a Beijing day of it has ended that was not screened, or was frozen since. A
sweep looks at all due outlets of a partition, slice after slice, so that live batches get their
turn; then it is decided what is raised and what waits, over all of them, and kept. A killed process
loses a sweep half done: its outlets are still due.
"""

import datetime as dt
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from prometheus_client import Counter, Histogram
from sqlalchemy.orm import Session

from services.chassis.clock import beijing
from services.chassis.errors import Unavailable
from services.chassis.log import get_logger
from services.chassis.pb.detect.v1 import screening_pb2 as pb
from services.detect import judgement_store, screening_store, store
from services.detect.app.detector import Detector, Partition
from services.detect.app.look_for_silence import ORPHANED_AFTER, drained
from services.detect.app.meet_copies import meet_copies, take_prints
from services.detect.app.save_screened import Seen, save_screened
from services.detect.app.screen_outlets import keep, screen_outlets
from services.detect.app.screen_panel import Span, Tempo
from services.detect.app.sweep_plan import AGAIN_H, FIRST_H, Sweep, plan
from services.detect.domain.grid import day_start
from services.detect.judgement.periods import first_hour
from services.detect.screening.budget import Candidate, held_back
from services.detect.screening_store import RAISED, SignKey, StateRow

log = get_logger(__name__)

#: Seconds after which a look ends and the next one goes on.
PATIENCE_S = 10.0
#: Seconds between two looks of the fast tests at the running day.
FAST_EVERY_S = 300.0
#: Outlets saved in one transaction.
SAVED_TOGETHER = 64
#: An outlet whose newest hour is older than this is filling up history, until it has been quiet.
_HISTORY_H = 48
_HISTORY_PATIENCE = 10
_LN10 = math.log(10.0)

SCREENED = Counter("farsight_detect_screened_total", "Outlets screened", ["partition"])
CHANGED = Counter(
    "farsight_detect_screen_changed_total", "Findings and clues that a sweep changed", ["partition"]
)
SWEEP_FAILED = Counter(
    "farsight_detect_sweep_failed_total", "Looks that ended in an error", ["partition"]
)
SLICE_S = Histogram("farsight_detect_screen_slice_seconds", "Time of one slice of a sweep")


def sweep(detector: Detector, now: datetime, quiet_s: float, screen_hour: int) -> int:
    """Go on with the sweeps of all partitions that are ours; gives the outlets that were done."""
    if beijing(now).hour < screen_hour:
        return 0
    with detector.database.transaction() as session:
        mine = store.partitions_to_watch(session, detector.owner, ORPHANED_AFTER)
    detector.prints = {n: prints for n, prints in detector.prints.items() if n in set(mine)}
    return sum(_look(detector, number, now, quiet_s) for number in mine)


def _look(detector: Detector, number: int, now: datetime, quiet_s: float) -> int:
    """Go on with one partition; a fault of its data must not keep the others from their night."""
    try:
        partition = detector.partition(number)
        if partition.sweep is None and drained(partition, now, quiet_s):
            partition.sweep = _planned(detector, partition, now, quiet_s)
        if partition.sweep is not None:
            return _go_on(detector, partition, partition.sweep, now)
    except Unavailable:
        raise  # a server is away: the next look tries again
    except Exception:
        log.exception("sweep_failed", partition=number)
        SWEEP_FAILED.labels(str(number)).inc()
    return 0


def _planned(
    detector: Detector, partition: Partition, now: datetime, quiet_s: float
) -> Sweep | None:
    """What is due now; None where nothing is."""
    with partition.lock, detector.database.transaction() as session:
        detector.known.refresh(session)
        known = partition.windows.index.outlets()
        outlets = [one for one in known if _settled(partition, one, now, quiet_s)]
        screened = screening_store.states(session, outlets)
        due = _due(session, partition, outlets, screened, now)
        if not due and time.monotonic() - partition.looked_at >= FAST_EVERY_S:
            due = _running(partition, outlets, screened)
            partition.looked_at = time.monotonic()
    return plan(due, detector.known.directory, len(outlets)) if due else None


def _settled(partition: Partition, outlet_id: str, now: datetime, quiet_s: float) -> bool:
    """Whether an outlet is not filling up hours that are long past just now."""
    behind = int(now.timestamp()) // 3600 - partition.windows.watermark(outlet_id)
    arrived = partition.arrived.get(outlet_id, partition.taken_at)
    return behind <= _HISTORY_H or time.monotonic() - arrived >= quiet_s * _HISTORY_PATIENCE


def _due(
    session: Session,
    partition: Partition,
    outlets: Iterable[str],
    states: Mapping[str, StateRow],
    now: datetime,
) -> dict[str, Span]:
    """Outlets with a finished day that was not screened, or frozen since, with their spans."""
    frozen = judgement_store.frozen_until(session)
    today = day_start(int(now.timestamp()) // 3600)
    due = {}
    for outlet_id in outlets:
        mark = partition.windows.watermark(outlet_id)
        end = min(day_start(mark + 1), today) if mark else 0
        state = states.get(outlet_id)
        if state is None and end:
            due[outlet_id] = Span((), end, end - FIRST_H)
        elif state is not None and (end > state.screened_until or _froze(state, frozen, end)):
            due[outlet_id] = Span((), end, min(end, state.screened_until) - AGAIN_H)
    return due


def _running(
    partition: Partition, outlets: Iterable[str], states: Mapping[str, StateRow]
) -> dict[str, Span]:
    """Outlets of which hours of a running day came since the fast tests last looked.

    They judge what ends after the last night; the next night judges it again with all tests.
    """
    running = {}
    for outlet_id in outlets:
        state, end = states.get(outlet_id), partition.windows.watermark(outlet_id) + 1
        if state is not None and end > max(
            state.screened_until, partition.screened.get(outlet_id, 0)
        ):
            running[outlet_id] = Span((), end, state.screened_until, Tempo.FAST)
            partition.screened[outlet_id] = end
    return running


def _froze(state: StateRow, frozen: dt.date | None, end: int) -> bool:
    """Whether a day before `end` was frozen after the outlet was screened."""
    if frozen is None or frozen == state.frozen_until:
        return False
    before = state.frozen_until
    return before is None or first_hour(before) + 24 < end


def _go_on(detector: Detector, partition: Partition, sweeping: Sweep, now: datetime) -> int:
    """Slice after slice until the time of this look is over; then, at the end, keep it all."""
    until = time.monotonic() + PATIENCE_S
    while sweeping.spans and time.monotonic() < until:
        # Taken off first: a slice that ends in an error is due again, and holds up no other.
        span = sweeping.spans.popleft()
        with SLICE_S.time(), partition.lock, detector.database.transaction() as session:
            detector.known.refresh(session)
            windows = partition.windows
            found = screen_outlets(session, windows, detector.known, span, now)
        if span.tempo is not Tempo.COPIES:  # its outlets were looked at by all tests, too
            sweeping.looked.append(span)
        if span.tempo is Tempo.NIGHT and found.panel is not None:
            sweeping.prints.append(take_prints(detector, found.panel))
        for key, sign in found.signs.items():
            keep(sweeping.signs, key, sign)
        sweeping.evaluated += found.evaluated
    if sweeping.spans:
        return 0
    partition.sweep = None
    if sweeping.prints:
        whole = max(sweeping.looked, key=lambda span: span.end)
        met = meet_copies(detector, partition, sweeping.prints, whole, now)
        for key, sign in met.items():
            keep(sweeping.signs, key, sign)
    done = sum(len(span.outlets) for span in sweeping.looked)
    changed = _keep(detector, partition, sweeping, now)
    SCREENED.labels(str(partition.number)).inc(done)
    CHANGED.labels(str(partition.number)).inc(changed)
    log.info(
        "screened", partition=partition.number, outlets=done,
        signs=len(sweeping.signs), changed=changed,
    )  # fmt: skip
    return done


def _keep(detector: Detector, partition: Partition, sweeping: Sweep, now: datetime) -> int:
    """Decide over all outlets of the sweep what is raised, and keep it group by group."""
    with detector.database.transaction() as session:
        held = _held(session, detector, sweeping)
    signs: dict[str, dict[SignKey, pb.ScreenSign]] = {}
    for key, sign in sweeping.signs.items():
        signs.setdefault(key.outlet_id, {})[key] = sign
    changed = 0
    for span in sweeping.looked:
        for first in range(0, len(span.outlets), SAVED_TOGETHER):
            outlets = span.outlets[first : first + SAVED_TOGETHER]
            mine = {k: s for o in outlets for k, s in signs.get(o, {}).items()}
            cold = [one for one in sweeping.evaluated if one.outlet_id in set(outlets)]
            seen = Seen(replace(span, outlets=outlets), mine, held, cold)
            with partition.lock, detector.database.transaction() as session:
                store.lock_partition(session, partition.number)
                changed += save_screened(session, partition.windows, detector.known, seen, now)
    return changed


def _held(session: Session, detector: Detector, sweeping: Sweep) -> dict[str, str]:
    """暂缓 outlets: of those that have nothing raised yet, whom e-BH or the budget holds back."""
    strongest: dict[str, float] = {}
    for key, sign in sweeping.signs.items():
        if not sign.state:  # neither suppressed nor decided
            strongest[key.outlet_id] = max(sign.log10_e, strongest.get(key.outlet_id, 0.0))
    since = min((span.since for span in sweeping.looked), default=0)
    before = screening_store.signs_since(session, strongest, since * 3600)
    raised = {row.outlet_id for row in before if row.state == RAISED}
    candidates = [
        Candidate(outlet_id, _division(detector, outlet_id), evidence * _LN10)
        for outlet_id, evidence in strongest.items()
        if outlet_id not in raised
    ]
    dial = detector.known.timeline.newest.dial
    return held_back(candidates, sweeping.outlets, dial)


def _division(detector: Detector, outlet_id: str) -> str:
    outlet = detector.known.directory.outlet(outlet_id)
    return outlet.division if outlet else ""
