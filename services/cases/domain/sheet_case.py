"""Sections of a sheet that come from the case 立案、处罚: its documents say what was decided.

A document of the case or of a matter below it (an order to correct, a limit, a daily penalty) is
one measure; its number and day are the document's, its amount is the amount of the act that issued
it. A revision that another one replaced is none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from services.cases.domain.gates_service import paper_to_serve
from services.cases.domain.matter import Event, Kind, Matter
from services.cases.domain.papers import Attachment, Paper
from services.chassis.clock import BEIJING

#: What a document decides, by its template; see `_kinds` for the two whose act says it.
_DECIDES = {
    "rectification_order": "rectify",
    "daily_penalty_decision": "penalty",
    "no_penalty_decision": "none",
    "seizure_decision": "other",
    "detention_transfer": "other",
    "transfer_letter": "other",
    "restriction_decision": "",
    "decision": "",
}
_NOTES = {
    "daily_penalty_decision": "按日连续处罚",
    "seizure_decision": "查封、扣押",
    "detention_transfer": "移送行政拘留",
    "transfer_letter": "移送涉嫌犯罪案件",
}
_BESIDE_FINE = {"stop": "suspend", "close": "close", "revoke": "other"}
_FILE_KINDS = {
    "inspection_record": "inspection_record",
    "inquiry_record": "inquiry_record",
    "preservation_notice": "evidence",
}


@dataclass(frozen=True)
class Kin:
    """The case that an order led to, and everything below it; `case` None = there is none."""

    case: Matter | None = None
    family: tuple[Matter, ...] = ()
    papers: Mapping[str, tuple[Paper, ...]] = field(default_factory=dict)
    attachments: Mapping[str, tuple[Attachment, ...]] = field(default_factory=dict)

    @property
    def matters(self) -> tuple[Matter, ...]:
        """The case first."""
        return (self.case, *self.family) if self.case else ()

    def documents(self) -> Iterator[tuple[Matter, Paper]]:
        """Documents in force, with the matter that issued each."""
        for matter in self.matters:
            issued = self.papers.get(matter.matter_id, ())
            replaced = {paper.replaces for paper in issued}
            yield from ((matter, paper) for paper in issued if paper.paper_id not in replaced)


@dataclass(frozen=True)
class CaseFile:
    """A document or a file of the case. `kind` as the interface names it."""

    kind: str
    file_id: str
    name: str
    number: str
    sha256: bytes


@dataclass(frozen=True)
class CaseStart:
    """立案."""

    matter_id: str
    number: str
    filing_number: str
    filed_at: dt.datetime | None
    not_filed: bool
    state_name: str
    files: tuple[CaseFile, ...]


@dataclass(frozen=True)
class Measure:
    """What was decided: rectify, limit, stop, suspend, close, penalty, other, none."""

    kind: str
    number: str
    decided_on: str
    amount_yuan: int
    note: str
    matter_id: str
    served_on: str


@dataclass(frozen=True)
class Payment:
    """What was paid so far, and on which day last."""

    yuan: int
    on: str


def said(matter: Matter, event: Event) -> Mapping[str, str]:
    """Fields of a line as they hold now: a correction 更正 stands instead of what it corrects."""
    later = {
        one.fields["field"]: one.fields["value"]
        for one in matter.events
        if one.act == "correct" and one.fields.get("seq") == str(event.seq)
    }
    return {**event.fields, **later}


def case_start(kin: Kin, states: Mapping[str, str]) -> CaseStart | None:
    """The case with its filing and its files."""
    case = kin.case
    if case is None:
        return None
    filed = case.last("file_case")
    approvals = [p.number for m, p in kin.documents() if p.template == "filing_approval"]
    return CaseStart(
        matter_id=case.matter_id,
        number=case.number,
        filing_number=approvals[-1] if approvals else "",
        filed_at=filed.at if filed else None,
        not_filed=case.last("no_filing") is not None,
        state_name=states[case.state],
        files=tuple(_files(kin)),
    )


def _files(kin: Kin) -> Iterator[CaseFile]:
    for _, paper in kin.documents():
        kind = _FILE_KINDS.get(paper.template, "case")
        yield CaseFile(kind, paper.paper_id, paper.title, paper.number, paper.sha256)
    for matter in kin.matters:
        record = "inspection_record" if matter.kind is Kind.INSPECTION else "case"
        for one in kin.attachments.get(matter.matter_id, ()):
            kind = record if one.purpose == "record" else "evidence"
            yield CaseFile(kind, one.attachment_id, one.name, "", one.sha256)


def measures(kin: Kin) -> list[Measure]:
    """Everything that was decided, by day."""
    found = [one for matter, paper in kin.documents() for one in _measures(kin, matter, paper)]
    return sorted(found, key=lambda one: (one.decided_on, one.number))


def _measures(kin: Kin, matter: Matter, paper: Paper) -> Iterator[Measure]:
    if paper.template not in _DECIDES:
        return
    event = next((one for one in matter.events if one.seq == paper.seq), None)
    fields = said(matter, event) if event else {}
    for kind, note in _kinds(paper.template, fields):
        yield Measure(
            kind=kind,
            number=paper.number,
            decided_on=_day(fields, event, paper),
            amount_yuan=_yuan(fields) if kind == "penalty" else 0,
            note=note or _NOTES.get(paper.template, ""),
            matter_id=matter.matter_id,
            served_on=_served_on(kin, paper),
        )


def _kinds(template: str, fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """Kinds of measure in a document; a penalty may come with a stop, a closure, a revocation."""
    if template == "restriction_decision":
        return [(fields.get("measure", "limit"), "")]
    if template != "decision":
        return [(_DECIDES[template], "")]
    beside = _BESIDE_FINE.get(fields.get("other_measures", ""))
    fine = [("penalty", "")] if _yuan(fields) or beside is None else []
    return fine + ([(beside, "吊销许可证件" if beside == "other" else "")] if beside else [])


def _yuan(fields: Mapping[str, str]) -> int:
    text = fields.get("amount", "")
    return int(text) if text.isdecimal() else 0


def _day(fields: Mapping[str, str], event: Event | None, paper: Paper) -> str:
    at = event.at if event else paper.made_at
    return fields.get("decided_on") or at.astimezone(BEIJING).date().isoformat()


def _served_on(kin: Kin, paper: Paper) -> str:
    """The day on which the paper reached the party; empty while it did not."""
    for matter in kin.family:
        mine = matter.kind is Kind.SERVICE and paper_to_serve(matter) == paper.paper_id
        if mine and matter.state == "served":
            lines = (said(matter, event).get("served_on", "") for event in matter.events)
            return next((day for day in lines if day), "")
    return ""


def paid(kin: Kin) -> Payment:
    """Fines and surcharges that were paid, of the case and of what is below it."""
    lines = [
        said(matter, event)
        for matter in kin.matters
        for event in matter.events
        if event.act == "record_payment"
    ]
    return Payment(
        sum(_yuan(fields) for fields in lines),
        max((fields.get("paid_on", "") for fields in lines), default=""),
    )
