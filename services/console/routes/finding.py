"""疑似问题: one finding with its picture, its statistic, and what would have silenced it."""

from typing import Any

from fastapi import APIRouter
from google.protobuf.json_format import MessageToDict
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from services.chassis.errors import NotFound
from services.chassis.pb.detect.v1 import detect_pb2 as detect
from services.chassis.picture.finding import drawing_of_finding
from services.chassis.picture.png import png
from services.chassis.picture.svg import svg
from services.console.language import word
from services.console.pages import render
from services.console.routes.screening import votes_of_finding
from services.console.views import screening as views
from services.console.views.curve import picture_panels
from services.console.views.factors import factor_of
from services.console.web import SignedIn, Visitor

router = APIRouter()


async def read_finding(found: Visitor, finding_id: str) -> detect.Finding:
    """Read a finding with its picture. Raises NotFound."""
    answer = await found.call(
        found.doors.detect.GetFinding, detect.GetFindingRequest(finding_id=finding_id)
    )
    return answer.finding


@router.get("/findings/{finding_id}")
async def finding(found: SignedIn, finding_id: str) -> Response:
    """Show the page of a finding."""
    one = await read_finding(found, finding_id)
    directory = await found.house.directories.get(found.session.user_name, found.call)
    facts: dict[str, Any] = MessageToDict(one.facts)
    votes = await votes_of_finding(found, one)
    return await render(
        found,
        "finding.html",
        one=one,
        directory=directory,
        facts=facts,
        votes=votes,
        views=views,
    )


@router.get("/findings/{finding_id}/picture")
async def finding_picture(found: SignedIn, finding_id: str) -> Response:
    """Give the finding's picture as a panel for the chart."""
    one = await read_finding(found, finding_id)
    return JSONResponse({"panels": picture_panels(one, found.language), "span": None})


@router.get("/findings/{finding_id}/picture.{kind}")
async def finding_file(found: SignedIn, finding_id: str, kind: str) -> Response:
    """Give the finding's picture as a file: the same bytes for the same revision."""
    if kind not in {"svg", "png"}:
        raise NotFound("a picture is svg or png")
    one = await read_finding(found, finding_id)
    drawn = await run_in_threadpool(drawn_finding, one, found.language)
    if kind == "svg":
        return Response(drawn, media_type="image/svg+xml")
    return Response(await run_in_threadpool(png, drawn), media_type="image/png")


def drawn_finding(one: detect.Finding, language: str) -> bytes:
    """Draw a finding with its two sentences."""
    names = [factor_of(code).name(language) for code in one.factors]
    title = f"{word(language, 'rule', one.rule_id)}  {one.outlet_id}  {'、'.join(names)}"
    return svg(drawing_of_finding(one, title, names))
