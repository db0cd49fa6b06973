"""Export the whole record 全案卷宗 of a matter and its kin as one deterministic zip."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

from sqlalchemy.orm import Session

from services.cases import attachment_store, paper_store, record_page, rules, store
from services.cases.app.act_on_matter import may_read, require_readable
from services.cases.domain import record
from services.cases.domain.matter import Matter
from services.cases.domain.papers import Attachment, Paper
from services.cases.record_zip import PIECE, Kept, RecordZip
from services.chassis.errors import NotFound
from services.chassis.identity import Actor, require


@dataclass(frozen=True)
class Exported:
    """What was written."""

    name: str
    size_bytes: int
    sha256: bytes


def export_record(session: Session, actor: Actor, matter_id: str, file: IO[bytes]) -> Exported:
    """Write the record of everything that belongs together, as far as the actor may read it.

    Raises `NotFound` for what the actor must not know of, `Forbidden` for a role without the right.
    """
    require(actor, "records.export")
    asked = store.load(session, matter_id)
    require_readable(actor, asked)
    matters = [one for one in belonging(session, asked) if may_read(actor, one)]
    target = RecordZip(file)
    kept: list[Kept] = []
    papers, attachments = [], []
    for matter in matters:
        for paper in paper_store.papers(session, matter.matter_id):
            path = _paper_path(matter, paper)
            pdf = paper_store.pdf_of(session, paper.paper_id)
            kept.append(target.add(path, [pdf], len(pdf)))
            papers.append(record.paper_document(paper, path))
        for one in attachment_store.attachments(session, matter.matter_id):
            path = _attachment_path(matter, one)
            pieces = attachment_store.verified_chunks(session, one.sha256)
            kept.append(target.add(path, pieces, one.size_bytes))
            attachments.append(record.attachment_document(one, path))
    document = {
        "format": record.FORMAT,
        "matters": [_document(one) for one in matters],
        "papers": papers,
        "attachments": attachments,
    }
    _finish(target, document, kept)
    size, sha256 = _measured(file)
    return Exported(f"{asked.number}-卷宗.zip", size, sha256)


def belonging(session: Session, asked: Matter) -> list[Matter]:
    """The matter's family, the order that the family grew from, and cases that grew from it."""
    found: dict[str, Matter] = {}
    todo = [asked.matter_id]
    while todo:
        matter_id = todo.pop()
        if matter_id in found:
            continue
        try:
            found[matter_id] = store.load(session, matter_id)
        except NotFound:  # a parent of before these tables
            continue
        todo += [one for one in store.next_of_kin(session, found[matter_id]) if one not in found]
    return sorted(found.values(), key=lambda one: (one.opened_at, one.number))


def _document(matter: Matter) -> dict[str, Any]:
    life = rules.life_cycle(matter.kind)
    return record.matter_document(matter, life.states[matter.state].zh, life.zh)


def _finish(target: RecordZip, document: dict[str, Any], kept: list[Kept]) -> None:
    """Write the record itself, the page for people, and the manifest last."""
    for path, body in (
        (record.RECORD, record.spelled(document)),
        (record.PAGE, record_page.page(document).encode()),
    ):
        kept.append(target.add(path, [body], len(body)))
    files = [(one.path, one.size_bytes, one.sha256, one.sm3) for one in kept]
    body = record.spelled(record.manifest_document(files, document["matters"]))
    target.add(record.MANIFEST, [body], len(body))
    target.close()


def _paper_path(matter: Matter, paper: Paper) -> str:
    name = f"{paper.seq:04d}-{paper.template}-r{paper.revision}-{paper.paper_id[:8]}.pdf"
    return f"{_folder(matter)}/papers/{name}"


def _attachment_path(matter: Matter, one: Attachment) -> str:
    ending = PurePosixPath(one.name).suffix.lower()
    ending = ending if ending.isascii() and ending[1:].isalnum() else ""
    return f"{_folder(matter)}/files/{one.seq:04d}-{one.attachment_id[:8]}{ending}"


def _folder(matter: Matter) -> str:
    return f"{matter.kind.value}-{matter.matter_id[:8]}"


def _measured(file: IO[bytes]) -> tuple[int, bytes]:
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(file):
        digest.update(piece)
        size += len(piece)
    return size, digest.digest()


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece
