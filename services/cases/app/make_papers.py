"""Make the documents 文书 that a step issues: number, facts, page, digests."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from services.cases import paper_print, paper_store
from services.cases.app.gather_material import gather, ours
from services.cases.domain.attempt import Attempt
from services.cases.domain.matter import Matter
from services.cases.domain.paper_facts import Material, collect
from services.cases.domain.paper_templates import Template
from services.cases.domain.papers import Paper
from services.cases.domain.references import Issued, Reference, check_references
from services.cases.domain.steps import Step
from services.cases.paper_store import IssuedPaper
from services.chassis.errors import RuleViolated

#: Stands for the number of a draft: none is used up.
NO_NUMBER = "（文号待编）"


def make_papers(session: Session, step: Step, attempt: Attempt) -> list[IssuedPaper]:
    """The papers of a step, in the order of its row.

    Raises `RuleViolated` naming the facts that are missing or the number that is cited wrongly.
    """
    material = gather(session, step, attempt)
    made: list[IssuedPaper] = []
    for key in step.papers:
        material = replace(material, papers=(*material.papers, *made[-1:]))
        made.append(_make(session, template_of(key, material), material))
    return made


@dataclass(frozen=True)
class Draft:
    """What an act would issue. With something missing there is no page."""

    template: Template
    missing: tuple[str, ...]
    faults: tuple[Reference, ...] = ()
    printed: paper_print.Printed | None = None


def draft_paper(session: Session, step: Step, attempt: Attempt, key: str) -> Draft:
    """草稿: the page as it would be, without a number and marked on every page."""
    material = gather(session, step, attempt)
    template = template_of(key, material)
    facts, missing = collect(template, material)
    if missing:
        return Draft(template, tuple(missing))
    facts["number"] = NO_NUMBER if template.series else ""
    printed = paper_print.print_page(paper_print.fill(template.file, facts, draft=True))
    faults = wrong_references(session, printed.text, material)
    return Draft(template, (), tuple(faults), printed)


def template_of(key: str, material: Material) -> Template:
    """The wording in force on the day. Raises `RuleViolated` when there is none."""
    try:
        return material.templates.template(key, material.matter.kind, material.day)
    except LookupError as fault:
        raise RuleViolated(
            f"没有 {material.day} 有效的文书模板 {key}",
            article=f"文书模板表 {material.templates.version}",
            missing=f"模板 {key}",
        ) from fault


def _make(session: Session, template: Template, material: Material) -> IssuedPaper:
    facts, missing = collect(template, material)
    if missing:
        what = "、".join(missing)
        raise RuleViolated(
            f"《{template.title}》缺少：{what}", article=template.articles[0], missing=what
        )
    before = _before(template, material)
    if template.series:
        year = material.day.year
        number = paper_store.issue_number(session, material.agency.short, template.series, year)
        facts["number"] = str(number)
    html = paper_print.fill(template.file, facts)
    wrong = wrong_references(
        session,
        paper_print.text_of(html),
        material,
        extra=[Issued(facts["number"], template.title)],
        replaces=before.number if before else "",
    )
    if wrong:
        what = "；".join(one.explanation for one in wrong)
        raise RuleViolated(
            f"《{template.title}》引用的文号有误：{what}", article="文号互核", missing=what
        )
    return _issued(template, material, facts, paper_print.print_page(html), before)


def _before(template: Template, material: Material) -> Paper | None:
    """The paper that this one takes the place of."""
    mine = material.matter.matter_id
    same = [p for p in material.papers if p.template == template.key and p.matter_id == mine]
    replaces = material.templates.replaces(template, material.event.act)
    return same[-1] if same and replaces else None


def wrong_references(
    session: Session,
    text: str,
    material: Material,
    *,
    extra: Sequence[Issued] = (),
    replaces: str = "",
) -> list[Reference]:
    """Citations with which a document must not go out."""
    issued = [*issued_numbers(session, material.family_of_case, material.papers), *extra]
    own = ours(session, material.case.division)
    return [one for one in check_references(text, issued, own, replaces=replaces) if one.wrong]


def issued_numbers(
    session: Session, matters: Sequence[Matter], papers: Sequence[Paper]
) -> list[Issued]:
    """Every number that a document of these matters may cite; those of the family stand last."""
    by_id = {paper.paper_id: paper for paper in papers}
    later = {paper.replaces: paper.number for paper in papers if paper.replaces in by_id}
    own = [
        Issued(paper.number, paper.title, paper.paper_id, later.get(paper.paper_id, ""))
        for paper in papers
        if paper.number
    ]
    heads = [Issued(matter.number) for matter in matters]
    plant = {matter.credit_code for matter in matters}
    related = [one for code in plant for one in paper_store.numbers_of_plant(session, code)]
    return [*related, *heads, *own]


def _issued(
    template: Template,
    material: Material,
    facts: dict[str, Any],
    printed: paper_print.Printed,
    before: Paper | None,
) -> IssuedPaper:
    matter = material.matter
    return IssuedPaper(
        paper_id=str(uuid.uuid4()),
        matter_id=matter.matter_id,
        seq=material.event.seq,
        template=template.key,
        template_version=f"{material.templates.version}/{template.version}",
        title=template.title,
        number=facts["number"],
        revision=before.revision + 1 if before else 1,
        facts=facts,
        sha256=printed.sha256,
        sm3=printed.sm3,
        size_bytes=len(printed.pdf),
        made_at=material.made_at,
        replaces=before.paper_id if before else "",
        agency=material.agency.name,
        division=matter.division,
        credit_code=matter.credit_code,
        html=printed.html,
        pdf=printed.pdf,
        pages=printed.pages,
        copies=template.copies,
    )
