"""The registry's own tables and queries: records, their append-only changes, accounts."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Identity,
    Integer,
    MetaData,
    Select,
    Text,
    func,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from services.registry.domain.records import Kind

#: Key of the advisory lock under which revisions are given out.
_REVISIONS = 0x7265_6769


class Base(DeclarativeBase):
    """Metadata of the registry's tables."""

    metadata = MetaData()


class RecordRow(Base):
    """A record as it is now. `refs` are "kind:key" of what it refers to."""

    __tablename__ = "record"
    kind: Mapped[int] = mapped_column(Integer, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    deleted: Mapped[bool]
    division: Mapped[str] = mapped_column(Text)
    credit_code: Mapped[str] = mapped_column(Text)
    refs: Mapped[list[str]] = mapped_column(ARRAY(Text))
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)


class ChangeRow(Base):
    """变更记录: one change of a record or an account. Never changed, never deleted."""

    __tablename__ = "change"
    change_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    actor_id: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(BigInteger)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class AccountRow(Base):
    """账号: who signs in. The password is an argon2id hash."""

    __tablename__ = "account"
    user_name: Mapped[str] = mapped_column(Text, primary_key=True)
    role: Mapped[str] = mapped_column(Text)
    division: Mapped[str] = mapped_column(Text)
    credit_code: Mapped[str] = mapped_column(Text)
    officer_id: Mapped[str] = mapped_column(Text)
    display_name: Mapped[str] = mapped_column(Text)
    scripted: Mapped[bool]
    password_hash: Mapped[str] = mapped_column(Text)
    failures: Mapped[int] = mapped_column(Integer, default=0)
    locked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


def reference_text(kind: Kind, key: str) -> str:
    """Return the text under which a reference is stored."""
    return f"{kind.value}:{key}"


def lock_records(session: Session) -> None:
    """Let one writer at a time compare and save, until its transaction ends.

    So no two writers take each other's record for missing, and a reader that has seen a revision
    has seen every lower one, which is what "give me everything after N" rests on.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _REVISIONS})


def next_revisions(session: Session, count: int) -> list[int]:
    """Return fresh revisions in growing order; the caller holds `lock_records`."""
    query = text("SELECT nextval('record_revision') FROM generate_series(1, :count)")
    return [int(value) for value in session.scalars(query, {"count": count})]


def rows_of(session: Session, wanted: Iterable[tuple[Kind, str]]) -> list[RecordRow]:
    """Return the rows of the named records, deleted ones too."""
    names = [(kind.value, key) for kind, key in wanted]
    query = select(RecordRow).where(tuple_(RecordRow.kind, RecordRow.key).in_(names))
    return list(session.scalars(query)) if names else []


def dependants_of(session: Session, kind: Kind, key: str) -> list[tuple[Kind, str]]:
    """Return the living records that refer to this one."""
    query = select(RecordRow.kind, RecordRow.key).where(
        RecordRow.refs.contains([reference_text(kind, key)]), ~RecordRow.deleted
    )
    return [(Kind(number), name) for number, name in session.execute(query)]


def living_of(session: Session, kind: Kind, prefix: str) -> list[RecordRow]:
    """Return the living records of a kind in a jurisdiction, a division before the one above it."""
    query = select(RecordRow).where(
        RecordRow.kind == kind.value, ~RecordRow.deleted, RecordRow.division.startswith(prefix)
    )
    return list(session.scalars(query.order_by(RecordRow.key.desc())))


def changed_after(
    session: Session, revision: int, kinds: Sequence[int], limit: int
) -> list[RecordRow]:
    """Return records with a higher revision, oldest first, deleted ones too."""
    query = select(RecordRow).where(RecordRow.revision > revision)
    if kinds:
        query = query.where(RecordRow.kind.in_(kinds))
    return list(session.scalars(query.order_by(RecordRow.revision).limit(limit)))


def visible(query: Select[Any], prefix: str, credit_code: str) -> Select[Any]:
    """Cut a query down to a jurisdiction (prefix of division codes) or to one enterprise.

    Division names are public geography. An agency serves every county of its city, so those
    counties see it. What belongs to an enterprise is where the enterprise is.
    """
    divisions = RecordRow.kind == Kind.DIVISION.value
    if credit_code:
        return query.where(or_(divisions, RecordRow.credit_code == credit_code))
    city = RecordRow.division == prefix[:4] + "00"
    owners = select(RecordRow.key).where(
        RecordRow.kind == Kind.ENTERPRISE.value, RecordRow.division.startswith(prefix)
    )
    return query.where(
        or_(
            divisions,
            RecordRow.division.startswith(prefix),
            (RecordRow.kind == Kind.AGENCY.value) & city,
            RecordRow.credit_code.in_(owners),
        )
    )


def matching(query: Select[Any], words: str) -> Select[Any]:
    """Keep the records whose key or names hold the text."""
    return query.where(
        or_(
            RecordRow.key.icontains(words, autoescape=True),
            RecordRow.body["name"].astext.icontains(words, autoescape=True),
            RecordRow.body["short_name"].astext.icontains(words, autoescape=True),
        )
    )
