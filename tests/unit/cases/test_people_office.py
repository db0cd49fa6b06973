"""Gates of other subjects ask for persons and for the office in charge, not for numbers alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from services.cases.domain.gates import GATES
from services.cases.domain.gates_handover import above
from services.cases.domain.lifecycle import Gate
from services.cases.domain.matter import Doer, Event, Kind, Matter, Officer
from services.cases.domain.office import competent
from tests.unit.cases.region import COUNTY, NOW, attempt, blank

GOOD = dt.date(2030, 1, 1)
OLD, NEW, OTHER = (Officer(n, n, COUNTY, "officer", "t", GOOD) for n in ("old", "new", "other"))
TWIN = replace(NEW, also=frozenset({"old"}))
PEOPLE = {"new": TWIN, "other": OTHER}


def asked(name: str, matter: Matter, who: str = "new", **fields: str) -> str:
    """What a gate misses."""
    one = PEOPLE[who]
    doer = Doer(who, one.name, one.role, one.division)
    wish = replace(attempt(matter, doer, fields), officers=PEOPLE)
    return GATES[name](Gate(name, "", {"field": "officer_1"}), wish)


def after(act: str, who: str, **fields: str) -> Matter:
    """A case with one line."""
    event = Event(1, NOW, Doer(who, who, "leader"), act, act, "", "", "", fields)
    return replace(blank(Kind.CASE), events=(event,))


def test_a_reviewer_under_a_new_number_investigates_nothing():
    """The other way round as well: who reviewed does not go back to investigate."""
    reviewed = after("review_technical", "old")

    assert "须由其他人员调查" in asked("never_reviewed", reviewed, officer_2="other")
    assert "须由其他人员调查" in asked("never_reviewed", reviewed, "other", officer_2="new")
    assert asked("never_reviewed", reviewed, "other", officer_2="other") == ""


def test_a_visit_is_approved_by_another_person_than_who_goes():
    """Also where that person has another number by now."""
    planned = after("request", "boss", officer_1="old", officer_2="other")

    assert asked("not_on_team", planned)


@pytest.mark.parametrize(
    ("office", "division", "may"),
    [
        (COUNTY, COUNTY, True),
        (COUNTY, "130400", True),
        (COUNTY, "130403", False),
        ("130403", "130403", True),
        ("130403", COUNTY, True),
        ("130400", COUNTY, True),
        ("130400", "130500", False),
    ],
)
def test_who_may_take_part(office: str, division: str, may: bool):
    """People of the place, of the office in charge, and of the offices above; nobody else."""
    matter = replace(blank(Kind.CASE), in_charge=office)

    assert competent(replace(OTHER, division=division), matter) is may


def test_a_designated_office_files_the_case():
    """属于本机关管辖 is asked of the office in charge (PL art 25)."""
    handed = replace(blank(Kind.CASE), in_charge="130403")

    assert asked("own_jurisdiction", handed)
    assert asked("own_jurisdiction", replace(handed, in_charge=COUNTY)) == ""


def test_above_is_strict():
    """An office is not above itself, and a county is above nobody."""
    assert above("130000", "130400")
    assert not above("130400", "130400")
    assert not above("130402", "130403")
