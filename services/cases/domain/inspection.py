"""A visit 现场检查 as its gates see it: who goes, when, where it is, what the record says."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.cases.domain.matter import Event, Matter

#: Lines that say who goes and when; the latest one counts.
_PLANS = frozenset({"request", "begin", "begin_urgent", "replan"})
#: 现场办理的动作: what a device may do without a network and bring back with its record.
ON_SITE = (
    "depart", "arrive", "show_certificates", "note_obstruction", "inquire", "finish_visit",
)  # fmt: skip
#: States in which a form may be taken along.
UNDER_WAY = ("approved", "on_the_way", "on_site", "checking", "visited")
#: Mean radius of the Earth, m (IUGG); against the ellipsoid of CGCS2000 less than 0.6 % off.
_RADIUS_M = 6_371_008.8


@dataclass(frozen=True)
class Limits:
    """What an installation asks of place, time and instruments (`data/inspection.yaml`)."""

    within_m: int
    grace_minutes: int
    clock_offset_s: int
    longest_visit_days: int
    calibration_days: int
    inline_bytes: int
    track_points: int


def read_limits(document: Mapping[str, Any]) -> Limits:
    """The limits of the data file."""
    return Limits(**{name: int(value) for name, value in document["limits"].items()})


@dataclass(frozen=True)
class Record:
    """现场检查记录 as far as a gate asks: a version that was kept."""

    version: int
    seq: int
    sm3: bytes
    complete: bool
    standing: bool


@dataclass(frozen=True)
class Site:
    """What is known of a visit beside its matter; a position of None is not known."""

    limits: Limits
    topics: frozenset[str] = frozenset()
    longitude: float | None = None
    latitude: float | None = None
    certificates: Mapping[str, str] = field(default_factory=dict)
    records: tuple[Record, ...] = ()
    conflicts: tuple[str, ...] = ()


def plan(matter: Matter) -> Event | None:
    """检查计划: the line that says who goes and when, as last changed."""
    return next((one for one in reversed(matter.events) if one.act in _PLANS), None)


def team(matter: Matter) -> tuple[str, ...]:
    """检查人员 of the plan, the one in charge first."""
    line = plan(matter)
    named = (line.fields.get(name, "") for name in ("officer_1", "officer_2")) if line else ()
    return tuple(one for one in named if one)


def ever_on_team(matter: Matter) -> frozenset[str]:
    """Everybody whom some plan named: who was replaced may still bring back what he recorded."""
    return frozenset(
        line.fields.get(name, "")
        for line in matter.events
        if line.act in _PLANS
        for name in ("officer_1", "officer_2")
    ) - {""}


def topics(matter: Matter) -> tuple[str, ...]:
    """检查主题 that the plan names, empty = as suggested."""
    line = plan(matter)
    return tuple(line.fields.get("topics", "").split()) if line else ()


def window(matter: Matter) -> tuple[dt.datetime, dt.datetime] | None:
    """计划检查时段, None while none was planned."""
    line = plan(matter)
    if line is None or not line.fields.get("planned_from"):
        return None
    first, last = line.fields["planned_from"], line.fields["planned_until"]
    return dt.datetime.fromisoformat(first), dt.datetime.fromisoformat(last)


def distance_m(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Distance of two places in metres, each longitude and latitude in degrees (haversine).

    >>> round(distance_m((114.48, 36.61), (114.48, 36.61)))
    0
    >>> round(distance_m((0.0, 0.0), (1.0, 0.0)))
    111195
    """
    (lon_1, lat_1), (lon_2, lat_2) = (tuple(map(math.radians, one)) for one in (first, second))
    half = (
        math.sin((lat_2 - lat_1) / 2) ** 2
        + math.cos(lat_1) * math.cos(lat_2) * math.sin((lon_2 - lon_1) / 2) ** 2
    )
    return 2 * _RADIUS_M * math.asin(math.sqrt(min(1.0, half)))
