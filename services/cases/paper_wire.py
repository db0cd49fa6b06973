"""Documents 文书 as protobuf messages."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf import json_format

from services.cases.app.check_citations import Cited
from services.cases.app.read_papers import Shown
from services.cases.domain.references import Standing
from services.chassis.clock import to_timestamp
from services.chassis.pb.cases.v1 import paper_pb2 as pb

_CHUNK = 1024 * 1024
_STANDINGS = {
    Standing.KNOWN: pb.REFERENCE_STATE_KNOWN,
    Standing.EXTERNAL: pb.REFERENCE_STATE_EXTERNAL,
    Standing.UNKNOWN: pb.REFERENCE_STATE_UNKNOWN,
    Standing.REPLACED: pb.REFERENCE_STATE_REPLACED,
    Standing.MISTITLED: pb.REFERENCE_STATE_MISTITLED,
}


def paper_message(shown: Shown, *, facts: bool = False) -> pb.Paper:
    """A document without its bytes."""
    kept, paper = shown.kept, shown.kept.paper
    message = pb.Paper(
        paper_id=paper.paper_id,
        matter_id=paper.matter_id,
        seq=paper.seq,
        key=paper.template,
        template_version=paper.template_version,
        title=paper.title,
        number=paper.number,
        revision=paper.revision,
        replaces=paper.replaces,
        current=not kept.replaced_by,
        agency=kept.agency,
        sha256=paper.sha256,
        sm3=paper.sm3,
        size_bytes=paper.size_bytes,
        pages=kept.pages,
        made_at=to_timestamp(paper.made_at),
        copies=kept.copies,
        served_on=shown.served_on,
        matter_number=shown.matter.number,
    )
    if facts:
        json_format.ParseDict(dict(paper.facts), message.facts)
    return message


def reference_message(cited: Cited) -> pb.Reference:
    """A citation and how it stands."""
    one = cited.reference
    return pb.Reference(
        cited=one.found.cited,
        number=one.found.number,
        state=_STANDINGS[one.standing],
        paper_id=one.paper_id,
        title=one.title,
        explanation=one.explanation,
        position=one.found.start,
        in_paper_id=cited.paper_id,
        likely=one.likely,
    )


def chunks(pdf: bytes) -> Iterator[bytes]:
    """The bytes in pieces that a message can hold."""
    for start in range(0, len(pdf), _CHUNK):
        yield pdf[start : start + _CHUNK]
