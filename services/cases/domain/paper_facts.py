"""文书事实: what a document says of its case, taken from the record and from nowhere else.

`collect` answers with one plain tree of text (kept beside the paper as it was filled in) and with
the names of what is missing. A needed fact that is missing is never printed as an empty line.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from services.cases.domain.agencies import Agency
from services.cases.domain.chinese_words import (
    capital_amount,
    chinese_day,
    day_text,
    plain_amount,
)
from services.cases.domain.lifecycle import LifeCycle
from services.cases.domain.matter import SYSTEM_ID, Event, Kind, Matter, Row
from services.cases.domain.paper_templates import Fact, Template, TemplateTable
from services.cases.domain.papers import Attachment, Paper
from services.chassis.clock import BEIJING


@dataclass(frozen=True)
class Person:
    """执法人员 as a document names him."""

    name: str
    certificate: str = ""


@dataclass(frozen=True)
class Party:
    """当事人 as registered."""

    name: str
    credit_code: str
    address: str = ""
    permit_code: str = ""
    legal_representative: str = ""
    outlet: str = ""


@dataclass(frozen=True)
class Material:
    """Everything a document may draw on. `chain`: this matter, the one above it, and so on.

    `papers` and `attachments` are those of the whole family, oldest first.
    """

    event: Event
    chain: tuple[Matter, ...]
    family: tuple[Matter, ...]
    papers: tuple[Paper, ...]
    attachments: tuple[Attachment, ...]
    rows: tuple[Row, ...]
    party: Party
    people: Mapping[str, Person]
    agency: Agency
    templates: TemplateTable
    life_of: Callable[[Kind], LifeCycle]
    made_at: dt.datetime
    law: Mapping[str, str] = field(default_factory=dict)
    code: bool = True  # the Eco-environment Code is in force on the day of the document

    @property
    def matter(self) -> Matter:
        """The matter that issues the document."""
        return self.chain[0]

    @property
    def day(self) -> dt.date:
        """The day of the document, in Beijing."""
        return self.made_at.astimezone(BEIJING).date()

    @property
    def family_of_case(self) -> tuple[Matter, ...]:
        """Every matter of the family, this one too."""
        return (*self.chain, *self.family)

    def ended(self, key: str) -> bool:
        """Whether the nearest newest clock of a key has come to its last moment by now."""
        above = reversed(self.chain)
        clocks = [one for matter in above for one in matter.clocks if one.key == key]
        due = clocks[-1].due_at if clocks else None
        return due is not None and due <= self.made_at

    @property
    def case(self) -> Matter:
        """The case that the document belongs to; else the first matter of the chain."""
        return next((one for one in self.chain if one.kind is Kind.CASE), self.chain[-1])


@dataclass(frozen=True)
class Said:
    """A value of the record with the place it was said at."""

    value: str
    matter: Matter
    event: Event
    name: str


def collect(template: Template, material: Material) -> tuple[dict[str, Any], list[str]]:
    """The facts of a document, and what is missing (Chinese)."""
    found = {fact.name: _look_up(fact, material) for fact in template.facts}
    raw = {name: said.value if said else default_of(template, name) for name, said in found.items()}
    shown = {
        fact.name: _shown(fact, found[fact.name], material) or fact.default
        for fact in template.facts
    }
    cited = _cited(material)
    missing = [
        fact.zh
        for fact in template.facts
        if fact.required and not raw[fact.name] and fact.when.holds(raw)
    ]
    missing += [f"《{_title(material, key)}》" for key in template.cites if not cited[key]]
    if template.party:
        missing += [name for name, value in _needed_of(material.party) if not value]
    return {**_head(template, material), "f": shown, "raw": raw, "papers": cited}, missing


def default_of(template: Template, name: str) -> str:
    """The default of a fact."""
    return next(fact.default for fact in template.facts if fact.name == name)


def _needed_of(party: Party) -> Iterator[tuple[str, str]]:
    yield "当事人名称", party.name
    yield "统一社会信用代码", party.credit_code
    yield "当事人住所", party.address


def _title(material: Material, key: str) -> str:
    return next((row.title for row in material.templates.rows if row.key == key), key)


def _head(template: Template, material: Material) -> dict[str, Any]:
    agency, party, case = material.agency, material.party, material.case
    return {
        "title": template.title,
        "number": "",
        "articles": list(template.articles),
        "copies": template.copies,
        "day": day_text(material.day),
        "day_zh": chinese_day(material.day),
        "made_at": material.made_at.isoformat(),
        "agency": {name: str(getattr(agency, name)) for name in agency.__dataclass_fields__},
        "we": "我厅" if agency.name.endswith("厅") else "我局",
        "party": {name: str(getattr(party, name)) for name in party.__dataclass_fields__},
        "matter": _matter(material.matter),
        "case": _matter(case),
        "officers": [_person(material, who) for who in _officers(material)],
        "doer": _person(material, material.event.doer.person_id),
        "act": material.event.act,
        "reason": material.event.reason,
        "evidence": list(_evidence(material)),
        "files": list(_files(_own(material))),
        "law": dict(material.law),
        "code": material.code,
        "suit_over": material.ended("lawsuit"),
    }


def _matter(matter: Matter) -> dict[str, str]:
    opened = matter.opened_at.astimezone(BEIJING).date()
    return {
        "kind": matter.kind.value,
        "number": matter.number,
        "title": matter.title,
        "opened_on": day_text(opened),
        "outlet": matter.outlet_name,
        "assignee": matter.assignee_name,
    }


def _officers(material: Material) -> Iterator[str]:
    """Two officers: of this act, else of the last line that names two, else the one in charge."""
    lines = [material.event, *(e for m in material.chain for e in reversed(m.events))]
    for line in lines:
        second = line.fields.get("officer_2", "")
        acting = line.doer.person_id if line.doer.role == "officer" else ""
        first = line.fields.get("officer_1", "") or acting
        if first and second:
            yield from dict.fromkeys((first, second))
            return
    if material.matter.assignee_id:
        yield material.matter.assignee_id


def _person(material: Material, who: str) -> dict[str, str]:
    person = material.people.get(who)
    if person is None:
        doer = material.event.doer
        name = doer.name if who == doer.person_id and who != SYSTEM_ID else ""
        return {"name": name, "certificate": ""}
    return {"name": person.name, "certificate": person.certificate}


# --- what the record says -----------------------------------------------------------------------


def _look_up(fact: Fact, material: Material) -> Said | None:
    """The first source that holds something, the newest line first, this matter before others."""
    for source in fact.sources:
        act, _, name = source.rpartition(".")
        if act == "law":
            if text := material.law.get(name, ""):
                return Said(text, material.matter, material.event, name)
            continue
        said = list(_said(material, name, act))
        if said:
            return _all_of(fact, said) if fact.every else said[0]
    return None


def _all_of(fact: Fact, said: list[Said]) -> Said:
    """Everything that was said, oldest first: amounts added up, texts one below the other."""
    values = [one.value for one in reversed(said)]
    if fact.kind == "money":
        return replace(said[0], value=str(sum(map(int, values))))
    return replace(said[0], value="\n".join(dict.fromkeys(values)))


def _said(material: Material, name: str, act: str) -> Iterator[Said]:
    for matter in material.chain:
        corrections = _corrections(matter)
        for line in reversed(matter.events):
            if act and line.act != act:
                continue
            value = corrections.get((str(line.seq), name)) or _value(line, name)
            if value:
                yield Said(value, matter, line, name)


def _value(event: Event, name: str) -> str:
    if name == "reason":
        return event.reason
    return event.fields.get(name, "")


def _corrections(matter: Matter) -> dict[tuple[str, str], str]:
    """更正: line and field with the value that holds now."""
    return {
        (line.fields.get("seq", ""), line.fields.get("field", "")): line.fields.get("value", "")
        for line in matter.events
        if line.act == "correct"
    }


def _shown(fact: Fact, said: Said | None, material: Material) -> str:
    if said is None:
        return ""
    value = said.value
    match fact.kind:
        case "money":
            return f"人民币{capital_amount(value)}（¥{plain_amount(value)}）"
        case "date":
            return day_text(dt.date.fromisoformat(value[:10]))
        case "moment":
            return _moment(value)
        case "choice":
            return _label(said, material)
        case "officer":
            return _person(material, value)["name"] or value
        case "files":
            names = {one.attachment_id: one.name for one in material.attachments}
            return "、".join(names.get(one, "") or one for one in value.split())
        case _:
            return value


def _moment(value: str) -> str:
    moment = dt.datetime.fromisoformat(value)
    local = moment.astimezone(BEIJING) if moment.tzinfo else moment
    return f"{day_text(local.date())}{local.hour}时{local.minute:02d}分"


def _label(said: Said, material: Material) -> str:
    """The Chinese of a choice: of the row of its act, else of any row of the matters above.

    A matter that a case opened holds fields of the case's own act.
    """
    kinds = dict.fromkeys((said.matter.kind, *(matter.kind for matter in material.chain)))
    rows = [act for kind in kinds for act in material.life_of(kind).acts]
    for act in sorted(rows, key=lambda act: act.key != said.event.act):
        for one in act.fields:
            for choice in one.choices if one.name == said.name else ():
                value, _, label = choice.partition("|")
                if value == said.value:
                    return label
    return said.value


# --- papers and evidence ------------------------------------------------------------------------


def _cited(material: Material) -> dict[str, dict[str, str] | None]:
    """The paper in force of each key, of this matter or the nearest above; None = there is none."""
    replaced = {paper.replaces for paper in material.papers}
    cited: dict[str, dict[str, str] | None] = dict.fromkeys(material.templates.keys)
    for matter in reversed(material.chain):
        for paper in material.papers:
            if paper.matter_id == matter.matter_id and paper.paper_id not in replaced:
                cited[paper.template] = {
                    "number": paper.number,
                    "title": paper.title,
                    "day": day_text(paper.made_at.astimezone(BEIJING).date()),
                    "served_on": _served_on(matter, paper.template),
                }
    return cited


def _served_on(matter: Matter, key: str) -> str:
    line = matter.last(f"{key}_served")
    day = line.fields.get("served_on", "") if line else ""
    return day_text(dt.date.fromisoformat(day)) if day else ""


#: Documents that are evidence themselves, and files that are not.
_RECORDS = ("inspection_record", "inquiry_record", "preservation_notice", "hearing_record")
_NO_EVIDENCE = frozenset({"other"})
_PURPOSES = {
    "photo": "照片",
    "video": "视听资料",
    "record": "记录",
    "before": "整改前影像",
    "after": "整改后影像",
    "proof": "书证",
}


def _evidence(material: Material) -> Iterator[str]:
    """证据清单: monitoring data, records, files with the digest's first signs.

    What proves that a paper was served proves nothing of the act.
    """
    matters = (*material.chain, *material.family)
    receipts = {one.matter_id for one in matters if one.kind is Kind.SERVICE}
    for row in material.rows:
        if not row.withdrawn:
            start, end = (moment.astimezone(BEIJING) for moment in (row.start, row.end))
            span = f"{day_text(start.date())}{start.hour}时至{day_text(end.date())}{end.hour}时"
            yield f"自动监测数据（{span}）：{row.seen}"
    replaced = {paper.replaces for paper in material.papers}
    for paper in material.papers:
        if paper.template in _RECORDS and paper.paper_id not in replaced:
            day = day_text(paper.made_at.astimezone(BEIJING).date())
            yield f"《{paper.title}》（{paper.number or day}）"
    yield from _files(one for one in material.attachments if one.matter_id not in receipts)


def _own(material: Material) -> Iterator[Attachment]:
    """Files of the matter itself."""
    mine = material.matter.matter_id
    return (one for one in material.attachments if one.matter_id == mine)


def _files(attachments: Iterable[Attachment]) -> Iterator[str]:
    for one in attachments:
        if one.purpose in _NO_EVIDENCE:
            continue
        taken = (one.taken_at or one.uploaded_at).astimezone(BEIJING).date()
        what = _PURPOSES.get(one.purpose, "材料")
        digest = one.sm3.hex()[:8]
        yield f"{what}：{one.note or one.name}（{day_text(taken)}，SM3校验值前八位{digest}）"
