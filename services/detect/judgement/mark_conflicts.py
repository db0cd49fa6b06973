"""标记冲突: hours in which the wire and the plant's mark contradict each other.

Flags are machine statements, marks the plant's legal statement: both are kept (domain.md B.3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.detect.domain.series_key import SeriesKey
from services.detect.judgement.mark_cover import MarkRules
from services.detect.judgement.mark_kinds import kind_of
from services.detect.judgement.marks import MarkRevision
from services.detect.judgement.model import Hours
from services.detect.judgement.parameters import MarkKind, OutletFacts
from services.detect.kernels.series import Bools

_STOPPED_FLAG = ord("F")  # HJ 212-2017 data flags


@dataclass(frozen=True)
class Conflict:
    """标记冲突 of one row and hour."""

    outlet_id: str
    factor: str
    hour: int  # hour slot
    mark_id: str  # empty = the flag stands without a mark
    flag: str  # as received, empty = none sent
    why: str  # flag | running | unmarked


def conflicts(
    rows: Sequence[SeriesKey],
    hours: Hours,
    marks: Mapping[str, Sequence[MarkRevision]],
    facts: Mapping[str, OutletFacts],
    pack: MarkRules,
    *,
    ambient_oxygen_percent: float = 19.0,
) -> tuple[Conflict, ...]:
    """标记冲突: by row, hour and mark, in hours that lie wholly inside a mark.

    `flag`: the kind expects other flags (a maintenance mark over hours of flag N). `running`: a
    停运 mark over hours whose oxygen is that of a fire (below `ambient_oxygen_percent`, volume %)
    or whose flow is above zero, while the flag does not say stopped; where neither is measured the
    flag decides. `unmarked`: flag F, by which an hour is not judged, over a fire or a flow and
    without a 停运 mark, at an outlet whose kinds have one; a plant that really stands still and
    did not mark it contradicts nothing. A conflict changes no judgement: it is raised. `marks` as
    `counting` gave.
    """
    running, measured = _running(hours, ambient_oxygen_percent)
    found: list[Conflict] = []
    for row, key in enumerate(rows):
        own = facts.get(key.outlet_id)
        if own is None:
            continue
        stopped = np.zeros(hours.value.shape[1], dtype=np.bool_)
        for mark in marks.get(key.outlet_id, ()):
            kind = kind_of(mark, pack.marks, own)
            if kind is None or not _means(mark, kind, key.factor):
                continue
            inside = _inside(mark, int(hours.start[row]), hours.value.shape[1])
            stopped |= (kind.effect == "stopped") & _touched(mark, hours, row)
            wrong = inside & hours.present[row] & _disagrees(hours, row, kind)
            if kind.effect == "stopped":
                wrong &= running[row] | ~measured[row]
            why = "running" if kind.effect == "stopped" else "flag"
            found += _conflicts(key, hours, row, wrong, mark.mark_id, why)
        if any(kind.effect == "stopped" and kind.scope.has(own) for kind in pack.marks):
            alone = (hours.flag[row] == _STOPPED_FLAG) & ~stopped & running[row]
            found += _conflicts(key, hours, row, alone, "", "unmarked")
    return tuple(sorted(found, key=lambda one: (one.outlet_id, one.hour, one.factor, one.mark_id)))


def _running(hours: Hours, ambient_oxygen_percent: float) -> tuple[Bools, Bools]:
    """Per row and hour whether it runs by oxygen or flow, and whether either is measured."""
    with np.errstate(invalid="ignore"):
        oxygen = np.where(hours.oxygen[:, None] >= 0, hours.value[hours.oxygen], np.nan)
        flow = np.where(hours.flow[:, None] >= 0, hours.value[hours.flow], np.nan)
        # Oxygen is the better witness: a fan may run beside a cold furnace.
        running = np.where(np.isfinite(oxygen), oxygen < ambient_oxygen_percent, flow > 0)
    return running, np.isfinite(oxygen) | np.isfinite(flow)


def _means(mark: MarkRevision, kind: MarkKind, factor: str) -> bool:
    if kind.effect == "stopped":
        return True
    return (not mark.factors or factor in mark.factors) and (
        not kind.factors or factor in kind.factors
    )


def _inside(mark: MarkRevision, start: int, columns: int) -> Bools:
    hour = start + np.arange(columns, dtype=np.int64)
    inside: Bools = (hour * 3600 >= mark.start_s) & (hour * 3600 + 3600 <= mark.end_s)
    return inside


def _touched(mark: MarkRevision, hours: Hours, row: int) -> Bools:
    hour = int(hours.start[row]) + np.arange(hours.value.shape[1], dtype=np.int64)
    touched: Bools = (hour * 3600 < mark.end_s) & (hour * 3600 + 3600 > mark.start_s)
    return touched


def _disagrees(hours: Hours, row: int, kind: MarkKind) -> Bools:
    """Where the flag is none of those that the kind expects; "-" stands for none sent."""
    if not kind.expects_flags:
        return np.zeros(hours.value.shape[1], dtype=np.bool_)
    expected = [0 if letter == "-" else ord(letter) for letter in kind.expects_flags]
    wrong: Bools = ~np.isin(hours.flag[row], expected)
    return wrong


def _conflicts(  # noqa: PLR0917 - the fields of what is found
    key: SeriesKey, hours: Hours, row: int, where: Bools, mark_id: str, why: str
) -> list[Conflict]:
    start = int(hours.start[row])
    return [
        Conflict(key.outlet_id, key.factor, start + at, mark_id, _letter(hours.flag[row, at]), why)
        for at in np.flatnonzero(where).tolist()
    ]


def _letter(code: int) -> str:
    return chr(code) if code else ""
