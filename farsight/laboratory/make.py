"""制作算例: a folder of stations, some with one cheat each, the rest as they were.

Same stations, cheats, parameters and seed: same folder, byte for byte. Cheats that few stations
can carry choose first.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from farsight.laboratory.cheats.library import Cheat, do, targets
from farsight.laboratory.station import Channel, Marked, Station


@dataclass
class Made:
    """算例: what goes into a folder."""

    stations: list[Station]
    labels: list[Marked] = field(default_factory=list)
    short: dict[str, int] = field(default_factory=dict)
    """Events that no station was left for, by cheat."""


def make(
    pool: Iterable[Station],
    cheats: Sequence[Cheat],
    events: int,
    seed: int,
    *,
    fixed: Mapping[str, Mapping[str, float]] | None = None,
    clean_share: float = 0.3,
) -> Made:
    """`events` of each cheat on different stations; `clean_share` and the rest stay clean."""
    every = list(pool)
    np.random.default_rng([seed, 0]).shuffle(every)
    kept = round(len(every) * clean_share)
    left, made = every[kept:], Made(every[:kept])
    able = {cheat.cheat: sum(bool(targets(cheat, station)) for station in left) for cheat in cheats}
    for cheat in sorted(cheats, key=lambda c: (able[c.cheat], c.cheat)):
        done = 0
        while done < events and _one(cheat, left, made, seed, (fixed or {}).get(cheat.cheat, {})):
            done += 1
        if done < events:
            made.short[cheat.cheat] = events - done
    made.stations += left
    return made


def _one(
    cheat: Cheat, left: list[Station], made: Made, seed: int, fixed: Mapping[str, float]
) -> bool:
    """One event on the first station that can carry it; whether there was one."""
    for station in list(left):
        if not targets(cheat, station):
            continue
        partner = _partner(cheat, station, left) if "partner" in cheat.needs else None
        result = do(cheat, station, seed, partner=partner, fixed=fixed)
        if result is None:
            continue
        mine, other, labels = result
        left[:] = [s for s in left if s is not station and (not other or s.name != other.name)]
        made.stations += [mine, *([other] if other else [])]
        made.labels += labels
        return True
    return False


def _partner(cheat: Cheat, station: Station, left: Sequence[Station]) -> Station | None:
    """Another station of the same shape, as the second outlet of the same enterprise."""
    shape = station.step_min, station.cells, station.kind
    for other in left:
        same = set(targets(cheat, station)) <= set(other.channels)
        if other is not station and same and (other.step_min, other.cells, other.kind) == shape:
            return _beside(other, station)
    return None


def _beside(other: Station, station: Station) -> Station:
    """The other outlet at the first one's level: two outlets of one plant are alike."""
    mine = other.copy()
    for factor, channel in mine.channels.items():
        if factor in station.channels:
            mine.channels[factor] = _scaled(channel, station.channels[factor])
    return dataclasses.replace(mine, enterprise=station.enterprise, operator=station.operator)


def _scaled(channel: Channel, like: Channel) -> Channel:
    grid, _ = like.grid_and_cycle()
    times = float(np.nanmedian(like.value) / max(float(np.nanmedian(channel.value)), 1e-9))
    value = np.round(np.round(channel.value * times / grid) * grid, 5)
    limit = round(float(np.nanmax(value)) * 1.05, 5)
    return Channel(value, channel.flag, limit if like.limit > 0 else np.nan)
