"""Rows and queries of electricity: meters, their days, plants to be judged."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import BigInteger, Integer, LargeBinary, Text, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.detect.domain.reconcile import Kept
from services.detect.judgement.meter_day import MeterDay
from services.detect.store import Base, FindingRow, kept_of

#: Key space of the advisory locks that serialise writers of one plant's meters.
_LOCK_SPACE = 0x504F_5752


class MeterRow(Base):
    """电表 as its newest reading describes it; `told_s` = unix seconds of that reading."""

    __tablename__ = "meter"
    credit_code: Mapped[str] = mapped_column(Text, primary_key=True)
    meter_id: Mapped[str] = mapped_column(Text, primary_key=True)
    use: Mapped[int] = mapped_column(Integer)
    facility: Mapped[str] = mapped_column(Text)
    told_s: Mapped[int] = mapped_column(BigInteger)


class MeterDayRow(Base):
    """电表日数据: a packed `MeterDay`; `revision` grows when a reading changes it."""

    __tablename__ = "meter_day"
    credit_code: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[int] = mapped_column(Integer, primary_key=True)
    meter_id: Mapped[str] = mapped_column(Text, primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    newest: Mapped[int] = mapped_column(Integer)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class DueRow(Base):
    """待研判企业: a plant whose days from `since_day` on are to be judged."""

    __tablename__ = "power_due"
    credit_code: Mapped[str] = mapped_column(Text, primary_key=True)
    since_day: Mapped[int] = mapped_column(Integer)


class MeterDayKey(NamedTuple):
    """One meter's Beijing day (counted from 1970-01-01)."""

    day: int
    meter_id: str


class Place(NamedTuple):
    """What is known of a stored day without its body."""

    revision: int
    newest: int


def lock_plants(session: Session, codes: Iterable[str]) -> None:
    """Let one writer of each plant's meters at a time; in one order, so that nobody waits twice."""
    statement = text("SELECT pg_advisory_xact_lock(:space, hashtext(:code))")
    for code in sorted(set(codes)):
        session.execute(statement, {"space": _LOCK_SPACE, "code": code})


def keep_meters(session: Session, meters: Iterable[MeterRow]) -> None:
    """Keep what the newest reading says of each meter."""
    for one in meters:
        values = {name: getattr(one, name) for name in MeterRow.__table__.columns.keys()}  # noqa: SIM118 - columns iterate as columns
        new = insert(MeterRow).values(values)
        session.execute(
            new.on_conflict_do_update(
                index_elements=["credit_code", "meter_id"],
                set_={name: new.excluded[name] for name in ("use", "facility", "told_s")},
                where=MeterRow.told_s < new.excluded.told_s,
            )
        )


def meters_of(session: Session, credit_code: str) -> dict[str, MeterRow]:
    """Meters of a plant by id."""
    query = select(MeterRow).where(MeterRow.credit_code == credit_code)
    return {row.meter_id: row for row in session.scalars(query.order_by(MeterRow.meter_id))}


def merge_days(
    session: Session, credit_code: str, days: Mapping[MeterDayKey, MeterDay]
) -> set[int]:
    """Merge readings into a plant's days; gives the days that changed. Hold `lock_plants`."""
    changed = set()
    for key, fresh in sorted(days.items()):
        row = session.get(MeterDayRow, (credit_code, key.day, key.meter_id))
        if row is None:
            row = MeterDayRow(
                credit_code=credit_code, day=key.day, meter_id=key.meter_id, revision=0, body=b""
            )
            session.add(row)
            merged = fresh
        else:
            merged = MeterDay.unpacked(row.body).merged(fresh)
        if merged.packed != row.body:
            row.body, row.newest = merged.packed, merged.newest
            row.revision += 1
            changed.add(key.day)
    session.flush()
    return changed


def places_of(
    session: Session, credit_code: str, first_day: int, end_day: int
) -> dict[MeterDayKey, Place]:
    """What is stored of a plant in the days [first_day, end_day)."""
    columns = MeterDayRow.day, MeterDayRow.meter_id, MeterDayRow.revision, MeterDayRow.newest
    query = select(*columns).where(
        MeterDayRow.credit_code == credit_code,
        MeterDayRow.day >= first_day,
        MeterDayRow.day < end_day,
    )
    return {MeterDayKey(row[0], row[1]): Place(row[2], row[3]) for row in session.execute(query)}


def day_bodies(
    session: Session, credit_code: str, meters: Iterable[str], days: Iterable[int]
) -> dict[MeterDayKey, bytes]:
    """Packed days of some meters."""
    query = select(MeterDayRow.day, MeterDayRow.meter_id, MeterDayRow.body).where(
        MeterDayRow.credit_code == credit_code,
        MeterDayRow.day.in_(list(days)),
        MeterDayRow.meter_id.in_(list(meters)),
    )
    return {MeterDayKey(row[0], row[1]): row[2] for row in session.execute(query)}


def days_of_plant(session: Session, credit_code: str) -> tuple[int, int] | None:
    """Oldest and newest day of a plant with a reading, None where there is none."""
    both = select(func.min(MeterDayRow.day), func.max(MeterDayRow.day))
    first, last = session.execute(both.where(MeterDayRow.credit_code == credit_code)).one()
    return None if first is None else (first, last)


def plants_with_meters(session: Session) -> list[str]:
    """Credit codes of all plants that ever sent electricity."""
    return list(session.scalars(select(MeterRow.credit_code).distinct()))


def make_due(session: Session, credit_code: str, since_day: int) -> None:
    """Note that a plant is to be judged from a day on; the earliest day asked for stays."""
    new = insert(DueRow).values(credit_code=credit_code, since_day=since_day)
    earliest = func.least(DueRow.since_day, new.excluded.since_day)
    session.execute(
        new.on_conflict_do_update(index_elements=["credit_code"], set_={"since_day": earliest})
    )


def take_due(session: Session) -> tuple[str, int] | None:
    """Take a plant that is due: (credit code, first day); None where there is none.

    Until the end of the transaction nobody else has it, and news of it wait; so one process judges
    a plant at a time.
    """
    first = select(DueRow.credit_code).order_by(DueRow.credit_code).limit(1)
    taken = delete(DueRow).where(
        DueRow.credit_code == first.with_for_update(skip_locked=True).scalar_subquery()
    )
    row = session.execute(taken.returning(DueRow.credit_code, DueRow.since_day)).first()
    return None if row is None else (row[0], row[1])


def kept_of_plant(
    session: Session, credit_code: str, rules: Iterable[str], hour: int, *, always: str
) -> list[Kept]:
    """Findings of some rules at a plant that are open or end at `hour` or later.

    Those of the rule `always` whenever they ended: an order is judged as a whole.
    """
    query = select(FindingRow).where(
        FindingRow.credit_code == credit_code,
        FindingRow.rule_id.in_(list(rules)),
        FindingRow.open | (FindingRow.end_hour >= hour) | (FindingRow.rule_id == always),
    )
    return [kept_of(row) for row in session.scalars(query)]
