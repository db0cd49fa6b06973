"""Domain values to protobuf and back; the only place of detect that builds messages."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp
from numpy.typing import NDArray

from services.chassis.clock import from_unix, to_timestamp
from services.chassis.errors import InputRejected
from services.chassis.pb.detect.v1 import detect_pb2 as pb
from services.chassis.pb.ingest.v1 import ingest_pb2
from services.chassis.pb.registry.v1 import registry_pb2
from services.detect.domain.block import Limit
from services.detect.domain.clue import Clue
from services.detect.domain.describe import Description
from services.detect.domain.grid import DAY, HOUR, MINUTE, REALTIME, Grid
from services.detect.domain.picture import Picture
from services.detect.domain.reconcile import Kept
from services.detect.domain.rule import day_hour
from services.detect.domain.series_key import SeriesKey
from services.detect.windows.partition_windows import Columns

_GRID = {
    ingest_pb2.READING_KIND_REALTIME: REALTIME,
    ingest_pb2.READING_KIND_MINUTE: MINUTE,
    ingest_pb2.READING_KIND_HOUR: HOUR,
    ingest_pb2.READING_KIND_DAY: DAY,
}
#: 炉膛温度: its five-minute means are judged from the store by the day; ten-minute rings keep one.
FURNACE_FACTOR = "a01901"
_JUDGED = (ingest_pb2.VALUE_STATE_UNSPECIFIED, ingest_pb2.VALUE_STATE_RECEIVED)
_END_OF_TIME = 2**40


@dataclass(frozen=True)
class Received:
    """A batch as detect needs it."""

    columns: Columns
    correlation: dict[str, str]
    """Correlation id of the newest frame of each outlet."""
    received_at_s: float
    """The gate's clock at the newest frame, 0 where the batch has none."""
    newest_s: dict[str, float]
    """The same of each outlet."""


def received_of(batch: ingest_pb2.ReadingBatch) -> Received:
    """Read a batch's columns. Raises InputRejected where they do not fit together.

    Rows of refused frames and of series without outlet or kind are left out: they are no readings.
    So are corrected and exempted values: what was received is judged, they stand beside it.
    """
    index = np.frombuffer(batch.series_index, dtype="<u4").astype(np.int64)
    frame = np.frombuffer(batch.frame_index, dtype="<u4").astype(np.int64)
    time_s = np.frombuffer(batch.time_s, dtype="<i8").astype(np.int64)
    value = np.frombuffer(batch.value, dtype="<f8")
    converted = np.frombuffer(batch.converted, dtype="<f8")
    flag = np.frombuffer(batch.flag, dtype=np.uint8)
    if len({a.size for a in (index, frame, time_s, value, converted, flag)}) != 1:
        raise InputRejected("columns of different length", batch_id=batch.batch_id)
    if index.size and (index.max() >= len(batch.series) or frame.max() >= len(batch.frames)):
        raise InputRejected("an index beyond its dictionary", batch_id=batch.batch_id)
    usable = [s.kind in _GRID and bool(s.outlet_id) for s in batch.series]
    good = [
        f.outcome != ingest_pb2.OUTCOME_REFUSED and f.value_state in _JUDGED for f in batch.frames
    ]
    kept = np.array(usable, dtype=bool)[index] & np.array(good, dtype=bool)[frame] & (time_s > 0)
    series = [(_GRID.get(s.kind, HOUR), SeriesKey(s.outlet_id, s.factor)) for s in batch.series]
    furnace = [grid is MINUTE and key.factor == FURNACE_FACTOR for grid, key in series]
    kept &= ~(np.array(furnace, dtype=bool)[index] & _between_slots(time_s))
    named, at = np.unique(index[kept], return_inverse=True)
    columns = Columns(
        [series[n] for n in named],
        at.astype(np.int64),
        time_s[kept],
        value[kept],
        converted[kept],
        flag[kept],
    )
    newest: dict[str, float] = {}
    for one in batch.frames:
        newest[one.outlet_id] = max(one.received_at_us / 1e6, newest.get(one.outlet_id, 0.0))
    correlation = {f.outlet_id: f.correlation_id for f in batch.frames if f.correlation_id}
    return Received(columns, correlation, max(newest.values(), default=0.0), newest)


