"""Documents in PostgreSQL. Append-only, by triggers and by rights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.cases.domain.numbers import DocumentNumber
from services.cases.domain.papers import Paper
from services.cases.domain.references import Issued
from services.cases.paper_print import ALGORITHMS
from services.cases.paper_tables import PaperNumberRow, PaperRow
from services.chassis.errors import NotFound

_SAME = (
    "paper_id", "matter_id", "seq", "template", "template_version", "title", "number", "revision",
    "facts", "sha256", "sm3", "size_bytes", "made_at", "replaces",
)  # fmt: skip
_BESIDE = ("agency", "division", "credit_code", "html", "pdf", "pages", "copies")


@dataclass(frozen=True, kw_only=True)
class IssuedPaper(Paper):
    """A document with its bytes and with what only the store and lists ask."""

    agency: str
    division: str
    credit_code: str
    html: str
    pdf: bytes
    pages: int
    copies: int


@dataclass(frozen=True)
class Kept:
    """A document as lists show it."""

    paper: Paper
    agency: str
    pages: int
    copies: int
    replaced_by: str  # paper_id of the next revision, empty = in force


def papers(session: Session, matter_id: str) -> tuple[Paper, ...]:
    """Documents of a matter, oldest first, without their bytes."""
    return tuple(kept.paper for kept in kept_papers(session, [matter_id]))


def add_paper(session: Session, paper: IssuedPaper) -> None:
    """Keep a document that was issued."""
    values: dict[str, Any] = {name: getattr(paper, name) for name in (*_SAME, *_BESIDE)}
    values["facts"] = dict(paper.facts)
    session.add(PaperRow(**values, algorithms=list(ALGORITHMS)))
    session.flush()


def kept_papers(session: Session, matter_ids: Iterable[str]) -> list[Kept]:
    """Documents of some matters, oldest first."""
    query = select(PaperRow).where(PaperRow.matter_id.in_(list(matter_ids)))
    return _kept(list(session.scalars(query.order_by(PaperRow.position))))


def find_paper(session: Session, paper_id: str) -> Kept:
    """One document. Raises `NotFound`."""
    row = session.get(PaperRow, paper_id)
    if row is None:
        raise NotFound("no such document", paper_id=paper_id)
    return _with_followers(session, [row])[0]


def by_digest(session: Session, digest: bytes) -> Kept | None:
    """The document with this SHA-256 or SM3."""
    query = select(PaperRow).where(or_(PaperRow.sha256 == digest, PaperRow.sm3 == digest))
    row = session.scalars(query.order_by(PaperRow.position)).first()
    return _with_followers(session, [row])[0] if row else None


def pdf_of(session: Session, paper_id: str) -> bytes:
    """The bytes of a document. Raises `NotFound`."""
    pdf = session.scalar(select(PaperRow.pdf).where(PaperRow.paper_id == paper_id))
    if pdf is None:
        raise NotFound("no such document", paper_id=paper_id)
    return pdf


def html_of(session: Session, paper_id: str) -> str:
    """The page that a document was printed from. Raises `NotFound`."""
    html = session.scalar(select(PaperRow.html).where(PaperRow.paper_id == paper_id))
    if html is None:
        raise NotFound("no such document", paper_id=paper_id)
    return html


def numbers_of_plant(session: Session, credit_code: str) -> list[Issued]:
    """Numbers of every document about a plant, whichever case it belongs to."""
    query = select(PaperRow.number, PaperRow.title, PaperRow.paper_id).where(
        PaperRow.credit_code == credit_code, PaperRow.number != ""
    )
    return [Issued(*row, related=True) for row in session.execute(query)]


def issue_number(session: Session, agency: str, series: str, year: int) -> DocumentNumber:
    """文号: the next of an agency, a series and a year, without gaps.

    The row is locked until the transaction ends: whoever comes second waits, and a transaction
    that fails gives its number back.
    """
    new = insert(PaperNumberRow).values(agency=agency, series=series, year=year, last=1)
    serial = session.scalar(
        new.on_conflict_do_update(
            index_elements=["agency", "series", "year"], set_={"last": PaperNumberRow.last + 1}
        ).returning(PaperNumberRow.last)
    )
    assert serial is not None
    return DocumentNumber(agency, series, year, serial)


def _with_followers(session: Session, rows: list[PaperRow]) -> list[Kept]:
    ids = [row.paper_id for row in rows]
    later = session.execute(
        select(PaperRow.replaces, PaperRow.paper_id).where(PaperRow.replaces.in_(ids))
    )
    return _kept(rows, {row.replaces: row.paper_id for row in later})


def _kept(rows: list[PaperRow], followers: dict[str, str] | None = None) -> list[Kept]:
    """A revision replaces one of the same matter, so a matter's rows know it by themselves."""
    if followers is None:
        followers = {row.replaces: row.paper_id for row in rows if row.replaces}
    return [
        Kept(_paper(row), row.agency, row.pages, row.copies, followers.get(row.paper_id, ""))
        for row in rows
    ]


def _paper(row: PaperRow) -> Paper:
    return Paper(**{name: getattr(row, name) for name in _SAME})
