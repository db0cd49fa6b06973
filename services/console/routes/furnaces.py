"""焚烧炉月报: pools, days, marks and the sheet of a plant's furnaces, on one page."""

import asyncio
import datetime as dt

from fastapi import APIRouter
from starlette.responses import Response

from services.chassis.clock import beijing, utc_now
from services.chassis.pb.detect.v1 import judgement_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.console.directory import list_records
from services.console.pages import render
from services.console.routes.outlet import read_head
from services.console.views.furnace import (
    BAR_WIDTH,
    CELL_HEIGHT,
    CELL_WIDTH,
    INCINERATOR,
    STATES,
    STRIPE_HEIGHT,
    STRIPES,
    Month,
    advice_of,
    last_of,
    month_of,
)
from services.console.web import SignedIn, Visitor

router = APIRouter()

#: Furnaces of one plant shown beside each other; a plant has two to six.
MOST_FURNACES = 8
#: Marks of a day are due at 12:00 of the next (announcement 21 of 2022).
_NOON = 12


@router.get("/furnaces/{outlet_id}")
async def furnaces(found: SignedIn, outlet_id: str, month: str = "") -> Response:
    """Show the month of an outlet and of the plant's other outlets of the same process."""
    now = beijing(utc_now())
    first = first_day(month, now.date())
    head, directory = await asyncio.gather(
        read_head(found, outlet_id),
        found.house.directories.get(found.session.user_name, found.call),
    )
    outlets = await sisters(found, head.outlet)
    # The day before is open until noon: its marks are due then.
    open_from = now.date() - dt.timedelta(days=now.hour < _NOON)
    months = await asyncio.gather(
        *(read_month(found, one, first, now.date(), open_from) for one in outlets)
    )
    chosen = next(one for one in months if one.outlet_id == outlet_id)
    return await render(
        found,
        "furnaces.html",
        head=head,
        months=months,
        chosen=chosen,
        is_incinerator=head.outlet.process == INCINERATOR,
        advice=advice_of(months),
        first=first,
        before=(first - dt.timedelta(days=1)).strftime("%Y-%m"),
        after=next_month(first, now.date()),
        cell=(CELL_WIDTH, CELL_HEIGHT, STRIPE_HEIGHT),
        bar_width=BAR_WIDTH,
        states=STATES,
        stripes=STRIPES,
        directory=directory,
    )


async def sisters(found: Visitor, outlet: registry.Outlet) -> list[registry.Outlet]:
    """Give the plant's outlets of the same process, this one among them, by id."""
    records = await list_records(
        found.call, registry.RECORD_KIND_OUTLET, credit_code=outlet.credit_code
    )
    others = [one.outlet for one in records if one.outlet.process == outlet.process]
    kept = sorted(others, key=lambda one: one.outlet_id)[:MOST_FURNACES]
    return kept if any(one.outlet_id == outlet.outlet_id for one in kept) else [outlet, *kept]


async def read_month(
    found: Visitor, outlet: registry.Outlet, first: dt.date, today: dt.date, open_from: dt.date
) -> Month:
    """Read and lay out one outlet's month."""
    days, pools = await asyncio.gather(
        found.call(
            found.doors.judgement.ListDayJudgements,
            pb.ListDayJudgementsRequest(
                outlet_id=outlet.outlet_id,
                from_day=first.isoformat(),
                to_day=last_of(first).isoformat(),
            ),
        ),
        found.call(
            found.doors.judgement.ListPools,
            pb.ListPoolsRequest(outlet_id=outlet.outlet_id, year=first.year),
        ),
    )
    return month_of(
        outlet.outlet_id,
        outlet.name,
        process=outlet.process,
        first=first,
        today=today,
        open_from=open_from,
        days=days.days,
        pools=[use for one in pools.outlets for use in one.pools],
    )


def first_day(month: str, today: dt.date) -> dt.date:
    """Read `2026-11`; the present month where it is none."""
    try:
        return dt.datetime.strptime(month, "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
    except ValueError:
        return today.replace(day=1)


def next_month(first: dt.date, today: dt.date) -> str:
    """Give the month after, empty when it has not begun."""
    after = last_of(first) + dt.timedelta(days=1)
    return after.strftime("%Y-%m") if after <= today else ""
