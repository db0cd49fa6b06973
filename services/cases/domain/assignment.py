"""Who handles a matter 属地分派: the county's team, on duty first; else the city's, else above."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from services.cases.domain.matter import Officer


@dataclass(frozen=True)
class Assignment:
    """A team and a person of it; empty where the region has nobody."""

    division: str
    team_id: str = ""
    officer_id: str = ""
    name: str = ""


def levels_of(county: str) -> tuple[str, str, str]:
    """County, city and province of a county code (GB/T 2260).

    >>> levels_of("130402")
    ('130402', '130400', '130000')
    """
    return county, f"{county[:4]}00", f"{county[:2]}0000"


def assign(
    county: str, officers: Iterable[Officer], on_duty: Collection[str], today: dt.date
) -> Assignment:
    """The lowest level that has a certified officer; who is on duty goes first, then by id."""
    people = [one for one in officers if one.role == "officer" and one.certified(today)]
    for division in dict.fromkeys(levels_of(county)):
        there = [one for one in people if one.division == division]
        if there:
            one = min(there, key=lambda o: (o.officer_id not in on_duty, o.officer_id))
            return Assignment(division, one.team_id, one.officer_id, one.name)
    return Assignment(county)
