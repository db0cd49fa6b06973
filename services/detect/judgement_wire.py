"""日研判 to and from protobuf: the message of one outlet's day, and the row that keeps it."""

import datetime as dt
import math
from collections.abc import Iterable, Sequence

import numpy as np
import zstandard

from services.chassis.clock import from_timestamp
from services.chassis.pb.detect.v1 import judgement_pb2 as pb
from services.detect.domain.block import Limit
from services.detect.domain.day_inputs import DaySpan
from services.detect.domain.digest import Input, inputs_digest
from services.detect.domain.judged import Judged
from services.detect.judgement.furnace import FurnaceDay, FurnaceMeans
from services.detect.judgement.parameters import OutletFacts
from services.detect.judgement.pools import PoolUse
from services.detect.judgement_tables import DayRow

_PACKER = zstandard.ZstdCompressor(level=3)
_LIMIT = 16 * 1024 * 1024


def body_of(message: pb.DayJudgement) -> bytes:
    """A message as it is kept."""
    return _PACKER.compress(message.SerializeToString(deterministic=True))


def day_of_row(row: DayRow) -> pb.DayJudgement:
    """A kept revision."""
    plain = zstandard.ZstdDecompressor().decompress(row.body, max_output_size=_LIMIT)
    return pb.DayJudgement.FromString(plain)


def row_of(message: pb.DayJudgement) -> dict[str, object]:
    """Columns of a revision to keep."""
    return {
        "outlet_id": message.outlet_id,
        "day": dt.date.fromisoformat(message.day),
        "revision": message.revision,
        "pack": f"{message.pack_id}@{message.pack_version}",
        "inputs_sha256": message.inputs_sha256,
        "known_at": from_timestamp(message.known_at),
        "judged_at": from_timestamp(message.judged_at),
        "frozen": message.frozen,
        "reason": message.reason,
        "division": message.facts.division,
        "credit_code": message.facts.credit_code,
        "body": body_of(message),
    }


def content_of(message: pb.DayJudgement) -> bytes:
    """What a judgement says, without when and as which revision it was computed."""
    plain = pb.DayJudgement()
    plain.CopyFrom(message)
    for name in ("revision", "judged_at", "known_at", "reason"):
        plain.ClearField(name)
    return plain.SerializeToString(deterministic=True)


def day_message(
    judged: Judged, outlet_id: str, span: DaySpan, inputs: Sequence[Input], day: dt.date
) -> pb.DayJudgement:
    """Head, facts and inputs of a day; factors, marks, pools and furnace are added to it."""
    pack = judged.part_at(span.first).pack
    ordered = sorted(set(inputs))
    return pb.DayJudgement(
        outlet_id=outlet_id,
        day=day.isoformat(),
        pack_id=pack.id,
        pack_version=pack.version,
        inputs=[pb.InputDigest(kind=i.kind, id=i.id, sha256=i.sha256) for i in ordered],
        inputs_sha256=inputs_digest(ordered),
        facts=facts_message(judged.facts(outlet_id)),
    )


def factor_message(judged: Judged, at: int, span: DaySpan) -> pb.FactorDay:
    """One factor's day, of one row of `judged`."""
    hours, result, days = judged.hours, judged.result, judged.days
    column, day = span.columns, span.column // 24
    part = judged.part_at(span.first)
    over = bool(days.over[at, day])
    multiple = float(days.multiple[at, day]) if over else math.nan
    rule = part.rules.rules[int(part.rules.which[at])]
    return pb.FactorDay(
        factor=hours.factors[at],
        state=result.state[at, column].tobytes(),
        notes=result.notes[at, column].astype(np.uint8).tobytes(),
        received=result.received[at, column].tolist(),
        judged=result.judged[at, column].tolist(),
        check=result.check[at, column].tolist(),
        exempted=result.exempted[at, column].tolist(),
        over=result.over[at, column].astype(np.uint8).tobytes(),
        mean=float(days.mean[at, day]),
        valid_hours=int(days.valid_hours[at, day]),
        running_hours=int(days.running_hours[at, day]),
        enough=bool(days.enough[at, day]),
        day_over=over,
        multiple=multiple,
        multiple_full=multiple + 1.0,
        limits=[
            _limit(one, span)
            for one in judged.block.limits.get(judged.block.keys[int(judged.rows[at])], ())
            if one.since < span.end and span.first < one.until
        ],
        comparison=rule.comparison,
        free_hours=rule.free_hours_a_day,
        converted=hours.converted[at, column].tolist(),
        recomputed=hours.recomputed[at, column].tolist(),
        flags=_letters(hours.flag[at, column], hours.present[at, column]),
    )


