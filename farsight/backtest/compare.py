"""对比: what a new rule pack would have said otherwise than the old one."""

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from farsight.backtest.history import CONFIRMED, Label
from farsight.backtest.items import ItemCount
from farsight.backtest.replay import Replay
from services.chassis.clock import BEIJING, from_unix
from services.chassis.pb.detect.v1 import detect_pb2
from services.chassis.pb.registry.v1 import registry_pb2
from services.detect.domain.rule_ids import DAILY, EXCEEDANCE, MSWI_COLD, MSWI_DAILY

Finding = detect_pb2.Finding
#: Rules whose findings say that a limit was broken on a day; all others warn, or are clues.
JUDGEMENTS = frozenset({EXCEEDANCE, DAILY, MSWI_DAILY, MSWI_COLD})
#: What a reader of two findings would call a difference.
_FIELDS = (
    "start", "end", "state", "count", "statistic", "threshold", "unit", "limit_id", "limit_value",
    "confidential", "peak_multiple", "hours_s",
)  # fmt: skip


@dataclass(frozen=True)
class Change:
    """A finding before and after; None = there was none. `fields` are those that differ."""

    before: Finding | None
    after: Finding | None
    fields: tuple[str, ...] = ()

    @property
    def one(self) -> Finding:
        """The finding that there is."""
        found = self.after or self.before
        assert found is not None
        return found


@dataclass(frozen=True)
class FlipDay:
    """改判日: a day of an outlet and factor with which only one of the packs finds fault."""

    day: dt.date
    outlet_id: str
    factor: str
    rule_id: str
    now_over: bool  # True: only the new pack sees it
    why: str  # Chinese


@dataclass(frozen=True)
class Flip:
    """改判企业: an enterprise that would be judged otherwise."""

    credit_code: str
    name: str
    division: str
    days: tuple[FlipDay, ...]

    @property
    def way(self) -> str:
        """newly | no_longer | both."""
        ways = {one.now_over for one in self.days}
        return "both" if len(ways) > 1 else "newly" if ways == {True} else "no_longer"


@dataclass(frozen=True)
class Labelled:
    """标签对照: a label and whether each pack has a finding there."""

    label: Label
    before: bool
    after: bool


@dataclass(frozen=True)
class Difference:
    """回测对比 of two packs over the same data."""

    old: Replay
    new: Replay
    changes: tuple[Change, ...]
    flips: tuple[Flip, ...]
    labels: tuple[Labelled, ...]
    names: dict[str, str]  # of divisions, as far as the data name them

    @property
    def gained(self) -> list[Change]:
        """Findings that only the new pack has."""
        return [one for one in self.changes if one.before is None]

    @property
    def lost(self) -> list[Change]:
        """Findings that only the old pack has."""
        return [one for one in self.changes if one.after is None]

    @property
    def changed(self) -> list[Change]:
        """Findings of both that differ."""
        return [one for one in self.changes if one.before and one.after]

    def confirmed(self, *, gained: bool) -> list[Labelled]:
        """Confirmed cases that the new pack finds and the old one does not, or the reverse."""
        return [
            one
            for one in self.labels
            if one.label.verdict == CONFIRMED and one.before != one.after and one.after == gained
        ]


def compare(
    old: Replay,
    new: Replay,
    records: Iterable[registry_pb2.Record],
    labels: Iterable[Label],
) -> Difference:
    """对比 of two replays of the same span and outlets."""
    plants: dict[str, str] = {}
    names: dict[str, str] = {}
    for record in records:
        if record.kind == registry_pb2.RECORD_KIND_ENTERPRISE:
            plants[record.key] = record.enterprise.name
        elif record.kind == registry_pb2.RECORD_KIND_DIVISION:
            names[record.key] = record.division.name
    return Difference(
        old=old,
        new=new,
        changes=tuple(_changes(old.findings, new.findings)),
        flips=tuple(_flips(old, new, plants)),
        labels=tuple(_labelled(one, old, new) for one in labels if _inside(one, old)),
        names=names,
    )


def _changes(old: Sequence[Finding], new: Sequence[Finding]) -> list[Change]:
    """Overlapping findings of one outlet, rule and factors are one; the same ones are left out."""
    left: dict[tuple[str, ...], list[Finding]] = {}
    for one in old:
        left.setdefault(_series(one), []).append(one)
    found: list[Change] = []
    for after in new:
        mine = left.get(_series(after), [])
        before = next((b for b in mine if b.finding_id == after.finding_id), None)
        before = before or next((b for b in mine if _overlap(b, after)), None)
        if before is None:
            found.append(Change(None, after))
            continue
        mine.remove(before)
        fields = tuple(name for name in _FIELDS if not _equal(before, after, name))
        if fields:
            found.append(Change(before, after, fields))
    found += [Change(one, None) for rest in left.values() for one in rest]
    return sorted(found, key=lambda one: (*_series(one.one), one.one.start.seconds))


