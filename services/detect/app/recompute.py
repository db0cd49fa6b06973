"""复算: computes a day judgement again, from what was known then or from all that is known now.

Readings come from ingest with their moments of arrival, into rings of their own in memory; from
there on it is the very code that judged: `judge_day`.
"""

import datetime as dt
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.clock import from_timestamp, from_unix
from services.chassis.errors import NotFound
from services.chassis.pb.detect.v1 import judgement_pb2 as pb
from services.chassis.pb.ingest.v1 import ingest_pb2
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.replica import record_of
from services.chassis.tables import ReplicaRow
from services.detect import judgement_store, judgement_wire, mark_wire, wire
from services.detect.app.day_amounts import AMOUNT_DAYS
from services.detect.app.directory import Directory
from services.detect.app.judge_days import DayTask, judge_day
from services.detect.app.knowledge import (
    Bodies,
    Gathered,
    known_checks,
    known_from,
    particulate_of,
    revisions,
    year_start,
)
from services.detect.app.stored_readings import History, StoredReadings
from services.detect.check_store import named_checks
from services.detect.domain.block import Limit
from services.detect.domain.known import Known
from services.detect.domain.series_key import SeriesKey
from services.detect.judgement.periods import first_hour
from services.detect.packs import store as pack_store
from services.detect.packs.load import shipped_pack
from services.detect.packs.pack import Pack
from services.detect.packs.timeline import BEGINNING, Timeline
from services.detect.windows.partition_windows import PartitionWindows

#: Gives the registry's limits of an enterprise.
LimitsOf = Callable[[str], Iterable[registry_pb2.Record]]


@dataclass(frozen=True)
class Source:
    """What a recomputation asks of other services, as the caller may see it."""

    history: History
    limits_of: LimitsOf


def recompute_then(session: Session, stored: pb.DayJudgement, source: Source) -> pb.DayJudgement:
    """复算 from what that revision knew: marks, limits, pack, facts, and readings until `known_at`.

    Raises NotFound where the pack is not kept here or ingest has no readings, Unavailable where it
    does not answer.
    """
    day = dt.date.fromisoformat(stored.day)
    # Arrivals are told in whole seconds, rounded; what came in the same second had come.
    until = math.ceil(from_timestamp(stored.known_at).timestamp())
    history = _known_until(source.history, until)
    knew_minutes = any(not math.isnan(v) for one in stored.factors for v in one.recomputed)
    windows = _windows(history, stored.outlet_id, day, minutes=knew_minutes)
    timeline = Timeline([(BEGINNING, _pack(session, stored))])
    names = set(stored.known_marks)
    bodies = {
        name: body
        for name, body in _bodies(session, stored.outlet_id, day).items()
        if "/".join(map(str, name)) in names
    }
    limits = {
        SeriesKey(stored.outlet_id, one.factor): tuple(map(judgement_wire.limit_of, one.limits))
        for one in stored.factors
    }
    facts = judgement_wire.facts_of(stored.outlet_id, stored.facts)
    known = Known(
        timeline=timeline,
        facts={stored.outlet_id: facts},
        marks={stored.outlet_id: revisions(bodies)},
        frozen_until=day if stored.frozen else None,
        checks={stored.outlet_id: named_checks(session, stored.outlet_id, stored.known_checks)},
    )
    made = _judge(windows, Gathered(known, {stored.outlet_id: bodies}), limits.get, history, day)
    made.revision, made.reason = stored.revision, stored.reason
    made.known_at.CopyFrom(stored.known_at)
    made.judged_at.CopyFrom(stored.judged_at)
    return made


def recompute_now(
    session: Session, outlet_id: str, day: dt.date, source: Source
) -> pb.DayJudgement:
    """复算 from all that is known now. Raises NotFound where nothing was ever received."""
    timeline = pack_store.timeline(session)
    directory = _directory(session, outlet_id, source)
    directory.use(timeline)
    bodies = _bodies(session, outlet_id, day)
    facts = directory.facts(outlet_id)
    frozen = judgement_store.frozen_until(session)
    known = Known(
        timeline=timeline,
        facts={outlet_id: facts} if facts else {},
        marks={outlet_id: revisions(bodies)},
        frozen_until=day if frozen and day <= frozen else frozen,
        checks=known_checks(session, [outlet_id], known_from(first_hour(day)), timeline),
    )
    windows = _windows(source.history, outlet_id, day, minutes=True)
    gathered = Gathered(known, {outlet_id: bodies})
    return _judge(windows, gathered, directory.limits, source.history, day)


