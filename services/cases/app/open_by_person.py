"""A person opens a matter: an inspection, a case from a complaint, listed supervision."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from services.cases import registry_copy, rules, store
from services.cases.app.act_on_matter import action_of, doer_of
from services.cases.app.open_matter import Opening, open_matter
from services.cases.domain.lifecycle import Act
from services.cases.domain.matter import Kind, Level, Matter
from services.chassis.errors import InputRejected, RuleViolated
from services.chassis.identity import Actor, can, require


@dataclass(frozen=True)
class Wish:
    """What somebody wants to open. `outlet_id` or `credit_code` says where."""

    kind: Kind
    act: str
    outlet_id: str = ""
    credit_code: str = ""
    level: Level = Level.SUPERVISION
    title: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    request_id: str = ""


def openings(actor: Actor) -> list[tuple[Kind, Act]]:
    """First rows that the actor's role may take, by kind."""
    return [
        (kind, act)
        for kind in Kind
        if can(actor, action_of(kind, "act"))
        for act in rules.life_cycle(kind).acts
        if not act.from_states and actor.role in act.by
    ]


def open_by_person(session: Session, actor: Actor, wish: Wish, now: dt.datetime) -> Matter:
    """Open it; the same `request_id` of the same person gives the matter that is there already.

    Raises `NotFound` for a place that is none of the actor's, `InputRejected` without a place, and
    what `steps.take` refuses with.
    """
    if not wish.outlet_id and not wish.credit_code:
        raise InputRejected("an outlet or a plant is needed", field="outlet_id")
    place = registry_copy.place_of_plant(session, wish.outlet_id, wish.credit_code)
    require(actor, "matters.open", division=place.division)
    require(actor, action_of(wish.kind, "act"), division=place.division)
    key = f"{actor.user_id}/{wish.request_id}" if wish.request_id else ""
    if key and (known := store.opened_by(session, key)):
        return store.load(session, known)
    if wish.kind is Kind.ORDER:
        _require_none(session, place.outlet_id, wish.fields.get("item", ""))
    opening = Opening(
        kind=wish.kind,
        act=wish.act,
        level=wish.level,
        item=wish.fields.get("item") or wish.kind.value,
        item_zh=rules.life_cycle(wish.kind).zh,
        factors=(),
        finding_ids=(),
        correlation_id=key,
        fields=dict(wish.fields),
        title=wish.title or wish.fields.get("subject", ""),
        doer=doer_of(actor),
        reason=wish.reason,
    )
    return open_matter(session, opening, place, now)


def _require_none(session: Session, outlet_id: str, item: str) -> None:
    """One open order for an outlet and item: raises `RuleViolated` for a second."""
    if not outlet_id:
        raise InputRejected("an order is about an outlet", field="outlet_id")
    store.lock_outlet(session, outlet_id)
    known = store.open_order(session, outlet_id, item, ())
    if known is not None:
        raise RuleViolated(
            f"已有在办督办单 {store.load(session, known).number}",
            article="工作规则：同一排放口、同一事项只保留一张在办督办单",
            missing="该督办单办结",
        )
