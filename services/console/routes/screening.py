"""筛查: what was raised, what waits and why, what is explained away, the votes, the radar."""

import asyncio
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from services.chassis.errors import (
    Conflict,
    FarsightError,
    Forbidden,
    InputRejected,
    NotFound,
    RuleViolated,
)
from services.chassis.pb.detect.v1 import detect_pb2 as detect
from services.chassis.pb.detect.v1 import screening_pb2 as pb
from services.console.pages import render
from services.console.routes.matter import texts
from services.console.views import screening as views
from services.console.web import CheckedForm, SignedIn, Visitor

router = APIRouter()

READ, CONFIRM = "screening.read", "screening.confirm"
REFUSED = (InputRejected, RuleViolated, Conflict, NotFound)
#: Findings that are looked through for those of the screening, and signs of a list.
PAGE_SIZE = 500


class Asked(BaseModel):
    """What the person asked for, and what a form begins with."""

    state: str = "open"
    division: str = ""
    outlet_id: str = ""
    factor: str = ""
    rule_id: str = ""
    ended: bool = False
    operator: str = ""

    def query(self) -> str:
        """Write it as the query of an address."""
        return urlencode(self.model_dump(exclude_defaults=True))


Filter = Annotated[Asked, Query()]


@router.get("/screening")
async def raised(found: SignedIn, asked: Filter) -> Response:
    """Show clues, and findings of one kind of information."""
    state = views.STATES.get(asked.state, 0)
    clues, findings, directory = await asyncio.gather(
        found.call(
            found.doors.detect.ListClues,
            detect.ListCluesRequest(state=state, division=asked.division),  # type: ignore[arg-type]
        ),
        found.call(
            found.doors.detect.ListFindings,
            detect.ListFindingsRequest(
                state=state,  # type: ignore[arg-type]
                division=asked.division,
                page_size=PAGE_SIZE,
            ),
        ),
        found.house.directories.get(found.session.user_name, found.call),
    )
    return await render(
        found,
        "screening.html",
        asked=asked,
        clues=views.raised_clues(clues.clues),
        lone=views.lone_findings(findings.findings, clues.clues),
        views=views,
        directory=directory,
    )


@router.get("/screening/clues/{clue_id}")
async def clue(found: SignedIn, clue_id: str, outlet_id: str = "") -> Response:
    """Show a clue with the votes behind it."""
    votes, clues, directory = await asyncio.gather(
        found.call(found.doors.screening.ListVotes, pb.ListVotesRequest(clue_id=clue_id)),
        found.call(found.doors.detect.ListClues, detect.ListCluesRequest(outlet_id=outlet_id)),
        found.house.directories.get(found.session.user_name, found.call),
    )
    one = next((each for each in clues.clues if each.clue_id == clue_id), None)
    if one is None:
        raise NotFound("no such clue in your jurisdiction")
    (shown,) = views.raised_clues([one])
    return await render(
        found,
        "screening_clue.html",
        clue=one,
        shown=shown,
        votes=views.votes_of(votes.signs, one.findings),
        short=await short_histories(found, one.outlet_id),
        views=views,
        directory=directory,
    )


async def short_histories(found: Visitor, outlet_id: str) -> Sequence[detect.Evaluation]:
    """未评估: series and tests of an outlet that have too little history yet."""
    answer = await found.call(
        found.doors.detect.GetEvaluations, detect.GetEvaluationsRequest(outlet_id=outlet_id)
    )
    return [one for one in answer.evaluations if one.known_days < one.needed_days]


async def votes_of_finding(found: Visitor, one: detect.Finding) -> list[views.Vote]:
    """Votes behind a finding, for those who may see them."""
    if not found.may(READ):
        return []
    request = pb.ListVotesRequest(finding_id=one.finding_id)
    answer = await found.call(found.doors.screening.ListVotes, request)
    return views.votes_of(answer.signs, [one])


