"""督办单与案件: one matter: what was seen, its clocks, its timeline, what may be done now."""

import asyncio
from collections.abc import Mapping

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.chassis.errors import (
    Conflict,
    FarsightError,
    InputRejected,
    RuleViolated,
)
from services.chassis.pb.cases.v1 import cases_pb2 as cases
from services.chassis.pb.cases.v1 import paper_pb2 as paper
from services.chassis.pb.notify.v1 import notify_pb2 as notify
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.console.directory import list_records
from services.console.pages import render
from services.console.views.acts import Choice, act_forms, posted_fields
from services.console.views.kinds import KIND_KEYS, PURPOSES
from services.console.views.timeline import timeline_lines
from services.console.web import CheckedForm, SignedIn, Visitor

router = APIRouter()


@router.get("/matters/{matter_id}")
async def matter(found: SignedIn, matter_id: str) -> Response:
    """Show the page of a matter."""
    return await matter_page(found, matter_id)


async def matter_page(
    found: Visitor,
    matter_id: str,
    *,
    refusal: FarsightError | None = None,
    typed_act: str = "",
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """Write the page; after a refusal with its reason and what was typed."""
    answer = await found.call(
        found.doors.cases.GetMatter, cases.GetMatterRequest(matter_id=matter_id)
    )
    one = answer.matter
    sendings, officers, directory, papers, files = await asyncio.gather(
        read_sendings(found, matter_id),
        read_officers(found, one),
        found.house.directories.get(found.session.user_name, found.call),
        read_papers(found, one),
        read_files(found, matter_id),
    )
    file_choices = [Choice(file.attachment_id, file.head.name) for file in files]
    return await render(
        found,
        "matter.html",
        status=status,
        matter=one,
        sendings=sendings,
        lines=timeline_lines(
            one.timeline, one.clocks, {who.officer_id: who.name for who in officers}, found.language
        ),
        directory=directory,
        forms=act_forms(
            one.allowed, officers, files=file_choices, typed_act=typed_act, typed=typed
        ),
        act_path=f"/matters/{matter_id}/acts",
        kin=answer.kin,
        kind_keys=KIND_KEYS,
        papers=papers,
        files=files,
        purposes=PURPOSES,
        refusal=refusal,
    )


async def read_papers(found: Visitor, one: cases.Matter) -> list[paper.Paper]:
    """Read the documents of a matter; a case shows those of its whole family."""
    answer = await found.call(
        found.doors.papers.ListPapers,
        paper.ListPapersRequest(matter_id=one.matter_id, family=one.kind == cases.MATTER_KIND_CASE),
    )
    return list(answer.papers)


async def read_files(found: Visitor, matter_id: str) -> list[cases.Attachment]:
    """Read what was handed in on a matter."""
    answer = await found.call(
        found.doors.cases.ListAttachments, cases.ListAttachmentsRequest(matter_id=matter_id)
    )
    return list(answer.attachments)


async def read_sendings(found: Visitor, matter_id: str) -> list[notify.Sending] | None:
    """Read the notices sent for a matter; None for a role that may not see them."""
    if not found.may("sendings.read"):
        return None
    answer = await found.call(
        found.doors.notify.ListSendings,
        notify.ListSendingsRequest(matter_id=matter_id, page_size=100),
    )
    return list(answer.sendings)


async def read_officers(found: Visitor, one: cases.Matter) -> list[registry.Officer]:
    """Read the officers of the county in charge, for forms and for names in the timeline."""
    if not found.may("matters.open"):
        return []
    records = await list_records(found.call, registry.RECORD_KIND_OFFICER, division=one.division)
    return [record.officer for record in records if record.officer.role in ("officer", "leader")]


@router.post("/matters/{matter_id}/acts/{act}")
async def take_act(found: SignedIn, form: CheckedForm, matter_id: str, act: str) -> Response:
    """Take an act. A refusal comes back with the article and what is missing, the text kept."""
    typed = texts(form)
    try:
        await found.call(
            found.doors.cases.Act,
            cases.ActRequest(
                matter_id=matter_id,
                act=act,
                fields=posted_fields(typed),
                reason=typed.get("reason", "").strip(),
                expected_version=version_of(typed),
            ),
        )
    except (RuleViolated, InputRejected, Conflict) as refusal:
        return await matter_page(
            found, matter_id, refusal=refusal, typed_act=act, typed=typed,
            status=409 if isinstance(refusal, Conflict) else 422,
        )  # fmt: skip
    await found.notice(found.t("act.done", act=typed.get("act_name", act)))
    return RedirectResponse(f"/matters/{matter_id}", 303)


def texts(form: FormData) -> dict[str, str]:
    """Give the text fields of a posted form; one with several values as words of one line."""
    found: dict[str, str] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            found[name] = f"{found[name]} {value}" if found.get(name) else value
    return found


def version_of(typed: Mapping[str, str]) -> int:
    """Read the version the person looked at; 0 (do not check) when it is no number."""
    text = typed.get("expected_version", "")
    return int(text) if text.isascii() and text.isdigit() else 0
