"""串通雷达 each night: outlets of one operator are compared when their partitions were screened.

One process compares the outlets of the partitions that it holds; those of another process are
compared by that one, among themselves.
"""

import itertools
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from prometheus_client import Histogram

from services.chassis.clock import beijing
from services.chassis.log import get_logger
from services.detect import radar_store, screening_store, store
from services.detect.app.detector import Detector, Partition
from services.detect.app.join_panels import joined_panel
from services.detect.app.look_for_silence import ORPHANED_AFTER, drained
from services.detect.app.screen_panel import Span
from services.detect.radar_store import RadarEdgeRow, RadarLookRow
from services.detect.radar_wire import edge_message
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
        panel = joined_panel(detector, partitions, Span(part, end, end - LOOKED_H))
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


def _row(detector: Detector, edge: Edge, part: int) -> RadarEdgeRow:
    one, other = edge.outlets
    places = [detector.known.directory.outlet(outlet_id) for outlet_id in edge.outlets]
    division, other_division = (place.division if place else "" for place in places)
    return RadarEdgeRow(
        outlet_id=one, other_id=other, operator=edge.operator, part=part, division=division,
        other_division=other_division, body=edge_message(edge).SerializeToString(),
    )  # fmt: skip
