"""Rows and queries of the collusion radar (schema `detect`)."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, DateTime, Integer, LargeBinary, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.identity import Scope
from services.detect.store import Base


class RadarLookRow(Base):
    """What was compared of one operator, by who holds its partitions."""

    __tablename__ = "radar_look"
    operator: Mapped[str] = mapped_column(Text, primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    end_slot: Mapped[int] = mapped_column(BigInteger)
    outlets: Mapped[int] = mapped_column(Integer)
    pairs: Mapped[int] = mapped_column(Integer)
    control: Mapped[int] = mapped_column(Integer)
    divisions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class RadarEdgeRow(Base):
    """连线 between two outlets, as seen at the newest look."""

    __tablename__ = "radar_edge"
    outlet_id: Mapped[str] = mapped_column(Text, primary_key=True)
    other_id: Mapped[str] = mapped_column(Text, primary_key=True)
    operator: Mapped[str] = mapped_column(Text)
    part: Mapped[int] = mapped_column(Integer)
    division: Mapped[str] = mapped_column(Text)
    other_division: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)


def looked_until(session: Session, part: int) -> dict[str, int]:
    """Hour slot until which each operator's outlets were compared."""
    rows = session.scalars(select(RadarLookRow).where(RadarLookRow.part == part))
    return {row.operator: row.end_slot for row in rows}


def replace_looks(
    session: Session, part: int, looks: Sequence[RadarLookRow], edges: Iterable[RadarEdgeRow]
) -> None:
    """Keep newer looks at operators, with their edges in place of the older ones."""
    names = [look.operator for look in looks]
    old = delete(RadarEdgeRow).where(RadarEdgeRow.part == part, RadarEdgeRow.operator.in_(names))
    session.execute(old)
    for row in (*looks, *edges):
        session.merge(row)


def forget_operators(session: Session, part: int, standing: Iterable[str]) -> None:
    """Drop looks at operators that serve less than two outlets by now, and their edges."""
    gone = set(looked_until(session, part)) - set(standing)
    for table in (RadarLookRow, RadarEdgeRow):
        session.execute(delete(table).where(table.part == part, table.operator.in_(gone)))


def list_edges(session: Session, scope: Scope, operator: str) -> list[RadarEdgeRow]:
    """Edges of which both outlets lie in a reader's part of the world."""
    query = select(RadarEdgeRow)
    for column in (RadarEdgeRow.division, RadarEdgeRow.other_division):
        query = query.where(column.startswith(scope.division_prefix, autoescape=True))
    if operator:
        query = query.where(RadarEdgeRow.operator == operator)
    return list(session.scalars(query.order_by(RadarEdgeRow.outlet_id, RadarEdgeRow.other_id)))


def list_looks(session: Session, scope: Scope) -> list[RadarLookRow]:
    """Looks at operators that serve an outlet in a reader's part of the world, by name."""
    rows = session.scalars(select(RadarLookRow).order_by(RadarLookRow.operator, RadarLookRow.part))
    return [row for row in rows if any(scope.has(place, "") for place in row.divisions)]
