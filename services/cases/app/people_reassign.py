"""批量改派: a leader moves what one officer has, matter by matter, to those named or best able."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from services.cases import people_store, registry_copy, rules, store
from services.cases.app.act_on_matter import Request, act_on_matter, doer_of, require_readable
from services.cases.app.attempts import attempt_of
from services.cases.app.people_changed import NOBODY_ZH, staff_of
from services.cases.domain.assignment import choose, vacancy
from services.cases.domain.matter import SYSTEM
from services.chassis.db import Database
from services.chassis.errors import FarsightError, Forbidden, InputRejected
from services.chassis.identity import Actor, covers, require, scope_of

#: Matters of one call; the answer says whether there are more.
MOST = 200


@dataclass(frozen=True)
class Move:
    """What a leader wants moved. `from_id` empty = what nobody has, in `division`."""

    from_id: str
    to_ids: tuple[str, ...]
    reason: str
    division: str = ""


@dataclass(frozen=True)
class Moved:
    """What became of one matter: who has it, or why it stayed."""

    matter_id: str
    number: str
    officer_id: str = ""
    name: str = ""
    refusal: str = ""


def list_held(session: Session, actor: Actor, move: Move) -> tuple[list[tuple[str, str]], bool]:
    """The matters that a call is about, by term, and whether there are more of them.

    Raises `InputRejected` without a reason or for a person who is no officer, `Forbidden` for
    people of another jurisdiction.
    """
    scope = scope_of(actor, "people.assign", move.division)
    if not move.reason.strip():
        raise InputRejected("a reason is needed", field="reason")
    officers = registry_copy.officers(session)
    for one in dict.fromkeys((*move.to_ids, move.from_id)):
        officer = officers.get(one)
        if one in move.to_ids and (officer is None or one == move.from_id):
            raise InputRejected(f"{one} cannot take over", field="to_officer_ids")
        if officer is not None and not covers(actor.division, officer.division):
            raise Forbidden("an officer of another jurisdiction", action="people.assign")
    found = people_store.held(session, scope, move.from_id, MOST + 1)
    return found[:MOST], len(found) > MOST


def reassign_all(
    database: Database, actor: Actor, move: Move, now: dt.datetime
) -> tuple[list[Moved], bool]:
    """Move them, a transaction a matter: one that cannot be moved hinders no other."""
    require(actor, "people.assign")
    with database.transaction() as session:
        wanted, more = list_held(session, actor, move)
    results = []
    for matter_id, number in wanted:
        try:
            with database.transaction() as session:
                moved = _one(session, actor, move, matter_id, now)
                results.append(replace(moved, number=number))
        except FarsightError as fault:
            results.append(Moved(matter_id, number, refusal=fault.message))
    return results, more


def _one(session: Session, actor: Actor, move: Move, matter_id: str, now: dt.datetime) -> Moved:
    store.lock_family(session, matter_id)
    matter = store.load(session, matter_id, lock=True)
    require_readable(actor, matter)
    if matter.assignee_id != move.from_id or matter.closed_at is not None:
        return Moved(
            matter_id, "", matter.assignee_id, matter.assignee_name, "已由他人改派或者办结"
        )
    attempt = replace(attempt_of(session, matter, doer_of(actor), now), doer=SYSTEM)
    empty = vacancy(attempt)
    named = empty.leave.substitute_id if empty and empty.leave else ""
    staff = staff_of(session, attempt.officers, now)
    life = rules.life_cycle(matter.kind)
    chosen = choose(life, attempt, staff, named, move.to_ids)
    if chosen is None:
        return Moved(matter_id, "", refusal=NOBODY_ZH)
    request = Request(matter_id, "reassign", {"officer": chosen.officer_id}, move.reason)
    after = act_on_matter(session, actor, request, now)
    people_store.close_vacancy(session, matter_id, now)
    return Moved(matter_id, "", after.assignee_id, after.assignee_name)
