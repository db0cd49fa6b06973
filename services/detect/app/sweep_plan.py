"""夜间筛查计划: which outlets of a partition are due, in slices of whole enterprises."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.chassis.pb.detect.v1 import screening_pb2 as pb
from services.detect.app.directory import Directory
from services.detect.app.screen_outlets import Evaluated
from services.detect.app.screen_panel import Span
from services.detect.screening_store import SignKey

#: Outlets of one panel: bounds its memory (each some ten series of 2,880 hours) and its time.
SLICE = 128
#: Days judged again each night: values and marks still change for some days.
AGAIN_H = 14 * 24
#: Days judged when an outlet is screened for the first time.
FIRST_H = 28 * 24


@dataclass
class Sweep:
    """夜间筛查 of a partition: what is left to look at, and what was seen so far."""

    spans: deque[Span]
    outlets: int
    """Outlets that are judged each day, for e-BH: all of the partition."""
    signs: dict[SignKey, pb.ScreenSign] = field(default_factory=dict)
    evaluated: list[Evaluated] = field(default_factory=list)
    looked: list[Span] = field(default_factory=list)


def plan(due: Mapping[str, Span], directory: Directory, outlets_judged: int) -> Sweep:
    """A sweep of due outlets: those of one enterprise together, for copies are looked for there."""
    groups: dict[tuple[int, int, bool], list[str]] = {}
    for outlet_id, span in due.items():
        groups.setdefault((span.end, span.since, span.fast), []).append(outlet_id)
    spans: deque[Span] = deque()
    for (end, since, fast), outlets in sorted(groups.items()):
        spans.extend(Span(part, end, since, fast) for part in _slices(outlets, directory))
    return Sweep(spans, outlets_judged)


def _slices(outlets: Iterable[str], directory: Directory) -> Iterable[list[str]]:
    """Slices of at most `SLICE` outlets that tear no enterprise of that size apart."""
    plants: dict[str, list[str]] = {}
    for outlet_id in sorted(outlets):
        outlet = directory.outlet(outlet_id)
        plants.setdefault(outlet.credit_code if outlet else outlet_id, []).append(outlet_id)
    part: list[str] = []
    for mine in plants.values():
        if part and len(part) + len(mine) > SLICE:
            yield part
            part = []
        part += mine
    if part:
        yield part
