"""A case that is still being built takes further findings 并入线索."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from services.cases import rules, store
from services.cases.app.attempts import system_attempt
from services.cases.app.perform import perform
from services.cases.domain.matter import Kind


def joinable(session: Session, outlet_id: str, item: str) -> str | None:
    """The newest case of an outlet and item that can still take a clue."""
    life = rules.life_cycle(Kind.CASE)
    states = sorted(next(act for act in life.acts if act.key == "add_clue").from_states)
    return store.open_case(session, outlet_id, item, states)


def add_findings(
    session: Session,
    matter_id: str,
    finding_ids: Sequence[str],
    fields: Mapping[str, str],
    now: dt.datetime,
) -> None:
    """New findings become a line of the timeline; a case past its review takes none."""
    matter = store.load(session, matter_id, lock=True)
    life = rules.life_cycle(Kind.CASE)
    if life.row("add_clue", matter.state, matter.level) is None:
        return
    new = [one for one in finding_ids if store.link_finding(session, matter_id, one)]
    if not new:
        return
    found = {**fields, "findings": " ".join(new)}
    perform(session, "add_clue", system_attempt(session, matter, now, found))
