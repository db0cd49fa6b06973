"""标记种类: what an outlet's industry may state, and where flag and mark contradict. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

#: Letter for an hour of which nothing came; it contradicts no mark.
NOTHING = ""


@dataclass(frozen=True, slots=True)
class KindOption:
    """标记种类: one row of data/mark_kinds.csv. What it is worth is decided by the rule pack."""

    key: str
    family: int  # MarkFamily of the interface V1.6
    subtype: int
    condition: str  # empty = a device mark
    name_zh: str
    name_en: str
    meaning_zh: str
    cap_zh: str
    industries: tuple[str, ...]  # prefixes of GB/T 4754-2017, empty = all
    processes: tuple[str, ...]  # of the outlet, empty = all
    expects_flags: str  # wire flags that agree with it, empty = any
    needs_proof: bool
    source: str
    confidence: str

    def fits(self, industry: str, process: str) -> bool:
        """Whether an outlet may state it; an industry or process that is not known fits all."""
        return (not industry or not self.industries or industry.startswith(self.industries)) and (
            not process or not self.processes or process in self.processes
        )


@dataclass(frozen=True, slots=True)
class SeenHour:
    """An hour of one factor as it came; `value` NaN = none."""

    hour: int  # unix hours
    flag: str  # HJ 212-2017 letter, empty = none sent
    value: float
    received: bool = True


@dataclass(frozen=True, slots=True)
class Covering:
    """The part of a mark that conflicts are looked for with: [start_s, end_s), unix seconds."""

    mark_id: str
    family: int
    subtype: int
    condition: str
    factors: tuple[str, ...]  # empty = all
    start_s: int
    end_s: int

    def covers(self, factor: str, hour: int) -> bool:
        """Whether it touches an hour of a factor."""
        return (not self.factors or factor in self.factors) and (
            self.start_s < (hour + 1) * 3600 and hour * 3600 < self.end_s
        )


@dataclass(frozen=True, slots=True)
class Contradiction:
    """矛盾 of one mark and factor over hours [first, end), with what the machine says."""

    mark_id: str
    factor: str
    first: int
    end: int
    flag: str


def option_of(
    options: Iterable[KindOption], family: int, subtype: int, condition: str
) -> KindOption | None:
    """Find the row of a mark; None for one that the catalogue does not know."""
    named = (family, subtype, condition)
    return next((o for o in options if (o.family, o.subtype, o.condition) == named), None)


def contradictions(
    hours: Mapping[str, Sequence[SeenHour]],
    marks: Sequence[Covering],
    options: Sequence[KindOption],
) -> tuple[Contradiction, ...]:
    """矛盾: hours whose flag does not agree with a mark that covers them, as runs by time.

    The flag is the machine's statement, the mark the plant's legal one (domain.md B.3): both are
    kept. An hour without a value or without a flag says nothing, so it contradicts nothing.
    """
    found: list[Contradiction] = []
    for mark in marks:
        option = option_of(options, mark.family, mark.subtype, mark.condition)
        expected = option.expects_flags if option else ""
        if not expected:
            continue
        for factor, series in hours.items():
            found += _runs(mark, factor, series, expected)
    return tuple(sorted(found, key=lambda one: (one.first, one.mark_id, one.factor)))


def _runs(
    mark: Covering, factor: str, series: Sequence[SeenHour], expected: str
) -> list[Contradiction]:
    runs: list[Contradiction] = []
    for seen in sorted(series, key=lambda one: one.hour):
        if not seen.received or seen.flag == NOTHING or seen.flag in expected:
            continue
        if not mark.covers(factor, seen.hour):
            continue
        before = runs[-1] if runs else None
        if before and before.end == seen.hour and before.flag == seen.flag:
            runs[-1] = Contradiction(mark.mark_id, factor, before.first, seen.hour + 1, seen.flag)
        else:
            runs.append(Contradiction(mark.mark_id, factor, seen.hour, seen.hour + 1, seen.flag))
    return runs
