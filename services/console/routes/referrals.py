"""移送: referrals to police and procuratorate, their acts, and the bundle to take away."""

from collections.abc import AsyncIterator, Mapping

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response, StreamingResponse

from services.chassis.errors import Conflict, FarsightError, InputRejected, RuleViolated
from services.chassis.pb.referral.v1 import referral_pb2 as referral
from services.console.pages import render
from services.console.routes.matter import texts, version_of
from services.console.views.acts import act_forms, posted_fields
from services.console.views.timeline import timeline_lines
from services.console.web import CheckedForm, SignedIn, Visitor

router = APIRouter()

PAGE_SIZE = 50


@router.get("/referrals")
async def referrals(found: SignedIn, state: str = "open", page: str = "") -> Response:
    """List the referrals the person's agency or jurisdiction may see."""
    answer = await found.call(
        found.doors.referral.ListReferrals,
        referral.ListReferralsRequest(
            state="" if state == "all" else state, page_size=PAGE_SIZE, page_token=page
        ),
    )
    return await render(
        found,
        "referrals.html",
        referrals=answer.referrals,
        state=state,
        next_page=answer.next_page_token,
    )


@router.get("/referrals/{referral_id}")
async def one_referral(found: SignedIn, referral_id: str) -> Response:
    """Show the page of a referral."""
    return await referral_page(found, referral_id)


async def referral_page(
    found: Visitor,
    referral_id: str,
    *,
    refusal: FarsightError | None = None,
    typed_act: str = "",
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """Write the page; after a refusal with its reason and what was typed."""
    one = (await read_referral(found, referral_id)).referral
    return await render(
        found,
        "referral.html",
        status=status,
        referral=one,
        lines=timeline_lines(one.timeline, one.clocks, {}, found.language),
        forms=act_forms(one.allowed, (), typed_act=typed_act, typed=typed),
        act_path=f"/referrals/{referral_id}/acts",
        refusal=refusal,
    )


async def read_referral(found: Visitor, referral_id: str) -> referral.GetReferralResponse:
    """Read a referral. Raises NotFound."""
    return await found.call(
        found.doors.referral.GetReferral, referral.GetReferralRequest(referral_id=referral_id)
    )


@router.post("/referrals/{referral_id}/acts/{act}")
async def take_act(found: SignedIn, form: CheckedForm, referral_id: str, act: str) -> Response:
    """Take an act of the agency. A refusal comes back with its reason, the text kept."""
    typed = texts(form)
    try:
        await found.call(
            found.doors.referral.Act,
            referral.ReferralServiceActRequest(
                referral_id=referral_id,
                act=act,
                fields=posted_fields(typed),
                reason=typed.get("reason", "").strip(),
                expected_version=version_of(typed),
            ),
        )
    except (RuleViolated, InputRejected, Conflict) as refusal:
        return await referral_page(
            found, referral_id, refusal=refusal, typed_act=act, typed=typed,
            status=409 if isinstance(refusal, Conflict) else 422,
        )  # fmt: skip
    await found.notice(found.t("act.done", act=typed.get("act_name", act)))
    return RedirectResponse(f"/referrals/{referral_id}", 303)


@router.get("/referrals/{referral_id}/bundle")
async def bundle(found: SignedIn, referral_id: str) -> Response:
    """Pass the signed bundle on, piece by piece."""
    one = (await read_referral(found, referral_id)).referral
    pieces = found.call.stream(
        found.doors.referral.DownloadBundle,
        referral.DownloadBundleRequest(referral_id=referral_id),
    )
    # The first piece is asked for here: a refusal is a page, not a broken download.
    first = await anext(pieces, None)

    async def body() -> AsyncIterator[bytes]:
        if first is not None:
            yield first.chunk
        async for piece in pieces:
            yield piece.chunk

    name = file_name(one.bundle_name or f"{referral_id}.zip")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    if one.bundle_size:
        headers["Content-Length"] = str(one.bundle_size)
    return StreamingResponse(body(), media_type="application/zip", headers=headers)


def file_name(text: str) -> str:
    """Keep a name to what every file system and header takes."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in text)
