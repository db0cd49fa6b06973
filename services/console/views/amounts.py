"""排放量 for people: kilograms of an area or plant, and their change against the period before."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from services.chassis.pb.detect.v1 import judgement_pb2 as pb


@dataclass(frozen=True)
class Amount:
    """One pollutant of one area or plant."""

    sums: pb.DaySum
    total_kg: float
    change: float
    """Share of the same days of the period before; NaN: not known, or nothing then."""


def amounts_of(sums: Iterable[pb.DaySum]) -> list[Amount]:
    """Rows that have an amount, by key and the largest first."""
    found = [_amount(one) for one in sums if not math.isnan(one.amount_kg)]
    return sorted(found, key=lambda one: (one.sums.key, -one.total_kg, one.sums.factor))


def _amount(one: pb.DaySum) -> Amount:
    total = one.amount_kg + (0.0 if math.isnan(one.substituted_kg) else one.substituted_kg)
    before = one.amount_before_kg
    return Amount(one, total, (total - before) / before if before > 0 else math.nan)
