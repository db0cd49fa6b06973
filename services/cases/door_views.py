"""What a caller may list and what of a matter he is shown."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from services.cases import rules, wire
from services.cases.app.act_on_matter import action_of, doer_of, may_act, may_read
from services.cases.app.attempts import attempt_of
from services.cases.domain import steps
from services.cases.domain.attempt import Attempt
from services.cases.domain.lifecycle import Act
from services.cases.domain.matter import Kind, Matter
from services.cases.domain.risk import HIGHEST
from services.cases.queries import View, Wanted
from services.chassis.clock import from_timestamp
from services.chassis.errors import Forbidden, InputRejected
from services.chassis.identity import Actor, Role, can, scope_of
from services.chassis.pb.cases.v1 import cases_pb2 as pb


def view_of(actor: Actor, division: str = "") -> View:
    """What the actor may list. Raises `Forbidden` for a role without any kind of matter."""
    kinds = frozenset(kind for kind in Kind if can(actor, action_of(kind, "read")))
    if not kinds:
        raise Forbidden(f"{actor.role} may not list matters", action="orders.read")
    kind = next(iter(kinds))
    return View(kinds, scope_of(actor, action_of(kind, "read"), division))


def wanted_of(actor: Actor, request: pb.ListMattersRequest, now: dt.datetime) -> Wanted:
    """What a list or a table of the queue asks for. Raises `InputRejected` for what is no wish."""
    if request.risk_from > HIGHEST:
        raise InputRejected("a risk is 0 to 100", field="risk_from")
    return Wanted(
        kind=wire.KIND_OF.get(request.kind),
        state=request.state,
        level=int(request.level),
        search=request.search,
        outlet_id=request.outlet_id,
        assignee_id=doer_of(actor).person_id if request.mine else request.assignee_id,
        item=request.item,
        opened_from=_moment(request, "opened_from"),
        opened_before=_moment(request, "opened_before"),
        due_from=_moment(request, "due_from"),
        due_before=_moment(request, "due_before"),
        overdue_at=now if request.overdue else None,
        risk_from=request.risk_from,
        order=request.order,
    )


def _moment(request: pb.ListMattersRequest, name: str) -> dt.datetime | None:
    return from_timestamp(getattr(request, name)) if request.HasField(name) else None  # type: ignore[arg-type]


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
    if not may_act(actor, matter):
        return []
    return steps.allowed(rules.life_cycle(matter.kind), attempt)


def answer_of(session: Session, actor: Actor, matter: Matter, now: dt.datetime) -> pb.Matter:
    """The whole matter with the acts that the actor may do now."""
    attempt = attempt_of(session, matter, doer_of(actor), now)
    return shown(actor, matter, allowed_to(actor, attempt))


def kin_of(session: Session, actor: Actor, matter: Matter, now: dt.datetime) -> list[pb.Matter]:
    """Heads of the rest of the family, as far as the actor may know of them."""
    family = attempt_of(session, matter, doer_of(actor), now).family
    return [shown(actor, one) for one in family if may_read(actor, one)]
