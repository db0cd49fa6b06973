"""Synthetic outlets for detect's tests: honest histories, and what can be done to them."""

import dataclasses
import math

import numpy as np

from services.detect.app.build_block import build_block
from services.detect.domain.block import Block, Limit
from services.detect.domain.describe import Description, describe
from services.detect.domain.grid import HOUR, week_start
from services.detect.domain.judge import FindingKey, judge
from services.detect.domain.judged import Judged, judge_block
from services.detect.domain.known import Known
from services.detect.domain.reconcile import Kept
from services.detect.domain.revise import revise_clues, revise_findings
from services.detect.domain.rule import RuleBook
from services.detect.domain.series_key import SeriesKey
from services.detect.packs.load import shipped_pack
from services.detect.packs.timeline import BEGINNING, Timeline
from services.detect.windows.partition_windows import Columns, PartitionWindows

SO2, NOX, O2 = "a21026", "a21002", "a19001"
#: A Beijing Monday: 2026-07-27.
MONDAY = week_start(1785081600 // 3600)
N, T, M, F = (ord(letter) for letter in "NTMF")
PACK = shipped_pack()
TIMELINE = Timeline([(BEGINNING, PACK)])
BOOK: RuleBook = TIMELINE.book


def limit(value: float, *, ref_o2: float = 0.0, averaging: str = "hourly", **other: float) -> Limit:
    """A limit in force for ever, unless told otherwise."""
    known = {"since": 0, "until": 2**40, "decimals": 0, "lower": math.nan} | other
    return Limit(
        limit_id=f"L-{value:g}", averaging=averaging, upper=value, unit="mg/m3", ref_o2=ref_o2,
        source="permit 1.2", **known,
    )  # fmt: skip


class FakeDirectory:
    """Limits as the directory gives them."""

    def __init__(self, limits) -> None:
        self._limits = limits

    def limits(self, key: SeriesKey):
        """All limits of a series."""
        return self._limits.get(key, ())


def honest(seed: int, hours: int, level: float, step: float = 0.1) -> np.ndarray:
    """An hourly series: daily rhythm, correlated log-normal noise, instrument resolution."""
    rng = np.random.default_rng(seed)
    noise = np.zeros(hours)
    shocks = rng.normal(0, 0.12, hours)
    for at in range(1, hours):
        noise[at] = 0.7 * noise[at - 1] + shocks[at]
    rhythm = 0.15 * np.sin(2 * math.pi * np.arange(hours) / 24)
    return np.round(level * np.exp(noise + rhythm) / step) * step


def columns(entries) -> Columns:
    """Columns from {(outlet, factor): (first hour slot, values[, converted[, flags]])} of hours."""
    series, index, time_s, value, converted, flag = [], [], [], [], [], []
    for number, ((outlet, factor), given) in enumerate(entries.items()):
        start, values = given[0], np.asarray(given[1], float)
        sent = np.asarray(given[2], float) if len(given) > 2 else np.full(values.shape, np.nan)
        flags = np.asarray(given[3], np.uint8) if len(given) > 3 else np.full(values.shape, N)
        there = np.isfinite(values)
        series.append((HOUR, SeriesKey(outlet, factor)))
        index.append(np.full(there.sum(), number))
        time_s.append((start + np.flatnonzero(there)) * 3600)
        value.append(values[there])
        converted.append(sent[there])
        flag.append(flags[there])
    return Columns(
        series, np.concatenate(index), np.concatenate(time_s).astype(np.int64),
        np.concatenate(value), np.concatenate(converted), np.concatenate(flag).astype(np.uint8),
    )  # fmt: skip


class Scene:
    """A partition in memory, its limits, and the findings as they stand."""

    def __init__(self, limits, lines=None, **known) -> None:
        self.known = Known(**({"timeline": TIMELINE} | known))
        self.windows = PartitionWindows(None)
        self._directory = FakeDirectory({SeriesKey(*k): v for k, v in limits.items()})
        self._lines = lines or {}
        self.findings: dict[str, Kept] = {}
        self.clues = {}
        self.changes: list[Kept] = []

    def send(self, entries, looked_at=None) -> None:
        """Write values and judge what they touched, as the service does batch by batch."""
        touched = self.windows.write(entries if isinstance(entries, Columns) else columns(entries))
        if touched.since:
            self.judge(touched.since, looked_at or {})
        self.windows.settled(touched)

    def judge(self, since, looked_at) -> None:
        """Judge outlets from an hour on and keep what changed."""
        judged = self.judged(since)
        kept = list(self.findings.values())
        open_until = {k.key.outlet_id: k.end for k in kept if k.open and k.key.rule_id == "silence"}
        hits = judge(judged, open_until | looked_at)
        changed = revise_findings(judged, hits, [k for k in kept if len(k.hits)])
        book = self.known.book
        revision = revise_clues(book, self._lines, self.clues.values(), kept, changed)
        self.findings |= {one.finding_id: one for one in revision.findings}
        self.clues |= {one.clue_id: one for one in revision.clues}
        self.changes += revision.findings

    def block(self, since) -> Block:
        """The block of the outlets in `since`."""
        block = build_block(self.windows, self._directory, since)
        assert block is not None
        return block

    def judged(self, since) -> Judged:
        """The judged block of the outlets in `since`."""
        return judge_block(self.block(since), self.known)

    def learn(self, since=0, limits=None, **known) -> None:
        """Judge every outlet again because marks, freeze, limits or packs are others now."""
        self.known = dataclasses.replace(self.known, **known)
        if limits is not None:
            self._directory = FakeDirectory({SeriesKey(*k): v for k, v in limits.items()})
        self.judge(dict.fromkeys(self.windows.index.outlets(), since), {})

    def describe(self, finding: Kept) -> Description:
        """What a finding says."""
        return describe(finding, self.judged({finding.key.outlet_id: finding.begin}))

    def of(self, rule_id: str, outlet: str = "A", factor: str = SO2) -> list[Kept]:
        """Standing findings of a key that have hits, in order of time."""
        key = FindingKey(outlet, rule_id, factor)
        mine = [k for k in self.findings.values() if k.key == key and len(k.hits)]
        return sorted(mine, key=lambda k: k.begin)

    def everything(self):
        """What stands, in every field that comes from event time and data."""
        return sorted(
            (k.key, k.open, k.confidential, k.hits.tobytes()) for k in self.findings.values()
            if len(k.hits)
        )  # fmt: skip
