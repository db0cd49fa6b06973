"""四眼原则 Who took part in what, by person and over the whole family of matters.

A person keeps what he did when his role, his division or his number changes: an officer who
investigated and was promoted is still no reviewer (order 30 art 38), and whoever was recused from
a case is recused from everything that grew from it (PL art 43).
"""

from __future__ import annotations

from collections.abc import Iterator

from services.cases.domain.attempt import Attempt
from services.cases.domain.matter import Event, Matter

GRANTED = "granted"
_PARTNER = "officer_"  # officer_1, officer_2, ...


def numbers_of(attempt: Attempt, person: str) -> frozenset[str]:
    """Every number under which the person is or was known."""
    officer = attempt.officers.get(person)
    return frozenset({person}) | (officer.also if officer else frozenset())


def took_part(event: Event, attempt: Attempt) -> frozenset[str]:
    """Who did an act: its doer and whom its fields name beside him."""
    named = {
        value
        for name, value in event.fields.items()
        if name.startswith(_PARTNER) or name in attempt.people.person_fields
    }
    return frozenset(named | {event.doer.person_id})


def did(attempt: Attempt, person: str, acts: frozenset[str]) -> Event | None:
    """The event that shuts this person out of confirming those acts, None when there is none.

    Where one of them is an act of investigation, every investigation of the family counts.
    """
    mine = numbers_of(attempt, person)
    for event in _told(attempt, acts):
        if took_part(event, attempt) & mine:
            return event
    return None


def _told(attempt: Attempt, acts: frozenset[str]) -> Iterator[Event]:
    matter, investigates = attempt.matter, attempt.people.investigates
    yield from (event for event in matter.events if event.act in acts)
    if acts & investigates.get(matter.kind, frozenset()):
        for one in (matter, *attempt.family):
            known = investigates.get(one.kind, frozenset())
            yield from (event for event in one.events if event.act in known)


def recused(matter: Matter) -> frozenset[str]:
    """回避人员 of a matter: who may not act on it any more (PL art 43)."""
    return frozenset(filter(None, map(_recused_by, matter.events)))


def _recused_by(event: Event) -> str:
    if event.act == "declare_recusal":
        return event.doer.person_id
    if event.act == "answer_recusal" and event.fields.get("verdict") != GRANTED:
        return ""
    named = event.act in {"recuse", "answer_recusal"}
    return event.fields.get("officer", "") if named else ""


def is_recused(attempt: Attempt, person: str) -> bool:
    """Whether the person withdrew, or was withdrawn, from this matter or its family."""
    mine = numbers_of(attempt, person)
    return any(recused(one) & mine for one in (attempt.matter, *attempt.family))
