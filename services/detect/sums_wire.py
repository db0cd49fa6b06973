"""日汇总 to and from protobuf: a judged day to its rows, and summed rows to answers."""

import math
from collections.abc import Iterable
from datetime import date

import numpy as np

from services.chassis.pb.detect.v1 import judgement_pb2 as pb
from services.detect.app.list_sums import Sum
from services.detect.judgement.rates import count_hours, validity
from services.detect.sums_store import SumRow


def sums_of(judgement: pb.DayJudgement) -> list[SumRow]:
    """Rows of a judged day: one a factor that a limit applies to.

    Oxygen, flow and temperature are read with the pollutants, but no validity is asked of them.
    """
    factors = [one for one in judgement.factors if one.limits]
    if not factors:
        return []
    counts = count_hours(
        _codes(one.state for one in factors),
        _codes(one.notes for one in factors),
        _codes(one.flags.encode() for one in factors) != ord("."),
        np.array([one.free_hours for one in factors], dtype=np.int64),
    )
    facts, day = judgement.facts, date.fromisoformat(judgement.day)
    head = (judgement.revision, facts.division, facts.credit_code, facts.operator)
    numbers = np.concatenate(
        [
            getattr(counts, name)
            for name in (
                "hours", "stopped", "received", "valid", "free", "excused", "marked", "exempt",
            )
        ],
        axis=1,
    ).tolist()  # fmt: skip
    return [
        SumRow._make((day, judgement.outlet_id, one.factor, *head, *row, *_masses(one)))
        for one, row in zip(factors, numbers, strict=True)
    ]


def sum_message(one: Sum, period: str) -> pb.DaySum:
    """An answer's row. The effective rate needs the transmission rate, which ingest counts."""
    row = one.row
    return pb.DaySum(
        key=row.key,
        period=period,
        factor=row.factor,
        hours=row.hours,
        stopped=row.stopped,
        received=row.received,
        valid=row.valid,
        free=row.free,
        excused=row.excused,
        validity=float(validity(row.received, row.valid, row.free)),
        effective_realtime=math.nan,
        effective_after_fill=math.nan,
        amount_kg=_number(row.amount_kg),
        substituted_kg=_number(row.substituted_kg),
        amount_before_kg=_number(one.before_kg),
        outlets=row.outlets,
        marked=row.marked,
        exempt=row.exempt,
    )


def _codes(rows: Iterable[bytes]) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """(factors, 24) codes of hours."""
    return np.array([np.frombuffer(row, dtype=np.uint8) for row in rows])


def _masses(one: pb.FactorDay) -> list[float | None]:
    return [None if math.isnan(kg) else kg for kg in (one.amount_kg, one.substituted_kg)]


def _number(kg: float | None) -> float:
    return math.nan if kg is None else kg
