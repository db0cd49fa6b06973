"""What a caller may list and what of a matter he is shown."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from services.cases import rules, wire
from services.cases.app.act_on_matter import action_of, doer_of, may_read
from services.cases.app.attempts import attempt_of
from services.cases.domain import steps
from services.cases.domain.attempt import Attempt
from services.cases.domain.lifecycle import Act
from services.cases.domain.matter import Kind, Matter
from services.cases.queries import View
from services.chassis.errors import Forbidden
from services.chassis.identity import Actor, Role, can, scope_of
from services.chassis.pb.cases.v1 import cases_pb2 as pb


def view_of(actor: Actor, division: str = "") -> View:
    """What the actor may list. Raises `Forbidden` for a role without any kind of matter."""
    kinds = frozenset(kind for kind in Kind if can(actor, action_of(kind, "read")))
    if not kinds:
        raise Forbidden(f"{actor.role} may not list matters", action="orders.read")
    kind = next(iter(kinds))
    return View(kinds, scope_of(actor, action_of(kind, "read"), division))


def shown(actor: Actor, matter: Matter, acts: list[Act] | None = None) -> pb.Matter:
    """The matter for this actor: a plant sees no internal work. With `acts`, the timeline too."""
    life = rules.life_cycle(matter.kind)
    message = (
        wire.head_message(matter, life) if acts is None else wire.full_message(matter, life, acts)
    )
    return wire.for_enterprise(message, life) if actor.role is Role.ENTERPRISE else message


def allowed_to(actor: Actor, attempt: Attempt) -> list[Act]:
    """Rows that the actor may try now."""
    matter = attempt.matter
    may = can(
        actor,
        action_of(matter.kind, "act"),
        division=matter.division,
        enterprise_id=matter.credit_code,
    )
    return steps.allowed(rules.life_cycle(matter.kind), attempt) if may else []


def answer_of(session: Session, actor: Actor, matter: Matter, now: dt.datetime) -> pb.Matter:
    """The whole matter with the acts that the actor may do now."""
    attempt = attempt_of(session, matter, doer_of(actor), now)
    return shown(actor, matter, allowed_to(actor, attempt))


def kin_of(session: Session, actor: Actor, matter: Matter, now: dt.datetime) -> list[pb.Matter]:
    """Heads of the rest of the family, as far as the actor may know of them."""
    family = attempt_of(session, matter, doer_of(actor), now).family
    return [shown(actor, one) for one in family if may_read(actor, one)]