@router.get("/screening/held")
async def held(found: SignedIn, asked: Filter) -> Response:
    """Show what waits, strongest first."""
    request = pb.ListHeldBackRequest(
        state=pb.SIGN_STATE_UNSPECIFIED,
        division=asked.division,
        outlet_id=asked.outlet_id,
        page_size=PAGE_SIZE,
    )
    answer, directory = await asyncio.gather(
        found.call(found.doors.screening.ListHeldBack, request),
        found.house.directories.get(found.session.user_name, found.call),
    )
    return await render(
        found,
        "screening_held.html",
        asked=asked,
        signs=answer.signs,
        most=PAGE_SIZE,
        views=views,
        directory=directory,
    )


@router.get("/screening/suppressions")
async def suppressions(found: SignedIn, asked: Filter) -> Response:
    """Show suppressions, and the form for one."""
    return await suppressions_page(found, asked)


async def suppressions_page(
    found: Visitor, asked: Asked, *, typed: dict[str, str] | None = None, refusal: str = ""
) -> Response:
    """Write the page; after a refusal with its reason and what was typed."""
    request = pb.ListSuppressionsRequest(ended=asked.ended)
    answer, directory = await asyncio.gather(
        found.call(found.doors.screening.ListSuppressions, request),
        found.house.directories.get(found.session.user_name, found.call),
    )
    begun = asked.model_dump(include={"outlet_id", "factor", "rule_id"})
    return await render(
        found,
        "screening_suppressions.html",
        status=422 if refusal else 200,
        asked=asked,
        suppressions=answer.suppressions,
        typed={"reason": "", "until": "", **begun, **(typed or {})},
        may_confirm=found.may(CONFIRM),
        refusal=refusal,
        views=views,
        directory=directory,
    )


@router.post("/screening/suppressions")
async def suppress(found: SignedIn, form: CheckedForm) -> Response:
    """Ask for a suppression; another person has to confirm it."""
    fields = texts(form)
    try:
        request = views.suppress_request(fields)
        await found.call(found.doors.screening.Suppress, request)
    except REFUSED as error:
        return await refused(found, error, fields)
    return await done(found, "screening.asked")


@router.post("/screening/suppressions/{suppression_id}/confirm")
async def confirm(found: SignedIn, _form: CheckedForm, suppression_id: str) -> Response:
    """Confirm another person's."""
    request = pb.ConfirmSuppressionRequest(suppression_id=suppression_id)
    try:
        await found.call(found.doors.screening.ConfirmSuppression, request)
    except (*REFUSED, Forbidden) as error:
        return await refused(found, error, {})
    return await done(found, "screening.confirmed")


@router.post("/screening/suppressions/{suppression_id}/end")
async def end(found: SignedIn, form: CheckedForm, suppression_id: str) -> Response:
    """End one, or withdraw one that waits."""
    reason = texts(form).get("end_reason", "")
    request = pb.UnsuppressRequest(suppression_id=suppression_id, reason=reason)
    try:
        await found.call(found.doors.screening.Unsuppress, request)
    except REFUSED as error:
        return await refused(found, error, {})
    return await done(found, "screening.ended")


async def refused(found: Visitor, error: FarsightError, fields: dict[str, str]) -> Response:
    """Write the page again with what is wrong."""
    words = views.refusal_words(error, found.t)
    return await suppressions_page(found, Asked(), typed=fields, refusal=words)


async def done(found: Visitor, key: str) -> Response:
    """Say so, on the list."""
    await found.notice(found.t(key))
    return RedirectResponse("/screening/suppressions", 303)


@router.get("/screening/radar")
async def radar(found: SignedIn, asked: Filter) -> Response:
    """Show the rings of operators with the evidence for each edge."""
    answer, directory = await asyncio.gather(
        read_radar(found, asked),
        found.house.directories.get(found.session.user_name, found.call),
    )
    return await render(
        found,
        "screening_radar.html",
        asked=asked,
        answer=answer,
        views=views,
        directory=directory,
    )


@router.get("/screening/radar/picture.svg")
async def radar_picture(found: SignedIn, asked: Filter) -> Response:
    """Give the picture of the rings: the same bytes for the same rings."""
    answer = await read_radar(found, asked)
    return Response(answer.picture, media_type="image/svg+xml")


async def read_radar(found: Visitor, asked: Asked) -> pb.GetRadarResponse:
    """Read what the newest look found."""
    request = pb.GetRadarRequest(division=asked.division, operator=asked.operator)
    return await found.call(found.doors.screening.GetRadar, request)
