"""Queries of marks, freezes, outlets to judge again and day judgements (schema `detect`)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from services.detect.judgement_tables import DayRow, FrozenRow, MarkRow, RejudgeRow

#: Rows of one INSERT: PostgreSQL takes 65,535 parameters.
_CHUNK = 2000


@dataclass(frozen=True)
class Due:
    """重判 of one outlet: from which hour on, and for which reasons."""

    since: int
    reasons: tuple[str, ...]


def save_marks(session: Session, rows: Sequence[MarkRow]) -> dict[str, int]:
    """Append revisions and decisions; gives the first hour that each outlet's news touch.

    What is known already gives nothing. A revision touches the hours of all earlier ones too: they
    count no more.
    """
    new: list[tuple[str, str, int]] = []
    for at in range(0, len(rows), _CHUNK):
        values = [_values(row) for row in rows[at : at + _CHUNK]]
        done = session.execute(
            insert(MarkRow)
            .values(values)
            .on_conflict_do_nothing()
            .returning(MarkRow.outlet_id, MarkRow.mark_id, MarkRow.first_hour)
        )
        new += [(row.outlet_id, row.mark_id, row.first_hour) for row in done]
    touched: dict[str, int] = {}
    for at in range(0, len(new), _CHUNK):
        marks = {(outlet, mark) for outlet, mark, _ in new[at : at + _CHUNK]}
        query = select(MarkRow.outlet_id, func.min(MarkRow.first_hour)).group_by(MarkRow.outlet_id)
        mine = tuple_(MarkRow.outlet_id, MarkRow.mark_id).in_(list(marks))
        for outlet_id, hour in session.execute(query.where(mine)):
            touched[outlet_id] = min(hour, touched.get(outlet_id, hour))
    return touched


def marks_of(session: Session, outlets: Iterable[str], since_hour: int) -> dict[str, list[bytes]]:
    """Bodies of all revisions and decisions that reach beyond an hour, by outlet, in order.

    All revisions of a mark are given when one of them reaches beyond the hour.
    """
    wanted = list(outlets)
    near = (
        select(MarkRow.outlet_id, MarkRow.mark_id)
        .where(MarkRow.outlet_id.in_(wanted), MarkRow.end_hour > since_hour)
        .distinct()
        .subquery()
    )
    query = (
        select(MarkRow.outlet_id, MarkRow.body)
        .join(
            near,
            (MarkRow.outlet_id == near.c.outlet_id) & (MarkRow.mark_id == near.c.mark_id),
        )
        .order_by(MarkRow.outlet_id, MarkRow.mark_id, MarkRow.revision, MarkRow.decided_us)
    )
    found: dict[str, list[bytes]] = {}
    for outlet_id, body in session.execute(query):
        found.setdefault(outlet_id, []).append(body)
    return found


def freeze(session: Session, day: date, at: datetime) -> bool:
    """Note a frozen day; False where it was frozen before."""
    row = insert(FrozenRow).values(day=day, frozen_at=at).on_conflict_do_nothing()
    return session.execute(row.returning(FrozenRow.day)).first() is not None


def frozen_until(session: Session) -> date | None:
    """The newest frozen day, None where none is."""
    return session.scalar(select(func.max(FrozenRow.day)))


def request_rejudge(session: Session, rows: Sequence[RejudgeRow]) -> None:
    """Ask for outlets to be judged again; earlier hours and moments win over later ones."""
    # In one order, so that two writers of the same outlets never wait for each other in a circle.
    ordered = sorted(rows, key=lambda row: (row.outlet_id, row.reason))
    for at in range(0, len(ordered), _CHUNK):
        new = insert(RejudgeRow).values([_values(row) for row in ordered[at : at + _CHUNK]])
        session.execute(
            new.on_conflict_do_update(
                index_elements=["outlet_id", "reason"],
                set_={
                    "since_hour": func.least(RejudgeRow.since_hour, new.excluded.since_hour),
                    "due_at": func.least(RejudgeRow.due_at, new.excluded.due_at),
                },
            )
        )


def waiting_since(session: Session, outlets: Iterable[str]) -> dict[str, int]:
    """Of some outlets, those that wait to be judged again, with the first hour."""
    query = select(RejudgeRow.outlet_id, func.min(RejudgeRow.since_hour))
    mine = RejudgeRow.outlet_id.in_(list(outlets))
    found = session.execute(query.where(mine).group_by(RejudgeRow.outlet_id))
    return {row[0]: row[1] for row in found}


def claim_due(session: Session, partition: int, now: datetime, most: int) -> dict[str, Due]:
    """Lock and delete the oldest rows of a partition whose time has come, for `most` outlets.

    They are gone with this transaction, in which the outlets are judged; a request that comes
    meanwhile waits for it and stays.
    """
    ready = (RejudgeRow.partition == partition, RejudgeRow.due_at <= now)
    oldest = select(RejudgeRow).where(*ready).order_by(RejudgeRow.due_at).limit(most)
    rows = list(session.scalars(oldest.with_for_update(skip_locked=True)))
    found: dict[str, list[RejudgeRow]] = {}
    for row in rows:
        found.setdefault(row.outlet_id, []).append(row)
    keys = [(row.outlet_id, row.reason) for row in rows]
    if keys:
        gone = delete(RejudgeRow).where(tuple_(RejudgeRow.outlet_id, RejudgeRow.reason).in_(keys))
        session.execute(gone.execution_options(synchronize_session=False))
        session.expunge_all()
    return {
        outlet_id: Due(
            min(row.since_hour for row in mine),
            tuple(row.reason for row in sorted(mine, key=lambda row: row.requested_at)),
        )
        for outlet_id, mine in found.items()
    }


def count_waiting(session: Session) -> dict[int, int]:
    """Rows that wait, by partition."""
    query = select(RejudgeRow.partition, func.count()).group_by(RejudgeRow.partition)
    return {row[0]: row[1] for row in session.execute(query)}


def last_days(session: Session, outlets: Iterable[str]) -> dict[str, date]:
    """The newest judged day of each outlet that has one."""
    query = select(DayRow.outlet_id, func.max(DayRow.day)).group_by(DayRow.outlet_id)
    found = session.execute(query.where(DayRow.outlet_id.in_(list(outlets))))
    return {row[0]: row[1] for row in found}


def newest_days(session: Session, outlets: Iterable[str], day: date) -> dict[str, DayRow]:
    """The newest revision of a day of each outlet that has one, with its body."""
    query = (
        select(DayRow)
        .where(DayRow.outlet_id.in_(list(outlets)), DayRow.day == day)
        .ext(distinct_on(DayRow.outlet_id))
        .order_by(DayRow.outlet_id, DayRow.revision.desc())
    )
    return {row.outlet_id: row for row in session.scalars(query)}


def days_of(session: Session, outlet_id: str, first: date, last: date) -> list[DayRow]:
    """Newest revisions of an outlet's days [first, last], by day."""
    query = (
        select(DayRow)
        .where(DayRow.outlet_id == outlet_id, DayRow.day >= first, DayRow.day <= last)
        .ext(distinct_on(DayRow.day))
        .order_by(DayRow.day, DayRow.revision.desc())
    )
    return list(session.scalars(query))


def revisions_of(session: Session, outlet_id: str, day: date) -> list[DayRow]:
    """All revisions of a day, oldest first, with their bodies."""
    query = select(DayRow).where(DayRow.outlet_id == outlet_id, DayRow.day == day)
    return list(session.scalars(query.order_by(DayRow.revision)))


def last_day_of_plant(session: Session, credit_code: str, first: date, last: date) -> list[DayRow]:
    """The newest judged day of each outlet of an enterprise inside [first, last]."""
    query = (
        select(DayRow)
        .where(DayRow.credit_code == credit_code, DayRow.day >= first, DayRow.day <= last)
        .ext(distinct_on(DayRow.outlet_id))
        .order_by(DayRow.outlet_id, DayRow.day.desc(), DayRow.revision.desc())
    )
    return list(session.scalars(query))


def save_days(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Append day judgements in bulk. A row that is there already is an error, never changed."""
    for at in range(0, len(rows), _CHUNK):
        session.execute(insert(DayRow), list(rows[at : at + _CHUNK]))


def _values(row: MarkRow | RejudgeRow) -> dict[str, object]:
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}
