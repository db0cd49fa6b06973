"""Answers of `CaseService` about files: handing in, listing, reading."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from functools import cached_property
from typing import Any

from services.cases import attachment_store
from services.cases.app.act_on_matter import doer_of
from services.cases.app.attach_file import attach_file, may_attach, visible_file, visible_files
from services.cases.attachment_spool import Spool
from services.cases.domain.attachments import Handed
from services.cases.domain.papers import Attachment
from services.chassis.clock import from_timestamp, to_timestamp, utc_now
from services.chassis.db import Database
from services.chassis.errors import InputRejected
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Actor, Role
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.chassis.settings import integer

_MIB = 1024 * 1024
#: Files that one process receives at a time; others wait, so that its disk is not overrun.
_AT_ONCE = 8
#: Seconds without a byte after which a sender has gone.
_SILENCE_S = 60


class AttachmentAnswers:
    """Part of the servicer: see `door.CaseServicer`."""

    _db: Database

    @cached_property
    def _receiving(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(_AT_ONCE)

    async def Attach(  # noqa: N802
        self, requests: AsyncIterator[pb.AttachRequest], context: Any
    ) -> pb.AttachResponse:
        """Take a file in. A stream that breaks off leaves nothing."""
        actor = actor_of(context)
        stream = aiter(requests)
        first = await _next(stream)
        if first is None or not first.HasField("head"):
            raise InputRejected("the first message holds the head", field="head")
        handed = _handed(first.head)
        await asyncio.to_thread(self._may_attach, actor, handed)
        async with self._receiving:
            with Spool(_most()) as spool:
                await _add(spool, first)
                while (message := await _next(stream)) is not None:
                    if message.HasField("head"):
                        raise InputRejected("only the first message holds a head", field="head")
                    await _add(spool, message)
                kept = await asyncio.to_thread(self._attach, actor, handed, spool)
        return pb.AttachResponse(attachment=_message(kept))

    def _may_attach(self, actor: Actor, handed: Handed) -> None:
        with self._db.transaction() as session:
            may_attach(session, actor, handed)

    def _attach(self, actor: Actor, handed: Handed, spool: Spool) -> Attachment:
        file = spool.received(handed.sha256)
        with self._db.transaction() as session:
            return attach_file(session, actor, handed, file, utc_now())

    def ListAttachments(  # noqa: N802
        self, request: pb.ListAttachmentsRequest, context: Any
    ) -> pb.ListAttachmentsResponse:
        """Files of a matter that the caller may see."""
        actor = actor_of(context)
        with self._db.transaction() as session:
            files = visible_files(session, actor, request.matter_id)
        return pb.ListAttachmentsResponse(attachments=[_shown(actor, one) for one in files])

    def GetAttachment(  # noqa: N802
        self, request: pb.GetAttachmentRequest, context: Any
    ) -> Iterator[pb.GetAttachmentResponse]:
        """One file with its bytes; the last piece only when the digest is right.

        Each piece is read in a transaction of its own: a slow reader holds none open.
        """
        actor = actor_of(context)
        with self._db.transaction() as session:
            one = visible_file(session, actor, request.attachment_id)
        yield pb.GetAttachmentResponse(attachment=_shown(actor, one))
        check, number = attachment_store.Verifier(one.sha256), 0
        while (piece := self._piece(one, number)) is not None:
            for ready in check.pass_on(piece):
                yield pb.GetAttachmentResponse(chunk=ready)
            number += 1
        for ready in check.last():
            yield pb.GetAttachmentResponse(chunk=ready)

    def _piece(self, one: Attachment, number: int) -> bytes | None:
        with self._db.transaction() as session:
            return attachment_store.chunk(session, one.sha256, number)


async def _next(stream: AsyncIterator[pb.AttachRequest]) -> pb.AttachRequest | None:
    """The next message, None at the end. Raises `InputRejected` for a sender that went silent."""
    try:
        async with asyncio.timeout(_SILENCE_S):
            return await anext(stream, None)
    except TimeoutError as silence:
        raise InputRejected(f"nothing came for {_SILENCE_S} s", field="chunk") from silence


async def _add(spool: Spool, message: pb.AttachRequest) -> None:
    """Digests and disk are work for a thread; the event loop serves everybody else."""
    if message.chunk:
        await asyncio.to_thread(spool.add, message.chunk)


def _most() -> int:
    return integer(os.environ, "FARSIGHT_ATTACHMENT_MAX_MB", 200) * _MIB


def _handed(head: pb.AttachmentHead) -> Handed:
    placed = bool(head.longitude or head.latitude)
    return Handed(
        matter_id=head.matter_id,
        name=head.name,
        purpose=head.purpose,
        media_type=head.media_type,
        sha256=head.sha256,
        taken_at=from_timestamp(head.taken_at) if head.HasField("taken_at") else None,
        longitude=head.longitude if placed else None,
        latitude=head.latitude if placed else None,
        device=head.device,
        note=head.note,
        request_id=head.request_id,
    )


def _message(one: Attachment) -> pb.Attachment:
    return pb.Attachment(
        head=pb.AttachmentHead(
            matter_id=one.matter_id,
            name=one.name,
            purpose=one.purpose,
            media_type=one.media_type,
            sha256=one.sha256,
            taken_at=to_timestamp(one.taken_at) if one.taken_at else None,
            longitude=one.longitude or 0.0,
            latitude=one.latitude or 0.0,
            device=one.device,
            note=one.note,
        ),
        attachment_id=one.attachment_id,
        size_bytes=one.size_bytes,
        sha256=one.sha256,
        sm3=one.sm3,
        uploaded_by=one.uploaded_by,
        uploaded_at=to_timestamp(one.uploaded_at),
        seq=one.seq,
    )


def _shown(actor: Actor, one: Attachment) -> pb.Attachment:
    """The file for this actor: a plant is not told which officer it was."""
    message = _message(one)
    if actor.role is Role.ENTERPRISE and one.uploaded_by != doer_of(actor).person_id:
        message.uploaded_by = message.head.note = message.head.device = ""
    return message
