"""文号互核 on demand: the numbers that a text, or every document of a family, cites."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.cases import paper_print, paper_store, store
from services.cases.app.act_on_matter import require_readable
from services.cases.app.gather_material import ours
from services.cases.app.make_papers import issued_numbers
from services.cases.domain.references import Reference, check_references
from services.chassis.errors import Forbidden, InputRejected
from services.chassis.identity import Actor, Role

_LONGEST = 200_000


@dataclass(frozen=True)
class Cited:
    """A citation, and the document it stands in (empty = the text that was sent)."""

    reference: Reference
    paper_id: str = ""


def check_citations(session: Session, actor: Actor, matter_id: str, text: str) -> list[Cited]:
    """Every citation with how it stands. Raises `NotFound`, `Forbidden` for a plant."""
    if len(text) > _LONGEST:
        raise InputRejected(f"at most {_LONGEST} characters", field="text")
    matter = store.load(session, matter_id)
    require_readable(actor, matter)
    if actor.role is Role.ENTERPRISE:
        raise Forbidden("enterprise may not check citations", action="papers.check")
    matters = (matter, *store.family(session, matter))
    kept = paper_store.kept_papers(session, [one.matter_id for one in matters])
    issued = issued_numbers(session, matters, [one.paper for one in kept])
    own = ours(session, matter.division)
    if text:
        return [Cited(one) for one in check_references(text, issued, own)]
    by_id = {one.paper.paper_id: one.paper for one in kept}
    found: list[Cited] = []
    for one in kept:
        if one.replaced_by:
            continue
        page = paper_print.text_of(paper_store.html_of(session, one.paper.paper_id))
        before = by_id.get(one.paper.replaces)
        checked = check_references(page, issued, own, replaces=before.number if before else "")
        found += [Cited(reference, one.paper.paper_id) for reference in checked]
    return found
