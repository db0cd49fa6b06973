"""Rows and queries of the schema `detect`: findings, clues, partition owners."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    LargeBinary,
    Text,
    delete,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, defer, mapped_column

from services.chassis.identity import Scope
from services.detect.domain.clue import Clue
from services.detect.domain.hits import HIT
from services.detect.domain.judge import FindingKey
from services.detect.domain.reconcile import Kept

#: Key space of the advisory locks that serialise writers of one partition.
_LOCK_SPACE = 0x4445_5445


class Base(DeclarativeBase):
    """Metadata of detect's tables."""


class FindingRow(Base):
    """疑似问题: what the judge needs of it in columns, what readers need as protobuf."""

    __tablename__ = "finding"
    finding_id: Mapped[str] = mapped_column(Text, primary_key=True)
    outlet_id: Mapped[str] = mapped_column(Text)
    rule_id: Mapped[str] = mapped_column(Text)
    factor: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(BigInteger)
    open: Mapped[bool] = mapped_column(Boolean)
    begin_hour: Mapped[int] = mapped_column(BigInteger)
    end_hour: Mapped[int] = mapped_column(BigInteger)
    division: Mapped[str] = mapped_column(Text)
    credit_code: Mapped[str] = mapped_column(Text)
    confidential: Mapped[bool] = mapped_column(Boolean)
    hits: Mapped[bytes] = mapped_column(LargeBinary)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    picture: Mapped[bytes] = mapped_column(LargeBinary)
    inputs: Mapped[str] = mapped_column(Text, default="")
    """What its hits rest on, see docs/judgement.md, Digests."""


class ClueRow(Base):
    """线索."""

    __tablename__ = "clue"
    clue_id: Mapped[str] = mapped_column(Text, primary_key=True)
    outlet_id: Mapped[str] = mapped_column(Text)
    line: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(BigInteger)
    open: Mapped[bool] = mapped_column(Boolean)
    begin_hour: Mapped[int] = mapped_column(BigInteger)
    end_hour: Mapped[int] = mapped_column(BigInteger)
    finding_ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    factors: Mapped[list[str]] = mapped_column(ARRAY(Text))
    pattern: Mapped[str] = mapped_column(Text)
    division: Mapped[str] = mapped_column(Text)
    credit_code: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class OwnerRow(Base):
    """Which process looks for silence in a partition."""

    __tablename__ = "partition_owner"
    partition: Mapped[int] = mapped_column(Integer, primary_key=True)
    owner: Mapped[str] = mapped_column(Text)
    seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class EvaluationRow(Base):
    """研判状态 of one series and rule, as of the week it was last looked at."""

    __tablename__ = "evaluation"
    outlet_id: Mapped[str] = mapped_column(Text, primary_key=True)
    factor: Mapped[str] = mapped_column(Text, primary_key=True)
    rule_id: Mapped[str] = mapped_column(Text, primary_key=True)
    week: Mapped[int] = mapped_column(BigInteger)
    known_days: Mapped[int] = mapped_column(Integer)
    needed_days: Mapped[int] = mapped_column(Integer)
    division: Mapped[str] = mapped_column(Text)
    credit_code: Mapped[str] = mapped_column(Text)


def evaluated_weeks(session: Session, outlets: Iterable[str]) -> dict[str, int]:
    """Week slot of the noted state of each outlet that has one."""
    query = select(EvaluationRow.outlet_id, func.max(EvaluationRow.week))
    mine = EvaluationRow.outlet_id.in_(list(outlets))
    return {row[0]: row[1] for row in session.execute(query.where(mine).group_by(text("1")))}


def save_evaluations(session: Session, rows: Sequence[EvaluationRow]) -> None:
    """Insert or replace states."""
    for row in rows:
        session.merge(row)


def drop_evaluations(session: Session, outlets: Iterable[str], rules: Iterable[str]) -> None:
    """Forget states of some rules; what is judged has none."""
    session.execute(
        delete(EvaluationRow).where(
            EvaluationRow.outlet_id.in_(list(outlets)), EvaluationRow.rule_id.in_(list(rules))
        )
    )


def list_evaluations(session: Session, outlet_id: str) -> list[EvaluationRow]:
    """States of an outlet, by factor and rule."""
    order = EvaluationRow.factor, EvaluationRow.rule_id
    query = select(EvaluationRow).where(EvaluationRow.outlet_id == outlet_id).order_by(*order)
    return list(session.scalars(query))


def lock_partition(session: Session, partition: int) -> None:
    """Let one writer of a partition's findings at a time, while a partition moves too."""
    statement = text("SELECT pg_advisory_xact_lock(:space, :partition)")
    session.execute(statement, {"space": _LOCK_SPACE, "partition": partition})


def kept_since(session: Session, outlets: Iterable[str], hour: int) -> list[Kept]:
    """Findings of outlets that are open or end at `hour` or later."""
    query = select(FindingRow).options(defer(FindingRow.body), defer(FindingRow.picture))
    near = or_(FindingRow.open, FindingRow.end_hour >= hour)
    rows = session.scalars(query.where(FindingRow.outlet_id.in_(list(outlets)), near))
    return [kept_of(row) for row in rows]


def kept_of(row: FindingRow) -> Kept:
    """A row as the judge knows it."""
    return Kept(
        finding_id=row.finding_id,
        revision=row.revision,
        key=FindingKey(row.outlet_id, row.rule_id, row.factor),
        hits=np.frombuffer(row.hits, dtype=HIT),
        open=row.open,
        confidential=row.confidential,
        inputs=row.inputs,
    )


