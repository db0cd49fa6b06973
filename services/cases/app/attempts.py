"""Everything that a gate may look at, loaded for one act."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from sqlalchemy.orm import Session

from services.cases import (
    attachment_store,
    inspection_store,
    paper_store,
    prior_store,
    registry_copy,
    rules,
    store,
)
from services.cases.domain.attempt import Attempt
from services.cases.domain.matter import SYSTEM, Doer, Kind, Matter


def attempt_of(
    session: Session,
    matter: Matter,
    doer: Doer,
    now: dt.datetime,
    fields: Mapping[str, str] | None = None,
    *,
    reason: str = "",
) -> Attempt:
    """What somebody wants to do; orders have no family and no papers that a gate asks for."""
    alone = matter.kind is Kind.ORDER
    return Attempt(
        matter=matter,
        doer=doer,
        fields=fields or {},
        reason=reason,
        officers=registry_copy.officers(session),
        now=now,
        family=() if alone else store.family(session, matter),
        papers=() if alone else paper_store.papers(session, matter.matter_id),
        attachments=attachment_store.attachments(session, matter.matter_id),
        law=rules.law(),
        site=inspection_store.site_of(session, matter) if matter.kind is Kind.INSPECTION else None,
        people=rules.people(),
        priors=prior_store.priors(session, matter) if matter.kind is Kind.CASE else (),
    )


def system_attempt(
    session: Session, matter: Matter, now: dt.datetime, fields: Mapping[str, str] | None = None
) -> Attempt:
    """What a clock or an event does by itself."""
    return attempt_of(session, matter, SYSTEM, now, fields)


def clock_attempt(matter: Matter, now: dt.datetime) -> Attempt:
    """What the end of a clock sets off. Its rows ask no gate and name nobody: nothing is loaded.

    Terms in days end at midnight together, so thousands of these may come at once.
    """
    return Attempt(matter, SYSTEM, {}, "", {}, now, law=rules.law(), people=rules.people())
