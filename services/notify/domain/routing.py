"""通知对象 From the roles that a notice names to the persons who get it.

A plant is told through its environment managers; a division through the officers on duty today, or
through all of that role where nobody is rostered; a leader is never rostered. One person named
twice is told once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ENTERPRISE, DIVISION, OFFICER = "enterprise", "division", "officer"
_MANAGER = "environment_manager"


@dataclass(frozen=True, slots=True)
class Person:
    """One who can be told. `home`: the plant of a contact, the division of an officer."""

    person_id: str
    name: str
    phone: str
    kind: str  # contact | officer
    home: str
    role: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who a notice asks for: kind, key (credit code, division code or officer id) and role."""

    kind: str
    key: str
    role: str = ""


def resolve(
    wanted: Sequence[Wanted], people: Iterable[Person], on_duty: frozenset[str]
) -> list[Person]:
    """The persons a notice goes to, each once, in the order of `wanted`, then by id.

    `on_duty` holds the ids of the officers rostered today.
    """
    known = sorted(people, key=lambda person: person.person_id)
    found: dict[str, Person] = {}
    for want in wanted:
        for person in _matching(want, known, on_duty):
            found.setdefault(person.person_id, person)
    return list(found.values())


def _matching(want: Wanted, known: list[Person], on_duty: frozenset[str]) -> list[Person]:
    if want.kind == OFFICER:
        return [p for p in known if p.kind == "officer" and p.person_id == want.key]
    if want.kind == ENTERPRISE:
        contacts = [p for p in known if p.kind == "contact" and p.home == want.key]
        return [p for p in contacts if p.role == _MANAGER] or contacts
    if want.kind != DIVISION:
        return []
    role = want.role or "officer"
    there = [p for p in known if p.kind == "officer" and p.home == want.key and p.role == role]
    if role != "officer":
        return there
    return [p for p in there if p.person_id in on_duty] or there


def masked(phone: str) -> str:
    """A number that can be shown: its first three and last four digits.

    >>> masked("19900001234")
    '199****1234'
    """
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) > 7 else "****"
