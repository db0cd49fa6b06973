"""Domain values to protobuf and back."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias, cast

import numpy as np

from services.chassis.clock import from_unix, to_timestamp
from services.chassis.errors import InputRejected
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest.domain.ledger import ACCEPTED, DUPLICATE, REFUSED, FrameRecord
from services.ingest.domain.readings import (
    FIELDS,
    RECEIVED,
    AsReported,
    Deviation,
    Key,
    Reading,
    StoredValue,
    ValueSet,
)
from services.ingest.packed_wire import packed_series
from services.ingest.series_store import Columns

Kind: TypeAlias = "pb.ReadingKind.ValueType"  # a name of the stubs, not of the module
Origin: TypeAlias = "pb.Origin.ValueType"

OUTCOMES = {
    pb.OUTCOME_ACCEPTED: ACCEPTED,
    pb.OUTCOME_DUPLICATE: DUPLICATE,
    pb.OUTCOME_REFUSED: REFUSED,
}
CN_OF_KIND: dict[int, str] = {
    pb.READING_KIND_REALTIME: "2011",
    pb.READING_KIND_MINUTE: "2051",
    pb.READING_KIND_HOUR: "2061",
    pb.READING_KIND_DAY: "2031",
}
OUTCOME_OF = {word: number for number, word in OUTCOMES.items()}


def cn_of(kind: int) -> str:
    """The HJ 212 command of a kind. Raises InputRejected for an unspecified one."""
    try:
        return CN_OF_KIND[kind]
    except KeyError:
        raise InputRejected(f"reading kind {kind}") from None


def clean(text: str) -> str:
    """A received text as PostgreSQL can hold it: it has no NUL character."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def frame_from(message: pb.Frame) -> FrameRecord:
    """A frame of a batch. Raises InputRejected without an outcome."""
    if message.outcome not in OUTCOMES:
        raise InputRejected("a frame without an outcome")
    return FrameRecord(
        raw=message.raw,
        sm3=message.sm3,
        mn=clean(message.mn),
        outlet_id=message.outlet_id,
        cn=clean(message.cn),
        qn=clean(message.qn),
        data_time=from_unix(message.data_time_s) if message.data_time_s else None,
        outcome=OUTCOMES[message.outcome],
        reason=message.reason,
        received_at=from_unix(message.received_at_us / 1e6),
        peer=message.peer,
        correlation_id=message.correlation_id,
        notes=tuple(message.notes),
        version=message.version,
        repairs=tuple(message.repairs),
        origin=message.origin,
        command_id=message.command_id,
    )


def readings_from(batch: pb.ReadingBatch, frames: list[FrameRecord]) -> list[Reading]:
    """The readings of a batch by frame. Raises InputRejected when columns disagree in length."""
    series_index = np.frombuffer(batch.series_index, "<u4")
    frame_index = np.frombuffer(batch.frame_index, "<u4")
    times = np.frombuffer(batch.time_s, "<i8")
    columns = [np.frombuffer(getattr(batch, name), "<f8").tolist() for name in FIELDS]
    rows = len(series_index)
    if {len(frame_index), len(times), len(batch.flag), *map(len, columns)} != {rows}:
        raise InputRejected("columns of different length")
    if rows and (series_index.max() >= len(batch.series) or frame_index.max() >= len(frames)):
        raise InputRejected("an index outside its dictionary")
    odd: dict[int, dict[str, str]] = {}
    for text in batch.odd_values:
        odd.setdefault(text.row, {})[text.field] = clean(text.text)
    factors = [
        (one.outlet_id, clean(one.factor), one.kind, _as_reported(one)) for one in batch.series
    ]
    readings: dict[tuple[int, int, int], Reading] = {}
    rows_of = zip(series_index.tolist(), frame_index.tolist(), times.tolist(), strict=True)
    for row, (series, frame, time_s) in enumerate(rows_of):
        outlet_id, factor, kind, reported = factors[series]
        place = (frame, kind, time_s)
        reading = readings.get(place)
        if reading is None:
            record = frames[frame]
            key = Key(record.mn, kind, from_unix(time_s))
            came = batch.frames[frame]
            reading = Reading(
                key,
                outlet_id,
                {},
                record.received_at,
                frame,
                origin=came.origin,
                state=came.value_state or RECEIVED,
            )
            readings[place] = reading
        flag = chr(batch.flag[row]) if batch.flag[row] else ""
        values = [column[row] for column in columns]
        reading.values.setdefault(factor, ValueSet.of(values, flag, odd.get(row, {}), reported))
    return list(readings.values())


def _as_reported(series: pb.Series) -> AsReported | None:
    """Code and unit as received, None where they are the factor's own."""
    code, unit = clean(series.reported_code), clean(series.reported_unit)
    return AsReported(code, series.reported_scale or 1.0, unit) if code or unit else None


