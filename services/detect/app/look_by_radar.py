"""串通雷达 each night: outlets of one operator are compared when their partitions were screened.

One process compares the outlets of the partitions that it holds; those of another process are
compared by that one, among themselves.
"""

import itertools
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from prometheus_client import Histogram
from sqlalchemy.orm import Session

from services.chassis.clock import beijing
from services.chassis.log import get_logger
from services.detect import judgement_store, radar_store, screening_store, store
from services.detect.app.detector import Detector, Partition
from services.detect.app.knowledge import gather
from services.detect.app.look_for_silence import ORPHANED_AFTER, drained
from services.detect.app.screen_panel import Span, screen_panel
from services.detect.radar_store import RadarEdgeRow, RadarLookRow
from services.detect.radar_wire import edge_message
from services.detect.screening.panel import Panel
from services.detect.screening.radar import Edge, Pair, Radar, radar

log = get_logger(__name__)

#: Outlets compared at once: some seconds, then live batches get their turn. Outlets of larger
#: operators are compared half by half of so many, each with each.
TOGETHER = 48
#: Hours that are looked at.
LOOKED_H = 90 * 24
#: -log10 of how many edges chance may draw in a night.
LEAST = 2.0
#: Seconds after which a look ends and the next one goes on.
PATIENCE_S = 10.0
#: Seconds until it is looked again what is due, when nothing was.
AGAIN_S = 300.0

PART_S = Histogram("farsight_detect_radar_seconds", "Time of one part of the collusion radar")


@dataclass(frozen=True)
class Served:
    """Outlets of one operator (of one owner, where no operator is known)."""

    operator: str
    outlets: Sequence[str]
    divisions: Sequence[str]
    """Where they are."""
    end: int
    """Hour slot until which they were screened."""

    @property
    def pairs(self) -> int:
        """Pairs of outlets that are compared."""
        return math.comb(len(self.outlets), 2)


def look_by_radar(detector: Detector, now: datetime, quiet_s: float, screen_hour: int) -> int:
    """Compare outlets of operators that are due; gives the operators that were done."""
    if beijing(now).hour < screen_hour:
        return 0
    with detector.database.transaction() as session:
        mine = store.partitions_to_watch(session, detector.owner, ORPHANED_AFTER)
    partitions = [detector.partition(number) for number in mine]
    if not partitions or not all(one.sweep is None and drained(one, now, quiet_s)
                                 for one in partitions):  # fmt: skip
        return 0
    if time.monotonic() - detector.radar_at < AGAIN_S:
        return 0
    part, until, done = min(mine), time.monotonic() + PATIENCE_S, 0
    served = _served(detector, partitions)
    with detector.database.transaction() as session:
        radar_store.forget_operators(session, part, [one.operator for one in served])
        known = radar_store.looked_until(session, part)
    due = [one for one in served if one.end > known.get(one.operator, 0)]
    due.sort(key=lambda one: known.get(one.operator, 0))  # who waited longest comes first
    compared = max(sum(one.pairs for one in served), 1)
    for pack in _packs(due):
        if time.monotonic() >= until:
            break
        _look(detector, partitions, pack, compared, now)
        done += len(pack)
    if done == len(due):
        detector.radar_at = time.monotonic()
    if done:
        log.info("radar_looked", operators=done, waiting=len(due) - done)
    return done


def _served(detector: Detector, partitions: Iterable[Partition]) -> list[Served]:
    """Operators with two outlets or more that were screened, by name."""
    outlets = [one for part in partitions for one in part.windows.index.outlets()]
    with detector.database.transaction() as session:
        detector.known.refresh(session)
        states = screening_store.states(session, outlets)
    groups: dict[str, list[str]] = {}
    places: dict[str, set[str]] = {}
    for outlet_id in sorted(states):
        facts = detector.known.directory.facts(outlet_id)
        if facts is not None:
            operator = facts.operator or facts.credit_code
            groups.setdefault(operator, []).append(outlet_id)
            places.setdefault(operator, set()).add(facts.division)
    return [
        Served(
            operator, mine, sorted(places[operator]), max(states[o].screened_until for o in mine)
        )
        for operator, mine in sorted(groups.items())
        if len(mine) > 1
    ]


def _packs(due: Iterable[Served]) -> Iterable[list[Served]]:
    """Operators that are looked at together: of others it is learnt how alike outlets are."""
    pack: list[Served] = []
    for one in due:
        if pack and sum(len(o.outlets) for o in pack) + len(one.outlets) > TOGETHER:
            yield pack
            pack = []
        pack.append(one)
    if pack:
        yield pack


