"""Documents in PostgreSQL. Append-only, by triggers and by rights."""

from __future__ import annotations

from sqlalchemy.orm import Session

from services.cases.domain.papers import Paper


def papers(session: Session, matter_id: str) -> tuple[Paper, ...]:
    """Documents of a matter, oldest first, without their bytes."""
    return ()


def add_paper(session: Session, paper: Paper) -> None:
    """Keep a document that was issued."""
    raise NotImplementedError
