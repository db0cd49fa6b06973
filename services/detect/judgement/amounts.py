"""排放量: kilograms of valid hours, and of missing ones by substitution (for amounts only)."""

from dataclasses import dataclass

from services.detect.judgement.model import HourResult, Hours
from services.detect.judgement.parameters import AmountRule
from services.detect.kernels.series import Floats, Ints


@dataclass(frozen=True)
class Amounts:
    """日排放量; both (S, D). NaN: the factor has no mass, or the outlet has no flow."""

    kg: Floats
    """Of hours with valid concentration and flow."""
    substituted_kg: Floats
    """Of running hours without them."""


def amounts(
    hours: Hours, result: HourResult, rule: AmountRule, rows: Ints | None = None
) -> Amounts:
    """排放量: concentration x flow, kg a day; `rows` says which rows the rule is for (all).

    kg/h = mg/m3 x m3/s (a00000, standard dry) x 0.0036, and mg/L x L/s (w00000) x 0.0036. Give
    120 days and more before the first day that is kept: substitution looks back 2160 valid hours.
    Source: HJ 75-2017 12.2 (domain.md B.6).
    """
    raise NotImplementedError
