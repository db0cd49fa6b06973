"""预标记: what a plant might want to mark, by wire flags and by hours that look stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class HourSeen:
    """An hour of one factor as received."""

    hour: int  # unix hours
    flag: str  # HJ 212-2017 letter, empty = none sent
    value: float  # in the factor's unit; NaN = none


@dataclass(frozen=True)
class Suggestion:
    """预标记建议: nothing is marked by it; the plant confirms, changes or drops it."""

    family: int  # MarkFamily
    condition: str  # working condition by its key, empty = the plant chooses
    factors: tuple[str, ...]  # empty = all
    start_s: int  # unix seconds UTC
    end_s: int  # exclusive
    reason: str  # Chinese: what was seen
    why: str  # flag_M | flag_C | flag_D | flag_F | flag_B | missing | stopped


def suggest_marks(
    hours: Mapping[str, Sequence[HourSeen]],
    first_hour: int,
    end_hour: int,
    *,
    stopped_condition: str = "",
    stopped_oxygen_percent: float = 19.0,
) -> tuple[Suggestion, ...]:
    """预标记建议 of one outlet over hours [first_hour, end_hour), by start.

    `hours` is factor -> hours as received, in any order; the first of an hour counts. Runs of flag
    M, C or D suggest maintenance of their factors, B and missing hours a communication break, F and
    hours that look stopped (dry oxygen a19001 near ambient, or flow of zero) a 停运 under the
    `stopped_condition` of the industry (mswi_ty, tp_ty; empty = the plant has no such mark, then
    nothing is suggested for it).
    """
    raise NotImplementedError
