"""Hand a file in on a matter 附证据材料: bytes, what was said of them, and their line, together."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy.orm import Session

from services.cases import attachment_store, rules, store
from services.cases.app.act_on_matter import action_of, doer_of, require_readable
from services.cases.app.attempts import attempt_of
from services.cases.app.perform import perform
from services.cases.attachment_spool import Received
from services.cases.domain.attachments import Handed, check_handed, media_type_of, outward
from services.cases.domain.matter import Matter
from services.cases.domain.papers import Attachment
from services.chassis.errors import Conflict, NotFound
from services.chassis.identity import Actor, Role, require


def may_attach(session: Session, actor: Actor, handed: Handed) -> None:
    """Ask before the bytes come whether they would be taken.

    Raises `NotFound` for what the actor must not see, `Forbidden` for a role that only reads, and
    `InputRejected` for what can never be accepted.
    """
    check_handed(handed)
    _require(actor, store.load(session, handed.matter_id))


def attach_file(
    session: Session, actor: Actor, handed: Handed, file: Received, now: dt.datetime
) -> Attachment:
    """Keep the file and name it in the timeline; the same request gives the same attachment.

    The bytes go first: the family's lock is held only for the line. Raises what `may_attach`
    raises, and `Conflict` for a request id that another file or another matter has.
    """
    doer = doer_of(actor)
    media_type = media_type_of(handed.media_type, file.head)
    if handed.request_id:
        known = attachment_store.requested(session, doer.person_id, handed.request_id)
        if known is not None:
            return _same(known, handed, file)
    attachment_store.keep_content(session, file, now)
    store.lock_family(session, handed.matter_id)
    matter = store.load(session, handed.matter_id, lock=True)
    _require(actor, matter)
    kept = Attachment(
        attachment_id=str(uuid.uuid4()),
        matter_id=matter.matter_id,
        seq=matter.version + 1,
        name=handed.name,
        purpose=handed.purpose,
        media_type=media_type,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        sm3=file.sm3,
        uploaded_by=doer.person_id,
        uploaded_at=now,
        taken_at=handed.taken_at,
        longitude=handed.longitude,
        latitude=handed.latitude,
        device=handed.device,
        note=handed.note,
        uploader_role=doer.role,
    )
    attachment_store.add_attachment(session, kept, handed)
    perform(session, "attach", attempt_of(session, matter, doer, now, _line(kept)))
    return kept


def visible_files(session: Session, actor: Actor, matter_id: str) -> list[Attachment]:
    """Files of a matter that the actor may see, oldest first."""
    matter = store.load(session, matter_id)
    require_readable(actor, matter)
    files = attachment_store.attachments(session, matter_id)
    if actor.role is not Role.ENTERPRISE:
        return list(files)
    return outward(matter, rules.life_cycle(matter.kind), files)


def visible_file(session: Session, actor: Actor, attachment_id: str) -> Attachment:
    """One file. Raises `NotFound` for one that the actor must not see."""
    one = attachment_store.attachment(session, attachment_id)
    seen = {file.attachment_id for file in visible_files(session, actor, one.matter_id)}
    if attachment_id not in seen:
        raise NotFound("no such attachment", attachment_id=attachment_id)
    return one


def _require(actor: Actor, matter: Matter) -> None:
    require_readable(actor, matter)
    require(
        actor,
        action_of(matter.kind, "act"),
        division=matter.division,
        enterprise_id=matter.credit_code,
    )


def _same(known: Attachment, handed: Handed, file: Received) -> Attachment:
    if (known.matter_id, known.sha256) != (handed.matter_id, file.sha256):
        raise Conflict(
            "this request id belongs to another file",
            request_id=handed.request_id,
            kept=known.sha256.hex(),
            sent=file.sha256.hex(),
        )
    return known


def _line(one: Attachment) -> dict[str, str]:
    """A file as the chained line names it."""
    return {
        "attachment_id": one.attachment_id,
        "name": one.name,
        "purpose": one.purpose,
        "media_type": one.media_type,
        "size_bytes": str(one.size_bytes),
        "sha256": one.sha256.hex(),
        "sm3": one.sm3.hex(),
    }