def conflict_message(reading: Reading, deviation: Deviation, version: int) -> pb.ReadingConflict:
    """`ReadingConflict` for one factor."""
    return pb.ReadingConflict(
        outlet_id=reading.outlet_id,
        mn=reading.key.mn,
        kind=cast("Kind", reading.key.kind),
        data_time=to_timestamp(reading.key.data_time),
        factor=deviation.factor,
        first_value=deviation.first.value,
        later_value=deviation.later.value,
        later_received_at=to_timestamp(reading.received_at),
        version=version,
        first_flag=deviation.first.flag,
        later_flag=deviation.later.flag,
    )


def series_message(
    outlet_id: str, kind: int, values: Iterable[StoredValue]
) -> pb.GetReadingsResponse:
    """Stored values in order of time, to columns by factor."""
    response = pb.GetReadingsResponse(outlet_id=outlet_id, kind=cast("Kind", kind))
    columns: dict[str, pb.FactorSeries] = {}
    flags: dict[str, list[str]] = {}
    for one in values:
        series = columns.get(one.factor)
        if series is None:
            series = columns[one.factor] = response.factors.add(factor=one.factor)
            flags[one.factor] = []
        _append(series, one)
        flags[one.factor].append(one.values.flag or "-")
    for factor, series in columns.items():
        series.flags = "".join(flags[factor])
    return response


def _append(series: pb.FactorSeries, one: StoredValue) -> None:
    """Put one time's values at the end of a factor's columns."""
    series.time_s.append(one.time_s)
    for name in FIELDS:
        getattr(series, name).append(getattr(one.values, name))
    series.version.append(one.version)
    series.origin.append(cast("pb.Origin.ValueType", one.origin))
    series.received_at_s.append(one.received_at_s)
    series.state.append(cast("pb.ValueState.ValueType", one.state))
    if one.version == 0:
        code, scale, unit = one.values.reported or ("", 0.0, "")
        series.reported_code, series.reported_scale, series.reported_unit = code, scale, unit


def columns_message(
    outlet_id: str, kind: int, found: Columns, wanted: frozenset[str]
) -> pb.GetReadingsResponse:
    """First-received values that came as columns; `wanted` empty = all factors."""
    response = pb.GetReadingsResponse(outlet_id=outlet_id, kind=cast("Kind", kind))
    known: dict[int, bytes] = {}
    pieces = {
        factor: found.in_order(factor) for factor in found.pieces if not wanted or factor in wanted
    }
    for factor, piece in pieces.items():  # all are alive: `known` goes by identity
        series = response.factors.add()
        series.MergeFromString(packed_series(piece, known))
        code, scale, unit = piece.reported or ("", 0.0, "")
        series.factor = factor
        series.flags = piece.flags.tobytes().decode("latin-1")
        series.reported_code, series.reported_scale, series.reported_unit = code, scale, unit
    return response


def frame_message(record: FrameRecord) -> pb.Frame:
    """A frame back to the contract, as stored."""
    return pb.Frame(
        mn=record.mn,
        outlet_id=record.outlet_id,
        cn=record.cn,
        qn=record.qn,
        data_time_s=int(record.data_time.timestamp()) if record.data_time else 0,
        outcome=OUTCOME_OF[record.outcome],
        reason=record.reason,
        raw=record.raw,
        sm3=record.sm3,
        received_at_us=round(record.received_at.timestamp() * 1e6),
        peer=record.peer,
        correlation_id=record.correlation_id,
        notes=record.notes,
        raw_size=len(record.raw),
        version=record.version,
        repairs=record.repairs,
        origin=cast("Origin", record.origin),
        command_id=record.command_id,
    )


def balance_message(owner: str, hour: datetime | None, counts: dict[str, int]) -> pb.BalanceRow:
    """Counts by word as a row of the balance."""
    row = pb.BalanceRow(
        outlet_id=owner,
        received=counts.get("received", 0),
        accepted=counts.get(ACCEPTED, 0),
        duplicate=counts.get(DUPLICATE, 0),
    )
    if hour is not None:
        row.hour.CopyFrom(to_timestamp(hour))
    for word, count in counts.items():
        kind, _, reason = word.partition(":")
        if kind == REFUSED:
            row.refused[reason] += count
    return row


def balance_answer(
    rows: dict[tuple[str, datetime], dict[str, int]], total: dict[str, int], next_page: str
) -> pb.GetBalanceResponse:
    """Rows by owner and hour of one page, and the sum over all."""
    return pb.GetBalanceResponse(
        next_page_token=next_page,
        total=balance_message("", None, total),
        rows=[balance_message(owner, hour, counts) for (owner, hour), counts in rows.items()],
    )
