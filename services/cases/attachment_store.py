"""Files 证据材料 in PostgreSQL: bytes once for each digest, append-only by triggers and rights."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator

from sqlalchemy import Select, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.cases.attachment_spool import Received
from services.cases.attachment_tables import AttachmentRow, ChunkRow, ContentRow
from services.cases.domain.attachments import Handed
from services.cases.domain.papers import Attachment
from services.chassis.errors import DataLost, NotFound
from services.chassis.log import get_logger

log = get_logger(__name__)


def attachments(session: Session, matter_id: str) -> tuple[Attachment, ...]:
    """Files handed in on a matter, oldest first, without their bytes."""
    query = _heads().where(AttachmentRow.matter_id == matter_id).order_by(AttachmentRow.seq)
    return tuple(_attachment(row, content) for row, content in session.execute(query))


def attachment(session: Session, attachment_id: str) -> Attachment:
    """One file without its bytes. Raises `NotFound`."""
    found = session.execute(_heads().where(AttachmentRow.attachment_id == attachment_id)).first()
    if found is None:
        raise NotFound("no such attachment", attachment_id=attachment_id)
    return _attachment(*found)


def requested(session: Session, uploader: str, request_id: str) -> Attachment | None:
    """The file that a person's request left; the lock makes a repeat wait for the first."""
    _lock(session, f"{uploader}/{request_id}")
    found = session.execute(
        _heads().where(
            AttachmentRow.uploaded_by == uploader, AttachmentRow.request_id == request_id
        )
    ).first()
    return _attachment(*found) if found else None


def keep_content(session: Session, file: Received, now: dt.datetime) -> None:
    """Keep the bytes, unless the same are there; what is there is read before it is relied on."""
    _lock(session, file.sha256.hex())
    if session.get(ContentRow, file.sha256) is not None:
        for _ in verified_chunks(session, file.sha256):
            pass
        return
    pieces = -(-file.size_bytes // _CHUNK)
    session.execute(
        insert(ContentRow).values(
            sha256=file.sha256, sm3=file.sm3, size_bytes=file.size_bytes, chunks=pieces, kept_at=now
        )
    )
    for number, body in enumerate(file.chunks()):
        session.execute(insert(ChunkRow).values(sha256=file.sha256, number=number, body=body))


def add_attachment(session: Session, one: Attachment, handed: Handed) -> None:
    """Write what was said of a file; its line of the timeline follows in the same transaction."""
    session.execute(
        insert(AttachmentRow).values(
            attachment_id=one.attachment_id,
            matter_id=one.matter_id,
            seq=one.seq,
            sha256=one.sha256,
            uploaded_at=one.uploaded_at,
            taken_at=one.taken_at,
            longitude=one.longitude,
            latitude=one.latitude,
            name=one.name,
            purpose=one.purpose,
            media_type=one.media_type,
            uploaded_by=one.uploaded_by,
            uploader_role=one.uploader_role,
            device=one.device,
            note=one.note,
            request_id=handed.request_id,
        )
    )


def chunk(session: Session, sha256: bytes, number: int) -> bytes | None:
    """One piece of a file, None behind the last."""
    return session.scalar(
        select(ChunkRow.body).where(ChunkRow.sha256 == sha256, ChunkRow.number == number)
    )


def verified_chunks(session: Session, sha256: bytes) -> Iterator[bytes]:
    """The pieces in order. Raises `DataLost` before the last one where the digest is another."""
    check = Verifier(sha256)
    number = 0
    while (piece := chunk(session, sha256, number)) is not None:
        yield from check.pass_on(piece)
        number += 1
    yield from check.last()


class Verifier:
    """Holds one piece back until the next is there, and the last until the digest is right."""

    def __init__(self, sha256: bytes) -> None:
        self._wanted, self._digest, self._held = sha256, hashlib.sha256(), b""

    def pass_on(self, piece: bytes) -> Iterator[bytes]:
        """Take a piece, give the one before."""
        self._digest.update(piece)
        if self._held:
            yield self._held
        self._held = piece

    def last(self) -> Iterator[bytes]:
        """Give the last piece. Raises `DataLost` when the whole is not what was handed in."""
        found = self._digest.digest()
        if found != self._wanted:
            wanted = self._wanted.hex()
            log.error("attachment_changed", wanted=wanted, found=found.hex())
            raise DataLost(
                "the kept file is not the one that was handed in", wanted=wanted, found=found.hex()
            )
        yield self._held


_CHUNK = 1024 * 1024


def _heads() -> Select[AttachmentRow, ContentRow]:
    return select(AttachmentRow, ContentRow).join(
        ContentRow, ContentRow.sha256 == AttachmentRow.sha256
    )


def _attachment(row: AttachmentRow, content: ContentRow) -> Attachment:
    return Attachment(
        attachment_id=row.attachment_id,
        matter_id=row.matter_id,
        seq=row.seq,
        name=row.name,
        purpose=row.purpose,
        media_type=row.media_type,
        size_bytes=content.size_bytes,
        sha256=row.sha256,
        sm3=content.sm3,
        uploaded_by=row.uploaded_by,
        uploaded_at=row.uploaded_at,
        taken_at=row.taken_at,
        longitude=row.longitude,
        latitude=row.latitude,
        device=row.device,
        note=row.note,
        uploader_role=row.uploader_role,
    )


def _lock(session: Session, key: str) -> None:
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 3))"), {"key": key})
