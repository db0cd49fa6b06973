"""Rows and queries of what came from outside, and of the clues it makes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    Text,
    any_,
    delete,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.identity import Scope
from services.detect.store import Base, FindingRow

#: Key space of the advisory locks that serialise writers of one city's values.
_LOCK_SPACE = 0x4F55_5453
#: One value: its period's start and what it was.
VALUE = np.dtype([("start_s", "<i8"), ("value", "<f8")])
_DAY_S = 86_400


class CityRow(Base):
    """城市: what is newest of it and whether it is to be looked at."""

    __tablename__ = "outside_city"
    city: Mapped[str] = mapped_column(Text, primary_key=True)  # four digits
    newest_s: Mapped[int] = mapped_column(BigInteger)
    due: Mapped[bool] = mapped_column(Boolean)
    told_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    judged_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class DayRow(Base):
    """网格、站点日数据: the values of a series that begin in one UTC day, packed as `VALUE`."""

    __tablename__ = "outside_day"
    city: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[int] = mapped_column(Integer, primary_key=True)
    series: Mapped[str] = mapped_column(Text, primary_key=True)
    unit: Mapped[str] = mapped_column(Text)
    longitude: Mapped[float] = mapped_column(Float)
    latitude: Mapped[float] = mapped_column(Float)
    crs: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    division: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class ItemRow(Base):
    """外部记录: an event, complaint, spot or fingerprint as received."""

    __tablename__ = "outside_item"
    city: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    at_s: Mapped[int] = mapped_column(BigInteger)
    division: Mapped[str] = mapped_column(Text)
    credit_code: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class OutsideClueRow(Base):
    """外部线索."""

    __tablename__ = "outside_clue"
    clue_id: Mapped[str] = mapped_column(Text, primary_key=True)
    city: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(BigInteger)
    place: Mapped[str] = mapped_column(Text)
    open: Mapped[bool] = mapped_column(Boolean)
    verdict: Mapped[int] = mapped_column(Integer)
    begin_s: Mapped[int] = mapped_column(BigInteger)
    end_s: Mapped[int] = mapped_column(BigInteger)
    score: Mapped[float] = mapped_column(Float)
    division: Mapped[str] = mapped_column(Text)
    credit_code: Mapped[str] = mapped_column(Text)
    sign_keys: Mapped[list[str]] = mapped_column(ARRAY(Text))
    kinds: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    plants: Mapped[list[str]] = mapped_column(ARRAY(Text))
    body: Mapped[bytes] = mapped_column(LargeBinary)


class MapRow(Base):
    """热点网格图 of a city, pollutant and product, as last looked at."""

    __tablename__ = "outside_map"
    city: Mapped[str] = mapped_column(Text, primary_key=True)
    pollutant: Mapped[str] = mapped_column(Text, primary_key=True)
    product: Mapped[str] = mapped_column(Text, primary_key=True)
    hot: Mapped[int] = mapped_column(Integer)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class DayKey(NamedTuple):
    """One series and UTC day of a city."""

    city: str
    day: int
    series: str


def lock_cities(session: Session, cities: Iterable[str]) -> None:
    """Let one writer of each city's values at a time; in one order, so that nobody waits twice."""
    statement = text("SELECT pg_advisory_xact_lock(:space, :city)")
    for city in sorted(set(cities)):
        session.execute(statement, {"space": _LOCK_SPACE, "city": int(city)})


def merge_days(session: Session, fresh: Mapping[DayKey, DayRow]) -> int:
    """Add values to their days; gives the days that changed. Hold `lock_cities`.

    The first received value of a period stays, as it does at ingest.
    """
    if not fresh:
        return 0
    key = tuple_(DayRow.city, DayRow.day, DayRow.series)
    query = select(DayRow).where(key.in_(sorted(fresh)))
    standing = {DayKey(row.city, row.day, row.series): row for row in session.scalars(query)}
    changed = []
    for place, row in sorted(fresh.items()):
        old = standing.get(place)
        body = _merged(old.body if old is not None else b"", row.body)
        if old is None or body != old.body:
            changed.append({**{name: getattr(row, name) for name in _DAY}, "body": body})
    if changed:
        new = insert(DayRow).values(changed)
        session.execute(
            new.on_conflict_do_update(
                index_elements=["city", "day", "series"], set_={"body": new.excluded.body}
            )
        )
        session.expire_all()
    return len(changed)


_DAY = [column.name for column in DayRow.__table__.columns]


def _merged(old: bytes, fresh: bytes) -> bytes:
    both = np.concatenate([np.frombuffer(old, VALUE), np.frombuffer(fresh, VALUE)])
    _, first = np.unique(both["start_s"], return_index=True)
    return both[first].tobytes()


def add_items(session: Session, rows: Sequence[ItemRow]) -> int:
    """Keep records that are not known yet; gives their number."""
    if not rows:
        return 0
    names = [column.name for column in ItemRow.__table__.columns]
    unique = {(row.city, row.key): row for row in reversed(rows)}
    values = [{name: getattr(row, name) for name in names} for row in unique.values()]
    new = insert(ItemRow).values(values).on_conflict_do_nothing().returning(ItemRow.key)
    return len(session.execute(new).all())


def make_due(session: Session, newest: Mapping[str, int]) -> None:
    """Note cities as to be looked at, with the time of their newest record."""
    for city, newest_s in sorted(newest.items()):
        new = insert(CityRow).values(
            city=city, newest_s=newest_s, due=True, told_at=func.now(), judged_at=func.now()
        )
        session.execute(
            new.on_conflict_do_update(
                index_elements=["city"],
                set_={
                    "newest_s": func.greatest(CityRow.newest_s, new.excluded.newest_s),
                    "due": True,
                    "told_at": func.now(),
                },
            )
        )


