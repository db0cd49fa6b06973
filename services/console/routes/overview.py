"""总览: the user's own jurisdiction at one glance."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from services.chassis.clock import to_timestamp, utc_now
from services.chassis.pb.cases.v1 import cases_pb2 as cases
from services.chassis.pb.detect.v1 import detect_pb2 as detect
from services.chassis.pb.ingest.v1 import ingest_pb2 as ingest
from services.console.directory import Directory
from services.console.pages import render
from services.console.views.balance import balance_of, last_arrivals
from services.console.views.plan import outlet_lines, plan_of
from services.console.web import SignedIn, Visitor

router = APIRouter()

#: What the frame balance looks back on.
BALANCE_SPAN = timedelta(hours=24)


@router.get("/")
async def overview(found: SignedIn) -> Response:
    """Show the overview that fits the role."""
    if found.session.role in ("police", "procurator"):
        return RedirectResponse("/referrals", 303)
    now = utc_now()
    directory, statistics, due, findings, balance = await asyncio.gather(
        found.house.directories.get(found.session.user_name, found.call),
        read_statistics(found),
        read_due(found),
        read_findings(found),
        read_balance(found, now),
    )
    return await render(
        found,
        "overview.html",
        statistics=statistics,
        due_next=due,
        newest=sorted(findings, key=newness, reverse=True)[:8],
        frames=balance_of(balance.total),
        directory=directory,
        **picture(directory, findings, balance, now),
    )


def newness(finding: detect.Finding) -> tuple[bool, int]:
    """Order findings: open ones before ended ones, later ones before earlier ones."""
    return finding.state == detect.FINDING_STATE_OPEN, finding.end.seconds


def picture(
    directory: Directory,
    findings: list[detect.Finding],
    balance: ingest.GetBalanceResponse,
    now: datetime,
) -> dict[str, Any]:
    """Give the outlets with their states, and the plan of the jurisdiction."""
    lines = outlet_lines(
        outlets=directory.outlets.values(),
        enterprises=directory.enterprises,
        divisions=directory.division_names(),
        open_findings=[one for one in findings if one.state == detect.FINDING_STATE_OPEN],
        last=last_arrivals(balance.rows),
        now_s=now.timestamp(),
    )
    plan = plan_of(directory.enterprises.values(), lines, directory.divisions)
    return {"lines": lines, "plan": plan}


async def read_statistics(found: Visitor) -> cases.GetStatisticsResponse | None:
    """Read the counts; None for a role without right to them (an enterprise)."""
    if not found.may("statistics.read"):
        return None
    return await found.call(found.doors.cases.GetStatistics, cases.GetStatisticsRequest())


async def read_due(found: Visitor) -> list[cases.Matter]:
    """Read what is due next."""
    if not found.may("orders.read"):
        return []
    answer = await found.call(
        found.doors.cases.ListMatters, cases.ListMattersRequest(state="open", page_size=8)
    )
    return list(answer.matters)


async def read_findings(found: Visitor) -> list[detect.Finding]:
    """Read the open findings and the newest others."""
    ask = found.doors.detect.ListFindings
    opened, newest = await asyncio.gather(
        found.call(ask, detect.ListFindingsRequest(state=detect.FINDING_STATE_OPEN, page_size=500)),
        found.call(ask, detect.ListFindingsRequest(page_size=20)),
    )
    by_id = {one.finding_id: one for one in (*opened.findings, *newest.findings)}
    return list(by_id.values())


async def read_balance(found: Visitor, now: datetime) -> ingest.GetBalanceResponse:
    """Read the frame balance of the last day, by outlet and arrival hour."""
    return await found.call(
        found.doors.history.GetBalance,
        ingest.GetBalanceRequest(
            start=to_timestamp(now - BALANCE_SPAN), end=to_timestamp(now + timedelta(hours=1))
        ),
    )
