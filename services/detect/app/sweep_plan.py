"""夜间筛查计划: which outlets of a partition are due, in slices of whole enterprises."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from services.chassis.pb.detect.v1 import screening_pb2 as pb
from services.detect.app.directory import Directory
from services.detect.app.screen_outlets import Evaluated
from services.detect.app.screen_panel import Span, Tempo
from services.detect.screening.prints import PartitionPrints
from services.detect.screening_store import SignKey

#: Outlets of one panel: bounds its memory (each some ten series of 2,880 hours) and its time.
SLICE = 128
#: Outlets that are compared with each other at once: some 300 MB of sixteen days.
JOINED = 2000
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
    prints: list[PartitionPrints] = field(default_factory=list)
    """Of outlets that were looked at by all tests."""


def plan(due: Mapping[str, Span], directory: Directory, outlets_judged: int) -> Sweep:
    """A sweep of due outlets: those of one enterprise together, for copies are looked for there."""
    groups: dict[Span, list[str]] = {}
    for outlet_id, span in due.items():
        groups.setdefault(span, []).append(outlet_id)
    spans: deque[Span] = deque()
    for span, outlets in sorted(groups.items(), key=lambda one: (one[0].end, one[0].since)):
        spans.extend(replace(span, outlets=part) for part in _slices(outlets, directory, SLICE))
    spans.extend(_joins(due, directory))
    return Sweep(spans, outlets_judged)


def _joins(due: Mapping[str, Span], directory: Directory) -> Iterable[Span]:
    """Looks that compare the outlets of a night with each other, whoever owns them."""
    ends: dict[int, list[str]] = {}
    for outlet_id, span in due.items():
        if span.tempo is Tempo.NIGHT:
            ends.setdefault(span.end, []).append(outlet_id)
    for end, outlets in sorted(ends.items()):
        for part in _slices(outlets, directory, JOINED) if len(outlets) > SLICE else ():
            yield Span(part, end, end - AGAIN_H, Tempo.COPIES)


def _slices(outlets: Iterable[str], directory: Directory, most: int) -> Iterable[list[str]]:
    """Slices of at most `most` outlets that tear no enterprise of that size apart.

    Enterprises whose instruments one operator 第三方运维 runs come one after the other.
    """
    plants: dict[tuple[str, str], list[str]] = {}
    for outlet_id in sorted(outlets):
        facts = directory.facts(outlet_id)
        owner = (facts.operator, facts.credit_code) if facts else ("", outlet_id)
        plants.setdefault(owner, []).append(outlet_id)
    part: list[str] = []
    for _, mine in sorted(plants.items()):
        if part and len(part) + len(mine) > most:
            yield part
            part = []
        part += mine
    if part:
        yield part
