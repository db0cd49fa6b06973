"""Documents as a caller may see them: a plant only those that were served to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.cases import paper_store, store
from services.cases.app.act_on_matter import may_read, require_readable
from services.cases.domain import history
from services.cases.domain.gates_service import paper_to_serve
from services.cases.domain.matter import Kind, Matter
from services.cases.paper_store import Kept
from services.chassis.errors import InputRejected, NotFound
from services.chassis.identity import Actor, Role


@dataclass(frozen=True)
class Shown:
    """A document with the matter that issued it. `served_on`: ISO day, empty = not served."""

    kept: Kept
    matter: Matter
    served_on: str


@dataclass(frozen=True)
class Verdict:
    """What is known of a PDF. Without a document it is none of ours, or not for the caller."""

    shown: Shown | None = None
    intact: bool = False
    chained: bool = False


def list_papers(session: Session, actor: Actor, matter_id: str, *, family: bool) -> list[Shown]:
    """Documents of a matter, or of its whole family, oldest first. Raises `NotFound`."""
    matter = store.load(session, matter_id)
    require_readable(actor, matter)
    kin = store.family(session, matter)
    wanted = (matter, *kin) if family else (matter,)
    return _shown(session, actor, wanted, (matter, *kin))


def read_paper(session: Session, actor: Actor, paper_id: str) -> Shown:
    """One document. Raises `NotFound` for one that the caller may not see."""
    return _one(session, actor, paper_store.find_paper(session, paper_id))


def verify_paper(session: Session, actor: Actor, digest: bytes) -> Verdict:
    """Which document has these bytes, and whether record and bytes are as they were issued."""
    if len(digest) != hashlib.sha256().digest_size:
        raise InputRejected("a digest has 32 bytes", field="digest")
    kept = paper_store.by_digest(session, digest)
    if kept is None:
        return Verdict()
    try:
        shown = _one(session, actor, kept)
    except NotFound:
        return Verdict()
    paper = kept.paper
    pdf = paper_store.pdf_of(session, paper.paper_id)
    same = (hashlib.sha256(pdf).digest(), hashlib.new("sm3", pdf).digest())
    return Verdict(shown, same == (paper.sha256, paper.sm3), _chained(shown))


def _one(session: Session, actor: Actor, kept: Kept) -> Shown:
    matter = store.load(session, kept.paper.matter_id)
    require_readable(actor, matter)
    family = (matter, *store.family(session, matter))
    for shown in _shown(session, actor, (matter,), family):
        if shown.kept.paper.paper_id == kept.paper.paper_id:
            return shown
    raise NotFound("no such document", paper_id=kept.paper.paper_id)


def _shown(
    session: Session, actor: Actor, wanted: Iterable[Matter], family: Iterable[Matter]
) -> list[Shown]:
    by_id = {matter.matter_id: matter for matter in wanted if may_read(actor, matter)}
    served = served_days(family)
    found = [
        Shown(kept, by_id[kept.paper.matter_id], served.get(kept.paper.paper_id, ""))
        for kept in paper_store.kept_papers(session, by_id)
    ]
    if actor.role is Role.ENTERPRISE:
        return [one for one in found if one.served_on]
    return found


def served_days(family: Iterable[Matter]) -> dict[str, str]:
    """送达日期 by document, from the matters in which documents were served."""
    days: dict[str, str] = {}
    for matter in family:
        if matter.kind is Kind.SERVICE and matter.state == "served":
            days[paper_to_serve(matter)] = _served_on(matter)
    return days


def _served_on(service: Matter) -> str:
    """The day that the last line about it says, with a correction of that line."""
    line = next((one for one in reversed(service.events) if one.fields.get("served_on")), None)
    if line is None:
        return ""
    for later in reversed(service.events):
        of_line = later.fields.get("seq") == str(line.seq)
        if later.act == "correct" and of_line and later.fields.get("field") == "served_on":
            return later.fields["value"]
    return line.fields["served_on"]


def _chained(shown: Shown) -> bool:
    """The timeline names the document's SM3, and no line of it was changed."""
    paper, matter = shown.kept.paper, shown.matter
    line = next((one for one in matter.events if one.seq == paper.seq), None)
    named = line is not None and f"sm3:{paper.sm3.hex()}" in line.fields.get("papers", "")
    return named and history.first_break(matter.matter_id, matter.events) is None