def save_findings(session: Session, rows: Sequence[FindingRow]) -> None:
    """Insert or replace findings; closed ones first, so that one open a key holds throughout."""
    names = [column.name for column in FindingRow.__table__.columns]
    for row in sorted(rows, key=lambda r: r.open):
        new = insert(FindingRow).values({name: getattr(row, name) for name in names})
        session.execute(
            new.on_conflict_do_update(
                index_elements=["finding_id"],
                set_={name: new.excluded[name] for name in names if name != "finding_id"},
            )
        )


def kept_by_id(session: Session, finding_ids: Iterable[str]) -> list[Kept]:
    """Findings by id, as the judge knows them."""
    query = select(FindingRow).options(defer(FindingRow.body), defer(FindingRow.picture))
    rows = session.scalars(query.where(FindingRow.finding_id.in_(list(finding_ids))))
    return [kept_of(row) for row in rows]


def rows_by_id(session: Session, finding_ids: Iterable[str]) -> dict[str, FindingRow]:
    """Whole findings by id."""
    query = select(FindingRow).where(FindingRow.finding_id.in_(list(finding_ids)))
    return {row.finding_id: row for row in session.scalars(query)}


def bodies_of(session: Session, finding_ids: Iterable[str]) -> dict[str, bytes]:
    """Protobuf bodies of findings, without pictures, by id."""
    query = select(FindingRow.finding_id, FindingRow.body)
    found = session.execute(query.where(FindingRow.finding_id.in_(list(finding_ids))))
    return {row.finding_id: row.body for row in found}


def clues_since(session: Session, outlets: Iterable[str], hour: int) -> list[Clue]:
    """Clues of outlets that are open or end at `hour` or later."""
    near = or_(ClueRow.open, ClueRow.end_hour >= hour)
    rows = session.scalars(select(ClueRow).where(ClueRow.outlet_id.in_(list(outlets)), near))
    return [
        Clue(
            clue_id=row.clue_id,
            revision=row.revision,
            outlet_id=row.outlet_id,
            line=row.line,
            finding_ids=tuple(row.finding_ids),
            factors=tuple(row.factors),
            pattern=row.pattern,
            begin=row.begin_hour,
            end=row.end_hour,
            open=row.open,
        )
        for row in rows
    ]


def save_clue(session: Session, row: ClueRow) -> None:
    """Insert or replace a clue."""
    session.merge(row)


def was_claimed(session: Session, partition: int) -> bool:
    """Tell whether any process ever consumed a partition."""
    return session.get(OwnerRow, partition) is not None


def claim_partition(session: Session, partition: int, owner: str) -> None:
    """Note that `owner` consumes a partition."""
    new = insert(OwnerRow).values(partition=partition, owner=owner, seen_at=func.now())
    session.execute(
        new.on_conflict_do_update(
            index_elements=["partition"], set_={"owner": owner, "seen_at": func.now()}
        )
    )


def partitions_to_watch(session: Session, owner: str, orphaned_after: timedelta) -> list[int]:
    """Partitions that `owner` looks after, with those whose process was not seen for a while."""
    orphaned = OwnerRow.seen_at < func.now() - orphaned_after
    query = select(OwnerRow).where(or_(OwnerRow.owner == owner, orphaned))
    rows = list(session.scalars(query.with_for_update(skip_locked=True)))
    for row in rows:
        row.owner = owner
        row.seen_at = func.now()
    return sorted(row.partition for row in rows)


@dataclass(frozen=True)
class FindingFilter:
    """What a reader asked for; hours are slots, None = no bound."""

    scope: Scope
    with_confidential: bool
    outlet_id: str = ""
    rule_id: str = ""
    open: bool | None = None
    begin: int | None = None
    end: int | None = None


def list_findings(
    session: Session, wanted: FindingFilter, after: tuple[int, str] | None, size: int
) -> list[FindingRow]:
    """Findings that a reader may see, newest begin first, after a place in that order."""
    query = select(FindingRow).options(defer(FindingRow.hits), defer(FindingRow.picture))
    query = query.where(_inside(FindingRow, wanted.scope))
    if not wanted.with_confidential:
        query = query.where(~FindingRow.confidential)
    for column, value in (
        (FindingRow.outlet_id, wanted.outlet_id),
        (FindingRow.rule_id, wanted.rule_id),
    ):
        if value:
            query = query.where(column == value)
    if wanted.open is not None:
        query = query.where(FindingRow.open == wanted.open)
    if wanted.begin is not None:
        query = query.where(FindingRow.end_hour > wanted.begin)
    if wanted.end is not None:
        query = query.where(FindingRow.begin_hour < wanted.end)
    if after is not None:
        begin, finding_id = after
        later = (FindingRow.begin_hour == begin) & (FindingRow.finding_id > finding_id)
        query = query.where(or_(FindingRow.begin_hour < begin, later))
    order = query.order_by(FindingRow.begin_hour.desc(), FindingRow.finding_id)
    return list(session.scalars(order.limit(size)))


def list_clues(
    session: Session, scope: Scope, outlet_id: str, is_open: bool | None
) -> list[ClueRow]:
    """Clues of a jurisdiction, newest first."""
    query = select(ClueRow).where(_inside(ClueRow, scope))
    if outlet_id:
        query = query.where(ClueRow.outlet_id == outlet_id)
    if is_open is not None:
        query = query.where(ClueRow.open == is_open)
    order = query.order_by(ClueRow.begin_hour.desc(), ClueRow.clue_id)
    return list(session.scalars(order.limit(500)))


def _inside(row: type[FindingRow] | type[ClueRow], scope: Scope) -> ColumnElement[bool]:
    """The condition that a row lies in a reader's part of the world."""
    if scope.enterprise_id:
        return row.credit_code == scope.enterprise_id
    return row.division.startswith(scope.division_prefix, autoescape=True)
