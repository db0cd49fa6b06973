"""干净序列: the stations without any event of some folders, as panels, with what tests may need."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from farsight.laboratory.records import YEAR_S, read_labelled
from farsight.screen.folder import read_panels
from services.detect.kernels.series import Floats
from services.detect.screening.panel import Panel
from services.detect.screening.rates import interval_class
from services.detect.screening.sign import Sign


@dataclass(frozen=True)
class Watched:
    """监测时长 of a clean station."""

    years: float
    interval_class: str
    traits: frozenset[str]
    """What tests may need: roles of its series, marks, checks, parameters."""


@dataclass(frozen=True)
class Seen:
    """One sign, as calibration needs it."""

    station: str
    """With the number of its folder: folders may use the same names."""
    time_s: float
    score: float


@dataclass(frozen=True)
class CleanPanel:
    """Clean stations of one folder and interval."""

    folder: int
    panel: Panel

    def station(self, row: int) -> str:
        """Name of a row's station among all folders."""
        return f"{self.folder}/{self.panel.keys[row].outlet_id}"

    def seen(self, signs: Iterable[Sign]) -> list[Seen]:
        """Signs by the moment they could be said."""
        scored = [(sign.row, sign.end, sign.score) for sign in signs]
        return self.seen_at(scored)

    def seen_at(self, scored: Iterable[tuple[int, int, float]]) -> list[Seen]:
        """The same from row, end and score."""
        step_s = self.panel.step_min * 60
        return [
            Seen(self.station(row), self.panel.start_s + (end - 1) * step_s, score)
            for row, end, score in scored
        ]

    def watched(self) -> dict[str, Watched]:
        """Stations and how long they were watched."""
        panel = self.panel
        marked = set(np.flatnonzero(panel.marked.any(axis=1)).tolist())
        checked, logged = {c.row for c in panel.checks}, {p.row for p in panel.parameters}
        found = {}
        for rows in panel.rows_of.values():
            traits = {panel.roles[row].value for row in rows}
            traits |= {"marks"} if marked.intersection(rows) else set()
            traits |= {"checks"} if checked.intersection(rows) else set()
            traits |= {"log"} if logged.intersection(rows) else set()
            years = _cells(panel, rows) * panel.step_min * 60 / YEAR_S
            step = interval_class(panel.step_min)
            found[self.station(rows[0])] = Watched(years, step, frozenset(traits))
        return found


def _cells(panel: Panel, rows: Sequence[int]) -> float:
    ends: Floats = np.asarray(panel.end[rows], dtype=float)
    return float(ends.max() - panel.first[rows].min())


@dataclass(frozen=True)
class Corpus:
    """标定数据: clean stations, on which rates are measured, and those with an event.

    The latter say only what a test needs: a test that is silent on clean series still speaks there.
    """

    clean: list[CleanPanel]
    labelled: list[CleanPanel]

    @classmethod
    def read(cls, folders: Iterable[Path]) -> "Corpus":
        """All stations of some folders."""
        found = cls([], [])
        for number, folder in enumerate(folders):
            dirty = read_labelled(folder)
            for panel in read_panels(folder):
                for part, wanted in ((found.clean, False), (found.labelled, True)):
                    rows = [
                        r for r, key in enumerate(panel.keys) if (key.outlet_id in dirty) is wanted
                    ]
                    if rows:
                        part.append(CleanPanel(number, panel.of_rows(rows)))
        return found

    def stations(self) -> dict[str, Watched]:
        """Clean stations."""
        return {name: one for panel in self.clean for name, one in panel.watched().items()}

    def needs(self, found: Iterable[Seen]) -> frozenset[frozenset[str]]:
        """Least sets of traits with which some station has a sign; none without any sign.

        A test that takes flow or power shows both: a station counts that has one of the sets.
        """
        every = {n: w for p in (*self.clean, *self.labelled) for n, w in p.watched().items()}
        sets = {every[name].traits for name in {seen.station for seen in found}}
        return frozenset(one for one in sets if not any(other < one for other in sets))
