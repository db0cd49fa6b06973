"""Open a matter: number, assignment by jurisdiction, first line of the timeline."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from services.cases import registry_copy, rules, store
from services.cases.app.attempts import attempt_of
from services.cases.app.perform import perform
from services.cases.domain.assignment import assign
from services.cases.domain.matter import SYSTEM, Doer, Kind, Level, Matter
from services.cases.domain.notices import factor_names
from services.cases.registry_copy import Place
from services.chassis.clock import BEIJING

#: More factors than this are counted, not listed, in a title.
_LISTED = 3


@dataclass(frozen=True)
class Opening:
    """What a new matter is about. `act` is the first row of its life cycle."""

    kind: Kind
    act: str
    level: Level
    item: str
    item_zh: str
    factors: tuple[str, ...]
    finding_ids: Sequence[str]
    correlation_id: str
    fields: dict[str, str]
    parent_matter_id: str = ""
    title: str = ""  # only where it is not made of item and factors
    doer: Doer = SYSTEM
    reason: str = ""


def open_matter(session: Session, opening: Opening, place: Place, now: dt.datetime) -> Matter:
    """Create the matter and take its first step; gives it as saved."""
    people = registry_copy.officers(session)
    duty = registry_copy.on_duty(session, now)
    today = now.astimezone(BEIJING).date()
    who = assign(place.division, people.values(), duty, today)
    matter_id = str(uuid.uuid4())
    matter = Matter(
        matter_id=matter_id,
        root_id=matter_id,
        number=store.next_number(session, opening.kind, place.division, today.year),
        kind=opening.kind,
        state="",
        level=opening.level,
        title=opening.title or title_of(opening.item_zh, opening.factors),
        item=opening.item,
        factors=opening.factors,
        outlet_id=place.outlet_id,
        industry=place.industry,
        credit_code=place.credit_code,
        division=place.division,
        in_charge=who.division,
        enterprise_name=place.enterprise_name,
        enterprise_short=place.enterprise_short,
        outlet_name=place.outlet_name,
        confidential=opening.kind is not Kind.ORDER,
        assignee_id=who.officer_id,
        assignee_name=who.name,
        team_id=who.team_id,
        opened_at=now,
        correlation_id=opening.correlation_id,
        parent_matter_id=opening.parent_matter_id,
    )
    store.add(session, matter)
    for finding_id in opening.finding_ids:
        store.link_finding(session, matter.matter_id, finding_id)
    matter = replace(matter, rows=store.rows(session, matter.matter_id))
    attempt = attempt_of(session, matter, opening.doer, now, opening.fields, reason=opening.reason)
    return perform(session, opening.act, attempt).matter


def title_of(item_zh: str, factors: Sequence[str]) -> str:
    """What the queue shows: factors by name, or their number where there are many."""
    if not factors:
        return item_zh
    if len(factors) > _LISTED:
        return f"{len(factors)}项因子{item_zh}"
    return f"{factor_names(factors, rules.factor_names())}{item_zh}"
