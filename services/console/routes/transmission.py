"""传输: rates and amounts by county, an outlet's hours, holes and the request to fill them."""

import asyncio
import math
from datetime import datetime, timedelta

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from services.chassis.clock import BEIJING, beijing, to_timestamp, utc_now
from services.chassis.errors import Conflict, InputRejected, RuleViolated, Unavailable
from services.chassis.pb.detect.v1 import judgement_pb2
from services.chassis.pb.ingest.v1 import ingest_pb2 as ingest
from services.chassis.pb.ingest.v1 import transmission_pb2 as pb
from services.console.pages import render
from services.console.routes.outlet import read_head
from services.console.views.amounts import amounts_of
from services.console.views.transmission import (
    BAR_WIDTH,
    KINDS,
    STATES,
    hourly_balance,
    lacking,
    line_of,
    lines_of,
    strip_of,
)
from services.console.web import CheckedForm, SignedIn, Visitor

router = APIRouter()

#: Days of an outlet's strip, and hours of its frame balance.
STRIP_DAYS = 14
BALANCE_HOURS = 24
#: Holes listed on a page.
HOLES = 50
#: Validity is shown beside rates of the same level, amounts by area and, in a county, by plant.
SUM_LEVELS = {
    pb.RATE_LEVEL_COUNTY: judgement_pb2.SUM_LEVEL_COUNTY,
    pb.RATE_LEVEL_OUTLET: judgement_pb2.SUM_LEVEL_OUTLET,
}
AMOUNT_LEVELS = {
    pb.RATE_LEVEL_COUNTY: judgement_pb2.SUM_LEVEL_COUNTY,
    pb.RATE_LEVEL_OUTLET: judgement_pb2.SUM_LEVEL_ENTERPRISE,
}


@router.get("/transmission")
async def transmission(
    found: SignedIn, division: str = "", day: str = "", month: str = "", kind: str = "hour"
) -> Response:
    """Show the rates of a day or month: counties of a jurisdiction, outlets of a county."""
    kind = kind if kind in KINDS else "hour"
    day = day or ("" if month else yesterday())
    level = level_of(found, division)
    rates, sums, amounts, holes, directory = await asyncio.gather(
        found.call(
            found.doors.transmission.ListRates,
            pb.ListRatesRequest(
                day=day, month=month, level=level, division=division, kind=KINDS[kind]
            ),
        ),
        read_sums(found, division, day, month, SUM_LEVELS[level]),
        read_sums(found, division, day, month, AMOUNT_LEVELS[level], by_factor=True),
        found.call(
            found.doors.transmission.ListHoles,
            pb.ListHolesRequest(division=division, limit=HOLES),
        ),
        found.house.directories.get(found.session.user_name, found.call),
    )
    return await render(
        found,
        "transmission.html",
        lines=lines_of(rates.rates, {one.key: one.validity for one in sums.sums}),
        total=line_of(rates.total, validity_of(sums)) if rates.HasField("total") else None,
        amounts=amounts_of(amounts.sums),
        of_outlets=level == pb.RATE_LEVEL_OUTLET,
        bar_width=BAR_WIDTH,
        division=division,
        day=day,
        month=month,
        kind=kind,
        kinds=list(KINDS),
        holes=holes,
        may_ask=found.may("commands.read_data"),
        directory=directory,
    )