def _between_slots(time_s: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Times inside a ten-minute slot: two five-minute means would fight for one cell."""
    between: NDArray[np.bool_] = time_s % MINUTE.step_s != 0
    return between


def columns_of_history(response: ingest_pb2.GetReadingsResponse) -> Columns:
    """The first-received values of an outlet's stored history."""
    grid = _GRID[response.kind]
    series: list[tuple[Grid, SeriesKey]] = []
    parts: list[list[NDArray[Any]]] = [[] for _ in range(5)]
    for number, one in enumerate(response.factors):
        first = np.array(one.version, dtype=np.int64) == 0
        if not len(one.version):
            first = np.ones(len(one.time_s), dtype=bool)
        if grid is MINUTE and one.factor == FURNACE_FACTOR:
            first &= ~_between_slots(np.array(one.time_s, dtype=np.int64))
        letters = [0 if letter == "-" else ord(letter) for letter in one.flags]
        columns: tuple[NDArray[Any], ...] = (
            np.full(len(one.time_s), number),
            np.array(one.time_s, dtype=np.int64),
            np.array(one.value),
            np.array(one.converted),
            np.array(letters, dtype=np.uint8),
        )
        for into, column in zip(parts, columns, strict=True):
            into.append(column[first])
        series.append((grid, SeriesKey(response.outlet_id, one.factor)))
    empty = np.zeros(0)
    index, time_s, value, converted, flag = (np.concatenate([empty, *p]) for p in parts)
    return Columns(
        series,
        index.astype(np.int64),
        time_s.astype(np.int64),
        value,
        converted,
        flag.astype(np.uint8),
    )


def limit_of(record: registry_pb2.Limit) -> Limit:
    """排放限值 with hours instead of dates. Raises ValueError for a date that is none."""
    lower, upper = record.lower, record.upper
    return Limit(
        limit_id=record.limit_id,
        averaging=record.averaging,
        # proto3 has no absence for doubles: a range says so with a lower bound above zero.
        lower=lower if lower > 0 else math.nan,
        upper=upper,
        unit=record.unit,
        ref_o2=record.ref_o2_percent,
        source=record.source,
        since=day_hour(record.valid_from) if record.valid_from else 0,
        until=day_hour(record.valid_to) if record.valid_to else _END_OF_TIME,
        decimals=record.decimals,
        basis=record.basis or "permit",
    )


def state_of(is_open: bool) -> pb.FindingState.ValueType:
    """The wire's word for open and closed."""
    return pb.FINDING_STATE_OPEN if is_open else pb.FINDING_STATE_CLOSED


def finding_message(
    finding: Kept, text: Description, limit: Limit | None, division: str, correlation_id: str
) -> pb.Finding:
    """A finding without its picture."""
    rule = text.rule
    message = pb.Finding(
        finding_id=finding.finding_id,
        revision=finding.revision,
        outlet_id=finding.key.outlet_id,
        rule_id=rule.id,
        rule_version=rule.version,
        factors=[finding.key.factor] if finding.key.factor else [],
        start=_at(finding.begin),
        end=_at(finding.end),
        state=state_of(finding.open),
        statistic_name=rule.statistic,
        statistic=text.statistic,
        threshold=text.threshold,
        unit=text.unit,
        seen=text.seen,
        silenced_by=text.silenced_by,
        legal_basis=pb.LegalBasis(**rule.legal_basis.__dict__),
        limit_id=limit.limit_id if limit else "",
        limit_value=_limit_value(text, limit),
        count=text.count,
        count_today=text.count_today,
        count_7_days=text.count_7_days,
        peak_multiple=text.peak_multiple,
        confidential=finding.confidential,
        family=rule.family,
        correlation_id=correlation_id,
        hours_s=[int(slot) * 3600 for slot in finding.hits["slot"]],
        division=division,
    )
    message.facts.update(text.facts)
    return message


def _limit_value(text: Description, limit: Limit | None) -> float:
    """The side of the limit that was passed, its upper side where none was, NaN without one."""
    if limit is None:
        return math.nan
    return text.threshold if text.threshold in (limit.upper, limit.lower) else limit.upper


def confidential_message(standing: bytes, finding: Kept) -> pb.Finding:
    """A finding that became part of a clue, otherwise as it stands."""
    message = pb.Finding.FromString(standing)
    message.revision, message.confidential = finding.revision, finding.confidential
    return message


def withdrawn_message(standing: bytes, finding: Kept, seen: str) -> pb.Finding:
    """A finding whose hits fell away, with the span it had."""
    message = pb.Finding.FromString(standing)
    message.revision = finding.revision
    message.state = pb.FINDING_STATE_CLOSED
    message.seen, message.silenced_by = seen, ""
    message.count = message.count_today = message.count_7_days = 0
    message.facts.update({"withdrawn": True, "reason": finding.reason})
    del message.hours_s[:]
    return message


def picture_message(picture: Picture) -> pb.Picture:
    """What the picture of a finding shows."""
    return pb.Picture(
        time_s=[int(slot) * 3600 for slot in picture.slot],
        value=picture.value.tolist(),
        flags=picture.flags,
        band_low=picture.band_low.tolist(),
        band_high=picture.band_high.tolist(),
        limit=picture.limit,
        unit=picture.unit,
        tested_start_s=picture.tested_begin * 3600,
        tested_end_s=picture.tested_end * 3600,
        marked_start_s=[one.start_s for one in picture.marked],
        marked_end_s=[one.end_s for one in picture.marked],
        marked_text=[one.text for one in picture.marked],
    )


def clue_message(
    clue: Clue, reason: str, findings: list[pb.Finding], correlation_id: str
) -> pb.Clue:
    """A clue with its findings as they stand."""
    return pb.Clue(
        clue_id=clue.clue_id,
        revision=clue.revision,
        outlet_id=clue.outlet_id,
        pattern=clue.pattern,
        finding_ids=clue.finding_ids,
        factors=clue.factors,
        start=_at(clue.begin),
        end=_at(clue.end),
        reason=reason,
        state=state_of(clue.open),
        correlation_id=correlation_id,
        findings=findings,
    )


def _at(hour: int) -> Timestamp:
    return to_timestamp(from_unix(hour * 3600))
