"""办案管理: who has how much, what is overdue, who is on duty, what lies, what came of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from services.chassis.clock import beijing, utc_now
from services.chassis.errors import Forbidden, InputRejected, NotFound, RuleViolated
from services.chassis.pb.cases.v1 import people_pb2 as people
from services.chassis.pb.cases.v1 import sheet_pb2 as sheets
from services.chassis.pb.cases.v1 import work_pb2 as pb
from services.console.pages import render
from services.console.routes.matter import texts
from services.console.routes.matter_files import stream
from services.console.routes.matters import Filter
from services.console.views.kinds import KIND_KEYS
from services.console.web import CheckedForm, SignedIn, Visitor

router = APIRouter()

_FORMATS = {
    "csv": (pb.TABLE_FORMAT_CSV, "text/csv; charset=utf-8"),
    "xlsx": (
        pb.TABLE_FORMAT_XLSX,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
}


class Asked(BaseModel):
    """What the person asked for; empty = the own jurisdiction, this month."""

    division: str = ""
    from_day: str = ""
    to_day: str = ""


Wish = Annotated[Asked, Query()]


@router.get("/work")
async def workload(found: SignedIn, asked: Wish) -> Response:
    """Show load, certificates and leave of each officer, and what nobody has."""
    loads, lost, changes = await asyncio.gather(
        found.call(
            found.doors.people.ListWorkload, people.ListWorkloadRequest(division=asked.division)
        ),
        read_unassigned(found, asked.division),
        found.call(
            found.doors.people.ListPeopleEvents,
            people.ListPeopleEventsRequest(division=asked.division, page_size=20),
        ),
    )
    return await show(found, "work_people.html", asked, loads=loads, lost=lost, changes=changes)


@router.post("/work/reassign")
async def reassign(found: SignedIn, form: CheckedForm) -> Response:
    """Move all that one officer has, or all that nobody has, to others."""
    typed = texts(form)
    request = people.ReassignAllRequest(
        from_officer_id=typed.get("from_officer_id", ""),
        to_officer_ids=typed.get("to_officer_ids", "").split(),
        reason=typed.get("reason", "").strip(),
        division=typed.get("division", ""),
    )
    try:
        answer = await found.call(found.doors.people.ReassignAll, request)
    except (RuleViolated, InputRejected) as refusal:
        await found.notice(f"{found.t('act.refused')} {refusal.message}")
        return RedirectResponse("/work", 303)
    moved = sum(one.moved for one in answer.results)
    stay = [f"{one.number}：{one.refusal}" for one in answer.results if not one.moved]
    said = found.t("work.reassigned", moved=moved, stay=len(stay))
    await found.notice("；".join([said, *stay[:5]]))
    return RedirectResponse("/work", 303)


@router.get("/work/overdue")
async def overdue(found: SignedIn, asked: Wish, steps: int = 0, page: str = "") -> Response:
    """Show what supervision is overdue, how far it has climbed, whom it waits for."""
    answer = await found.call(
        found.doors.sheets.ListOverdue,
        sheets.ListOverdueRequest(
            division=asked.division, steps_from=max(steps, 0), page_size=100, page_token=page
        ),
    )
    return await show(found, "work_overdue.html", asked, overdue=answer, steps=steps)


@router.get("/work/duty")
async def duty(found: SignedIn, asked: Wish) -> Response:
    """Show who is on duty and what is due that day."""
    answer = await found.call(
        found.doors.work.ListDuty,
        pb.ListDutyRequest(division=asked.division, from_day=asked.from_day, to_day=asked.to_day),
    )
    return await show(found, "work_duty.html", asked, duty=answer)


@router.get("/work/inactivity")
async def inactivity(found: SignedIn, asked: Wish) -> Response:
    """Show what lies although somebody should act."""
    answer = await found.call(
        found.doors.work.GetInactivity, pb.GetInactivityRequest(division=asked.division)
    )
    return await show(found, "work_inactivity.html", asked, report=answer)


@router.get("/work/outcomes")
async def outcomes(found: SignedIn, asked: Wish) -> Response:
    """Show outcomes, times and kept terms of a period."""
    answer = await found.call(
        found.doors.work.GetOutcomes,
        pb.GetOutcomesRequest(
            division=asked.division, from_day=asked.from_day, to_day=asked.to_day
        ),
    )
    return await show(found, "work_outcomes.html", asked, report=answer)


@router.get("/work/queue.{kind}")
async def queue_file(found: SignedIn, asked: Annotated[Filter, Query()], kind: str) -> Response:
    """Give the filtered queue as a file, all of it."""
    if kind not in _FORMATS:
        raise NotFound("no such format", format=kind)
    table_format, media_type = _FORMATS[kind]
    pieces = found.call.stream(
        found.doors.work.ExportQueue,
        pb.ExportQueueRequest(query=asked.request(0, ""), format=table_format),
    )
    chunks = (piece.chunk async for piece in pieces if piece.chunk)
    day = beijing(utc_now()).date().isoformat()
    return await download(chunks, media_type, f"queue-{day}.{kind}")


@router.get("/matters/{matter_id}/record")
async def record(found: SignedIn, matter_id: str) -> Response:
    """Give the whole record of a matter and its family as a zip."""
    pieces = found.call.stream(
        found.doors.work.ExportRecord, pb.ExportRecordRequest(matter_id=matter_id)
    )
    chunks = (piece.chunk async for piece in pieces if piece.chunk)
    return await download(chunks, "application/zip", f"record-{matter_id}.zip")


async def download(chunks: AsyncIterator[bytes], media_type: str, name: str) -> Response:
    """Pass bytes on. The first piece is asked for here: a refusal is a page, not a broken file."""
    first = await anext(chunks, b"")
    return stream(chunks, first, media_type, name, shown=False)


async def read_unassigned(found: Visitor, division: str) -> people.ListUnassignedResponse | None:
    """Read what nobody has; None for a role that cannot do anything about it."""
    try:
        return await found.call(
            found.doors.people.ListUnassigned, people.ListUnassignedRequest(division=division)
        )
    except Forbidden:
        return None


async def show(found: Visitor, template: str, asked: Asked, **context: Any) -> Response:
    """Write one of the pages."""
    directory = await found.house.directories.get(found.session.user_name, found.call)
    return await render(
        found, template, asked=asked, directory=directory, kind_keys=KIND_KEYS, **context
    )