def _series(one: Finding) -> tuple[str, ...]:
    return (one.outlet_id, one.rule_id, *one.factors)


def _overlap(a: Finding, b: Finding) -> bool:
    return a.start.seconds < b.end.seconds and b.start.seconds < a.end.seconds


def _equal(a: Finding, b: Finding, name: str) -> bool:
    one, other = getattr(a, name), getattr(b, name)
    both_nan = isinstance(one, float) and math.isnan(one) and math.isnan(other)
    return both_nan or bool(one == other)


def _flips(old: Replay, new: Replay, plants: dict[str, str]) -> list[Flip]:
    """Enterprises with days that only one pack finds fault with, those with most days first."""
    before, after = _faults(old), _faults(new)
    days: dict[str, list[FlipDay]] = {}
    for key in sorted(before.keys() ^ after.keys()):
        day, outlet_id, factor, rule_id = key
        now_over = key in after
        why = _why(old, new, (after if now_over else before)[key])
        one = FlipDay(day, outlet_id, factor, rule_id, now_over, why)
        days.setdefault(new.basis.facts(outlet_id).credit_code, []).append(one)
    flips = [
        Flip(code, plants.get(code, code), _division(new, mine), tuple(mine))
        for code, mine in days.items()
    ]
    return sorted(flips, key=lambda one: (-len(one.days), one.credit_code))


def _division(new: Replay, days: Sequence[FlipDay]) -> str:
    return new.basis.facts(days[0].outlet_id).division


_Fault = tuple[dt.date, str, str, str]


def _faults(replay: Replay) -> dict[_Fault, Finding]:
    """Days judged as violations, by outlet, factor and rule; warnings judge nothing."""
    found: dict[_Fault, Finding] = {}
    for one in replay.findings:
        if one.rule_id in JUDGEMENTS:
            for second in one.hours_s:
                day = from_unix(second).astimezone(BEIJING).date()
                if replay.span.first <= day <= replay.span.last:
                    found[day, one.outlet_id, "+".join(one.factors), one.rule_id] = one
    return found


def _why(old: Replay, new: Replay, one: Finding) -> str:
    """改判原因: another limit, or what else packs decide about."""
    hour = one.start.seconds // 3600
    before, after = (_bounds(replay, one, hour) for replay in (old, new))
    if before != after:
        return f"限值 {before or '无'} → {after or '无'}"
    return "限值相同；有效性、标记、豁免或规则参数不同"


def _bounds(replay: Replay, one: Finding, hour: int) -> str:
    """Limits in force for a finding's factor, as people read them."""
    factor = one.factors[0] if one.factors else ""
    said = set()
    for limit in replay.basis.limits(one.outlet_id, factor):
        if limit.since <= hour < limit.until:
            low = "" if math.isnan(limit.lower) else f"{limit.lower:g}–"
            high = "" if math.isnan(limit.upper) else f"{limit.upper:g}"
            said.add(f"{limit.averaging} {low}{high} {limit.unit}（{limit.source}）")
    return "；".join(sorted(said))


def _inside(label: Label, replay: Replay) -> bool:
    span = replay.span
    known = label.outlet_id in replay.outlet_ids
    return known and label.start < span.end_hour and span.first_hour < label.end


def _labelled(label: Label, old: Replay, new: Replay) -> Labelled:
    return Labelled(label, _finds(old, label), _finds(new, label))


def _finds(replay: Replay, label: Label) -> bool:
    """Whether a pack has a finding at a label's outlet, factor, rule and time."""
    return any(
        one.outlet_id == label.outlet_id
        and (not label.factor or not one.factors or label.factor in one.factors)
        and (not label.rule_id or one.rule_id == label.rule_id)
        and one.start.seconds < label.end * 3600
        and label.start * 3600 < one.end.seconds
        for one in replay.findings
    )


@dataclass(frozen=True)
class Side:
    """One county under both packs."""

    division: str
    items: tuple[int, int]
    officer_hours: tuple[float, float]


def by_county(old: Sequence[ItemCount], new: Sequence[ItemCount]) -> list[Side]:
    """Live items and officer-hours of each county before and after; the largest change first."""
    codes = sorted({one.division for one in (*old, *new) if one.live})
    sides = [
        Side(
            code,
            (_sum(old, code), _sum(new, code)),
            (_hours(old, code), _hours(new, code)),
        )
        for code in codes
    ]
    return sorted(sides, key=lambda s: (-abs(s.officer_hours[1] - s.officer_hours[0]), s.division))


def _sum(counts: Sequence[ItemCount], division: str) -> int:
    return sum(one.items for one in counts if one.live and one.division == division)


def _hours(counts: Sequence[ItemCount], division: str) -> float:
    return sum(one.officer_hours for one in counts if one.live and one.division == division)
