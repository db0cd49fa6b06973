"""回放: some outlets through the judging of detect, in memory and in order of event time.

What judges is `services.detect` itself: its windows, its blocks, its judge and its findings. The
only difference is who calls: here a loop over weeks instead of batches from the bus. Judging does
not depend on the size of the steps, with two exceptions that the loop keeps to. Ten-minute values
are kept two days: outlets that have them go day by day. And a finding has the id of the first hour
it was raised for: so hours are judged with the marks that had come by then, and again when one
comes.
"""

import datetime as dt
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from farsight.backtest.basis import Basis
from farsight.backtest.furnaces import furnace_days
from farsight.backtest.history import between, joined
from farsight.backtest.items import (
    Item,
    at_their_highest,
    decided,
    items_of,
    risen,
    seen_of,
    table_of,
    wants_each_hit,
)
from services.chassis.pb.detect.v1 import detect_pb2
from services.detect import wire
from services.detect.app.build_block import build_block
from services.detect.app.knowledge import particulate_of
from services.detect.domain.block import COLUMNS, JUDGED, WEEK
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
from services.detect.judgement.marks import Decision, MarkRevision
from services.detect.judgement.periods import day_of
from services.detect.windows.partition_windows import Columns, PartitionWindows

#: Data before the first judged day: what the reference of history rules reaches back.
WARM_UP = COLUMNS - JUDGED
#: Hours of a step: what is judged goes back one week more, and a block holds no further weeks.
STEP = JUDGED - WEEK
#: Marks of a day are frozen at 12:00 of the next one.
_FREEZE_H = 36
#: Hours before any hour of a mark that charges a pool of the present year.
_TWO_YEARS_H = 2 * 366 * 24


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


def walk(basis: Basis, outlets: Sequence[str], span: Span) -> list[Found]:
    """回放 of some outlets; gives their findings that touch the span, by id."""
    first = span.first_hour - WARM_UP
    data = {one: basis.history.columns(one, first, span.end_hour) for one in outlets}
    return _Walk(basis, {one: part for one, part in data.items() if len(part.time_s)}, span).run()


