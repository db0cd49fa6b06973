"""试运行: what monitor triggers would have set off, beside what live ones did."""

import asyncio
from datetime import date, timedelta

from fastapi import APIRouter
from starlette.responses import Response

from services.chassis.clock import beijing, utc_now
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.console.pages import render
from services.console.views.monitor import lines_of, sum_of
from services.console.web import SignedIn

router = APIRouter()

#: Days shown when nobody asks for others.
DAYS = 14


@router.get("/monitor")
async def monitor(found: SignedIn, division: str = "", day: str = "") -> Response:
    """Show items and officer-hours by county and trigger, and by day, monitor against live."""
    last = read_day(day)
    first = last - timedelta(days=DAYS - 1)
    answer, directory = await asyncio.gather(
        found.call(
            found.doors.cases.ListMonitorCounts,
            pb.ListMonitorCountsRequest(
                division=division, from_day=first.isoformat(), to_day=last.isoformat()
            ),
        ),
        found.house.directories.get(found.session.user_name, found.call),
    )
    days = [(last - timedelta(days=n)).isoformat() for n in range(DAYS)]
    monitored = [one for one in answer.counts if not one.live]
    live = [one for one in answer.counts if one.live]
    return await render(
        found,
        "monitor.html",
        first=first.isoformat(),
        last=last.isoformat(),
        division=division,
        table_version=answer.table_version,
        blocks=(("monitor", lines_of(monitored, days)), ("live", lines_of(live, days))),
        totals={"monitor": sum_of(monitored), "live": sum_of(live)},
        days=days[::-1],
        directory=directory,
    )


def read_day(text: str) -> date:
    """The last day asked for; today for what is no date."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return beijing(utc_now()).date()
