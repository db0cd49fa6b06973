"""Answers of `CaseService` about opening matters by hand."""

from __future__ import annotations

from typing import Any

from services.cases import wire
from services.cases.app.open_by_person import Wish, open_by_person, openings
from services.cases.domain.matter import Level
from services.cases.door_views import answer_of
from services.chassis.clock import utc_now
from services.chassis.db import Database
from services.chassis.errors import InputRejected
from services.chassis.grpc_host import actor_of
from services.chassis.pb.cases.v1 import cases_pb2 as pb


class OpeningAnswers:
    """Part of the servicer: see `door.CaseServicer`."""

    _db: Database

    def OpenMatter(self, request: pb.OpenMatterRequest, context: Any) -> pb.OpenMatterResponse:  # noqa: N802
        """Open a matter by hand."""
        actor, now = actor_of(context), utc_now()
        kind = wire.KIND_OF.get(request.kind)
        if kind is None:
            raise InputRejected("a kind of matter is needed", field="kind")
        wish = Wish(
            kind=kind,
            act=request.act,
            outlet_id=request.outlet_id,
            credit_code=request.credit_code,
            level=wire.LEVEL_OF.get(request.level, Level.SUPERVISION),
            title=request.title,
            fields=dict(request.fields),
            reason=request.reason,
            request_id=request.request_id,
        )
        with self._db.transaction() as session:
            matter = open_by_person(session, actor, wish, now)
            return pb.OpenMatterResponse(matter=answer_of(session, actor, matter, now))

    def ListOpenings(self, _: pb.ListOpeningsRequest, context: Any) -> pb.ListOpeningsResponse:  # noqa: N802
        """Forms for opening matters."""
        found = openings(actor_of(context))
        return pb.ListOpeningsResponse(
            openings=[
                pb.Opening(kind=wire.KINDS[kind], act=wire.act_message(act)) for kind, act in found
            ]
        )
