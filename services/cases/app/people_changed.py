"""无人离岗留件: whose officer is gone, away, uncertified, moved or recused goes to somebody else.

One sweep looks at the open matters that no able officer has. Each is locked without waiting and
judged again under the lock, so two replicas at once move a matter once, and a second look finds
nothing to do. Where nobody is able, the matter has no officer and its leader is told once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from services.cases import people_store, registry_copy, rules, store
from services.cases.app.attempts import system_attempt
from services.cases.app.perform import finish, perform
from services.cases.domain import steps
from services.cases.domain.assignment import (
    Staff,
    Vacancy,
    Why,
    choose,
    hindrance,
    vacancy,
)
from services.cases.domain.attempt import Attempt
from services.cases.domain.matter import Matter, Officer
from services.cases.domain.office import office_of
from services.chassis.clock import BEIJING

#: Due rows that a change of people sets.
PEOPLE = "people_changed"
NOBODY_ZH = "承办单位没有在岗、持有效证件、未回避且未参与前序环节的执法人员"


@dataclass(frozen=True)
class Swept:
    """One batch of the sweep: how many were moved, and where the next begins; empty = the end."""

    moved: int
    after: str


def sweep(session: Session, now: dt.datetime, after: str = "") -> Swept:
    """Move one batch of matters beyond `after`."""
    today = now.astimezone(BEIJING).date()
    people = rules.people()
    officers = registry_copy.officers(session)
    if not officers:  # a copy that is not filled yet says nothing about anybody
        return Swept(0, "")
    if not after:
        people_store.close_filled(session, now)
    able = [
        (one.officer_id, one.division) for one in officers.values() if not hindrance(one, today)
    ]
    ids = people_store.homeless(session, able, after, people.batch)
    back = people_store.stood_in(session, today, after, people.batch) if _returns() else []
    batch = sorted({*ids, *back})[: people.batch]
    if not batch:
        return Swept(0, "")
    desk = _Desk(session, now, staff_of(session, officers, now))
    moved = sum(people_store.try_lock(session, one) and desk.look(one) for one in batch)
    more = len(batch) == people.batch
    return Swept(moved, batch[-1] if more else "")


def _returns() -> bool:
    return rules.people().return_after_leave


def staff_of(session: Session, officers: Mapping[str, Officer], now: dt.datetime) -> Staff:
    """Today's roster and what everybody has to do."""
    burdens = people_store.burdens(session, officers, rules.people().load, now)
    load = {who: one.weight for who, one in burdens.items()}
    return Staff(registry_copy.on_duty(session, now), load)


def rehome(session: Session, matter: Matter, now: dt.datetime) -> Matter:
    """Replace the officer of a matter, and of its open kin, where he cannot go on; gives it.

    The caller holds the lock of the family.
    """
    officers = registry_copy.officers(session)
    desk = _Desk(session, now, staff_of(session, officers, now))
    for one in (matter.matter_id, *(kin.matter_id for kin in store.family(session, matter))):
        desk.look(one)
    return store.load(session, matter.matter_id)


def move_below(session: Session, matter: Matter, now: dt.datetime) -> Matter:
    """What hangs below a matter that was handed over goes with it, to the same officer."""
    people_store.keep_office(session, matter)
    below = {matter.matter_id}
    for kin in store.family(session, matter):
        if kin.parent_matter_id in below:
            below.add(kin.matter_id)
            if kin.closed_at is None:
                _follow(session, kin.matter_id, matter, now)
    return store.load(session, matter.matter_id)


def _follow(session: Session, matter_id: str, above: Matter, now: dt.datetime) -> None:
    kin = store.load(session, matter_id, lock=True)
    if rules.life_cycle(kin.kind).row("substitute", kin.state, kin.level) is None:
        return
    fields = _fields(kin, Vacancy(Why.HANDED_OVER), above.assignee_id, above.assignee_name)
    _perform(session, system_attempt(session, kin, now, fields), Why.HANDED_OVER.zh)
    people_store.keep_office(session, store.load(session, matter_id))


class _Desk:
    """分派台: one transaction's look at matters; each one given away counts for the next."""

    def __init__(self, session: Session, now: dt.datetime, staff: Staff) -> None:
        self._session = session
        self._now = now
        self._staff = staff
        self._load = dict(staff.load)

    def look(self, matter_id: str) -> bool:
        """Judge a matter, which is locked, and do what it needs; whether anything was done."""
        matter = store.load(self._session, matter_id, lock=True)
        life = rules.life_cycle(matter.kind)
        known = life.row("substitute", matter.state, matter.level)
        if matter.closed_at is not None or known is None:
            return False
        attempt = system_attempt(self._session, matter, self._now)
        empty = vacancy(attempt) or self._over(attempt)
        if empty is None:
            return False
        named = empty.leave.substitute_id if empty.leave else ""
        only = (_absent(matter),) if empty.why is Why.RETURNED else ()
        staff = replace(self._staff, load=self._load)
        chosen = choose(life, attempt, staff, named, only)
        if chosen is not None:
            self._give(attempt, empty, chosen)
            return True
        return empty.why is not Why.RETURNED and self._nobody(attempt, empty)

    def _give(self, attempt: Attempt, empty: Vacancy, chosen: Officer) -> None:
        matter = attempt.matter
        fields = _fields(matter, empty, chosen.officer_id, chosen.name)
        _perform(self._session, replace(attempt, fields=fields), empty.zh)
        people_store.close_vacancy(self._session, matter.matter_id, self._now)
        points = rules.people().load.plain
        self._load[chosen.officer_id] = self._load.get(chosen.officer_id, 0.0) + points

    def _nobody(self, attempt: Attempt, empty: Vacancy) -> bool:
        """The matter is the leader's to give; he is told once, and again when it comes back."""
        matter = attempt.matter
        if not matter.assignee_id and people_store.has_vacancy(self._session, matter.matter_id):
            return False
        attempt = replace(
            attempt, fields=_fields(matter, empty, "", ""), reason=f"{empty.zh}；{NOBODY_ZH}"
        )
        step = steps.take(rules.life_cycle(matter.kind), "nobody_left", attempt, rules.terms())
        freed = replace(step.matter, assignee_id="", assignee_name="")
        finish(self._session, replace(step, matter=freed), attempt)
        people_store.open_vacancy(self._session, matter.matter_id, attempt.reason, self._now)
        return True

    def _over(self, attempt: Attempt) -> Vacancy | None:
        """返岗: the person who had the matter is back, where the office wants it to return."""
        absent = _absent(attempt.matter) if _returns() else ""
        officer = attempt.officers.get(absent)
        if officer is None or hindrance(officer, attempt.today):
            return None
        return Vacancy(Why.RETURNED)


def _absent(matter: Matter) -> str:
    """Who was stood in for, while nothing else has changed the officer since."""
    last = next((e for e in reversed(matter.events) if e.act in people_store.ASSIGNING), None)
    stood_in = last is not None and last.fields.get("why") == Why.LEAVE.value
    return last.fields.get("from", "") if last is not None and stood_in else ""


def _fields(matter: Matter, empty: Vacancy, officer_id: str, name: str) -> dict[str, str]:
    fields = {
        "officer": officer_id,
        "officer_name": name,
        "from": matter.assignee_id,
        "from_name": matter.assignee_name,
        "office": office_of(matter),
        "why": empty.why.value,
        "why_zh": empty.why.zh,
        "until": empty.until,
    }
    return {name: value for name, value in fields.items() if value}


def _perform(session: Session, attempt: Attempt, reason: str) -> None:
    perform(session, "substitute", replace(attempt, reason=reason))
