"""Saves revised findings and clues and records their events in the same transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from services.chassis.outbox import record_event
from services.chassis.pb.detect.v1 import detect_pb2 as pb
from services.chassis.pb.detect.v1.screening_pb2 import ScreenSign
from services.detect import store, wire
from services.detect.app.directory import Outlet
from services.detect.app.knowledge import Knowledge
from services.detect.domain.clue import Clue
from services.detect.domain.describe import describe, hour_text, withdrawn_text
from services.detect.domain.family_clue import WHOLE
from services.detect.domain.finding_limit import compares_with_limit
from services.detect.domain.judged import Judged
from services.detect.domain.picture import Shows, picture_of
from services.detect.domain.reconcile import Kept
from services.detect.domain.revise import Revision
from services.detect.domain.rule import RuleBook
from services.detect.domain.series_key import SeriesKey
from services.detect.screening.screens import SCREENS
from services.detect.screening_wire import description_of, show_what_it_rests_on

_UNKNOWN = Outlet("", "", ())


@dataclass(frozen=True)
class Saying:
    """What messages say beside what is in the block."""

    correlation: Mapping[str, str] = field(default_factory=dict)
    """Correlation id of the newest frame of each outlet."""
    said: Mapping[str, ScreenSign] = field(default_factory=dict)
    """By finding of a test for falsified data: its strongest sign."""


def save_revision(
    session: Session,
    judged: Judged,
    known: Knowledge,
    revision: Revision,
    told: Saying,
) -> int:
    """Write rows and outbox; gives the number of findings and clues that changed."""
    saving = _Saving(session, judged, known, told)
    messages = saving.findings(revision.findings)
    for clue in revision.clues:
        saving.clue(clue, messages)
    return len(revision.findings) + len(revision.clues)


class _Saving:
    """One transaction's worth of changes."""

    def __init__(
        self,
        session: Session,
        judged: Judged,
        known: Knowledge,
        told: Saying,
    ) -> None:
        self._session = session
        self._judged = judged
        self._block = judged.block
        self._directory = known.directory
        self._book = known.book
        self._correlation = told.correlation
        self._said = told.said

    def findings(self, changed: list[Kept]) -> dict[str, pb.Finding]:
        """Save findings and record their events; gives the messages without pictures."""
        unchanged_words = [f.finding_id for f in changed if self._needs_standing(f)]
        standing = store.rows_by_id(self._session, unchanged_words) if unchanged_words else {}
        messages: dict[str, pb.Finding] = {}
        rows = []
        for finding in changed:
            message, picture = self._message(finding, standing.get(finding.finding_id))
            messages[finding.finding_id] = message
            rows.append(self._row(finding, message, picture, standing.get(finding.finding_id)))
            whole = pb.Finding()
            whole.CopyFrom(message)
            whole.picture.CopyFrom(picture)
            event = pb.FindingChanged(finding=whole)
            record_event(self._session, event, correlation_id=message.correlation_id)
        store.save_findings(self._session, rows)
        return messages

    def clue(self, clue: Clue, messages: Mapping[str, pb.Finding]) -> None:
        """Save a clue and record its event with the findings as they stand."""
        outlet = self._outlet(clue.outlet_id)
        missing = [f for f in clue.finding_ids if f not in messages]
        bodies = store.bodies_of(self._session, missing)
        whole = [
            messages[f] if f in messages else pb.Finding.FromString(bodies[f])
            for f in clue.finding_ids
            if f in messages or f in bodies
        ]
        correlation = self._correlation.get(clue.outlet_id, "")
        reason = _reason(clue, whole, self._book)
        message = wire.clue_message(clue, reason, whole, correlation)
        store.save_clue(
            self._session,
            store.ClueRow(
                clue_id=clue.clue_id,
                outlet_id=clue.outlet_id,
                line=clue.line,
                revision=clue.revision,
                open=clue.open,
                begin_hour=clue.begin,
                end_hour=clue.end,
                finding_ids=list(clue.finding_ids),
                factors=list(clue.factors),
                pattern=clue.pattern,
                division=outlet.division,
                credit_code=outlet.credit_code,
                body=message.SerializeToString(),
            ),
        )
        event = pb.ClueChanged(clue=message)
        record_event(self._session, event, correlation_id=correlation)

    def _needs_standing(self, finding: Kept) -> bool:
        """Whether the finding can't be described from the block: no hits left, or not in it.

        Nor can one of a test be whose signs were not weighed now.
        """
        unsaid = finding.key.rule_id in SCREENS and finding.finding_id not in self._said
        return not len(finding.hits) or self._row_of(finding) is None or unsaid

    def _row_of(self, finding: Kept) -> int | None:
        return self._block.row_of.get(SeriesKey(finding.key.outlet_id, finding.key.factor))

    def _message(
        self, finding: Kept, standing: store.FindingRow | None
    ) -> tuple[pb.Finding, pb.Picture]:
        if standing is not None:
            picture = pb.Picture.FromString(standing.picture)
            if len(finding.hits):
                return wire.confidential_message(standing.body, finding), picture
            seen = withdrawn_text(finding, self._book)
            return wire.withdrawn_message(standing.body, finding, seen), picture
        sign = self._said.get(finding.finding_id)
        if sign is None:
            text = describe(finding, self._judged)
        else:
            rule = self._book.at(finding.key.rule_id, finding.end - 1)
            text = description_of(finding, sign, rule)
        limit = text.limit
        division = self._outlet(finding.key.outlet_id).division
        correlation = self._correlation.get(finding.key.outlet_id, "")
        message = wire.finding_message(finding, text, limit, division, correlation)
        row = self._row_of(finding)
        if row is None:
            return message, pb.Picture()
        unit = limit.unit if limit else self._book.factor(finding.key.factor).unit
        shows = Shows(unit, converted=compares_with_limit(finding.key.rule_id))
        shown = picture_of(self._judged, row, finding.hits, limit, shows)
        picture = wire.picture_message(shown)
        if sign is not None:
            show_what_it_rests_on(picture, sign, self._block, self._book)
        return message, picture

    def _row(
        self,
        finding: Kept,
        message: pb.Finding,
        picture: pb.Picture,
        standing: store.FindingRow | None,
    ) -> store.FindingRow:
        outlet = self._outlet(finding.key.outlet_id)
        empty = standing is not None and not len(finding.hits)
        return store.FindingRow(
            finding_id=finding.finding_id,
            outlet_id=finding.key.outlet_id,
            rule_id=finding.key.rule_id,
            factor=finding.key.factor,
            revision=finding.revision,
            open=finding.open,
            begin_hour=standing.begin_hour if empty and standing else finding.begin,
            end_hour=standing.end_hour if empty and standing else finding.end,
            division=outlet.division,
            credit_code=outlet.credit_code,
            confidential=finding.confidential,
            hits=finding.hits.tobytes(),
            body=message.SerializeToString(),
            picture=picture.SerializeToString(),
            inputs=finding.inputs,
        )

    def _outlet(self, outlet_id: str) -> Outlet:
        return self._directory.outlet(outlet_id) or _UNKNOWN


def _reason(clue: Clue, findings: list[pb.Finding], book: RuleBook) -> str:
    """One sentence: which factors, when, what."""
    rule, family = book.clue_rule, book.family_clue
    seen = {finding.rule_id for finding in findings}
    families = {finding.family for finding in findings}
    what = [rule.words[one] for one in rule.rules if one in seen]
    wording = rule.wording
    if family is not None and clue.line == WHOLE:
        wording = family.wording
        what = [word for name, word in family.words.items() if name in families]
    return wording.format(
        factors="、".join(book.factor(code).name_zh for code in clue.factors),
        start=hour_text(clue.begin),
        end=hour_text(clue.end),
        what="、".join(dict.fromkeys(what)),
    )
