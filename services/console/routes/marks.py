"""数据标记: the plant's day sheet and form, and what waits for an officer's decision."""

import asyncio
from datetime import date, timedelta
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from services.chassis.clock import beijing, to_timestamp, utc_now
from services.chassis.errors import FarsightError, NotFound
from services.chassis.pb.detect.v1 import judgement_pb2
from services.chassis.pb.ingest.v1 import mark_pb2 as pb
from services.console.directory import Directory
from services.console.pages import render
from services.console.views import marks as view
from services.console.web import SignedIn, Visitor

router = APIRouter()

SUBMIT, DECIDE = "marks.submit", "marks.decide"
#: Days of marks that the sheet's list shows.
LISTED = timedelta(days=31)
PAGE_SIZE = 50


class Asked(BaseModel):
    """What the address asks for; no outlet = the plant's first, or everybody's waiting ones."""

    outlet_id: str = ""
    day: str = ""
    revise: str = ""
    page: str = ""

    def query(self, **changed: object) -> str:
        """Write it as the query of an address."""
        values = {**self.model_dump(), **changed}
        return urlencode({key: value for key, value in values.items() if value})


AskedOf = Annotated[Asked, Query()]


@router.get("/marks")
async def marks(found: SignedIn, asked: AskedOf) -> Response:
    """Show the sheet of one outlet's day, or the list of a jurisdiction."""
    directory = await found.house.directories.get(found.session.user_name, found.call)
    outlet_id = asked.outlet_id
    if not outlet_id and found.session.role == "enterprise":
        outlet_id = min(directory.outlets, default="")
    if outlet_id:
        asked = asked.model_copy(update={"outlet_id": outlet_id})
        return await sheet_page(found, asked, directory)
    return await list_page(found, asked, directory)


async def list_page(found: Visitor, asked: Asked, directory: Directory) -> Response:
    """Write the list: first what waits, then the newest marks."""
    doors = found.doors.marks
    waiting, newest = await asyncio.gather(
        found.call(doors.ListMarks, pb.ListMarksRequest(waiting=True, page_size=PAGE_SIZE)),
        found.call(
            doors.ListMarks, pb.ListMarksRequest(page_size=PAGE_SIZE, page_token=asked.page)
        ),
    )
    return await render(
        found,
        "marks.html",
        waiting=waiting.records,
        records=newest.records,
        next_page=newest.next_page_token,
        asked=asked,
        directory=directory,
        view=view,
    )


async def sheet_page(
    found: Visitor,
    asked: Asked,
    directory: Directory,
    *,
    typed: view.Typed | None = None,
    refusal: str = "",
    table: pb.SubmitMarksResponse | None = None,
    status: int = 200,
) -> Response:
    """Write the sheet; after a refusal with its reason and what was typed."""
    days, sheet = await read_days(found, asked.outlet_id, asked.day)
    end = sheet.freezes_at.ToDatetime(tzinfo=utc_now().tzinfo)
    request = pb.ListMarksRequest(
        outlet_id=asked.outlet_id,
        start=to_timestamp(end - LISTED),
        with_revisions=True,
        page_size=500,
    )
    listed, kinds, pools = await asyncio.gather(
        found.call(found.doors.marks.ListMarks, request),
        found.call(
            found.doors.marks.ListMarkKinds, pb.ListMarkKindsRequest(outlet_id=asked.outlet_id)
        ),
        read_pools(found, asked.outlet_id, sheet.day),
    )
    marks = grouped(listed.records)
    revise = marks.get(asked.revise, [None])[0]
    if typed is None:
        typed = view.revised(revise, kinds.kinds) if revise else view.fresh(sheet.day)
    before, after = view.day_links(date.fromisoformat(sheet.day))
    return await render(
        found,
        "mark_sheet.html",
        status=status,
        asked=asked,
        sheet=sheet,
        chips=view.chips(days),
        before=before,
        after=after,
        marks=marks,
        kinds=kinds.kinds,
        pools=pools,
        factors=view.factor_choices([one.factor for one in sheet.factors], found.language),
        typed=typed,
        refusal=refusal,
        table=table,
        may_submit=found.may(SUBMIT),
        directory=directory,
        view=view,
    )


