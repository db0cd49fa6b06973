"""gRPC door `CaseService`: the queue, one matter, acting on it, watching changes, counts."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio

from services.cases import (
    inspection_door,
    paper_door,
    people_door,
    queries,
    rules,
    sheet_door,
    store,
    trigger_store,
    wire,
    work_door,
)
from services.cases.app.act_on_matter import (
    Request,
    act_on_matter,
    require_readable,
)
from services.cases.app.trigger_tables import in_force
from services.cases.attachment_door import AttachmentAnswers
from services.cases.domain.matter import Kind, Level, Matter
from services.cases.domain.triggers import CLUE, Table
from services.cases.door_views import answer_of, kin_of, shown, view_of, wanted_of
from services.cases.opening_door import OpeningAnswers
from services.cases.queries import Count, View
from services.cases.trigger_store import HitCount
from services.chassis.clock import utc_now
from services.chassis.db import Database
from services.chassis.errors import InputRejected
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Actor, Role, scope_of
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.chassis.pb.cases.v1 import cases_pb2_grpc, people_pb2_grpc, work_pb2_grpc
from services.chassis.settings import ChassisSettings

SERVICES = (
    "farsight.cases.v1.CaseService",
    inspection_door.SERVICE,
    paper_door.SERVICE,
    sheet_door.SERVICE,
    people_door.SERVICE,
    work_door.SERVICE,
)
#: Seconds between looks at the feed for one watcher.
POLL_S = 0.5
#: Days that one list of monitor counts may span.
LONGEST_MONITOR = 92


def register(server: grpc.aio.Server, settings: ChassisSettings) -> None:
    """Add the servicer to a gRPC host."""
    database = Database(settings.database_url, "cases")
    cases_pb2_grpc.add_CaseServiceServicer_to_server(CaseServicer(database), server)
    inspection_door.register(server, database)
    paper_door.register(server, database)
    sheet_door.register(server, database)
    people_pb2_grpc.add_PeopleServiceServicer_to_server(
        people_door.PeopleServicer(database), server
    )
    work_pb2_grpc.add_WorkServiceServicer_to_server(work_door.WorkServicer(database), server)


class CaseServicer(OpeningAnswers, AttachmentAnswers, cases_pb2_grpc.CaseServiceServicer):
    """Answers for the schema `cases`; every method checks who asks."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def ListMatters(self, request: pb.ListMattersRequest, context: Any) -> pb.ListMattersResponse:  # noqa: N802
        """The queue by deadline and risk."""
        actor = actor_of(context)
        view = view_of(actor, request.division)
        wanted = wanted_of(actor, request, utc_now())
        with self._db.transaction() as session:
            page = queries.list_matters(
                session, view, wanted, request.page_size, request.page_token
            )
        matters = [shown(actor, matter) for matter in page.matters]
        return pb.ListMattersResponse(matters=matters, next_page_token=page.token, total=page.total)

    def GetMatter(self, request: pb.GetMatterRequest, context: Any) -> pb.GetMatterResponse:  # noqa: N802
        """One matter with timeline, clocks with derivation, and what the caller may do."""
        actor = actor_of(context)
        with self._db.transaction() as session:
            matter = store.load(session, request.matter_id)
            require_readable(actor, matter)
            now = utc_now()
            return pb.GetMatterResponse(
                matter=answer_of(session, actor, matter, now),
                kin=kin_of(session, actor, matter, now),
            )

    def Act(self, request: pb.ActRequest, context: Any) -> pb.ActResponse:  # noqa: N802
        """Do an act of the life-cycle table."""
        actor, now = actor_of(context), utc_now()
        asked = Request(
            matter_id=request.matter_id,
            act=request.act,
            fields=dict(request.fields),
            reason=request.reason,
            expected_version=request.expected_version,
        )
        with self._db.transaction() as session:
            matter = act_on_matter(session, actor, asked, now)
            return pb.ActResponse(matter=answer_of(session, actor, matter, now))

    async def Watch(  # noqa: N802
        self, request: pb.WatchRequest, context: Any
    ) -> AsyncIterator[pb.WatchResponse]:
        """Changes of the caller's own part of the world, from a token on."""
        actor = actor_of(context)
        view, token = view_of(actor), request.resume_token
        while True:
            feed = await asyncio.to_thread(self._feed, view, token)
            for matter, event, place in feed.changes:
                change = wire.changed_message(matter, rules.life_cycle(matter.kind), event)
                if _tell_change(actor, matter, change):
                    yield pb.WatchResponse(change=change, resume_token=place)
            if not token:
                yield pb.WatchResponse(resume_token=feed.token)
            token = feed.token
            if not feed.changes:
                await asyncio.sleep(POLL_S)

    def _feed(self, view: View, token: str) -> queries.Feed:
        with self._db.transaction() as session:
            return queries.read_feed(session, view, token)

    def GetStatistics(  # noqa: N802
        self, request: pb.GetStatisticsRequest, context: Any
    ) -> pb.GetStatisticsResponse:
        """Counts for the overview, by county and in all."""
        actor = actor_of(context)
        scope = scope_of(actor, "statistics.read", request.division)
        with self._db.transaction() as session:
            view = View(frozenset(Kind), scope)
            counts = queries.count_matters(session, view, utc_now())
        by_division = [_count_message(count) for count in counts]
        total = pb.DivisionCount(division=request.division or actor.division)
        for name in ("open_orders", "open_cases", "overdue", "due_24_h", "closed_30_days"):
            setattr(total, name, sum(getattr(count, name) for count in by_division))
        return pb.GetStatisticsResponse(total=total, by_division=by_division)

    def ListMonitorCounts(  # noqa: N802
        self, request: pb.ListMonitorCountsRequest, context: Any
    ) -> pb.ListMonitorCountsResponse:
        """试运行: what monitor triggers would have set off beside what live ones did."""
        scope = scope_of(actor_of(context), "monitor.read", request.division)
        first, last = _days_of(request)
        with self._db.transaction() as session:
            table = in_force(session, utc_now())
            counts = trigger_store.count_hits(session, scope, first, last)
        messages = [_hits_message(count, table) for count in counts]
        return pb.ListMonitorCountsResponse(counts=messages, table_version=table.version)


