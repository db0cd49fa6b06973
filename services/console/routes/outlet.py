"""排放口: head, live values, curves with limits, marks and findings, the values as a table."""

import asyncio
import csv
import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from services.chassis.clock import beijing, to_timestamp, utc_now
from services.chassis.errors import NotFound
from services.chassis.pb.detect.v1 import detect_pb2 as detect
from services.chassis.pb.ingest.v1 import ingest_pb2 as ingest
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.console.directory import list_records
from services.console.pages import render
from services.console.views.curve import RANGES, factor_order, in_span, panel
from services.console.views.latest import latest_values
from services.console.views.table import value_table
from services.console.web import SignedIn, Visitor

router = APIRouter()

DEFAULT_RANGE = "7d"
#: Rows of the table beside the curves; the CSV has all of them.
TABLE_ROWS = 200


@dataclass(frozen=True)
class Head:
    """What the registry says about an outlet."""

    outlet: registry.Outlet
    enterprise: registry.Enterprise
    logger: registry.Logger | None
    limits: list[registry.Limit]


async def read_head(found: Visitor, outlet_id: str) -> Head:
    """Read the records of an outlet. Raises NotFound."""
    answer = await found.call(
        found.doors.registry.GetRecord,
        registry.GetRecordRequest(kind=registry.RECORD_KIND_OUTLET, key=outlet_id),
    )
    outlet = answer.record.outlet
    if not outlet.outlet_id:
        raise NotFound("no such outlet")
    code = outlet.credit_code
    plant, loggers, limits = await asyncio.gather(
        found.call(
            found.doors.registry.GetRecord,
            registry.GetRecordRequest(kind=registry.RECORD_KIND_ENTERPRISE, key=code),
        ),
        list_records(found.call, registry.RECORD_KIND_LOGGER, credit_code=code),
        list_records(found.call, registry.RECORD_KIND_LIMIT, credit_code=code),
    )
    mine = [one.logger for one in loggers if one.logger.outlet_id == outlet_id]
    return Head(
        outlet,
        plant.record.enterprise,
        mine[0] if mine else None,
        [one.limit for one in limits if one.limit.outlet_id == outlet_id],
    )


async def read_series(
    found: Visitor, outlet_id: str, range_key: str, now: datetime
) -> list[ingest.FactorSeries]:
    """Read the readings of a range that ends now."""
    answer = await found.call(
        found.doors.history.GetReadings,
        ingest.GetReadingsRequest(
            outlet_id=outlet_id,
            kind=RANGES[range_key][0],
            start=to_timestamp(range_start(range_key, now)),
            end=to_timestamp(now + timedelta(minutes=1)),
        ),
    )
    return list(answer.factors)


async def read_outlet_findings(found: Visitor, outlet_id: str) -> list[detect.Finding]:
    """Read the findings of an outlet, newest first."""
    answer = await found.call(
        found.doors.detect.ListFindings,
        detect.ListFindingsRequest(outlet_id=outlet_id, page_size=200),
    )
    return sorted(answer.findings, key=lambda one: one.end.seconds, reverse=True)


async def read_short_histories(found: Visitor, outlet_id: str) -> list[detect.Evaluation]:
    """Read which rules can't judge a factor yet; nothing for who must not know."""
    if found.session.role not in {"officer", "leader"}:
        return []
    answer = await found.call(
        found.doors.detect.GetEvaluations, detect.GetEvaluationsRequest(outlet_id=outlet_id)
    )
    return [one for one in answer.evaluations if one.known_days < one.needed_days]


def range_start(range_key: str, now: datetime) -> datetime:
    """Tell where a range that ends now begins: on the full hour for hours, so that none is cut."""
    kind, length, _step = RANGES[range_key]
    start = now - length
    if kind == ingest.READING_KIND_HOUR:
        return start.replace(minute=0, second=0, microsecond=0)
    return start


def known_range(range_key: str) -> str:
    """Give a range that the page offers."""
    return range_key if range_key in RANGES else DEFAULT_RANGE


@router.get("/outlets/{outlet_id}")
async def outlet(found: SignedIn, outlet_id: str, range: str = DEFAULT_RANGE) -> Response:  # noqa: A002 - the word in the address
    """Show the page of an outlet."""
    now, key = utc_now(), known_range(range)
    head, series, live, findings, short, directory = await asyncio.gather(
        read_head(found, outlet_id),
        read_series(found, outlet_id, key, now),
        read_series(found, outlet_id, "1h", now),
        read_outlet_findings(found, outlet_id),
        read_short_histories(found, outlet_id),
        found.house.directories.get(found.session.user_name, found.call),
    )
    order = factor_order(head.outlet.factors, head.limits)
    return await render(
        found,
        "outlet.html",
        head=head,
        order=order,
        range_key=key,
        ranges=list(RANGES),
        findings=findings,
        short_histories=short,
        latest=latest_values(order, live or series, head.limits, now),
        table=value_table(order, series, TABLE_ROWS),
        directory=directory,
        yesterday=(beijing(now) - timedelta(days=1)).date().isoformat(),
    )


@router.get("/outlets/{outlet_id}/latest")
async def latest(found: SignedIn, outlet_id: str) -> Response:
    """Give the live values as a fragment, asked for every few seconds."""
    now = utc_now()
    head, series = await asyncio.gather(
        read_head(found, outlet_id), read_series(found, outlet_id, "1h", now)
    )
    order = factor_order(head.outlet.factors, head.limits)
    return await render(
        found,
        "parts/latest.html",
        outlet_id=outlet_id,
        latest=latest_values(order, series, head.limits, now),
    )


@router.get("/outlets/{outlet_id}/curves")
async def curves(found: SignedIn, outlet_id: str, range: str = DEFAULT_RANGE) -> Response:  # noqa: A002 - the word in the address
    """Give the panels of all factors as JSON for the charts."""
    now, key = utc_now(), known_range(range)
    head, series, findings = await asyncio.gather(
        read_head(found, outlet_id),
        read_series(found, outlet_id, key, now),
        read_outlet_findings(found, outlet_id),
    )
    start, step_s = range_start(key, now), RANGES[key][2]
    shown = [one for one in findings if in_span(one, start, now)]
    by_code = {one.factor: one for one in series}
    panels: list[dict[str, Any]] = [
        panel(by_code[code], head.limits, shown, step_s=step_s, now=now, language=found.language)
        for code in factor_order(head.outlet.factors, head.limits)
        if code in by_code
    ]
    span = {"from": round(start.timestamp() * 1000), "to": round(now.timestamp() * 1000)}
    return JSONResponse({"panels": panels, "span": span})


@router.get("/outlets/{outlet_id}/values.csv")
async def values_csv(found: SignedIn, outlet_id: str, range: str = DEFAULT_RANGE) -> Response:  # noqa: A002 - the word in the address
    """Give all values of the range as CSV."""
    now, key = utc_now(), known_range(range)
    head, series = await asyncio.gather(
        read_head(found, outlet_id), read_series(found, outlet_id, key, now)
    )
    table = value_table(factor_order(head.outlet.factors, head.limits), series, None)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["time_beijing", *[f"{c.code}{c.suffix}" for c in table.columns]])
    for row in table.rows:
        moment = beijing(datetime.fromtimestamp(row.time_s, now.tzinfo)).isoformat()
        writer.writerow([moment, *row.plain])
    return Response(
        text.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{outlet_id}-{key}.csv"'},
    )
