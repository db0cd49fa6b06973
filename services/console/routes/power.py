"""用电监控: an outlet's day of production and treatment power, and orders that bind its plant."""

import asyncio

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from services.chassis.clock import beijing, utc_now
from services.chassis.pb.detect.v1 import power_pb2 as pb
from services.console.pages import render
from services.console.routes.outlet import read_head
from services.console.views import power as views
from services.console.web import SignedIn, Visitor

router = APIRouter()


async def read_power(found: Visitor, outlet_id: str, day: str) -> pb.GetPowerResponse:
    """Read an outlet's day; the newest one for a day that is none."""
    request = pb.GetPowerRequest(outlet_id=outlet_id, day=views.known_day(day))
    return await found.call(found.doors.power.GetPower, request)


@router.get("/outlets/{outlet_id}/power")
async def power(found: SignedIn, outlet_id: str, day: str = "") -> Response:
    """Show the page."""
    head, answer, directory = await asyncio.gather(
        read_head(found, outlet_id),
        read_power(found, outlet_id, day),
        found.house.directories.get(found.session.user_name, found.call),
    )
    now = utc_now()
    shown = answer.day or beijing(now).date().isoformat()
    before, after = views.neighbours(shown, now)
    return await render(
        found,
        "power.html",
        head=head,
        answer=answer,
        day=shown,
        before=before,
        after=after,
        states=views.STATES,
        orders=[views.order_bars(one) for one in answer.orders],
        bar_height=views.HEIGHT,
        bar_width=views.BAR,
        said=views.advice(answer, found.t),
        directory=directory,
    )


@router.get("/outlets/{outlet_id}/power/curves")
async def power_curves(found: SignedIn, outlet_id: str, day: str = "") -> Response:
    """Give the panels of the day's meters as JSON for the charts."""
    return JSONResponse(views.panels(await read_power(found, outlet_id, day), found.language))