class _Walk:
    """One group of outlets on its way through time."""

    def __init__(self, basis: Basis, data: Mapping[str, Columns], span: Span) -> None:
        self._basis = basis
        self._book = basis.timeline.book
        self._data = data
        self._marks = {one: tuple(basis.history.marks.get(one, ())) for one in data}
        self._span = span
        self._windows = PartitionWindows(None)
        self._written = dict.fromkeys(data, span.first_hour - WARM_UP)
        self._kept: dict[str, Kept] = {}
        self._clues: dict[str, Clue] = {}
        self._found: dict[str, Found] = {}
        self._furnaces: dict[str, dict[dt.date, FurnaceDay]] = {}

    def run(self) -> list[Found]:
        """Everything in order of event time; silence is looked at once, at the end."""
        self._write(self._data, self._span.first_hour)
        for end in self._edges():
            self._marks_until(end)
            self._judge(self._write(self._data, end), end)
        end = self._span.end_hour
        newest = {one: self._windows.watermark(one) for one in self._data}
        self._judge(newest, end + _FREEZE_H, dict.fromkeys(newest, end))
        return [self._found[key] for key in sorted(self._found) if self._touches(key)]

    def _edges(self) -> Iterable[int]:
        """Ends of the steps: some weeks, or days where ten-minute values would be lost."""
        minutes = any(grid is MINUTE for one in self._data.values() for grid, _ in one.series)
        first, end = self._span.first_hour, self._span.end_hour
        start, step = (first, 24) if minutes else (week_start(first), STEP)
        return [*(h for h in range(start + step, end, step) if h > first), end]

    def _touches(self, finding_id: str) -> bool:
        """Whether a finding lies in the span; of one that fell away nothing is left."""
        kept = self._kept[finding_id]
        return bool(len(kept.hits)) and kept.end > self._span.first_hour

    def _marks_until(self, end: int) -> None:
        """Stop where marks came: what was there is judged without them, then again with them."""
        news: dict[int, set[str]] = {}
        for outlet_id, marks in self._marks.items():
            for hour in itertools.chain.from_iterable(map(_told_at, marks)):
                if self._written[outlet_id] < hour < end:
                    news.setdefault(hour, set()).add(outlet_id)
        for hour in sorted(news):
            self._judge(self._write(news[hour], hour), hour, known_at=hour - 1)
            first = {one: min(m.start_s for m in self._marks[one]) // 3600 for one in news[hour]}
            self._judge(first, hour)

    def _write(self, outlets: Iterable[str], end: int) -> dict[str, int]:
        """Put the readings of outlets up to an hour into the windows; gives what to judge."""
        parts = {}
        for outlet_id in sorted(outlets):
            part = between(self._data[outlet_id], self._written[outlet_id], end)
            self._written[outlet_id] = end
            if len(part.time_s):
                parts[outlet_id] = part
        if parts:
            self._windows.fill(joined(list(parts.values())))
        return {outlet_id: int(part.time_s[0]) // 3600 for outlet_id, part in parts.items()}

    def _judge(
        self,
        since: Mapping[str, int],
        hour: int,
        looked_at: Mapping[str, int] | None = None,
        known_at: int | None = None,
    ) -> None:
        """Judge outlets again as at an hour, with the marks that were known then."""
        block = build_block(self._windows, self._basis.directory, since)
        if block is None:
            return
        known = self._known(since, hour, hour if known_at is None else known_at)
        judged = self._with_furnaces(judge_block(block, known), since, hour)
        near = horizon(self._book, int(block.since.min()))
        kept = [
            one
            for one in self._kept.values()
            if one.key.outlet_id in since and (one.open or one.end >= near)
        ]
        changed = revise_findings(judged, judge(judged, looked_at or {}), kept)
        clues = [one for one in self._clues.values() if one.outlet_id in since]
        lines = {one: self._basis.lines(one) for one in since}
        revision = revise_clues(self._book, lines, clues, kept, changed)
        for one in revision.findings:
            self._keep(judged, one)
        self._clues |= {one.clue_id: one for one in revision.clues}

    def _known(self, since: Mapping[str, int], hour: int, known_at: int) -> Known:
        """研判依据 as it was known at an hour."""
        told = {one: _as_known(self._marks[one], known_at) for one in since}
        marks = {outlet_id: mine for outlet_id, mine in told.items() if mine}
        first = min(since.values()) - _TWO_YEARS_H
        timeline = self._basis.timeline
        return Known(
            timeline=timeline,
            facts={one: self._basis.facts(one) for one in since},
            marks=marks,
            particulate=particulate_of(self._windows, marks, timeline, first, None),
            frozen_until=min(self._span.last, day_of(hour - _FREEZE_H)),
        )

    def _with_furnaces(self, judged: Judged, since: Mapping[str, int], end: int) -> Judged:
        """Add 炉温日结果 of the furnaces among the outlets, from their five-minute means."""
        for outlet_id, first in since.items():
            found = furnace_days(judged, outlet_id, self._data[outlet_id], first, end)
            if found:
                self._furnaces[outlet_id] = self._furnaces.get(outlet_id, {}) | found
        furnaces = {one: self._furnaces[one] for one in since if one in self._furnaces}
        return replace(judged, known=replace(judged.known, furnaces=furnaces))

    def _keep(self, judged: Judged, finding: Kept) -> None:
        """Note a finding's next revision, and what triggers make of the hits it has grown by."""
        before = self._kept.get(finding.finding_id)
        known = self._found.get(finding.finding_id)
        self._kept[finding.finding_id] = finding
        if not len(finding.hits):
            return
        key = SeriesKey(finding.key.outlet_id, finding.key.factor)
        if known and key not in judged.block.row_of:
            told = wire.confidential_message(known.finding.SerializeToString(), finding)
            self._found[finding.finding_id] = replace(known, finding=told)
            return
        facts = self._basis.facts(finding.key.outlet_id)
        text = describe(finding, judged)
        seen = seen_of(finding, text, facts)
        table = table_of(self._basis.timeline.at(finding.end - 1))
        decisions = [decided(table, at_their_highest(seen, finding))]
        if wants_each_hit(table, finding.key.rule_id):
            grown = range(len(before.hits) if before else 1, len(finding.hits))
            parts = (replace(finding, hits=finding.hits[:number]) for number in grown)
            decisions += [decided(table, seen_of(p, describe(p, judged), facts)) for p in parts]
        message = wire.finding_message(finding, text, text.limit, facts.division, "")
        items = items_of(seen, decisions)
        self._found[finding.finding_id] = Found(message, risen(known.items if known else (), items))


def _told_at(mark: MarkRevision) -> Iterable[int]:
    """Hours at whose beginning a revision, and the decision about it, were there."""
    return {second // 3600 for second in (mark.received_at_s, mark.decided_at_s) if second}


def _as_known(marks: Sequence[MarkRevision], hour: int) -> tuple[MarkRevision, ...]:
    """标记 as they had been told before an hour was over; decisions of later are not known yet."""
    end_s = (hour + 1) * 3600
    return tuple(
        one if one.decided_at_s < end_s else replace(one, decision=Decision.NONE, decided_at_s=0)
        for one in marks
        if one.received_at_s < end_s
    )