async def read_days(
    found: Visitor, outlet_id: str, day: str
) -> tuple[list[pb.GetMarkDayResponse], pb.GetMarkDayResponse]:
    """Read yesterday, today and the day asked for; without one the oldest that is still open."""
    today = beijing(utc_now()).date()
    wanted = [(today - timedelta(days=1)).isoformat(), today.isoformat()]
    days = wanted if day in ("", *wanted) else [day, *wanted]
    requests = [pb.GetMarkDayRequest(outlet_id=outlet_id, day=one) for one in days]
    sheets = list(
        await asyncio.gather(*(found.call(found.doors.marks.GetMarkDay, one) for one in requests))
    )
    sheets.sort(key=lambda one: one.day)
    chosen = [one for one in sheets if (one.day == day if day else not one.frozen)]
    return sheets, chosen[0] if chosen else sheets[-1]


async def read_pools(
    found: Visitor, outlet_id: str, day: str
) -> list[judgement_pb2.PoolUse] | None:
    """Read the hours that are left; None while detect does not know them yet."""
    request = judgement_pb2.ListPoolsRequest(outlet_id=outlet_id, year=int(day[:4]))
    try:
        answer = await found.call(found.doors.judgement.ListPools, request)
    except FarsightError:
        return None
    return [pool for outlet in answer.outlets for pool in outlet.pools]


def grouped(records: Any) -> dict[str, list[pb.MarkRecord]]:
    """Revisions by mark, the newest first; marks by their newest arrival."""
    marks: dict[str, list[pb.MarkRecord]] = {}
    for record in records:
        marks.setdefault(record.mark.mark_id, []).append(record)
    for revisions in marks.values():
        revisions.sort(key=lambda one: -one.mark.revision)
    return marks


@router.get("/marks/{outlet_id}/{mark_id}")
async def mark(found: SignedIn, outlet_id: str, mark_id: str) -> Response:
    """Show one mark: its revisions side by side, proofs, contradictions, the decision."""
    return await mark_page(found, outlet_id, mark_id)


async def mark_page(
    found: Visitor, outlet_id: str, mark_id: str, *, refusal: str = "", status: int = 200
) -> Response:
    """Write the page; after a refusal with its reason. Raises NotFound."""
    listed, directory = await asyncio.gather(
        found.call(
            found.doors.marks.ListMarks,
            pb.ListMarksRequest(
                outlet_id=outlet_id, mark_id=mark_id, with_revisions=True, page_size=500
            ),
        ),
        found.house.directories.get(found.session.user_name, found.call),
    )
    revisions = grouped(listed.records).get(mark_id)
    if not revisions:
        raise NotFound("no such mark in your jurisdiction")
    newest = revisions[0]
    first = beijing(newest.mark.start.ToDatetime(tzinfo=utc_now().tzinfo)).date()
    sheet = await found.call(
        found.doors.marks.GetMarkDay,
        pb.GetMarkDayRequest(outlet_id=outlet_id, day=first.isoformat()),
    )
    return await render(
        found,
        "mark.html",
        status=status,
        revisions=revisions,
        newest=newest,
        sheet=sheet,
        conflicts=[one for one in sheet.conflicts if one.mark_id == mark_id],
        may_decide=found.may(DECIDE),
        may_submit=found.may(SUBMIT),
        refusal=refusal,
        directory=directory,
        view=view,
    )


@router.get("/marks/{outlet_id}/proofs/{proof_id}")
async def proof(found: SignedIn, outlet_id: str, proof_id: str) -> Response:
    """Give a proof as a file to keep: what others uploaded is never shown as a page of ours."""
    answer = await found.call(
        found.doors.marks.GetProof, pb.GetProofRequest(outlet_id=outlet_id, proof_id=proof_id)
    )
    disposition = f"attachment; filename*=UTF-8''{quote(answer.name)}"
    return Response(
        answer.content,
        media_type="application/octet-stream",
        headers={"Content-Disposition": disposition},
    )
