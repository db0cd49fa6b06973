"""回放: the live judging of some outlets over stored data, in memory and in order of event time.

What judges is `services.detect` itself: its windows, its blocks, its judge and its findings. The
only difference is who calls: here a loop over weeks instead of batches from the bus. Judging does
not depend on the size of the steps, except that ten-minute values are kept two days: outlets that
have them go day by day.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from farsight.backtest.furnaces import furnace_days
from farsight.backtest.history import History, between, joined
from farsight.backtest.items import (
    Item,
    at_their_highest,
    decided,
    items_of,
    seen_of,
    table_of,
    wants_each_hit,
)
from services.chassis.pb.detect.v1 import detect_pb2
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.tables import ReplicaRow
from services.detect import wire
from services.detect.app.build_block import build_block
from services.detect.app.directory import Directory
from services.detect.app.knowledge import particulate_of
from services.detect.domain.block import COLUMNS, JUDGED, WEEK, Limit
from services.detect.domain.clue import Clue
from services.detect.domain.describe import describe
from services.detect.domain.grid import MINUTE, week_start
from services.detect.domain.judge import judge
from services.detect.domain.judged import Judged, judge_block
from services.detect.domain.known import Known
from services.detect.domain.reconcile import Kept
from services.detect.domain.revise import horizon, revise_clues, revise_findings
from services.detect.domain.rule import hour_of
from services.detect.domain.series_key import SeriesKey
from services.detect.judgement.furnace import FurnaceDay
from services.detect.judgement.marks import MarkRevision
from services.detect.judgement.parameters import OutletFacts
from services.detect.judgement.periods import day_of
from services.detect.packs.timeline import Timeline
from services.detect.windows.partition_windows import Columns, PartitionWindows

#: Data before the first judged day: what the reference of history rules reaches back.
WARM_UP = COLUMNS - JUDGED
_RECORDS = frozenset(
    {
        registry_pb2.RECORD_KIND_ENTERPRISE,
        registry_pb2.RECORD_KIND_OUTLET,
        registry_pb2.RECORD_KIND_LIMIT,
    }
)


@dataclass(frozen=True)
class Span:
    """回测区间: Beijing days, both inclusive."""

    first: dt.date
    last: dt.date

    @property
    def first_hour(self) -> int:
        """Hour slot in which the first day begins."""
        return hour_of(self.first)

    @property
    def end_hour(self) -> int:
        """Hour slot after the last day."""
        return hour_of(self.last) + 24


@dataclass(frozen=True)
class Found:
    """疑似问题 as it stands at the end, and what triggers made of it on the way."""

    finding: detect_pb2.Finding
    items: tuple[Item, ...]


class Engine:
    """What judging rests on beside the readings, for any number of outlets."""

    def __init__(self, timeline: Timeline, history: History) -> None:
        self.timeline = timeline
        self._history = history
        self._directory = Directory()
        self._directory.use(timeline)
        self._directory.take(map(_row_of, _of_kinds(history.records)))

    def outlets(self, division: str = "") -> list[str]:
        """Outlets of the records in a jurisdiction, by id."""
        prefix = _prefix(division)
        known = ((one, self.facts(one)) for one in self._directory.outlets())
        return [outlet_id for outlet_id, facts in known if facts.division.startswith(prefix)]

    def facts(self, outlet_id: str) -> OutletFacts:
        """What rules ask of an outlet; an unknown one fits rows that are meant for everybody."""
        return self._directory.facts(outlet_id) or OutletFacts(outlet_id, "", "", "", "", "")

    def limits(self, outlet_id: str, factor: str) -> tuple[Limit, ...]:
        """排放限值 that this timeline judges a series by."""
        return self._directory.limits(SeriesKey(outlet_id, factor))

    def replay(self, outlets: Sequence[str], span: Span) -> list[Found]:
        """回放 of some outlets; gives their findings that touch the span."""
        data = {
            one: self._history.columns(one, span.first_hour - WARM_UP, span.end_hour)
            for one in outlets
        }
        replay = _Replay(self, self._directory, data, self._history.marks, span)
        return replay.run()


class _Replay:
    """One group of outlets on its way through time."""

    def __init__(
        self,
        engine: Engine,
        directory: Directory,
        data: Mapping[str, Columns],
        marks: Mapping[str, Sequence[MarkRevision]],
        span: Span,
    ) -> None:
        self._engine = engine
        self._directory = directory
        self._data = {outlet_id: one for outlet_id, one in data.items() if len(one.time_s)}
        self._marks = {one: tuple(marks.get(one, ())) for one in self._data}
        self._span = span
        self._book = engine.timeline.book
        self._windows = PartitionWindows(None)
        self._kept: dict[str, Kept] = {}
        self._clues: dict[str, Clue] = {}
        self._found: dict[str, Found] = {}
        self._furnaces: dict[str, dict[dt.date, FurnaceDay]] = {}

    def run(self) -> list[Found]:
        """Everything in order of event time; silence is looked at once, at the end."""
        self._write(self._span.first_hour - WARM_UP, self._span.first_hour)
        step = 24 if self._has_minutes() else WEEK
        first = self._span.first_hour
        while first < self._span.end_hour:
            end = min(self._span.end_hour, week_start(first) + WEEK if step == WEEK else first + 24)
            since = self._write(first, end)
            self._judge(since, end, {})
            first = end
        end = self._span.end_hour
        newest = {one: self._windows.watermark(one) for one in self._data}
        self._judge(newest, end, dict.fromkeys(newest, end))
        return [self._found[key] for key in sorted(self._found) if self._touches(key)]

    def _has_minutes(self) -> bool:
        return any(grid is MINUTE for one in self._data.values() for grid, _ in one.series)

    def _touches(self, finding_id: str) -> bool:
        """Whether a finding lies in the span; of one that fell away nothing is left."""
        kept = self._kept[finding_id]
        return bool(len(kept.hits)) and kept.end > self._span.first_hour

    def _write(self, first: int, end: int) -> dict[str, int]:
        """Put the readings of some hours into the windows; gives outlets to judge again."""
        parts = [between(one, first, end) for one in self._data.values()]
        parts = [part for part in parts if len(part.time_s)]
        if not parts:
            return {}
        touched = self._windows.write(joined(parts))
        self._windows.settled(touched)
        return touched.since

    def _judge(self, since: Mapping[str, int], end: int, looked_at: Mapping[str, int]) -> None:
        block = build_block(self._windows, self._directory, since)
        if block is None:
            return
        judged = self._with_furnaces(judge_block(block, self._known(since, end)), since, end)
        near = horizon(self._book, int(block.since.min()))
        kept = [
            one
            for one in self._kept.values()
            if one.key.outlet_id in since and (one.open or one.end >= near)
        ]
        changed = revise_findings(judged, judge(judged, looked_at), kept)
        clues = [one for one in self._clues.values() if one.outlet_id in since]
        lines = {one: self._lines(one) for one in since}
        revision = revise_clues(self._book, lines, clues, kept, changed)
        for one in revision.findings:
            self._keep(judged, one)
        self._clues |= {one.clue_id: one for one in revision.clues}

    def _with_furnaces(self, judged: Judged, since: Mapping[str, int], end: int) -> Judged:
        """Add 炉温日结果 of the furnaces among the outlets, from their five-minute means."""
        for outlet_id in since:
            found = furnace_days(judged, outlet_id, self._data[outlet_id], since[outlet_id], end)
            if found:
                self._furnaces[outlet_id] = self._furnaces.get(outlet_id, {}) | found
        furnaces = {one: self._furnaces[one] for one in since if one in self._furnaces}
        return replace(judged, known=replace(judged.known, furnaces=furnaces))

    def _lines(self, outlet_id: str) -> tuple[str, ...]:
        outlet = self._directory.outlet(outlet_id)
        return outlet.lines if outlet else ()

    def _known(self, since: Mapping[str, int], end: int) -> Known:
        """研判依据 at the end of a step: days before it are frozen."""
        marks = {one: self._marks[one] for one in since if self._marks[one]}
        hour = min(since.values()) - 2 * 366 * 24
        return Known(
            timeline=self._engine.timeline,
            facts={one: self._engine.facts(one) for one in since},
            marks=marks,
            particulate=particulate_of(self._windows, marks, self._engine.timeline, hour, None),
            frozen_until=day_of(end - 1),
        )

    def _keep(self, judged: Judged, finding: Kept) -> None:
        """Note a finding's next revision, and what triggers make of the hits it has grown by."""
        before = self._kept.get(finding.finding_id)
        self._kept[finding.finding_id] = finding
        known = self._found.get(finding.finding_id)
        if not len(finding.hits):
            return
        if (
            known
            and SeriesKey(finding.key.outlet_id, finding.key.factor) not in judged.block.row_of
        ):
            standing = known.finding.SerializeToString()
            told = wire.confidential_message(standing, finding)
            self._found[finding.finding_id] = replace(known, finding=told)
            return
        facts = self._engine.facts(finding.key.outlet_id)
        text = describe(finding, judged)
        seen = seen_of(finding, text, facts)
        table = table_of(self._engine.timeline.at(finding.end - 1))
        decisions = [decided(table, at_their_highest(seen, finding))]
        if wants_each_hit(table, finding.key.rule_id):
            grown = range(len(before.hits) if before else 1, len(finding.hits))
            parts = (replace(finding, hits=finding.hits[:number]) for number in grown)
            decisions += [decided(table, seen_of(p, describe(p, judged), facts)) for p in parts]
        message = wire.finding_message(finding, text, text.limit, facts.division, "")
        items = items_of(seen, decisions)
        self._found[finding.finding_id] = Found(message, _risen(known, items))


def _risen(known: Found | None, items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Items of a finding: a level that was reached stays reached."""
    order = ("warning", "dispatch", "supervision", "clue")
    best = {
        (one.item, one.live, one.level == "clue"): one for one in (known.items if known else ())
    }
    for one in items:
        key = one.item, one.live, one.level == "clue"
        if key not in best or order.index(one.level) > order.index(best[key].level):
            best[key] = one
    return tuple(best.values())


def _of_kinds(records: Sequence[registry_pb2.Record]) -> list[registry_pb2.Record]:
    return [record for record in records if record.kind in _RECORDS]


def _row_of(record: registry_pb2.Record) -> ReplicaRow:
    return ReplicaRow(
        kind=record.kind,
        key=record.key,
        revision=max(record.revision, 1),
        deleted=record.deleted,
        body=record.SerializeToString(),
    )


def _prefix(division: str) -> str:
    while division.endswith("00"):
        division = division[:-2]
    return division
