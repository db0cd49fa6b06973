"""gRPC door `PeopleService` 人员: load, certificates, leave, who was put in for whom.

A leader sees and moves what is in the own jurisdiction, an officer reads what is his own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from services.cases import people_store, people_wire, registry_copy, rules, wire
from services.cases.app.people_reassign import Move, reassign_all
from services.cases.domain.matter import Officer
from services.cases.people_store import Burden, Wanted
from services.chassis.clock import beijing, to_timestamp, utc_now
from services.chassis.db import Database
from services.chassis.errors import InputRejected
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Actor, Role, Scope, scope_of
from services.chassis.pb.cases.v1 import people_pb2 as pb
from services.chassis.pb.cases.v1 import people_pb2_grpc

SERVICE = "farsight.cases.v1.PeopleService"
MOST_UNASSIGNED, LARGEST_PAGE, PAGE = 500, 200, 50
_ROLES = ("officer", "leader")


class PeopleServicer(people_pb2_grpc.PeopleServiceServicer):
    """Answers for the schema `cases`; every method checks who asks and where."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def ListWorkload(  # noqa: N802
        self, request: pb.ListWorkloadRequest, context: Any
    ) -> pb.ListWorkloadResponse:
        """Load, certificate and leave of each officer."""
        actor, now = actor_of(context), utc_now()
        scope = scope_of(actor, "people.read", request.division)
        with self._db.transaction() as session:
            people = _seen(actor, scope, registry_copy.officers(session))
            burdens = people_store.burdens(session, people, rules.people().load, now)
            duty = registry_copy.on_duty(session, now)
        today = beijing(now).date()
        lines = [
            people_wire.workload_message(
                one, burdens.get(who, Burden()), today, on_duty=who in duty
            )
            for who, one in people.items()
        ]
        lines.sort(key=lambda line: (line.division, -line.weight, line.officer_id))
        return pb.ListWorkloadResponse(officers=lines)

    def ListUnassigned(  # noqa: N802
        self, request: pb.ListUnassignedRequest, context: Any
    ) -> pb.ListUnassignedResponse:
        """Matters in nobody's hands, for whoever can give them to somebody."""
        scope = scope_of(actor_of(context), "people.assign", request.division)
        with self._db.transaction() as session:
            found, total = people_store.unassigned(session, scope, MOST_UNASSIGNED)
        messages = [
            pb.Unassigned(
                matter=wire.head_message(matter, rules.life_cycle(matter.kind)),
                since=to_timestamp(since),
                reason=reason,
            )
            for matter, since, reason in found
        ]
        return pb.ListUnassignedResponse(matters=messages, total=total)

    def ReassignAll(self, request: pb.ReassignAllRequest, context: Any) -> pb.ReassignAllResponse:  # noqa: N802
        """Move all that one officer has, or what nobody has."""
        move = Move(
            from_id=request.from_officer_id,
            to_ids=tuple(request.to_officer_ids),
            reason=request.reason,
            division=request.division,
        )
        results, more = reassign_all(self._db, actor_of(context), move, utc_now())
        messages = [
            pb.Reassigned(
                matter_id=one.matter_id,
                number=one.number,
                moved=not one.refusal,
                officer_id=one.officer_id,
                officer_name=one.name,
                refusal=one.refusal,
            )
            for one in results
        ]
        return pb.ReassignAllResponse(results=messages, more=more)

    def ListPeopleEvents(  # noqa: N802
        self, request: pb.ListPeopleEventsRequest, context: Any
    ) -> pb.ListPeopleEventsResponse:
        """Who was put in for whom, newest first."""
        actor = actor_of(context)
        wanted = Wanted(
            scope=scope_of(actor, "people.read", request.division),
            officer_id=_own(actor) if actor.role is Role.OFFICER else request.officer_id,
            matter_id=request.matter_id,
            before=_place(request.page_token),
        )
        size = min(request.page_size or PAGE, LARGEST_PAGE)
        with self._db.transaction() as session:
            rows = people_store.people_events(session, wanted, size + 1)
            officers = registry_copy.officers(session)
        events = [
            people_wire.event_message(matter_id, number, event, officers)
            for _, matter_id, number, event in rows[:size]
        ]
        token = str(rows[size - 1][0]) if len(rows) > size else ""
        return pb.ListPeopleEventsResponse(events=events, next_page_token=token)

    def ListCertificates(  # noqa: N802
        self, request: pb.ListCertificatesRequest, context: Any
    ) -> pb.ListCertificatesResponse:
        """Certificates by their end; who has none comes first."""
        actor, now = actor_of(context), utc_now()
        scope = scope_of(actor, "people.read", request.division)
        before = _day(request.expiring_before)
        with self._db.transaction() as session:
            people = _seen(actor, scope, registry_copy.officers(session))
            burdens = people_store.burdens(session, people, rules.people().load, now)
        messages = [
            people_wire.certificate_message(
                one, beijing(now).date(), burdens.get(who, Burden()).open_matters
            )
            for who, one in people.items()
            if before is None or one.expires is None or one.expires < before
        ]
        messages.sort(key=lambda one: (one.expires, one.officer_id))
        return pb.ListCertificatesResponse(certificates=messages)


def _own(actor: Actor) -> str:
    return actor.officer_id or actor.user_id


def _seen(actor: Actor, scope: Scope, officers: Mapping[str, Officer]) -> dict[str, Officer]:
    """Officers and leaders that the caller may see: a leader the region's, an officer himself."""
    alone = _own(actor) if actor.role is Role.OFFICER else ""
    return {
        who: one
        for who, one in officers.items()
        if one.role in _ROLES
        and one.division.startswith(scope.division_prefix)
        and (not alone or who == alone)
    }


def _day(text: str) -> dt.date | None:
    """The day asked for, None for none. Raises `InputRejected` for what is no date."""
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError as fault:
        raise InputRejected("an ISO date is needed", field="expiring_before") from fault


def _place(token: str) -> int:
    """Where a page begins. Raises `InputRejected` for a token that is not ours."""
    if token and not (token.isascii() and token.isdecimal() and len(token) < 19):
        raise InputRejected("a page token that is not ours", field="page_token")
    return int(token or 0)
