"""评分板: one run of all tests over a folder, scored at several rates of false alarms."""

import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from farsight.laboratory.records import Cases, Detections, read_cases, read_detections
from farsight.laboratory.score import Score, episodes, score
from farsight.screen.detections import write_detections
from farsight.screen.folder import read_table
from farsight.screen.run import screen
from services.detect.packs.pack import Pack


@dataclass(frozen=True)
class Split:
    """What the tests made of one folder."""

    name: str
    cases: Cases
    found: Detections
    """At the loosest dial; -log10 of the rate is the score."""
    kinds: dict[str, tuple[str, int]]
    """Kind and interval of each station."""
    seconds: float

    def at(self, dial: float) -> Detections:
        """What is said at a dial: false alarms a station-year, all tests together."""
        return self.found.take(self.found.score >= -math.log10(dial) - 1e-4)

    def score(self, dial: float) -> Score:
        """The score at a dial."""
        return score(self.cases, self.at(dial))


@dataclass(frozen=True)
class CleanRow:
    """False alarms on clean stations of one kind."""

    kind: str
    interval_min: int
    stations: int
    years: float
    episodes: int
    most: str
    """The test with most of them, and how many."""


def run_split(folder: Path, pack: Pack, dial: float) -> Split:
    """Run all tests of a pack over a folder at a dial."""
    began = time.perf_counter()
    table = read_table(folder)
    screened = screen(table, pack, dial, lambda _test: None)
    with tempfile.TemporaryDirectory() as scratch:
        written = Path(scratch) / "det.csv"
        write_detections(written, screened)
        found = read_detections(written)
    seconds = time.perf_counter() - began
    kinds = {name: (one.kind, one.interval_min) for name, one in table.stations.items()}
    return Split(folder.name, read_cases(folder), found, kinds, seconds)


def clean_rows(split: Split, dial: float) -> list[CleanRow]:
    """False alarms at a dial by kind of station and interval."""
    said = split.at(dial)
    by: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(said.station):
        by[name].append(place)
    groups: dict[tuple[str, int], list[str]] = defaultdict(list)
    for name in split.cases.clean:
        groups[split.kinds[name]].append(name)
    rows = []
    for (kind, step), names in sorted(groups.items()):
        patterns: dict[str, int] = defaultdict(int)
        for name in names:
            for pattern in set(said.pattern[by[name]].tolist()):
                at = [i for i in by[name] if said.pattern[i] == pattern]
                patterns[pattern] += episodes(said.time_s[at])
        count = sum(episodes(said.time_s[by[name]]) for name in names)
        years = sum(split.cases.years.get(name, 0.0) for name in names)
        most = max(patterns.items(), key=lambda item: (item[1], item[0]), default=("", 0))
        told = f"{most[0]} {most[1]}" if most[1] else ""
        rows.append(CleanRow(kind, step, len(names), years, count, told))
    return rows


def pooled(scores: Sequence[Score]) -> Score:
    """One score of several splits."""
    return Score(
        events=[event for one in scores for event in one.events],
        false_alarms=sum(one.false_alarms for one in scores),
        clean_years=sum(one.clean_years for one in scores),
        early=sum(one.early for one in scores),
        early_years=sum(one.early_years for one in scores),
    )


def named_share(one: Score) -> float:
    """Share of events that were found under an accepted name."""
    return sum(event.named_h is not None for event in one.events) / max(len(one.events), 1)
