"""新办事项: open an inspection, a case from a complaint, listed supervision, by hand."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from services.chassis.errors import FarsightError, InputRejected, NotFound, RuleViolated
from services.chassis.pb.cases.v1 import cases_pb2 as cases
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.console.directory import list_records
from services.console.pages import render
from services.console.routes.matter import texts
from services.console.views.acts import ActForm, act_forms, posted_fields
from services.console.views.kinds import KIND_KEYS, KINDS
from services.console.web import CheckedForm, SignedIn, Visitor

router = APIRouter()


@dataclass(frozen=True)
class Opening:
    """One way to open a matter, with its form."""

    kind: str
    form: ActForm


@dataclass(frozen=True)
class Place:
    """Where the new matter is to be."""

    outlet_id: str = ""
    credit_code: str = ""


@router.get("/matters/new")
async def new(found: SignedIn, outlet_id: str = "", credit_code: str = "") -> Response:
    """Show the forms."""
    return await new_page(found, Place(outlet_id.strip(), credit_code.strip()))


async def new_page(
    found: Visitor,
    place: Place,
    *,
    refusal: FarsightError | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    """Write the page; after a refusal with its reason and what was typed."""
    answer, officers, directory = await asyncio.gather(
        found.call(found.doors.cases.ListOpenings, cases.ListOpeningsRequest()),
        read_people(found),
        found.house.directories.get(found.session.user_name, found.call),
    )
    typed = typed or {}
    openings = [
        Opening(
            KIND_KEYS[one.kind],
            act_forms([one.act], officers, typed_act=typed.get("act", ""), typed=typed)[0],
        )
        for one in answer.openings
    ]
    return await render(
        found,
        "openings.html",
        status=422 if refusal else 200,
        openings=openings,
        directory=directory,
        place=place,
        refusal=refusal,
        request_id=typed.get("request_id") or str(uuid4()),
        title=typed.get("title", ""),
    )


async def read_people(found: Visitor) -> list[registry.Officer]:
    """Read the officers of the own jurisdiction, for forms."""
    records = await list_records(
        found.call, registry.RECORD_KIND_OFFICER, division=found.session.division
    )
    return [record.officer for record in records if record.officer.role in ("officer", "leader")]


@router.post("/matters/new/{kind}/{act}")
async def open_one(found: SignedIn, form: CheckedForm, kind: str, act: str) -> Response:
    """Open a matter; sent twice, it is opened once."""
    typed = texts(form)
    place = Place(typed.get("outlet_id", "").strip(), typed.get("credit_code", "").strip())
    if kind not in KINDS:
        raise NotFound("no such kind of matter", kind=kind)
    try:
        answer = await found.call(
            found.doors.cases.OpenMatter,
            cases.OpenMatterRequest(
                kind=KINDS[kind],
                act=act,
                outlet_id=place.outlet_id,
                credit_code=place.credit_code,
                title=typed.get("title", "").strip(),
                fields=posted_fields(typed),
                reason=typed.get("reason", "").strip(),
                request_id=typed.get("request_id", ""),
            ),
        )
    except (RuleViolated, InputRejected, NotFound) as refusal:
        return await new_page(found, place, refusal=refusal, typed={**typed, "act": act})
    await found.notice(found.t("opening.done", number=answer.matter.number))
    return RedirectResponse(f"/matters/{answer.matter.matter_id}", 303)
