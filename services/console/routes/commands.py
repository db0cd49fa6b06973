"""反控: what loggers were asked, how far each request came, and the form that asks."""

import asyncio
import uuid
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from services.chassis.clock import to_timestamp, utc_now
from services.chassis.errors import FarsightError, Forbidden, InputRejected, NotFound, RuleViolated
from services.chassis.pb.ingest.v1 import callback_pb2 as pb
from services.chassis.pb.ingest.v1 import ingest_pb2 as ingest
from services.chassis.pb.ingest.v1 import logger_pb2
from services.console.pages import render
from services.console.routes.matter import texts
from services.console.routes.outlet import Head, read_head
from services.console.views import commands as view
from services.console.views.curve import factor_order
from services.console.views.table import ValueTable, value_table
from services.console.web import CheckedForm, SignedIn, Visitor

router = APIRouter()

PAGE_SIZE = 50
#: Commands and irregularities that the box on an outlet's page shows.
NEWEST = 5
#: Readings shown on a command's page; the outlet's page has all.
ROWS = 200
READ, ASK, CONTROL = "commands.read", "commands.read_data", "commands.control"


class Filter(BaseModel):
    """What the person asked for; empty = everything of the own jurisdiction."""

    outlet_id: str = ""
    state: str = ""
    background: bool = False
    page: str = ""

    def query(self, **changed: object) -> str:
        """Write the filter as the query of an address."""
        values = {**self.model_dump(), **changed}
        return urlencode({key: value for key, value in values.items() if value})


Asked = Annotated[Filter, Query()]


@router.get("/commands")
async def commands(found: SignedIn, asked: Asked) -> Response:
    """Show the list, newest first."""
    answer, directory = await asyncio.gather(
        found.call(
            found.doors.commands.ListCommands,
            pb.ListCommandsRequest(
                outlet_id=asked.outlet_id,
                state=view.state_of(asked.state),
                with_background=asked.background,
                page_size=PAGE_SIZE,
                page_token=asked.page,
            ),
        ),
        found.house.directories.get(found.session.user_name, found.call),
    )
    return await render(
        found,
        "commands.html",
        asked=asked,
        commands=answer.commands,
        next_page=answer.next_page_token,
        directory=directory,
        states=view.STATES,
        view=view,
    )


@router.get("/commands/{command_id}")
async def command(found: SignedIn, command_id: str) -> Response:
    """Show one command with its steps; the page asks for itself while it is under way."""
    return await command_page(found, command_id)


async def command_page(
    found: Visitor, command_id: str, *, refusal: FarsightError | None = None, status: int = 200
) -> Response:
    """Write the page; after a refusal with its reason."""
    answer = await found.call(
        found.doors.commands.GetCommand, pb.GetCommandRequest(command_id=command_id)
    )
    one = answer.command
    directory = await found.house.directories.get(found.session.user_name, found.call)
    return await render(
        found,
        "command.html",
        status=status,
        command=one,
        steps=answer.steps,
        living=one.state in view.LIVING,
        offset_s=view.clock_offset_s(answer),
        readings=await read_readings(found, one),
        directory=directory,
        may_cancel=found.may(CONTROL if one.control else ASK),
        refusal=refusal,
        view=view,
    )


async def read_readings(found: Visitor, one: pb.Command) -> ValueTable | None:
    """Read the values stored for the period that was asked; None where it was not for values."""
    period = view.period_of(one)
    if one.cn not in view.READINGS or period is None or not found.may("readings.read"):
        return None
    answer = await found.call(
        found.doors.history.GetReadings,
        ingest.GetReadingsRequest(
            outlet_id=one.outlet_id,
            kind=view.READINGS[one.cn],
            start=to_timestamp(period[0]),
            end=to_timestamp(period[1]),
        ),
    )
    order = [series.factor for series in answer.factors]
    return value_table(factor_order(order, []), answer.factors, ROWS)


@router.post("/commands/{command_id}/cancel")
async def cancel(found: SignedIn, form: CheckedForm, command_id: str) -> Response:
    """Withdraw what was not sent yet."""
    reason = texts(form).get("reason", "").strip()
    try:
        await found.call(
            found.doors.commands.CancelCommand,
            pb.CancelCommandRequest(command_id=command_id, reason=reason),
        )
    except RuleViolated as refusal:
        return await command_page(found, command_id, refusal=refusal, status=422)
    await found.notice(found.t("command.withdrawn"))
    return RedirectResponse(f"/commands/{command_id}", 303)


