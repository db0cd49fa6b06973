"""文书与证据材料: documents as PDF, drafts, files handed in, the whole record."""

from collections.abc import AsyncIterator
from uuid import uuid4

from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response, StreamingResponse

from services.chassis.errors import FarsightError, InputRejected, NotFound, RuleViolated
from services.chassis.pb.cases.v1 import cases_pb2 as cases
from services.chassis.pb.cases.v1 import paper_pb2 as paper
from services.console.pages import render
from services.console.routes.matter import matter_page, texts
from services.console.routes.referrals import file_name
from services.console.views.acts import posted_fields
from services.console.web import CheckedForm, SignedIn

router = APIRouter()

PDF = "application/pdf"
_CHUNK = 512 * 1024
#: Types that a browser may show in its own window; anything else is saved as a file.
_SHOWN = frozenset({PDF, "image/jpeg", "image/png", "image/webp", "video/mp4", "text/plain"})


@router.get("/papers/{paper_id}")
async def one_paper(found: SignedIn, paper_id: str) -> Response:
    """Pass a document on."""
    pieces = found.call.stream(
        found.doors.papers.GetPaper, paper.GetPaperRequest(paper_id=paper_id)
    )
    first = await anext(pieces, None)
    if first is None:
        raise NotFound("no such paper")
    chunks = (piece.chunk async for piece in pieces)
    name = first.paper.number or first.paper.key
    return stream(chunks, first.chunk, PDF, f"{name}.pdf", shown=True)


@router.get("/matters/{matter_id}/sheet")
async def sheet(found: SignedIn, matter_id: str) -> Response:
    """Pass an order on as a supervision sheet."""
    pieces = found.call.stream(
        found.doors.papers.RenderSheet, paper.RenderSheetRequest(matter_id=matter_id)
    )
    first = await anext(pieces, None)
    if first is None:
        raise NotFound("no such order")
    chunks = (piece.chunk async for piece in pieces)
    return stream(chunks, first.chunk, PDF, f"{first.number}.pdf", shown=True)


@router.post("/matters/{matter_id}/draft/{act}")
async def draft(found: SignedIn, form: CheckedForm, matter_id: str, act: str) -> Response:
    """Show what an act would issue; no number is used up."""
    typed = texts(form)
    pieces = found.call.stream(
        found.doors.papers.PreviewPaper,
        paper.PreviewPaperRequest(
            matter_id=matter_id,
            act=act,
            fields=posted_fields(typed),
            reason=typed.get("reason", "").strip(),
        ),
    )
    first = await anext(pieces, None)
    if first is None or first.missing:
        missing = "、".join(first.missing) if first else ""
        return await render(found, "draft_missing.html", status=422, missing=missing)
    chunks = (piece.chunk async for piece in pieces)
    return stream(chunks, first.chunk, PDF, "draft.pdf", shown=True)


@router.get("/attachments/{attachment_id}")
async def attachment(found: SignedIn, attachment_id: str) -> Response:
    """Pass a file on as it was handed in."""
    pieces = found.call.stream(
        found.doors.cases.GetAttachment, cases.GetAttachmentRequest(attachment_id=attachment_id)
    )
    first = await anext(pieces, None)
    if first is None:
        raise NotFound("no such attachment")
    head = first.attachment.head
    chunks = (piece.chunk async for piece in pieces)
    return stream(chunks, first.chunk, head.media_type, head.name, shown=head.media_type in _SHOWN)


@router.post("/matters/{matter_id}/attachments")
async def attach(found: SignedIn, form: CheckedForm, matter_id: str) -> Response:
    """Hand a file in."""
    given, typed = form.get("file"), texts(form)
    if not isinstance(given, UploadFile) or not given.filename:
        refusal: FarsightError = InputRejected(found.t("files.choose"), field="file")
        return await matter_page(found, matter_id, refusal=refusal, status=422)
    head = cases.AttachmentHead(
        matter_id=matter_id,
        name=given.filename,
        purpose=typed.get("purpose", "other"),
        media_type=given.content_type or "application/octet-stream",
        note=typed.get("note", "").strip(),
        request_id=typed.get("request_id", "") or str(uuid4()),
    )
    try:
        answer = await found.call.upload(found.doors.cases.Attach, requests(head, given))
    except (InputRejected, RuleViolated) as fault:
        return await matter_page(found, matter_id, refusal=fault, status=422)
    await found.notice(found.t("files.done", name=answer.attachment.head.name))
    return RedirectResponse(f"/matters/{matter_id}#files", 303)


async def requests(
    head: cases.AttachmentHead, given: UploadFile
) -> AsyncIterator[cases.AttachRequest]:
    """Send the head, then the file piece by piece."""
    yield cases.AttachRequest(head=head)
    while chunk := await given.read(_CHUNK):
        yield cases.AttachRequest(chunk=chunk)


def stream(
    chunks: AsyncIterator[bytes], first: bytes, media_type: str, name: str, *, shown: bool
) -> Response:
    """Pass bytes on. What came from outside is never run: no sniffing, no scripts."""

    async def body() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    how = "inline" if shown else "attachment"
    headers = {
        "Content-Disposition": f'{how}; filename="{file_name(name)}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'; img-src 'self'; media-src 'self'",
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(body(), media_type=media_type, headers=headers)