def _parts(outlets: Sequence[str]) -> list[Sequence[str]]:
    """Parts of at most `TOGETHER` outlets, so that each two outlets are together in one."""
    if len(outlets) <= TOGETHER:
        return [outlets]
    half = TOGETHER // 2
    halves = [outlets[at : at + half] for at in range(0, len(outlets), half)]
    return [[*one, *other] for one, other in itertools.combinations(halves, 2)]


def _look(
    detector: Detector, partitions: Sequence[Partition], pack: Sequence[Served],
    compared: int, now: datetime,
) -> None:  # fmt: skip
    """Compare the outlets of a pack and keep what was found."""
    end = max(one.end for one in pack)
    same = detector.known.timeline.newest.book.versions("same_outlets")[-1]
    edges: dict[Pair, Edge] = {}
    control = 0
    for part in _parts([outlet_id for one in pack for outlet_id in one.outlets]):
        panel = _panel(detector, partitions, part, end)
        if panel is not None:
            with PART_S.time():
                found = radar([panel], same, -math.inf)
            control += found.control
            edges.update(_beyond_chance(found, compared))
        time.sleep(0)  # a turn for batches and heartbeats
    number = min(partition.number for partition in partitions)
    looks = [
        RadarLookRow(
            operator=one.operator, part=number, end_slot=one.end, outlets=len(one.outlets),
            pairs=one.pairs, control=control, divisions=one.divisions, seen_at=now,
        )
        for one in pack
    ]  # fmt: skip
    rows = [_row(detector, edge, number) for edge in edges.values()]
    with detector.database.transaction() as session:
        radar_store.replace_looks(session, number, looks, rows)


def _beyond_chance(found: Radar, compared: int) -> dict[Pair, Edge]:
    """Edges that stand when all pairs of the night are tries; the radar allows for its own."""
    more = math.log10(max(compared / max(found.pairs, 1), 1.0))
    every = (edge for ring in found.rings for edge in ring.edges)
    return {
        edge.outlets: replace(edge, strength=edge.strength - more)
        for edge in every
        if edge.strength - more >= LEAST
    }


def _panel(
    detector: Detector, partitions: Iterable[Partition], outlets: Iterable[str], end: int
) -> Panel | None:
    """One panel of outlets of several partitions; None where none of them has data."""
    wanted, panels = set(outlets), []
    for partition in partitions:
        mine = sorted(wanted & set(partition.windows.index.outlets()))
        if mine:
            with partition.lock, detector.database.transaction() as session:
                panels.append(
                    _panel_of(session, detector, partition, Span(mine, end, end - LOOKED_H))
                )
    return _joined([panel for panel in panels if panel is not None])


def _panel_of(
    session: Session, detector: Detector, partition: Partition, span: Span
) -> Panel | None:
    since: Mapping[str, int] = dict.fromkeys(span.outlets, span.since)
    known = gather(
        session, partition.windows, detector.known, since,
        frozen_until=judgement_store.frozen_until(session), stored=None,
    ).known  # fmt: skip
    return screen_panel(partition.windows, detector.known.directory, known, span)


def _joined(panels: Sequence[Panel]) -> Panel | None:
    """Panels of the same hours under each other; without checks, which the radar does not read."""
    if not panels:
        return None
    since = [panel.judged_since() for panel in panels]
    return replace(
        panels[0],
        keys=[key for panel in panels for key in panel.keys],
        value=np.concatenate([panel.value for panel in panels]),
        flag=np.concatenate([panel.flag for panel in panels]),
        marked=np.concatenate([panel.marked for panel in panels]),
        limit=np.concatenate([panel.limit for panel in panels]),
        enterprise=[one for panel in panels for one in panel.enterprise],
        operator=[one for panel in panels for one in panel.operator],
        line=[one for panel in panels for one in panel.line],
        since=np.concatenate(since),
        checks=(),
        parameters=(),
    )


def _row(detector: Detector, edge: Edge, part: int) -> RadarEdgeRow:
    one, other = edge.outlets
    places = [detector.known.directory.outlet(outlet_id) for outlet_id in edge.outlets]
    division, other_division = (place.division if place else "" for place in places)
    return RadarEdgeRow(
        outlet_id=one, other_id=other, operator=edge.operator, part=part, division=division,
        other_division=other_division, body=edge_message(edge).SerializeToString(),
    )  # fmt: skip