def _letters(flag: "np.ndarray", present: "np.ndarray") -> str:
    letters = np.where(flag == 0, ord("-"), flag)
    return np.where(present, letters, ord(".")).astype(np.uint8).tobytes().decode()


def _limit(one: Limit, span: DaySpan) -> pb.AppliedLimit:
    return pb.AppliedLimit(
        limit_id=one.limit_id,
        basis=one.basis,
        averaging=one.averaging,
        lower=one.lower,
        upper=one.upper,
        unit=one.unit,
        ref_o2_percent=one.ref_o2,
        source=one.source,
        decimals=one.decimals,
        why=one.why,
        since_hour=max(one.since, span.first),
        until_hour=min(one.until, span.end),
        water_temperature=one.water_temperature,
    )


def limit_of(one: pb.AppliedLimit) -> Limit:
    """A limit as it was applied, in force on its day."""
    return Limit(
        limit_id=one.limit_id, averaging=one.averaging, lower=one.lower, upper=one.upper,
        unit=one.unit, ref_o2=one.ref_o2_percent, source=one.source, since=one.since_hour,
        until=one.until_hour, decimals=one.decimals, basis=one.basis, why=one.why,
        water_temperature=one.water_temperature,
    )  # fmt: skip


def facts_message(facts: OutletFacts) -> pb.JudgedFacts:
    """Facts as they were asked."""
    return pb.JudgedFacts(
        division=facts.division,
        credit_code=facts.credit_code,
        industry=facts.industry,
        medium=facts.medium,
        process=facts.process,
        ref_o2_percent=facts.ref_o2,
        operator=facts.operator,
        traits=facts.traits,
    )


def facts_of(outlet_id: str, one: pb.JudgedFacts) -> OutletFacts:
    """Facts as a judgement keeps them."""
    return OutletFacts(
        outlet_id=outlet_id,
        division=one.division,
        credit_code=one.credit_code,
        industry=one.industry,
        medium=one.medium,
        process=one.process,
        ref_o2=one.ref_o2_percent,
        operator=one.operator,
        traits=dict(one.traits),
    )


def pool_messages(uses: Iterable[PoolUse]) -> list[pb.PoolUse]:
    """Pools at the end of the day."""
    return [pb.PoolUse(**use.__dict__) for use in uses]


def furnace_message(found: FurnaceDay, means: FurnaceMeans) -> pb.FurnaceDay:
    """炉温日结果 with the means it rests on."""
    letters = np.where(means.flag == 0, ord("-"), means.flag).astype(np.uint8)
    return pb.FurnaceDay(
        five_minute_means=found.five_minute_means,
        low=found.low,
        excused=found.excused,
        violation=found.violation,
        low_at_s=found.low_at_s,
        lowest_degc=found.lowest_degc,
        at_s=means.start_s.tolist(),
        means_degc=means.degc.tolist(),
        flags=letters.tobytes().decode(),
    )


def furnace_means(one: pb.FurnaceDay) -> FurnaceMeans:
    """Five-minute means as a judgement keeps them."""
    letters = np.frombuffer(one.flags.encode(), dtype=np.uint8)
    return FurnaceMeans(
        np.array(one.at_s, dtype=np.int64),
        np.array(one.means_degc, dtype=np.float64),
        np.where(letters == ord("-"), 0, letters).astype(np.uint8),
    )


def furnace_day(one: pb.FurnaceDay) -> FurnaceDay:
    """炉温日结果 as a judgement keeps it."""
    return FurnaceDay(
        five_minute_means=one.five_minute_means,
        low=one.low,
        excused=one.excused,
        violation=one.violation,
        low_at_s=tuple(one.low_at_s),
        lowest_degc=one.lowest_degc,
    )
