"""gRPC door `SheetService` 电子督办: sheets for platforms and plants, overdue terms, the terms."""

from __future__ import annotations

from typing import Any

import grpc.aio

from services.cases import rules, wire
from services.cases.app.read_sheets import get_sheet, list_overdue, list_sheets
from services.cases.domain.clocks import Clock
from services.cases.domain.lifecycle import LifeCycle
from services.cases.domain.matter import Kind
from services.cases.domain.overrides import Circumstance, deciding
from services.cases.queries import View
from services.cases.sheet_store import WantedSheets
from services.cases.sheet_wire import overdue_message, sheet_message
from services.chassis.clock import from_timestamp, utc_now
from services.chassis.db import Database
from services.chassis.errors import InputRejected
from services.chassis.grpc_host import actor_of
from services.chassis.identity import require, scope_of
from services.chassis.pb.cases.v1 import sheet_pb2 as pb
from services.chassis.pb.cases.v1 import sheet_pb2_grpc

SERVICE = "farsight.cases.v1.SheetService"
_MOST_STEPS = 9


def register(server: grpc.aio.Server, database: Database) -> None:
    """Add the servicer to a gRPC host."""
    sheet_pb2_grpc.add_SheetServiceServicer_to_server(SheetServicer(database), server)


class SheetServicer(sheet_pb2_grpc.SheetServiceServicer):
    """Answers for the schema `cases`; every method checks who asks and where."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def GetSheet(self, request: pb.GetSheetRequest, context: Any) -> pb.GetSheetResponse:  # noqa: N802
        """One sheet with the sections that the caller may see."""
        actor = actor_of(context)
        with self._db.transaction() as session:
            sheet = get_sheet(session, actor, request.matter_id, utc_now())
        return pb.GetSheetResponse(sheet=sheet_message(sheet))

    def ListSheets(self, request: pb.ListSheetsRequest, context: Any) -> pb.ListSheetsResponse:  # noqa: N802
        """Sheets of the caller's part of the world, oldest change first."""
        actor, now = actor_of(context), utc_now()
        wanted = WantedSheets(
            view=View(frozenset({Kind.ORDER}), scope_of(actor, "orders.read", request.division)),
            state=request.state,
            level=int(request.level),
            credit_code=request.credit_code,
            overdue_at=now if request.overdue else None,
            since=from_timestamp(request.since) if request.HasField("since") else None,
        )
        page = (request.page_size, request.page_token)
        with self._db.transaction() as session:
            found = list_sheets(session, actor, wanted, page, now)
        return pb.ListSheetsResponse(
            sheets=map(sheet_message, found.rows), next_page_token=found.token, total=found.total
        )

    def ListOverdue(self, request: pb.ListOverdueRequest, context: Any) -> pb.ListOverdueResponse:  # noqa: N802
        """逾期清单: breached terms of orders and listings, longest first."""
        actor = actor_of(context)
        if request.steps_from > _MOST_STEPS:
            raise InputRejected(f"at most {_MOST_STEPS}", field="steps_from")
        scope = scope_of(actor, "statistics.read", request.division)
        view = View(frozenset({Kind.ORDER, Kind.LISTED}), scope)
        page = (request.page_size, request.page_token)
        with self._db.transaction() as session:
            found = list_overdue(session, view, request.steps_from, page, utc_now())
        return pb.ListOverdueResponse(
            overdue=map(overdue_message, found.rows),
            next_page_token=found.token,
            total=found.total,
        )

    def ListTerms(self, request: pb.ListTermsRequest, context: Any) -> pb.ListTermsResponse:  # noqa: N802
        """工作时限 as they are for a county, an industry, an item and a level."""
        actor = actor_of(context)
        require(actor, "orders.read")
        there = Circumstance(
            division=request.division or actor.division,
            industry=request.industry,
            item=request.item,
            level=wire.LEVEL_OF.get(request.level),
        )
        rows = deciding(rules.overrides(), there)
        ours = _clocks_of(rules.life_cycle(Kind.ORDER)) | _clocks_of(rules.life_cycle(Kind.LISTED))
        terms = [clock for clock in rules.terms_there(there).clocks if clock.key in ours]
        return pb.ListTermsResponse(
            terms=[
                _term_message(one, rows[one.key].key if one.key in rows else "") for one in terms
            ]
        )


def _clocks_of(life: LifeCycle) -> set[str]:
    """Clocks that a table starts."""
    return {start.clock for act in life.acts for start in act.start}


def _term_message(clock: Clock, override: str) -> pb.SupervisionTerm:
    document = rules.load("term_overrides.yaml" if override else "terms.yaml")
    return pb.SupervisionTerm(
        key=clock.key,
        action=clock.action_zh,
        length=clock.length or 0,
        unit=clock.unit.value if clock.unit else "",
        working=clock.working,
        source=clock.source,
        version=str(document["version"]),
        override=override,
    )
