"""历史: what a replay reads, from a folder, from the doors or from the lab model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.detect.domain.grid import Grid
from services.detect.domain.series_key import SeriesKey
from services.detect.judgement.marks import MarkRevision
from services.detect.windows.partition_windows import Columns

CONFIRMED, REFUTED = "confirmed", "refuted"


@dataclass(frozen=True)
class Label:
    """标签: what people found out about a span of an outlet; hours are slots, `end` exclusive."""

    outlet_id: str
    factor: str  # empty = any
    rule_id: str  # of detect, empty = any
    start: int
    end: int
    verdict: str  # confirmed | refuted
    matter: str = ""  # number of the order or case


class History(Protocol):
    """历史 of some outlets: registry records, marks, labels, and readings an outlet at a time."""

    @property
    def name(self) -> str:
        """Where it comes from, for the report."""

    @property
    def records(self) -> Sequence[pb.Record]:
        """档案: enterprises, outlets and limits; divisions where their names are known."""

    @property
    def marks(self) -> Mapping[str, Sequence[MarkRevision]]:
        """标记: all revisions by outlet."""

    @property
    def labels(self) -> Sequence[Label]:
        """标签 of closed cases and orders."""

    def columns(self, outlet_id: str, first_hour: int, end_hour: int) -> Columns:
        """读数 of an outlet with data time in [first_hour, end_hour), oldest first."""


def joined(parts: Sequence[Columns]) -> Columns:
    """Columns of several outlets as those of one batch."""
    series: list[tuple[Grid, SeriesKey]] = []
    index = []
    for part in parts:
        index.append(part.series_index + len(series))
        series += part.series
    return Columns(
        series,
        np.concatenate(index).astype(np.int64),
        np.concatenate([part.time_s for part in parts]),
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.converted for part in parts]),
        np.concatenate([part.flag for part in parts]),
    )


def between(columns: Columns, first_hour: int, end_hour: int) -> Columns:
    """The part of columns, oldest first, with data time in [first_hour, end_hour)."""
    first, end = np.searchsorted(columns.time_s, [first_hour * 3600, end_hour * 3600])
    part = slice(int(first), int(end))
    used, index = np.unique(columns.series_index[part], return_inverse=True)
    return Columns(
        [columns.series[number] for number in used.tolist()],
        index.astype(np.int64),
        columns.time_s[part],
        columns.value[part],
        columns.converted[part],
        columns.flag[part],
    )


def empty_columns() -> Columns:
    """No readings at all."""
    none = np.zeros(0)
    whole = none.astype(np.int64)
    return Columns([], whole, whole, none, none, none.astype(np.uint8))
