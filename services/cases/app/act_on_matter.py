"""A person acts on a matter: may he, may it, and then what follows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from services.cases import registry_copy, store, wire
from services.cases.app.attempts import attempt_of
from services.cases.app.handle_finding import settle
from services.cases.app.open_matter import Opening, open_matter
from services.cases.app.people_changed import move_below, rehome
from services.cases.app.perform import perform
from services.cases.app.reopen_order import reopen_when_bad, require_only
from services.cases.domain.matter import Doer, Kind, Matter
from services.cases.domain.steps import Step
from services.chassis.errors import Conflict, InputRejected, NotFound
from services.chassis.identity import Actor, Role, can, require, require_visible
from services.chassis.outbox import record_event


@dataclass(frozen=True)
class Request:
    """What somebody asks. `expected_version` 0 = whatever the matter is by now."""

    matter_id: str
    act: str
    fields: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    expected_version: int = 0


def act_on_matter(session: Session, actor: Actor, request: Request, now: dt.datetime) -> Matter:
    """Do the act; gives the matter afterwards.

    Raises `NotFound` for what the actor must not see, `Forbidden`, `Conflict` when somebody was
    faster, and what `steps.take` refuses with.
    """
    store.lock_family(session, request.matter_id)
    matter = store.load(session, request.matter_id, lock=True)
    require_readable(actor, matter)
    require(
        actor,
        action_of(matter.kind, "act"),
        division=matter.in_charge or matter.division,
        enterprise_id=matter.credit_code,
    )
    if request.expected_version not in {0, matter.version}:
        raise Conflict(
            "the matter has moved on",
            expected=str(request.expected_version),
            present=str(matter.version),
        )
    if matter.kind is Kind.ORDER:
        require_only(session, matter, request.act)
        _require_case(session, matter, request.fields.get("case_number", "").strip())
    doer = doer_of(actor)
    attempt = attempt_of(session, matter, doer, now, request.fields, reason=request.reason)
    step = perform(session, request.act, attempt)
    if step.effect == "reopen_when_bad":
        return reopen_when_bad(session, step, now)
    matter = _follow(session, step, now)
    return settle(session, matter, now) if matter.kind is Kind.ORDER else matter


def _follow(session: Session, step: Step, now: dt.datetime) -> Matter:
    """What the row asks for beside the step itself; gives the matter as it stands then."""
    matter = step.matter
    if step.effect == "open_case":
        _open_case(session, matter, now)
    if step.effect == "request_referral":
        _request_referral(session, matter)
    if step.effect == "rehome":
        return rehome(session, matter, now)
    if step.effect == "move_below":
        return move_below(session, matter, now)
    return matter


def action_of(kind: Kind, verb: str) -> str:
    """The policy's action for a kind of matter: orders and cases have their own, others share."""
    group = {Kind.ORDER: "orders", Kind.CASE: "cases"}.get(kind, "measures")
    return f"{group}.{verb}"


def may_read(actor: Actor, matter: Matter) -> bool:
    """Whether the actor may know of the matter; a plant of its own that were disclosed."""
    action, plant = action_of(matter.kind, "read"), matter.credit_code
    may = any(can(actor, action, division=at, enterprise_id=plant) for at in places_of(matter))
    return may and not (actor.role is Role.ENTERPRISE and matter.confidential)


def require_readable(actor: Actor, matter: Matter) -> None:
    """Raise `NotFound` unless the actor may know of the matter."""
    action, plant = action_of(matter.kind, "read"), matter.credit_code
    at = next(
        (at for at in places_of(matter) if can(actor, action, division=at, enterprise_id=plant)),
        matter.division,
    )
    require_visible(actor, action, division=at, enterprise_id=plant)
    if actor.role is Role.ENTERPRISE and matter.confidential:
        raise NotFound("no such thing in your jurisdiction")


def places_of(matter: Matter) -> tuple[str, ...]:
    """Where the matter is at home: the place it is about, and the office that handles it."""
    return tuple(dict.fromkeys((matter.division, matter.in_charge or matter.division)))


def may_act(actor: Actor, matter: Matter) -> bool:
    """Whether the actor may act on the matter at all: its office and those above it, its plant."""
    return can(
        actor,
        action_of(matter.kind, "act"),
        division=matter.in_charge or matter.division,
        enterprise_id=matter.credit_code,
    )


def doer_of(actor: Actor) -> Doer:
    """The actor as the timeline writes him."""
    return Doer(
        person_id=actor.officer_id or actor.user_id,
        name=actor.name,
        role=actor.role.value,
        division=actor.division,
        credit_code=actor.enterprise_id,
        scripted=actor.scripted,
    )


def _open_case(session: Session, order: Matter, now: dt.datetime) -> None:
    """转案件: the order's check was the verification; its checker may not decide on the filing."""
    proposal, check = order.events[-1], order.last("check")
    assert check is not None
    opening = Opening(
        kind=Kind.CASE,
        act="open_from_order",
        level=order.level,
        item=order.item,
        item_zh="",
        factors=order.factors,
        finding_ids=[row.finding_id for row in order.rows],
        correlation_id=order.correlation_id,
        fields={
            "order": order.number,
            "facts": proposal.fields["facts"],
            "violation": proposal.fields["violation"],
            "officer_2": check.doer.person_id,
        },
        parent_matter_id=order.matter_id,
        title=order.title,
    )
    place = registry_copy.place_of(session, order.outlet_id)
    open_matter(session, opening, place, now)


def _require_case(session: Session, order: Matter, number: str) -> None:
    """A case that a closing names is one of this plant. Raises `InputRejected`."""
    if number and store.case_of(session, order.credit_code, number) is None:
        raise InputRejected(f"no case {number} of this plant", field="case_number")


def _request_referral(session: Session, matter: Matter) -> None:
    """Hand the approved referral to the service that freezes the bundle."""
    bodies = store.finding_bodies(session, matter.matter_id)
    message = wire.referral_message(matter, bodies)
    record_event(session, message, correlation_id=matter.correlation_id)
