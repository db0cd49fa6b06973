"""Judges frozen days of a partition's outlets and appends what is new, with its sums."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.clock import from_unix, to_timestamp
from services.chassis.pb.detect.v1 import judgement_pb2 as pb
from services.detect import judgement_store, judgement_wire, mark_wire
from services.detect.app.detector import Detector, Partition
from services.detect.app.judge_days import DayTask, judge_day
from services.detect.app.knowledge import Gathered, gather
from services.detect.app.stored_readings import StoredReadings
from services.detect.judgement.periods import first_hour
from services.detect.sums_store import save_sums
from services.detect.sums_wire import sums_of

#: Outlets of one pass of the engine: bounds the memory of its rectangles.
GROUP = 64


@dataclass(frozen=True)
class Saving:
    """What saving days of one partition needs."""

    session: Session
    detector: Detector
    partition: Partition
    stored: StoredReadings
    now: datetime
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why each outlet is judged again; frozen where it is not."""


def save_days(saving: Saving, day: dt.date, outlets: Sequence[str]) -> int:
    """日研判 of one frozen day; gives the number of revisions that were new."""
    return sum(_save_group(saving, day, group) for group in _groups(outlets))


def _groups(outlets: Sequence[str]) -> Iterator[list[str]]:
    ordered = sorted(outlets)
    for at in range(0, len(ordered), GROUP):
        yield ordered[at : at + GROUP]


def _save_group(saving: Saving, day: dt.date, outlets: list[str]) -> int:
    session, windows = saving.session, saving.partition.windows
    rows = judgement_store.newest_days(session, outlets, day)
    knowledge = saving.detector.known
    gathered = gather(
        session,
        windows,
        knowledge,
        dict.fromkeys(outlets, first_hour(day)),
        frozen_until=day,
        stored=saving.stored,
    )
    late = frozenset(o for o in outlets if saving.reasons.get(o) == "backfill")
    task = DayTask(
        day=day,
        outlets=outlets,
        gathered=gathered,
        limits=knowledge.directory.limits,
        before={o: judgement_wire.day_of_row(row) for o, row in rows.items()},
        furnace=saving.stored.furnace,
        again=late,
    )
    found = judge_day(windows, task)
    for message in found:
        before = rows.get(message.outlet_id)
        message.revision = before.revision + 1 if before is not None else 1
        why = saving.reasons.get(message.outlet_id, "frozen")
        message.reason = why if before is not None else "frozen"
        message.judged_at.CopyFrom(to_timestamp(saving.now))
        known = _known_at(saving, gathered, message)
        message.known_at.CopyFrom(to_timestamp(known))
    judgement_store.save_days(session, [judgement_wire.row_of(one) for one in found])
    save_sums(session, [row for message in found for row in sums_of(message)])
    return len(found)


def _known_at(saving: Saving, gathered: Gathered, message: pb.DayJudgement) -> datetime:
    """The newest arrival among the inputs.

    Of readings it is the newest frame that this process took of the outlet; one that was started
    since then can't tell and says now: all that has arrived.
    """
    taken = saving.partition.received.get(message.outlet_id)
    readings = saving.now if taken is None else from_unix(taken)
    marks = (
        from_unix(mark_wire.newest_arrival_us(body) / 1e6)
        for body in gathered.bodies.get(message.outlet_id, {}).values()
    )
    checks = (
        from_unix(check.received_s) for check in gathered.known.checks.get(message.outlet_id, ())
    )
    return max([readings, *marks, *checks])