def _tell_change(actor: Actor, matter: Matter, change: pb.MatterChanged) -> bool:
    """Cut a change down to what the actor may see; False when nothing is left of it."""
    if actor.role is not Role.ENTERPRISE:
        return True
    life = rules.life_cycle(matter.kind)
    if wire.is_internal(change.last_event, life):
        return False
    own = frozenset(clock.key for clock in change.matter.clocks if clock.bound == "enterprise")
    wire.hide_from_plant(change.last_event, own)
    wire.for_enterprise(change.matter, life)
    return True


def _count_message(count: Count) -> pb.DivisionCount:
    return pb.DivisionCount(
        division=count.division,
        open_orders=count.open_orders,
        open_cases=count.open_cases,
        overdue=count.overdue,
        due_24_h=count.due_24_h,
        closed_30_days=count.closed_30_days,
    )


def _days_of(request: pb.ListMonitorCountsRequest) -> tuple[dt.date, dt.date]:
    """The days asked for. Raises `InputRejected` for what is no date and for too many."""
    try:
        first = dt.date.fromisoformat(request.from_day)
        last = dt.date.fromisoformat(request.to_day)
    except ValueError as fault:
        raise InputRejected("from_day and to_day are ISO dates", field="from_day") from fault
    if not 0 <= (last - first).days < LONGEST_MONITOR:
        raise InputRejected(f"1 to {LONGEST_MONITOR} days, in order", field="to_day")
    return first, last


def _hits_message(count: HitCount, table: Table) -> pb.MonitorCount:
    level = CLUE if count.opens == Kind.CASE.value else Level(count.level).name.lower()
    return pb.MonitorCount(
        division=count.division,
        day=count.day.isoformat(),
        trigger=count.trigger,
        item_name=count.item_zh,
        level=level,
        live=count.mode == trigger_store.LIVE,
        items=count.items,
        withdrawn=count.withdrawn,
        officer_hours=count.items * table.officer_hours[level],
        finding_ids=count.finding_ids,
    )
