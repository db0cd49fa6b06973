"""数据标记提交与审核: the posted forms of the marks' pages."""

from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response

from services.chassis.errors import Conflict, FarsightError, InputRejected, RuleViolated
from services.chassis.pb.ingest.v1 import mark_pb2 as pb
from services.console.routes.marks import Asked, mark_page, sheet_page
from services.console.routes.matter import texts
from services.console.views import marks as view
from services.console.web import CheckedForm, SignedIn, Visitor

router = APIRouter()

#: The door's own bound; a larger file is not even sent to it.
PROOF_BYTES = 10 * 1024 * 1024
CSV_BYTES = 1024 * 1024
REFUSED = (InputRejected, RuleViolated, Conflict)


@router.post("/marks/submit")
async def submit(found: SignedIn, form: CheckedForm) -> Response:
    """Submit a mark or its next revision; a file goes first and becomes its proof."""
    fields = texts(form)
    asked = Asked(outlet_id=fields.get("outlet_id", ""), day=fields.get("day", ""))
    factors = [one for one in form.getlist("factors") if isinstance(one, str)]
    typed = view.typed_from(fields, factors)
    try:
        proof_id = await keep_proof(found, asked.outlet_id, form)
        kinds = await found.call(
            found.doors.marks.ListMarkKinds, pb.ListMarkKindsRequest(outlet_id=asked.outlet_id)
        )
        mark = view.mark_from(typed, kinds.kinds)
        mark.proof_ids.extend(filter(None, [proof_id]))
        answer = await found.call(
            found.doors.marks.SubmitMark,
            pb.SubmitMarkRequest(
                outlet_id=asked.outlet_id,
                mark=mark,
                expected_revision=typed.expected,
                channel="console",
            ),
        )
    except REFUSED as error:
        return await again(found, asked, error, typed=typed)
    await found.notice(found.t("marks.waits" if answer.record.late else "marks.kept"))
    return back(asked)


@router.post("/marks/table")
async def table(found: SignedIn, form: CheckedForm) -> Response:
    """Submit a CSV table, or only look at it; faults are shown by row and field."""
    fields = texts(form)
    asked = Asked(outlet_id=fields.get("outlet_id", ""), day=fields.get("day", ""))
    dry_run = fields.get("act") != "keep"
    try:
        request = pb.SubmitMarksRequest(
            csv=await file_of(form, "table", CSV_BYTES) or b"",
            outlet_id=asked.outlet_id,
            dry_run=dry_run,
        )
        answer = await found.call(found.doors.marks.SubmitMarks, request)
    except REFUSED as error:
        return await again(found, asked, error)
    if answer.faults or dry_run:
        return await again(found, asked, None, table=answer)
    await found.notice(found.t("marks.table_kept", n=len(answer.records)))
    return back(asked)


@router.post("/marks/{outlet_id}/{mark_id}/withdraw")
async def withdraw(found: SignedIn, form: CheckedForm, outlet_id: str, mark_id: str) -> Response:
    """Take a mark back."""
    fields = texts(form)
    try:
        await found.call(
            found.doors.marks.WithdrawMark,
            pb.WithdrawMarkRequest(
                outlet_id=outlet_id,
                mark_id=mark_id,
                expected_revision=view.typed_from(fields, ()).expected,
                reason=fields.get("reason", ""),
                channel="console",
            ),
        )
    except REFUSED as error:
        return await refused(found, outlet_id, mark_id, error)
    await found.notice(found.t("marks.taken_back"))
    return RedirectResponse(f"/marks/{outlet_id}/{mark_id}", 303)


@router.post("/marks/{outlet_id}/{mark_id}/decide")
async def decide(found: SignedIn, form: CheckedForm, outlet_id: str, mark_id: str) -> Response:
    """Accept, refuse or reject."""
    fields = texts(form)
    verdicts = {
        "accept": pb.MARK_VERDICT_ACCEPT,
        "refuse": pb.MARK_VERDICT_REFUSE,
        "reject": pb.MARK_VERDICT_REJECT,
    }
    try:
        await found.call(
            found.doors.marks.DecideMark,
            pb.DecideMarkRequest(
                outlet_id=outlet_id,
                mark_id=mark_id,
                revision=view.typed_from(fields, ()).expected,
                verdict=verdicts.get(fields.get("verdict", ""), pb.MARK_VERDICT_UNSPECIFIED),
                reason=fields.get("reason", ""),
                channel="console",
            ),
        )
    except REFUSED as error:
        return await refused(found, outlet_id, mark_id, error)
    await found.notice(found.t("marks.decided"))
    return RedirectResponse(f"/marks/{outlet_id}/{mark_id}", 303)


async def keep_proof(found: Visitor, outlet_id: str, form: FormData) -> str:
    """Keep the attached file; gives its id, empty where none was chosen. Raises InputRejected."""
    content = await file_of(form, "proof", PROOF_BYTES)
    if content is None:
        return ""
    upload = form["proof"]
    assert isinstance(upload, UploadFile)
    answer = await found.call(
        found.doors.marks.KeepProof,
        pb.KeepProofRequest(
            outlet_id=outlet_id,
            name=upload.filename or "",
            type=upload.content_type or "application/octet-stream",
            content=content,
        ),
    )
    return answer.proof.media_id


async def file_of(form: FormData, name: str, most: int) -> bytes | None:
    """Read an uploaded file; None where none was chosen. Raises InputRejected for a large one."""
    upload = form.get(name)
    if not isinstance(upload, UploadFile) or not upload.filename:
        return None
    content = await upload.read(most + 1)
    if len(content) > most:
        raise InputRejected(f"more than {most // 1024 // 1024} MB", field=name)
    return content


async def again(
    found: Visitor,
    asked: Asked,
    error: FarsightError | None,
    *,
    typed: view.Typed | None = None,
    table: pb.SubmitMarksResponse | None = None,
) -> Response:
    """Write the sheet again with what is wrong."""
    directory = await found.house.directories.get(found.session.user_name, found.call)
    words = view.refusal_words(error, found.t, found.language) if error else ""
    status = 422 if error or (table and table.faults) else 200
    return await sheet_page(
        found, asked, directory, typed=typed, refusal=words, table=table, status=status
    )


async def refused(found: Visitor, outlet_id: str, mark_id: str, error: FarsightError) -> Response:
    """Write the mark's page again with what is wrong."""
    words = view.refusal_words(error, found.t, found.language)
    return await mark_page(found, outlet_id, mark_id, refusal=words, status=422)


def back(asked: Asked) -> Response:
    """Go back to the sheet."""
    query = urlencode({"outlet_id": asked.outlet_id, "day": asked.day})
    return RedirectResponse(f"/marks?{query}", 303)
