"""监测数据 as the store keeps it: one value set a factor, one reading an MN, kind and DataTime.

The first value that was received for (MN, kind, DataTime, factor) stays. The same again is a
duplicate. Another value is an alteration signal and is kept beside it as a version. Packets of one
split upload bring different factors of one reading, so they add to it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isnan
from typing import NamedTuple

FIELDS = ("value", "min", "max", "cou", "converted")

#: Numbers of ValueState: what came, 修正, 豁免修正 (national interface V1.6, domain.md B.3).
RECEIVED, CORRECTED, EXEMPTED = 1, 2, 3


class AsReported(NamedTuple):
    """How a value came where it was not the factor's own code and unit; value = came x scale."""

    code: str  # as received (020 for w20111), empty = the factor's own
    scale: float
    unit: str  # as received, empty = the factor's own


@dataclass(frozen=True, slots=True)
class ValueSet:
    """One factor's values, in its unit; NaN = absent or no number; `odd` has texts as received."""

    value: float
    min: float
    max: float
    cou: float
    converted: float
    flag: str = ""  # one letter of HJ 212-2017, empty = absent
    odd: Mapping[str, str] = field(default_factory=dict)
    reported: AsReported | None = None

    @classmethod
    def of(
        cls,
        numbers: Iterable[float],
        flag: str,
        odd: Mapping[str, str],
        reported: AsReported | None = None,
    ) -> "ValueSet":
        """From numbers in the order of `FIELDS`."""
        value, least, most, total, converted = numbers
        return cls(value, least, most, total, converted, flag, odd, reported)

    def same_as(self, other: "ValueSet") -> bool:
        """Whether both say the same; absent equals absent."""
        return (
            self.flag == other.flag
            and self.odd == other.odd
            and all(_same(getattr(self, name), getattr(other, name)) for name in FIELDS)
        )


@dataclass(frozen=True, slots=True)
class Key:
    """What a reading is about. `kind` is a number of ReadingKind, `data_time` aware UTC."""

    mn: str
    kind: int
    data_time: datetime


@dataclass(slots=True)
class Reading:
    """The values of one key, with the frame that brought them."""

    key: Key
    outlet_id: str
    values: dict[str, ValueSet]
    received_at: datetime
    frame: int = 0  # number of the frame in its batch
    origin: int = 0  # number of Origin: live, marked RF, or asked for
    state: int = RECEIVED


@dataclass(frozen=True, slots=True)
class StoredValue:
    """One factor's values at one time, with why and when they came."""

    factor: str
    time_s: int  # unix seconds
    values: ValueSet
    version: int  # 0 = first received
    origin: int  # number of Origin
    received_at_s: int  # unix seconds, the gate's clock
    state: int = RECEIVED  # number of ValueState


@dataclass(frozen=True, slots=True)
class Deviation:
    """Another value than the first one, for one factor."""

    factor: str
    first: ValueSet
    later: ValueSet


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a later reading of the same key brings."""

    added: dict[str, ValueSet]
    deviations: list[Deviation]

    @property
    def is_repeat(self) -> bool:
        """Nothing new: every factor is there with the same values."""
        return not self.added and not self.deviations


def compare(first: Mapping[str, ValueSet], later: Mapping[str, ValueSet]) -> Comparison:
    """Hold a later reading against what the store has."""
    added = {factor: values for factor, values in later.items() if factor not in first}
    deviations = [
        Deviation(factor, first[factor], values)
        for factor, values in later.items()
        if factor in first and not first[factor].same_as(values)
    ]
    return Comparison(added, deviations)


def split_by_key(readings: Iterable[Reading]) -> tuple[list[Reading], list[Reading]]:
    """The first reading of each key, and the later ones in their order."""
    firsts: dict[Key, Reading] = {}
    later = []
    for reading in readings:
        if reading.key in firsts:
            later.append(reading)
        else:
            firsts[reading.key] = reading
    return list(firsts.values()), later


def _same(one: float, other: float) -> bool:
    return one == other or (isnan(one) and isnan(other))
