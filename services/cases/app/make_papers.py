"""Make the documents 文书 that a step issues: number, facts, page, digests."""

from __future__ import annotations

from sqlalchemy.orm import Session

from services.cases.domain.attempt import Attempt
from services.cases.domain.papers import Paper
from services.cases.domain.steps import Step


def make_papers(session: Session, step: Step, attempt: Attempt) -> list[Paper]:
    """The papers of a step, in the order of its row."""
    raise NotImplementedError
