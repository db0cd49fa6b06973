"""Rows and queries of signs, screening state and suppressions (schema `detect`)."""

import datetime as dt
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Double,
    LargeBinary,
    Text,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.identity import Scope
from services.detect.store import Base

RAISED, HELD, SUPPRESSED = "raised", "held", "suppressed"


class SignKey(NamedTuple):
    """Which sign: the same window of the same test in the same series is the same sign."""

    outlet_id: str
    rule_id: str
    factor: str
    begin_s: int


class SignRow(Base):
    """可疑迹象 as last weighed, with what became of it."""

    __tablename__ = "screen_sign"
    outlet_id: Mapped[str] = mapped_column(Text, primary_key=True)
    rule_id: Mapped[str] = mapped_column(Text, primary_key=True)
    factor: Mapped[str] = mapped_column(Text, primary_key=True)
    begin_s: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    end_s: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    log_e: Mapped[float] = mapped_column(Double)
    division: Mapped[str] = mapped_column(Text)
    credit_code: Mapped[str] = mapped_column(Text)
    seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    body: Mapped[bytes] = mapped_column(LargeBinary)

    @property
    def key(self) -> SignKey:
        """Which sign."""
        return SignKey(self.outlet_id, self.rule_id, self.factor, self.begin_s)


class StateRow(Base):
    """How far an outlet was screened."""

    __tablename__ = "screen_state"
    outlet_id: Mapped[str] = mapped_column(Text, primary_key=True)
    screened_until: Mapped[int] = mapped_column(BigInteger)
    frozen_until: Mapped[dt.date | None] = mapped_column(Date)


class SuppressionRow(Base):
    """抑制; in force from its confirmation to its end."""

    __tablename__ = "suppression"
    suppression_id: Mapped[str] = mapped_column(Text, primary_key=True)
    outlet_id: Mapped[str] = mapped_column(Text)
    factor: Mapped[str] = mapped_column(Text)
    rule_id: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[str] = mapped_column(Text)
    asked_by_name: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    until: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    division: Mapped[str] = mapped_column(Text)
    credit_code: Mapped[str] = mapped_column(Text)
    confirmed_by: Mapped[str | None] = mapped_column(Text)
    confirmed_by_name: Mapped[str | None] = mapped_column(Text)
    confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_by: Mapped[str | None] = mapped_column(Text)
    ended_by_name: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    end_reason: Mapped[str | None] = mapped_column(Text)

    def in_force(self, now: datetime) -> bool:
        """Whether it keeps signs back."""
        return self.confirmed_at is not None and self.ended_at is None and now < self.until

    def covers(self, key: SignKey) -> bool:
        """Whether a sign is inside its scope."""
        return (
            self.outlet_id == key.outlet_id
            and self.factor in ("", key.factor)
            and self.rule_id in ("", key.rule_id)
        )


def states(session: Session, outlets: Iterable[str]) -> dict[str, StateRow]:
    """How far outlets were screened."""
    query = select(StateRow).where(StateRow.outlet_id.in_(list(outlets)))
    return {row.outlet_id: row for row in session.scalars(query)}


def save_state(session: Session, row: StateRow) -> None:
    """Insert or replace."""
    session.merge(row)


def screen_again(session: Session, outlet_id: str) -> None:
    """Have an outlet's last day screened again at the next look."""
    row = session.get(StateRow, outlet_id, with_for_update=True)
    if row is not None:
        row.screened_until -= 24


def signs_since(session: Session, outlets: Iterable[str], begin_s: int) -> list[SignRow]:
    """Signs of outlets whose windows end after a moment."""
    query = select(SignRow).where(SignRow.outlet_id.in_(list(outlets)), SignRow.end_s > begin_s)
    return list(session.scalars(query))


def signs_of_findings(
    session: Session, findings: Iterable[tuple[str, str, str, Sequence[int]]]
) -> list[SignRow]:
    """Signs that findings (outlet, rule, factor, hour slots of the hits) were raised for."""
    keys = {
        (outlet_id, rule_id, factor): {slot * 3600 for slot in slots}
        for outlet_id, rule_id, factor, slots in findings
    }
    if not keys:
        return []
    place = tuple_(SignRow.outlet_id, SignRow.rule_id, SignRow.factor)
    rows = session.scalars(select(SignRow).where(place.in_(list(keys))).order_by(SignRow.begin_s))
    return [row for row in rows if row.begin_s // 3600 * 3600 in keys[row.key[:3]]]


def save_signs(session: Session, rows: Sequence[SignRow]) -> None:
    """Insert or replace."""
    names = [column.name for column in SignRow.__table__.columns]
    for row in rows:
        new = insert(SignRow).values({name: getattr(row, name) for name in names})
        keep = {name: new.excluded[name] for name in names if name not in SignKey._fields}
        session.execute(new.on_conflict_do_update(index_elements=list(SignKey._fields), set_=keep))


def drop_signs(session: Session, rows: Iterable[SignRow]) -> None:
    """Forget signs that are none any more: their values were corrected or marked."""
    for row in rows:
        session.delete(row)


def list_held(
    session: Session, scope: Scope, outlet_id: str, state: str, size: int
) -> list[SignRow]:
    """Signs that were not raised, strongest first."""
    query = select(SignRow).where(_inside(SignRow, scope))
    query = query.where(SignRow.state == state if state else SignRow.state != RAISED)
    if outlet_id:
        query = query.where(SignRow.outlet_id == outlet_id)
    return list(session.scalars(query.order_by(SignRow.log_e.desc(), SignRow.begin_s).limit(size)))


def suppressions_of(
    session: Session, outlets: Iterable[str], now: datetime
) -> list[SuppressionRow]:
    """Suppressions of outlets that are in force."""
    query = select(SuppressionRow).where(
        SuppressionRow.outlet_id.in_(list(outlets)),
        SuppressionRow.confirmed_at.is_not(None),
        SuppressionRow.ended_at.is_(None),
        SuppressionRow.until > now,
    )
    return list(session.scalars(query))


def list_suppressions(
    session: Session, scope: Scope, outlet_id: str, now: datetime | None
) -> list[SuppressionRow]:
    """Suppressions of a jurisdiction, newest first; `now` leaves out those that are over."""
    query = select(SuppressionRow).where(_inside(SuppressionRow, scope))
    if outlet_id:
        query = query.where(SuppressionRow.outlet_id == outlet_id)
    if now is not None:
        query = query.where(SuppressionRow.ended_at.is_(None), SuppressionRow.until > now)
    order = query.order_by(SuppressionRow.asked_at.desc(), SuppressionRow.suppression_id)
    return list(session.scalars(order.limit(500)))


def suppression(session: Session, suppression_id: str) -> SuppressionRow | None:
    """One, locked until the transaction ends."""
    return session.get(SuppressionRow, suppression_id, with_for_update=True)


def _inside(row: type[SignRow] | type[SuppressionRow], scope: Scope) -> ColumnElement[bool]:
    """The condition that a row lies in a reader's part of the world."""
    if scope.enterprise_id:
        return row.credit_code == scope.enterprise_id
    return row.division.startswith(scope.division_prefix, autoescape=True)