@router.get("/transmission/outlets/{outlet_id}")
async def outlet_transmission(found: SignedIn, outlet_id: str, kind: str = "hour") -> Response:
    """Show an outlet's hours, its holes and its frame balance."""
    kind = kind if kind in KINDS and kind != "day" else "hour"
    now = utc_now()
    today = beijing(now).replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - timedelta(days=STRIP_DAYS - 1)
    head, certificates, holes, balance, directory = await asyncio.gather(
        read_head(found, outlet_id),
        found.call(
            found.doors.transmission.GetCompleteness,
            pb.GetCompletenessRequest(
                outlet_id=outlet_id,
                start=to_timestamp(first),
                end=to_timestamp(now),
                kind=KINDS[kind],
            ),
        ),
        found.call(
            found.doors.transmission.ListHoles,
            pb.ListHolesRequest(outlet_id=outlet_id, limit=HOLES),
        ),
        read_balance(found, outlet_id, now),
        found.house.directories.get(found.session.user_name, found.call),
    )
    shown = sorted(certificates.certificates, key=lambda one: one.hour.seconds, reverse=True)
    return await render(
        found,
        "transmission_outlet.html",
        head=head,
        strip=strip_of(shown, first, STRIP_DAYS),
        certificates=shown,
        lacking=lacking,
        states=STATES,
        kind=kind,
        kinds=[one for one in KINDS if one != "day"],
        holes=holes,
        balance=hourly_balance(balance.rows),
        may_ask=found.may("commands.read_data"),
        directory=directory,
    )


@router.post("/transmission/outlets/{outlet_id}/backfill")
async def ask_backfill(found: SignedIn, form: CheckedForm, outlet_id: str) -> Response:
    """Ask the outlet's logger for a hole, and say what came of it."""
    try:
        request = pb.AskBackfillRequest(
            outlet_id=outlet_id,
            kind=int(str(form["kind"])),  # type: ignore[arg-type] # checked by the door
            start=to_timestamp(moment(form["start"])),
            end=to_timestamp(moment(form["end"])),
        )
        await found.call(found.doors.transmission.AskBackfill, request)
        await found.notice(found.t("transmission.asked"))
    except (KeyError, ValueError):
        await found.notice(found.t("transmission.unreadable"))
    except (Conflict, InputRejected, RuleViolated) as refusal:
        await found.notice(found.t("transmission.refused", why=refusal.message))
    return RedirectResponse(f"/transmission/outlets/{outlet_id}", 303)


def moment(text: object) -> datetime:
    """Read unix seconds of a form. Raises ValueError."""
    return datetime.fromtimestamp(int(str(text)), BEIJING)


def yesterday() -> str:
    """The newest day of which all hours may be closed."""
    return (beijing(utc_now()).date() - timedelta(days=1)).isoformat()


def level_of(found: Visitor, division: str) -> "pb.RateLevel.ValueType":
    """Counties of a wider jurisdiction; outlets of a county, and of a plant."""
    own = division or found.session.division
    county = bool(own) and not own.endswith("00")
    if county or found.session.role == "enterprise":
        return pb.RATE_LEVEL_OUTLET
    return pb.RATE_LEVEL_COUNTY


def validity_of(sums: judgement_pb2.ListDaySumsResponse) -> float:
    """有效率 of all together; NaN where no day is judged."""
    return sums.total.validity if sums.HasField("total") else math.nan


async def read_sums(
    found: Visitor,
    division: str,
    day: str,
    month: str,
    level: "judgement_pb2.SumLevel.ValueType",
    *,
    by_factor: bool = False,
) -> judgement_pb2.ListDaySumsResponse:
    """Read validity, or amounts, of a period. Without judging, transmission keeps its page."""
    request = judgement_pb2.ListDaySumsRequest(
        day=day, month=month, division=division, level=level, by_factor=by_factor
    )
    try:
        return await found.call(found.doors.judgement.ListDaySums, request)
    except Unavailable:
        return judgement_pb2.ListDaySumsResponse()


async def read_balance(found: Visitor, outlet_id: str, now: datetime) -> ingest.GetBalanceResponse:
    """Read what became of an outlet's frames, by arrival hour."""
    return await found.call(
        found.doors.history.GetBalance,
        ingest.GetBalanceRequest(
            start=to_timestamp(now - timedelta(hours=BALANCE_HOURS)),
            end=to_timestamp(now + timedelta(hours=1)),
            outlet_id=outlet_id,
        ),
    )
