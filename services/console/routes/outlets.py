"""排放口列表: all outlets of the jurisdiction, with search."""

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from services.chassis.clock import utc_now
from services.console.pages import render
from services.console.routes.overview import picture, read_balance, read_findings
from services.console.views.plan import STATES, OutletLine
from services.console.web import SignedIn

router = APIRouter()


@router.get("/outlets")
async def outlets(found: SignedIn, search: str = "", state: str = "") -> Response:
    """List the outlets that match the words and the state."""
    now = utc_now()
    directory, findings, balance = await asyncio.gather(
        found.house.directories.get(found.session.user_name, found.call),
        read_findings(found),
        read_balance(found, now),
    )
    lines = picture(directory, findings, balance, now)["lines"]
    wanted = search.strip().lower()
    shown = [
        line for line in lines if (not state or line.state == state) and wanted in searched(line)
    ]
    return await render(
        found,
        "outlets.html",
        lines=shown,
        total=len(lines),
        search=search,
        state=state,
        states=STATES,
    )


def searched(line: OutletLine) -> str:
    """Give the words by which a line is found, in lower case."""
    outlet = line.outlet
    return f"{line.enterprise_name} {outlet.name} {outlet.outlet_id} {line.division_name}".lower()