def take_due(session: Session, quiet: timedelta, again: timedelta) -> CityRow | None:
    """Take a city that was told of something a while ago, or looked at long ago.

    Until the end of the transaction no other process has it; news of it wait so long.
    """
    told = CityRow.due & (CityRow.told_at <= func.clock_timestamp() - quiet)
    old = CityRow.judged_at <= func.clock_timestamp() - again
    query = select(CityRow).where(or_(told, old)).order_by(CityRow.judged_at, CityRow.city).limit(1)
    row = session.scalars(query.with_for_update(skip_locked=True)).first()
    if row is not None:
        row.due, row.judged_at = False, func.clock_timestamp()
        session.flush()
        session.refresh(row)
    return row


def days_between(
    session: Session, city: str, begin_s: int, end_s: int, like: str = ""
) -> list[DayRow]:
    """Days of a city's series that reach into [begin, end), by series and day."""
    query = select(DayRow).where(
        DayRow.city == city, DayRow.day >= begin_s // _DAY_S, DayRow.day <= end_s // _DAY_S
    )
    if like:
        query = query.where(DayRow.series.startswith(like, autoescape=True))
    return list(session.scalars(query.order_by(DayRow.series, DayRow.day)))


def items_since(session: Session, city: str, begin_s: int) -> list[ItemRow]:
    """Single records of a city from a moment on, and all references of fingerprints."""
    mine = or_(ItemRow.at_s >= begin_s, ItemRow.kind == "reference")
    query = select(ItemRow).where(ItemRow.city == city, mine)
    return list(session.scalars(query.order_by(ItemRow.at_s, ItemRow.key)))


def forget_before(session: Session, city: str, begin_s: int) -> None:
    """Let go of what no look needs any more; ingest keeps it."""
    session.execute(delete(DayRow).where(DayRow.city == city, DayRow.day < begin_s // _DAY_S))
    old = ItemRow.at_s < begin_s, ItemRow.kind != "reference"
    session.execute(delete(ItemRow).where(ItemRow.city == city, *old))


class FindingSpan(NamedTuple):
    """疑似问题 of a plant's own data."""

    finding_id: str
    rule_id: str
    outlet_id: str
    credit_code: str
    begin_hour: int
    end_hour: int


def findings_since(session: Session, plants: Collection[str], hour: int) -> list[FindingSpan]:
    """Findings of plants that end at `hour` or later and were not withdrawn."""
    columns = (
        FindingRow.finding_id, FindingRow.rule_id, FindingRow.outlet_id, FindingRow.credit_code,
        FindingRow.begin_hour, FindingRow.end_hour,
    )  # fmt: skip
    query = select(*columns).where(
        FindingRow.credit_code.in_(list(plants)),
        or_(FindingRow.open, FindingRow.end_hour >= hour),
        func.length(FindingRow.hits) > 0,
    )
    return [FindingSpan(*row) for row in session.execute(query.order_by(FindingRow.finding_id))]


def clues_of_city(session: Session, city: str, begin_s: int) -> list[OutsideClueRow]:
    """Clues of a city that are open or end at a moment or later, for writing.

    Locked, so that a decision made meanwhile is neither lost nor made on what changes now.
    """
    near = or_(OutsideClueRow.open, OutsideClueRow.end_s >= begin_s)
    query = select(OutsideClueRow).where(OutsideClueRow.city == city, near)
    return list(session.scalars(query.order_by(OutsideClueRow.clue_id).with_for_update()))


def clue_by_id(session: Session, clue_id: str, *, lock: bool = False) -> OutsideClueRow | None:
    """One clue, None where there is none."""
    query = select(OutsideClueRow).where(OutsideClueRow.clue_id == clue_id)
    return session.scalars(query.with_for_update() if lock else query).first()


def list_clues(
    session: Session, scope: Scope, *, is_open: bool | None, kind: int, credit_code: str, size: int
) -> list[OutsideClueRow]:
    """Clues of a jurisdiction, open ones and highest score first."""
    prefix = scope.division_prefix
    query = select(OutsideClueRow).where(
        OutsideClueRow.division.startswith(prefix, autoescape=True)
    )
    if is_open is not None:
        query = query.where(OutsideClueRow.open == is_open)
    if kind:
        query = query.where(literal(kind) == any_(OutsideClueRow.kinds))
    if credit_code:
        query = query.where(literal(credit_code) == any_(OutsideClueRow.plants))
    order = OutsideClueRow.open.desc(), OutsideClueRow.score.desc(), OutsideClueRow.clue_id
    return list(session.scalars(query.order_by(*order).limit(size)))


def replace_maps(session: Session, city: str, rows: Sequence[MapRow]) -> None:
    """Put the newest pictures of a city in the place of the old ones."""
    session.execute(delete(MapRow).where(MapRow.city == city))
    session.add_all(rows)


def maps_of(session: Session, prefix: str) -> list[MapRow]:
    """Pictures of the cities below a prefix of at most four digits, most hot cells first."""
    query = select(MapRow).where(MapRow.city.startswith(prefix[:4], autoescape=True))
    order = MapRow.hot.desc(), MapRow.city, MapRow.pollutant, MapRow.product
    return list(session.scalars(query.order_by(*order)))


def cities_of(session: Session, prefix: str) -> list[CityRow]:
    """Cities below a prefix of at most four digits that ever sent something."""
    query = select(CityRow).where(CityRow.city.startswith(prefix[:4], autoescape=True))
    return list(session.scalars(query.order_by(CityRow.city)))
