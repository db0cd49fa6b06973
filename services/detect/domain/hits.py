"""命中: the hours or windows in which a rule's condition holds, and how they make episodes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: One hit. Slots are absolute hours; `end` is exclusive.
HIT = np.dtype(
    [
        ("slot", "<i8"),  # first hour of the offending hour or window: the hit's identity
        ("begin", "<i8"),  # first hour of the condition (a run starts before it is long enough)
        ("end", "<i8"),
        ("statistic", "<f8"),
        ("threshold", "<f8"),
        ("value", "<f8"),  # judged value, or level of the window
        ("check", "<f8"),  # recomputed value, or what the own history expects; NaN = none
        # What `check` rests on: 0 nothing, 1 the hour, 2 ten-minute values; 3 = a sign (screening)
        # that makes a clue alone.
        ("basis", "<u1"),
    ]
)
Hits = NDArray[Any]  # of dtype HIT, sorted by slot, one a slot

NO_HITS: Hits = np.zeros(0, dtype=HIT)
BASIS_NONE, BASIS_HOUR, BASIS_MINUTES, DECISIVE = 0, 1, 2, 3


def hits_of(**columns: Any) -> Hits:
    """Build hits from columns, in order of time; what is not given is NaN or zero."""
    size = len(columns["slot"])
    made = np.zeros(size, dtype=HIT)
    for name in ("statistic", "threshold", "value", "check"):
        made[name] = np.nan
    for name, column in columns.items():
        made[name] = column
    return np.sort(made, order="slot")


def merged(old: Hits, new: Hits, since: int) -> Hits:
    """Hits after judging again from hour `since` on: earlier ones stay, later ones are replaced.

    A recomputed mean that once rested on ten-minute values keeps it: they leave their ring after
    two days, and a finding must not change because time passed.
    """
    kept = old[old["end"] <= since]
    fresh = new[(new["end"] > since) & ~np.isin(new["slot"], kept["slot"])].copy()
    if len(old) and len(fresh):
        where = np.searchsorted(old["slot"], fresh["slot"])
        where = np.minimum(where, len(old) - 1)
        same = (old["slot"][where] == fresh["slot"]) & (old["value"][where] == fresh["value"])
        better = same & (old["basis"][where] > fresh["basis"])
        for name in ("check", "basis"):
            fresh[name] = np.where(better, old[name][where], fresh[name])
    return np.sort(np.concatenate([kept, fresh]), order="slot")


def episodes(hits: Hits, merge_within: int) -> list[Hits]:
    """Split hits where more than `merge_within` hours lie between an end and the next begin."""
    if not len(hits):
        return []
    ends = np.maximum.accumulate(hits["end"])
    cut = np.flatnonzero(hits["begin"][1:] - ends[:-1] > merge_within) + 1
    return list(np.split(hits, cut))


def dense_enough(hits: Hits, number: int, within: int) -> bool:
    """Tell whether some `number` hits lie within `within` hours."""
    if len(hits) < number:
        return False
    span = hits["end"][number - 1 :] - hits["slot"][: len(hits) - number + 1]
    return bool((span <= within).any())


def worst(hits: Hits) -> int:
    """Index of the hit farthest beyond its threshold; the earliest of equals."""
    return int(np.argmax(np.abs(hits["statistic"] - hits["threshold"])))