def _judge(
    windows: PartitionWindows,
    gathered: Gathered,
    limits: Callable[[SeriesKey], tuple[Limit, ...] | None],
    history: History,
    day: dt.date,
) -> pb.DayJudgement:
    known = gathered.known
    stored = StoredReadings(history)
    since = year_start(first_hour(day))
    means = particulate_of(windows, known.marks, known.timeline, since, stored)
    task = DayTask(
        day=day,
        outlets=list(known.marks),
        gathered=replace(gathered, known=replace(known, particulate=means)),
        limits=lambda key: limits(key) or (),
        before={},
        furnace=stored.furnace,
    )
    found = judge_day(windows, task)
    if not found:
        raise NotFound("nothing that has a limit was received of this outlet")
    return found[0]


def _known_until(history: History, until_s: float) -> History:
    """A history of values that had arrived at a moment."""

    def known(
        outlet_id: str, kind: ingest_pb2.ReadingKind.ValueType, start: datetime, end: datetime
    ) -> ingest_pb2.GetReadingsResponse:
        answer = history(outlet_id, kind, start, end)
        made = ingest_pb2.GetReadingsResponse(outlet_id=outlet_id, kind=kind)
        made.factors.extend(_arrived(one, until_s) for one in answer.factors)
        return made

    return known


def _arrived(one: ingest_pb2.FactorSeries, until_s: float) -> ingest_pb2.FactorSeries:
    keep = [at for at, came in enumerate(one.received_at_s) if came <= until_s]
    versions = list(one.version) or [0] * len(one.time_s)
    return ingest_pb2.FactorSeries(
        factor=one.factor,
        time_s=[one.time_s[at] for at in keep],
        value=[one.value[at] for at in keep],
        converted=[one.converted[at] for at in keep],
        flags="".join(one.flags[at] for at in keep),
        version=[versions[at] for at in keep],
    )


def _windows(history: History, outlet_id: str, day: dt.date, *, minutes: bool) -> PartitionWindows:
    """Rings in memory with the stored values that a day rests on."""
    windows = PartitionWindows(None)
    end = first_hour(day) + 24
    spans = [(ingest_pb2.READING_KIND_HOUR, end - 24 - AMOUNT_DAYS * 24)]
    if minutes:
        spans.append((ingest_pb2.READING_KIND_MINUTE, end - 48))
    for kind, first in spans:
        answer = history(outlet_id, kind, from_unix(first * 3600), from_unix(end * 3600))
        answer.outlet_id, answer.kind = outlet_id, kind
        if answer.factors:
            windows.write(wire.columns_of_history(answer))
    return windows


def _bodies(session: Session, outlet_id: str, day: dt.date) -> Bodies:
    """All marks known now that reach into what judging the day asks for, or later."""
    since = known_from(first_hour(day))
    mine = judgement_store.marks_of(session, [outlet_id], since).get(outlet_id, [])
    return {mark_wire.name_of(body): body for body in mine}


def _pack(session: Session, stored: pb.DayJudgement) -> Pack:
    """The rule pack that judged. Raises NotFound where it is not kept here."""
    digests = {one.sha256 for one in stored.inputs if one.kind == "pack"}
    row = pack_store.pack_row(session, stored.pack_id, stored.pack_version)
    pack = pack_store.pack_of(row) if row is not None else shipped_pack()
    if pack.sha256 not in digests:
        name = f"{stored.pack_id}@{stored.pack_version}"
        raise NotFound(f"the rule pack {name} that judged is not kept here")
    return pack


def _directory(session: Session, outlet_id: str, source: Source) -> Directory:
    """What the registry says of one outlet; its limits are asked of it, the copy has no way in."""
    directory = Directory()
    outlet = record_of(session, registry_pb2.RECORD_KIND_OUTLET, outlet_id)
    if outlet is None:
        return directory
    code = outlet.outlet.credit_code
    plant = record_of(session, registry_pb2.RECORD_KIND_ENTERPRISE, code)
    mine = (one for one in source.limits_of(code) if one.limit.outlet_id == outlet_id)
    records = [outlet, *([plant] if plant is not None else []), *mine]
    directory.take(
        ReplicaRow(
            kind=one.kind,
            key=one.key,
            revision=one.revision,
            deleted=one.deleted,
            body=one.SerializeToString(),
        )
        for one in records
    )
    return directory
