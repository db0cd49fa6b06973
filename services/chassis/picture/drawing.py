"""图形内容: what a picture of monitored values shows; plain values that any service can fill."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Span:
    """时段 on the time axis, unix seconds; end exclusive."""

    begin_s: int
    end_s: int


@dataclass(frozen=True)
class Curve:
    """曲线 of one series at even steps; NaN = nothing received."""

    name: str
    unit: str
    start_s: int
    step_s: int
    value: Floats
    marked: Bools
    """Under a mark or a flag that takes the value out of the statistics."""
    low: Floats
    """Usual range of the own history; empty = not enough history."""
    high: Floats
    limit: float = np.nan
    tested: tuple[Span, ...] = ()
    """Windows that signs rest on; the first is the one the sentence is about."""
    source: Span | None = None
    """Where the copied stretch came from."""

    @cached_property
    def end_s(self) -> int:
        """Unix second after the last value."""
        return self.start_s + self.value.size * self.step_s


@dataclass(frozen=True)
class Overlay:
    """重叠比较: a tested stretch over the one it resembles, cell by cell."""

    tested: Floats
    source: Floats
    step_s: int
    name: str


@dataclass(frozen=True)
class Drawing:
    """一张图: curves below each other on one time axis, the first is what the alarm is about."""

    title: str
    curves: tuple[Curve, ...]
    overlay: Overlay | None = None
    captions: tuple[str, ...] = ()
    """Sentences under the curves; empty where the page says them itself."""
