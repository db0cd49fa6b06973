"""造假手法表: the rows of `cheats.csv`, and a cheat done to a station with a seed."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from farsight.laboratory.cheats import (
    chemistry,
    copies,
    device,
    level,
    process,
    scatter,
    timing,
)
from farsight.laboratory.cheats.scene import Scene
from farsight.laboratory.station import Marked, Station
from services.chassis.errors import InputRejected
from services.detect.screening.roles import Role, role_of

_FILE = Path(__file__).parent / "cheats.csv"
_MODULES = (scatter, level, copies, chemistry, process, timing, device)
#: An event begins after this share of the record, so that there is history.
FIRST_SHARE = 0.55
_LEAST_CYCLES = 25
#: Cheats that change how a series moves need one that moves: quartiles apart by this share.
_MOVING = 0.06
_STILL = {"pollutant", "inlet", "conductivity"}


@dataclass(frozen=True)
class Cheat:
    """造假手法: one row of the table."""

    cheat: str
    code: str
    """Of falsification.csv; empty = no falsification."""
    pattern: str
    """As detections name it, see accepted_names.csv."""
    target: Sequence[str]
    """Roles (or role:factor) of the series that it is done to."""
    needs: Sequence[str]
    """What else the station must have: role, role*count, partner, marks, checks, parameters."""
    hours: tuple[float, float]
    parameters: Mapping[str, tuple[float, float]]
    how: str

    @property
    def act(self) -> Callable[[Scene], str]:
        """The function of that name."""
        found = next(m for m in _MODULES if hasattr(m, self.cheat))
        act: Callable[[Scene], str] = getattr(found, self.cheat)
        return act


@cache
def cheats() -> Mapping[str, Cheat]:
    """All cheats by name."""
    with _FILE.open(encoding="utf-8", newline="") as lines:
        rows = [_cheat(row) for row in csv.DictReader(lines)]
    return {cheat.cheat: cheat for cheat in rows}


def _cheat(row: Mapping[str, str]) -> Cheat:
    pairs = [pair.split("=") for pair in row["parameters"].split(";") if pair]
    return Cheat(
        cheat=row["cheat"],
        code=row["code"],
        pattern=row["pattern"],
        target=row["target"].split(";"),
        needs=[need for need in row["needs"].split(";") if need],
        hours=(float(row["hours_low"]), float(row["hours_high"])),
        parameters={name: _range(span) for name, span in pairs},
        how=row["how"],
    )


def _range(text: str) -> tuple[float, float]:
    low, high = text.split("..")
    return float(low), float(high)


def targets(cheat: Cheat, station: Station) -> list[str]:
    """Factors of a station that a cheat can be done to."""
    if not all(_has(station, need) for need in cheat.needs):
        return []
    return [f for f in station.channels if _fits(cheat, station, f)]


def _has(station: Station, need: str) -> bool:
    if need == "partner":
        return True
    if need == "checks":
        return bool(station.checks)
    if need == "parameters":
        return bool(station.parameters)
    if need == "marks":
        return any((c.flag == "C").any() for c in station.channels.values())
    role, _, count = need.partition("*")
    return len(station.factors(Role(role))) >= int(count or 1)


def _fits(cheat: Cheat, station: Station, factor: str) -> bool:
    role = role_of(factor).value
    if role not in cheat.target and f"{role}:{factor}" not in cheat.target:
        return False
    value = station.channels[factor].value
    past = value[: int(len(value) * FIRST_SHARE)]
    past = past[np.isfinite(past)]
    if len(np.unique(past)) < _LEAST_CYCLES or np.isfinite(value).mean() < 0.8:
        return False
    first, middle, third = np.quantile(past, [0.25, 0.5, 0.75])
    return role not in _STILL or (third - first) > _MOVING * abs(middle) > 0


def draw(cheat: Cheat, random: np.random.Generator, fixed: Mapping[str, float]) -> dict[str, float]:
    """Parameters within their ranges, those that are fixed as given."""
    drawn = {name: float(random.uniform(*span)) for name, span in cheat.parameters.items()}
    if unknown := sorted(set(fixed) - set(drawn)):
        raise InputRejected(f"{cheat.cheat} has no parameter {', '.join(unknown)}; it has"
                            f" {', '.join(drawn) or 'none'}")  # fmt: skip
    return drawn | dict(fixed)


def do(
    cheat: Cheat,
    station: Station,
    seed: int,
    *,
    partner: Station | None = None,
    fixed: Mapping[str, float] | None = None,
) -> tuple[Station, Station | None, list[Marked]] | None:
    """做一次假: copies of the stations with the cheat in them, and its labels.

    None where it cannot be done or would not show: less than 2 % of the labelled cells differ.
    Same stations and seed, same event.
    """
    random = np.random.default_rng([seed, len(cheat.cheat), *cheat.cheat.encode()])
    possible = targets(cheat, station)
    if not possible or (partner is None and "partner" in cheat.needs):
        return None
    mine, other = station.copy(), None if partner is None else partner.copy()
    factor = possible[int(random.integers(len(possible)))]
    span = _window(cheat, mine, random)
    if span is None or len(np.unique(mine.channels[factor].value[: span[0]])) < _LEAST_CYCLES:
        return None
    scene = Scene(mine, factor, *span, random, draw(cheat, random, fixed or {}), other)
    told = cheat.act(scene)
    event = f"{cheat.cheat}-{station.name}"
    labels = [
        Marked(event, s.name, f, cheat.pattern, begin, end, f"{cheat.cheat} {told}")
        for s, f, begin, end in scene.touched
    ]
    return (mine, other, labels) if _shows(station, partner, mine, other, labels) else None


def _window(cheat: Cheat, station: Station, random: np.random.Generator) -> tuple[int, int] | None:
    cells, last = station.cells, station.cells_of(24)
    first = int(cells * FIRST_SHARE)
    room = cells - first - min(last, cells // 20)
    length = min(station.cells_of(random.uniform(*cheat.hours)), int(room * 0.9))
    if length < 1 or (cheat.hours[0] >= 1 and length < 2):
        return None
    begin = first + int(random.integers(0, room - length + 1))
    return begin, begin + length


def _shows(
    station: Station,
    partner: Station | None,
    mine: Station,
    other: Station | None,
    labels: Sequence[Marked],
) -> bool:
    pairs = {station.name: (station, mine)}
    if partner and other:
        pairs[partner.name] = partner, other
    changed = []
    for label in labels:
        old, new = (s.channels[label.factor] for s in pairs[label.station])
        part = slice(label.begin, label.end)
        same = np.isclose(old.value[part], new.value[part], rtol=0, atol=1e-9, equal_nan=True)
        changed.append(float((~same | (old.flag[part] != new.flag[part])).mean()))
    if mine.checks != station.checks:  # checks are what was changed
        return True
    return bool(changed) and max(changed) > 0.02
