"""疑似问题: one finding with its picture, its statistic, and what would have silenced it."""

from typing import Any

from fastapi import APIRouter
from google.protobuf.json_format import MessageToDict
from starlette.responses import JSONResponse, Response

from services.chassis.pb.detect.v1 import detect_pb2 as detect
from services.console.pages import render
from services.console.views.curve import picture_panels
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
    return await render(found, "finding.html", one=one, directory=directory, facts=facts)


@router.get("/findings/{finding_id}/picture")
async def finding_picture(found: SignedIn, finding_id: str) -> Response:
    """Give the finding's picture as a panel for the chart."""
    one = await read_finding(found, finding_id)
    return JSONResponse({"panels": picture_panels(one, found.language), "span": None})
