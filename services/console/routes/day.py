"""日研判 of an outlet: what each hour counted as and why, side by side, and computed again."""

import asyncio
import datetime as dt

from fastapi import APIRouter
from starlette.responses import Response

from services.chassis.errors import InputRejected
from services.chassis.pb.detect.v1 import judgement_pb2 as pb
from services.console.pages import render
from services.console.routes.outlet import read_head
from services.console.views.day import STATES, factor_panels, neighbours_of, revision_rows
from services.console.web import SignedIn

router = APIRouter()

_MODES = {
    "then": pb.RECOMPUTE_AS_KNOWN_THEN,
    "now": pb.RECOMPUTE_AS_KNOWN_NOW,
}


@router.get("/outlets/{outlet_id}/days/{day}")
async def outlet_day(
    found: SignedIn, outlet_id: str, day: str, revision: int = 0, compute: str = ""
) -> Response:
    """Show a day. `compute` asks for it to be computed again: then, now."""
    request = pb.GetDayJudgementRequest(
        outlet_id=outlet_id,
        day=known_day(day).isoformat(),
        revision=max(revision, 0),
        recompute=_MODES.get(compute, pb.RECOMPUTE_UNSPECIFIED),
    )
    head, directory, answer = await asyncio.gather(
        read_head(found, outlet_id),
        found.house.directories.get(found.session.user_name, found.call),
        found.call(found.doors.judgement.GetDayJudgement, request),
    )
    one = answer.judgement
    before, after = neighbours_of(known_day(day))
    return await render(
        found,
        "day.html",
        head=head,
        directory=directory,
        one=one,
        panels=factor_panels(one),
        states=STATES,
        revisions=revision_rows(answer.revisions),
        computed=compute if compute in _MODES else "",
        same=answer.same,
        differences=list(answer.differences),
        before=before,
        after=after,
    )


def known_day(text: str) -> dt.date:
    """Read a Beijing day. Raises InputRejected."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise InputRejected(f"not a day: {text!r}") from error