@router.get("/outlets/{outlet_id}/logger")
async def logger(found: SignedIn, outlet_id: str) -> Response:
    """Give the box of an outlet's page: connection, irregularities, requests."""
    if not found.may(READ):
        return Response("")
    loggers, newest, anomalies = await asyncio.gather(
        found.call(found.doors.commands.ListLoggers, pb.ListLoggersRequest(outlet_id=outlet_id)),
        found.call(
            found.doors.commands.ListCommands,
            pb.ListCommandsRequest(outlet_id=outlet_id, page_size=NEWEST),
        ),
        read_anomalies(found, outlet_id),
    )
    return await render(
        found,
        "parts/logger.html",
        outlet_id=outlet_id,
        loggers=loggers.loggers,
        commands=newest.commands,
        anomalies=anomalies,
        may_ask=found.may(ASK),
        view=view,
    )


async def read_anomalies(found: Visitor, outlet_id: str) -> list[logger_pb2.LoggerAnomaly]:
    """Read the newest irregularities; nothing for a role that may not see them."""
    request = logger_pb2.ListLoggerAnomaliesRequest(outlet_id=outlet_id, page_size=NEWEST)
    try:
        answer = await found.call(found.doors.loggers.ListLoggerAnomalies, request)
    except Forbidden:
        return []
    return list(answer.anomalies)


@router.get("/outlets/{outlet_id}/call")
async def call_form(found: SignedIn, outlet_id: str, cn: str = "") -> Response:
    """Show the form that asks the logger of an outlet."""
    return await call_page(found, outlet_id, cn, {})


async def call_page(
    found: Visitor,
    outlet_id: str,
    cn: str,
    typed: Mapping[str, str],
    *,
    refusal: FarsightError | None = None,
    status: int = 200,
) -> Response:
    """Write the form; after a refusal with its reason and what was typed."""
    head, offered = await read_offer(found, outlet_id)
    kinds = view.in_order(offered.kinds)
    if not kinds:
        raise Forbidden("nothing may be asked here", action=ASK)
    kind = next((one for one in kinds if one.cn == cn), kinds[0])
    fields = view.form_fields(kind, head.outlet.factors, utc_now(), found.language, typed)
    return await render(
        found,
        "call.html",
        status=status,
        head=head,
        kinds=kinds,
        kind=kind,
        version=offered.version,
        fields=fields,
        reason=typed.get("reason", ""),
        request_id=uuid.uuid4().hex,
        refusal=refusal,
    )


async def read_offer(found: Visitor, outlet_id: str) -> tuple[Head, pb.ListCommandKindsResponse]:
    """Read the outlet and what its logger may be asked. Raises NotFound."""
    head = await read_head(found, outlet_id)
    if head.logger is None:
        raise NotFound("this outlet has no logger")
    offered = await found.call(
        found.doors.commands.ListCommandKinds, pb.ListCommandKindsRequest(outlet_id=outlet_id)
    )
    return head, offered


@router.post("/outlets/{outlet_id}/call")
async def ask(found: SignedIn, form: CheckedForm, outlet_id: str) -> Response:
    """Ask the logger. The form's own id makes a form that is sent twice one request."""
    typed = texts(form)
    given = {
        name.removeprefix("field."): value
        for name, value in typed.items()
        if name.startswith("field.") and value.strip()
    }
    cn = typed.get("cn", "")
    try:
        answer = await found.call(
            found.doors.commands.RequestCommand,
            pb.RequestCommandRequest(
                outlet_id=outlet_id,
                cn=cn,
                parameters={name: view.wire_value(value) for name, value in given.items()},
                reason=typed.get("reason", "").strip(),
                request_id=typed.get("request_id", ""),
            ),
        )
    except (RuleViolated, InputRejected) as refusal:
        return await call_page(
            found, outlet_id, cn, {**given, "reason": typed.get("reason", "")},
            refusal=refusal, status=422,
        )  # fmt: skip
    return RedirectResponse(f"/commands/{answer.command.command_id}", 303)
