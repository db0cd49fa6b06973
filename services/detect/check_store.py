"""Row and queries of standard checks (schema `detect`)."""

import math
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Double,
    LargeBinary,
    SmallInteger,
    Text,
    func,
    literal_column,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.detect.domain.standard_checks import Said, StandardCheck
from services.detect.store import Base

#: The error, else what the logger's word comes to (`Said`); the index of migration 0007 has it.
_error: ColumnElement[float] = literal_column(
    "coalesce(error_share, CASE said WHEN 2 THEN 'Infinity'::float8 WHEN 1 THEN 0::float8 END)",
    Double,
)


class CheckRow(Base):
    """标样核查 as told by ingest; values in the factor's unit. Append-only."""

    __tablename__ = "standard_check"
    outlet_id: Mapped[str] = mapped_column(Text, primary_key=True)
    factor: Mapped[str] = mapped_column(Text, primary_key=True)
    at_s: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    measured: Mapped[float | None] = mapped_column(Double)
    standard: Mapped[float | None] = mapped_column(Double)
    error_share: Mapped[float | None] = mapped_column(Double)
    said: Mapped[int] = mapped_column(SmallInteger)
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    command_id: Mapped[str] = mapped_column(Text)
    sm3: Mapped[bytes] = mapped_column(LargeBinary)


def save_check(session: Session, row: CheckRow) -> bool:
    """Append a check; False where one of the outlet, factor and moment is known.

    Checks of an outlet are saved one after the other, so that each sees those before it.
    """
    lock = text("SELECT pg_advisory_xact_lock(hashtext(:key))")
    session.execute(lock, {"key": f"check {row.outlet_id}"})
    values = {column.name: getattr(row, column.name) for column in row.__table__.columns}
    new = insert(CheckRow).values(values).on_conflict_do_nothing().returning(CheckRow.at_s)
    return session.execute(new).first() is not None


def failed_after(session: Session, row: CheckRow, tolerance_share: float) -> bool:
    """Whether the check, or a later one of the same outlet and factor, may be a failed one."""
    query = select(CheckRow.at_s).where(
        *_same_series(row), CheckRow.at_s >= row.at_s, _failed(tolerance_share)
    )
    return session.scalar(query.limit(1)) is not None


def passed_before(session: Session, row: CheckRow, tolerance_share: float) -> int | None:
    """Unix seconds of the last check before this one that passed for sure; None = there is none."""
    query = select(func.max(CheckRow.at_s)).where(
        *_same_series(row), CheckRow.at_s < row.at_s, _passed(tolerance_share)
    )
    return session.scalar(query)


def checks_of(
    session: Session, outlets: Iterable[str], since_hour: int, tolerance_share: float
) -> dict[str, tuple[StandardCheck, ...]]:
    """标样核查 by outlet, of the factors of which one may have failed since an hour, in order.

    With the last one before that hour that passed for sure, and what followed it.
    `tolerance_share` is the least one that any pack allows.
    """
    since_s = since_hour * 3600
    near = (
        select(CheckRow.outlet_id, CheckRow.factor)
        .where(CheckRow.outlet_id.in_(list(outlets)), _failed(tolerance_share))
        .where(CheckRow.at_s >= since_s)
        .distinct()
        .order_by(CheckRow.outlet_id, CheckRow.factor)
    )
    found: dict[str, tuple[StandardCheck, ...]] = {}
    # Few series fail; a join over all of them would read every check that passed.
    for outlet_id, factor in session.execute(near).all():
        mine = (CheckRow.outlet_id == outlet_id, CheckRow.factor == factor)
        passed = (*mine, CheckRow.at_s < since_s, _passed(tolerance_share))
        last = select(func.coalesce(func.max(CheckRow.at_s), 0)).where(*passed).scalar_subquery()
        query = select(CheckRow).where(*mine, CheckRow.at_s >= last).order_by(CheckRow.at_s)
        checks = tuple(map(_check_of, session.scalars(query)))
        found[outlet_id] = found.get(outlet_id, ()) + checks
    return found


def all_checks(
    session: Session, outlets: Iterable[str], since_s: int
) -> dict[str, tuple[StandardCheck, ...]]:
    """标样核查 by outlet since a moment, passed or failed, in order."""
    mine = CheckRow.outlet_id.in_(list(outlets)), CheckRow.at_s >= since_s
    found: dict[str, tuple[StandardCheck, ...]] = {}
    for row in session.scalars(select(CheckRow).where(*mine).order_by(CheckRow.at_s)):
        found[row.outlet_id] = (*found.get(row.outlet_id, ()), _check_of(row))
    return found


def named_checks(
    session: Session, outlet_id: str, names: Collection[str]
) -> tuple[StandardCheck, ...]:
    """Checks of an outlet by their names, in the order of `checks_of`."""
    if not names:
        return ()
    places = [(factor, int(at_s)) for factor, _, at_s in (one.partition("/") for one in names)]
    query = select(CheckRow).where(
        CheckRow.outlet_id == outlet_id, tuple_(CheckRow.factor, CheckRow.at_s).in_(places)
    )
    return tuple(map(_check_of, session.scalars(query.order_by(CheckRow.factor, CheckRow.at_s))))


def _same_series(row: CheckRow) -> tuple[ColumnElement[bool], ...]:
    return CheckRow.outlet_id == row.outlet_id, CheckRow.factor == row.factor


def _failed(tolerance_share: float) -> ColumnElement[bool]:
    """Failed by the strictest pack; a looser one may call it passed."""
    return _error > tolerance_share


def _passed(tolerance_share: float) -> ColumnElement[bool]:
    """Passed by every pack."""
    return _error <= tolerance_share


def _check_of(row: CheckRow) -> StandardCheck:
    return StandardCheck(
        outlet_id=row.outlet_id,
        factor=row.factor,
        at_s=row.at_s,
        measured=_number(row.measured),
        standard=_number(row.standard),
        error_share=_number(row.error_share),
        said=Said(row.said),
        received_s=int(row.received_at.timestamp()),
        sm3=row.sm3,
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else value
