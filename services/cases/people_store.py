"""People and their matters in PostgreSQL: who has what, what nobody has, who stood in for whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.cases import store
from services.cases.domain.matter import Event, Matter
from services.cases.domain.people_rules import LoadPoints
from services.cases.people_tables import HandedRow, VacancyRow
from services.cases.tables import EventRow, MatterRow
from services.chassis.identity import Scope, covers

#: Acts that change who handles a matter or who may.
ACTS = (
    "substitute", "nobody_left", "reassign", "recuse", "declare_recusal", "apply_recusal",
    "answer_recusal", "take_over", "hand_down", "designate",
)  # fmt: skip
#: Of these, the acts that say who has it from now on.
ASSIGNING = frozenset(ACTS) - {"recuse", "declare_recusal", "apply_recusal", "answer_recusal"}
_OPEN = MatterRow.closed_at.is_(None)
#: An able officer has it; arrays, because a province has thousands of officers.
_KEPT = text(
    "(matter.assignee_id, coalesce(nullif(matter.in_charge, ''), matter.division)) NOT IN"
    " (SELECT * FROM unnest(CAST(:able AS text[]), CAST(:at AS text[])))"
)
_OFFICE = func.coalesce(func.nullif(MatterRow.in_charge, ""), MatterRow.division)


def try_lock(session: Session, matter_id: str) -> bool:
    """Lock a matter and its kin without waiting; False while somebody else works on them.

    Never waiting, one transaction may hold many families and stand in nobody's way for good.
    """
    root = session.scalar(select(MatterRow.root_id).where(MatterRow.matter_id == matter_id))
    key = {"key": root or matter_id}
    query = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 1))")
    if not session.scalar(query, key):
        return False
    row = select(MatterRow.matter_id).where(MatterRow.matter_id == matter_id)
    return session.scalar(row.with_for_update(skip_locked=True)) is not None


def homeless(
    session: Session, able: Collection[tuple[str, str]], after: str, limit: int
) -> list[str]:
    """Open matters beyond `after` that none of the able officers (number, office) has.

    One that nobody could take is left out while its office has nobody at all.
    """
    told = exists().where(
        VacancyRow.matter_id == MatterRow.matter_id, VacancyRow.ended_at.is_(None)
    )
    offices = sorted({office for _, office in able})
    hopeless = and_(MatterRow.assignee_id == "", told, _OFFICE.not_in(offices))
    query = select(MatterRow.matter_id).where(_OPEN, MatterRow.matter_id > after, ~hopeless)
    query = query.where(_KEPT.bindparams(able=[one for one, _ in able], at=[at for _, at in able]))
    return list(session.scalars(query.order_by(MatterRow.matter_id).limit(limit)))


def stood_in(session: Session, today: dt.date, after: str, limit: int) -> list[str]:
    """Open matters beyond `after` that somebody has for a person whose absence is over."""
    query = (
        select(MatterRow.matter_id)
        .join(EventRow, EventRow.matter_id == MatterRow.matter_id)
        .where(
            _OPEN,
            MatterRow.matter_id > after,
            EventRow.act == "substitute",
            EventRow.fields["why"].astext == "leave",
            EventRow.fields["officer"].astext == MatterRow.assignee_id,
            EventRow.fields["until"].astext < today.isoformat(),
        )
    )
    return list(session.scalars(query.distinct().order_by(MatterRow.matter_id).limit(limit)))


@dataclass(frozen=True)
class Burden:
    """What one officer has: matters, of those late and soon due, and their points."""

    open_matters: int = 0
    overdue: int = 0
    due_soon: int = 0
    weight: float = 0.0


def burdens(
    session: Session, officer_ids: Collection[str], points: LoadPoints, now: dt.datetime
) -> dict[str, Burden]:
    """Open matters of each of these officers, weighed by their nearest term."""
    late = MatterRow.next_due_at <= now
    soon = and_(
        MatterRow.next_due_at > now,
        MatterRow.next_due_at <= now + dt.timedelta(days=points.near_days),
    )
    weight = func.sum(case((late, points.overdue), (soon, points.near), else_=points.plain))
    counts = (func.count(), func.count().filter(late), func.count().filter(soon), weight)
    query = select(MatterRow.assignee_id, *counts).where(
        _OPEN, MatterRow.assignee_id.in_(sorted(officer_ids))
    )
    rows = session.execute(query.group_by(MatterRow.assignee_id))
    return {who: Burden(n, over, near, float(sum_)) for who, n, over, near, sum_ in rows}


def held(session: Session, scope: Scope, officer_id: str, limit: int) -> list[tuple[str, str]]:
    """Open matters of an officer (empty = of nobody) that the scope's people handle, by term."""
    where = (_OPEN, MatterRow.assignee_id == officer_id, _within(scope.division_prefix))
    query = select(MatterRow.matter_id, MatterRow.number).where(*where)
    order = (MatterRow.next_due_at.asc().nulls_last(), MatterRow.matter_id)
    return [(one, number) for one, number in session.execute(query.order_by(*order).limit(limit))]


