"""规则包库: packs, proposals, reports, decisions and activations; nothing is ever changed."""

import datetime as dt
import threading
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Identity,
    LargeBinary,
    Text,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.pb.detect.v1 import pack_pb2 as pb
from services.detect.packs.load import shipped_pack
from services.detect.packs.pack import Pack
from services.detect.packs.renew import read_kept
from services.detect.packs.timeline import BEGINNING, Timeline
from services.detect.store import Base

#: Key of the advisory lock under which a timeline grows.
_LOCK = 0x5041_434B


class PackRow(Base):
    """规则包: its files never change."""

    __tablename__ = "pack"
    pack_id: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[str] = mapped_column(Text, primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    kept_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))


class ProposalRow(Base):
    """提案."""

    __tablename__ = "pack_proposal"
    proposal_id: Mapped[str] = mapped_column(Text, primary_key=True)
    pack_id: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(Text)
    applies_from: Mapped[dt.date] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[str] = mapped_column(Text)
    proposed_by_name: Mapped[str] = mapped_column(Text)
    proposed_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    offered: Mapped[bool] = mapped_column(Boolean)


class ReportRow(Base):
    """差异报告 of a proposal; the newest one counts."""

    __tablename__ = "pack_report"
    report_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    proposal_id: Mapped[str] = mapped_column(Text)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    body: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    brought_by: Mapped[str] = mapped_column(Text)
    brought_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))


class DecisionRow(Base):
    """审批 of a proposal: one, by another person."""

    __tablename__ = "pack_decision"
    proposal_id: Mapped[str] = mapped_column(Text, primary_key=True)
    approved: Mapped[bool] = mapped_column(Boolean)
    report_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    reason: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[str] = mapped_column(Text)
    decided_by_name: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))


class ActivationRow(Base):
    """启用: from a day of the data on a pack judges."""

    __tablename__ = "pack_activation"
    activation_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    proposal_id: Mapped[str] = mapped_column(Text)
    pack_id: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(Text)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    applies_from: Mapped[dt.date] = mapped_column(Date)
    proposed_by: Mapped[str] = mapped_column(Text)
    approved_by: Mapped[str] = mapped_column(Text)
    activated_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    reason: Mapped[str] = mapped_column(Text)


@dataclass(frozen=True)
class Told:
    """A proposal with its newest report and its decision, as far as there are."""

    proposal: ProposalRow
    pack: PackRow
    report: ReportRow | None
    decision: DecisionRow | None


def lock(session: Session) -> None:
    """Let one decision after the other change the timeline."""
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def keep_pack(session: Session, pack: Pack, now: dt.datetime) -> PackRow:
    """Keep a pack where its id and version are new; gives what is kept under them."""
    body = pb.Pack(pack_id=pack.id, version=pack.version, files=pack.files)
    new = insert(PackRow).values(
        pack_id=pack.id,
        version=pack.version,
        title=pack.title,
        sha256=pack.sha256,
        body=body.SerializeToString(deterministic=True),
        kept_at=now,
    )
    session.execute(new.on_conflict_do_nothing())
    return session.get_one(PackRow, (pack.id, pack.version))


def pack_row(session: Session, pack_id: str, version: str) -> PackRow | None:
    """A kept pack, None where there is none."""
    return session.get(PackRow, (pack_id, version))


def pack_rows(session: Session) -> list[PackRow]:
    """All kept packs, newest first."""
    return list(session.scalars(select(PackRow).order_by(PackRow.kept_at.desc(), PackRow.version)))


def files_of(row: PackRow) -> dict[str, bytes]:
    """Files of a kept pack."""
    return dict(pb.Pack.FromString(row.body).files)


def pack_of(row: PackRow) -> Pack:
    """A kept pack as it judges. Raises InputRejected where this release cannot read it."""
    return _loaded(row.body)


@lru_cache(maxsize=16)
def _loaded(body: bytes) -> Pack:
    return read_kept(dict(pb.Pack.FromString(body).files))


def activations(session: Session) -> list[ActivationRow]:
    """All activations, oldest decision first."""
    return list(session.scalars(select(ActivationRow).order_by(ActivationRow.activation_id)))


def in_force(rows: list[ActivationRow]) -> list[ActivationRow]:
    """Activations that count, by day: a later decision counts from its day on over earlier ones."""
    kept: list[ActivationRow] = []
    for row in rows:
        kept = [*(old for old in kept if old.applies_from < row.applies_from), row]
    return kept


_Newest = tuple[int, dt.datetime] | None
_cache: dict[str, tuple[_Newest, Timeline]] = {}
_cache_lock = threading.Lock()


def timeline(session: Session) -> Timeline:
    """规则时间线 as it stands; before the first start was recorded, the shipped pack.

    Cheap to ask: made anew only when there is a newer activation. Raises InputRejected where this
    release cannot read a pack of the timeline.
    """
    query = select(ActivationRow.activation_id, ActivationRow.activated_at)
    row = session.execute(query.order_by(ActivationRow.activation_id.desc()).limit(1)).first()
    newest: _Newest = None if row is None else (row.activation_id, row.activated_at)
    place = str(session.get_bind())
    with _cache_lock:
        known = _cache.get(place)
    if known is not None and known[0] == newest:
        return known[1]
    made = Timeline(
        [(one.applies_from, pack_of(_row_of(session, one))) for one in activations(session)]
        or [(BEGINNING, shipped_pack())]
    )
    with _cache_lock:
        _cache[place] = (newest, made)
    return made


def _row_of(session: Session, row: ActivationRow) -> PackRow:
    return session.get_one(PackRow, (row.pack_id, row.version))


def told(session: Session, proposal_id: str) -> Told | None:
    """One proposal, None where there is none."""
    row = session.get(ProposalRow, proposal_id)
    return None if row is None else _told(session, row)


def all_told(session: Session, most: int = 500) -> list[Told]:
    """Proposals, newest first."""
    order = select(ProposalRow).order_by(ProposalRow.proposed_at.desc(), ProposalRow.proposal_id)
    return [_told(session, row) for row in session.scalars(order.limit(most))]


def _told(session: Session, row: ProposalRow) -> Told:
    newest = (
        select(ReportRow)
        .where(ReportRow.proposal_id == row.proposal_id)
        .order_by(ReportRow.report_id.desc())
        .limit(1)
    )
    return Told(
        proposal=row,
        pack=session.get_one(PackRow, (row.pack_id, row.version)),
        report=session.scalars(newest).first(),
        decision=session.get(DecisionRow, row.proposal_id),
    )
