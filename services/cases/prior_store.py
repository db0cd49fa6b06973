"""Decisions of other cases against the same plant, read for the gates of a case."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.cases.domain.matter import Kind, Matter
from services.cases.domain.priors import Prior
from services.cases.tables import EventRow, MatterRow

_ACTS = ("propose_penalty", "decide", "withdraw_decision", "remedy_result")


def priors(session: Session, matter: Matter) -> tuple[Prior, ...]:
    """Decisions that stand, oldest case first."""
    query = (
        select(MatterRow.number, EventRow.act, EventRow.fields)
        .join(EventRow, EventRow.matter_id == MatterRow.matter_id)
        .where(
            MatterRow.credit_code == matter.credit_code,
            MatterRow.kind == Kind.CASE.value,
            MatterRow.matter_id != matter.matter_id,
            EventRow.act.in_(_ACTS),
        )
        .order_by(MatterRow.opened_at, MatterRow.number, EventRow.seq)
    )
    proposed: dict[str, dict[str, str]] = {}
    decided: dict[str, Prior] = {}
    for number, act, fields in session.execute(query):
        if act == "propose_penalty":
            proposed[number] = fields
        elif act == "decide":
            about = proposed.get(number, {})
            decided[number] = Prior(
                number,
                about.get("violation", ""),
                about.get("act_date", ""),
                fields.get("outcome", ""),
            )
        elif act == "withdraw_decision" or fields.get("result") == "revoked":
            decided.pop(number, None)
    return tuple(decided.values())