def _within(prefix: str) -> ColumnElement[bool]:
    return _OFFICE.startswith(prefix, autoescape=True)


def keep_office(session: Session, matter: Matter) -> None:
    """Let an office see what it handles outside its own region (`queries.within`)."""
    office = matter.in_charge if is_foreign(matter) else ""
    new = insert(HandedRow).values(matter_id=matter.matter_id, office=office)
    session.execute(
        new.on_conflict_do_update(
            index_elements=["matter_id"], set_={"office": new.excluded.office}
        )
    )


def is_foreign(matter: Matter) -> bool:
    """Whether another region's office handles the matter."""
    return bool(matter.in_charge) and not covers(matter.in_charge, matter.division)


def has_vacancy(session: Session, matter_id: str) -> bool:
    """Whether the leader has been told that nobody has the matter."""
    query = select(VacancyRow.since).where(
        VacancyRow.matter_id == matter_id, VacancyRow.ended_at.is_(None)
    )
    return session.scalar(query) is not None


def open_vacancy(session: Session, matter_id: str, reason: str, now: dt.datetime) -> None:
    """Put a matter on the list of those in nobody's hands."""
    close_vacancy(session, matter_id, now)
    new = insert(VacancyRow).values(matter_id=matter_id, since=now, reason=reason)
    session.execute(
        new.on_conflict_do_update(
            index_elements=["matter_id", "since"], set_={"ended_at": None, "reason": reason}
        )
    )


def close_vacancy(session: Session, matter_id: str, now: dt.datetime) -> None:
    """Take a matter off that list."""
    waits = (VacancyRow.matter_id == matter_id, VacancyRow.ended_at.is_(None))
    session.execute(update(VacancyRow).where(*waits).values(ended_at=now))


def close_filled(session: Session, now: dt.datetime) -> None:
    """Take what a leader gave to somebody, or what was closed, off the list."""
    filled = exists().where(
        MatterRow.matter_id == VacancyRow.matter_id,
        or_(MatterRow.assignee_id != "", MatterRow.closed_at.is_not(None)),
    )
    query = update(VacancyRow).where(VacancyRow.ended_at.is_(None), filled)
    session.execute(query.values(ended_at=now))


def unassigned(
    session: Session, scope: Scope, limit: int
) -> tuple[list[tuple[Matter, dt.datetime, str]], int]:
    """Open matters in nobody's hands by term, since when and why; and how many there are."""
    where = [_OPEN, MatterRow.assignee_id == "", _within(scope.division_prefix)]
    total = session.scalar(select(func.count()).select_from(MatterRow).where(*where)) or 0
    waits = and_(VacancyRow.matter_id == MatterRow.matter_id, VacancyRow.ended_at.is_(None))
    query = select(MatterRow, VacancyRow.since, VacancyRow.reason).outerjoin(VacancyRow, waits)
    order = (MatterRow.next_due_at.asc().nulls_last(), MatterRow.matter_id)
    rows = session.execute(query.where(*where).order_by(*order).limit(limit))
    found = [
        (store.head_of(row), since or row.opened_at, reason or "") for row, since, reason in rows
    ]
    return found, total


@dataclass(frozen=True)
class Wanted:
    """What a list of changes asks for; empty = all. `before` 0 = from the newest."""

    scope: Scope
    officer_id: str = ""
    matter_id: str = ""
    before: int = 0


def people_events(
    session: Session, wanted: Wanted, limit: int
) -> Sequence[tuple[int, str, str, Event]]:
    """Changes of people, newest first: place in the list, matter, its number, line."""
    where = [
        EventRow.act.in_(ACTS),
        or_(_within(wanted.scope.division_prefix), _placed(wanted.scope.division_prefix)),
    ]
    if wanted.before:
        where.append(EventRow.event_id < wanted.before)
    if wanted.matter_id:
        where.append(EventRow.matter_id == wanted.matter_id)
    if wanted.officer_id:
        named = [EventRow.fields[name].astext for name in ("officer", "from")]
        concerned = [EventRow.actor_id, *named]
        where.append(or_(*(column == wanted.officer_id for column in concerned)))
    query = (
        select(EventRow, MatterRow.number)
        .join(MatterRow, MatterRow.matter_id == EventRow.matter_id)
        .where(*where)
        .order_by(EventRow.event_id.desc())
        .limit(limit)
    )
    return [
        (row.event_id, row.matter_id, number, store.event_of(row))
        for row, number in session.execute(query)
    ]


def _placed(prefix: str) -> ColumnElement[bool]:
    return MatterRow.division.startswith(prefix, autoescape=True)
