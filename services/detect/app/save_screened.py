"""Keeps what screening saw: signs with what became of them, findings, clues, how far it went."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from services.chassis.clock import to_timestamp
from services.chassis.pb.detect.v1 import screening_pb2 as pb
from services.detect import judgement_store, screening_store, store
from services.detect.app.build_block import build_block
from services.detect.app.directory import Outlet
from services.detect.app.judge_outlets import settle
from services.detect.app.knowledge import Knowledge, gather
from services.detect.app.save_revision import Saying
from services.detect.app.screen_outlets import TESTS, Evaluated
from services.detect.app.screen_panel import Span, Tempo
from services.detect.domain.finding_inputs import inputs_of
from services.detect.domain.hits import DECISIVE, NO_HITS, Hits, hits_of
from services.detect.domain.judge import FindingKey
from services.detect.domain.judged import Judged, judge_block
from services.detect.domain.reconcile import Kept, Look, reconcile
from services.detect.domain.revise import horizon
from services.detect.domain.rule import RuleBook
from services.detect.domain.series_key import SeriesKey
from services.detect.screening.screens import SCREENS
from services.detect.screening_store import HELD, RAISED, SUPPRESSED, SignKey, SignRow, StateRow
from services.detect.windows.partition_windows import PartitionWindows

_NOBODY = Outlet("", "", ())
#: Factor of a state that speaks of the series of an outlet together.
_ANY_SERIES = ""


@dataclass(frozen=True)
class Seen:
    """What was seen at some outlets of one span, and which of them wait."""

    span: Span
    signs: Mapping[SignKey, pb.ScreenSign]
    held: Mapping[str, str]
    """Outlets that are not raised, with the reason."""
    evaluated: Sequence[Evaluated]


def save_screened(
    session: Session, windows: PartitionWindows, knowledge: Knowledge, seen: Seen, now: datetime
) -> int:
    """Keep all of it in one transaction; gives the number of changed findings and clues."""
    rows = _save_signs(session, knowledge, seen, now)
    raised = [row for row in rows if row.state == RAISED]
    changed = _save_findings(session, windows, knowledge, seen, raised)
    if seen.span.tempo is Tempo.FAST:
        return changed
    frozen = judgement_store.frozen_until(session)
    for outlet_id in seen.span.outlets:
        state = StateRow(outlet_id=outlet_id, screened_until=seen.span.end, frozen_until=frozen)
        screening_store.save_state(session, state)
    _save_evaluations(session, knowledge, seen)
    return changed


def _looked_for(rule_id: str, seen: Seen) -> bool:
    """Whether the tests that looked would have found what stands."""
    return rule_id in TESTS.get(seen.span.tempo, SCREENS)


def _save_signs(session: Session, knowledge: Knowledge, seen: Seen, now: datetime) -> list[SignRow]:
    """Signs as they stand now; those of the span that are none any more are forgotten."""
    before = screening_store.signs_since(session, seen.span.outlets, seen.span.since * 3600)
    gone = (row for row in before if row.key not in seen.signs and _looked_for(row.rule_id, seen))
    screening_store.drop_signs(session, gone)
    session.flush()
    rows = [_row(knowledge, key, sign, seen, now) for key, sign in sorted(seen.signs.items())]
    screening_store.save_signs(session, rows)
    return rows


def _row(
    knowledge: Knowledge, key: SignKey, sign: pb.ScreenSign, seen: Seen, now: datetime
) -> SignRow:
    outlet = knowledge.directory.outlet(key.outlet_id) or _NOBODY
    state, reason = RAISED, ""
    if sign.state == pb.SIGN_STATE_SUPPRESSED:
        state, reason = SUPPRESSED, sign.reason
    elif key.outlet_id in seen.held:
        state, reason = HELD, seen.held[key.outlet_id]
        sign.state = pb.SIGN_STATE_HELD
    else:
        sign.state = pb.SIGN_STATE_RAISED
    sign.reason = reason
    sign.seen_at.CopyFrom(to_timestamp(now))
    return SignRow(
        **key._asdict(), end_s=sign.end.seconds, state=state, reason=reason, log_e=sign.log10_e,
        division=outlet.division, credit_code=outlet.credit_code, seen_at=now,
        body=sign.SerializeToString(),
    )  # fmt: skip


def _save_findings(
    session: Session,
    windows: PartitionWindows,
    knowledge: Knowledge,
    seen: Seen,
    raised: Iterable[SignRow],
) -> int:
    """Findings of raised signs, and those that stand and are not seen any more."""
    hits = _hits(raised)
    first = horizon(knowledge.book, seen.span.since)
    kept = store.kept_since(session, seen.span.outlets, first)
    standing = [one for one in kept if _looked_for(one.key.rule_id, seen)]
    touched = {key.outlet_id for key in hits} | {one.key.outlet_id for one in standing}
    if not touched:
        return 0
    since = dict.fromkeys(sorted(touched), seen.span.since)
    block = build_block(windows, knowledge.directory, since)
    if block is None:
        return 0
    gathered = gather(
        session, windows, knowledge, since,
        frozen_until=judgement_store.frozen_until(session), stored=None,
    )  # fmt: skip
    judged = judge_block(block, gathered.known)
    changed = _revised(judged, knowledge.book, hits, standing, seen)
    mine = [one for one in kept if one.key.outlet_id in touched]
    said = _said(session, changed)
    return settle(session, judged, knowledge, mine, changed, saying=Saying(said=said))


def _hits(raised: Iterable[SignRow]) -> dict[FindingKey, Hits]:
    """Hits of raised signs: the hours of each window, with its own evidence."""
    by_key: dict[FindingKey, dict[int, tuple[float, ...]]] = {}
    for row in raised:
        sign = pb.ScreenSign.FromString(row.body)
        key = FindingKey(row.outlet_id, row.rule_id, row.factor)
        slot, end = row.begin_s // 3600, -(-row.end_s // 3600)
        basis = DECISIVE if sign.decisive else 0
        entry = (end, sign.own_log10_e, sign.value, sign.expected, basis)
        mine = by_key.setdefault(key, {})
        mine[slot] = max(entry, mine.get(slot, entry), key=lambda one: one[1])
    return {key: _as_hits(mine) for key, mine in by_key.items()}


def _as_hits(mine: Mapping[int, tuple[float, ...]]) -> Hits:
    slots = np.array(list(mine), dtype=np.int64)
    end, evidence, value, expected, basis = (np.array(c) for c in zip(*mine.values(), strict=True))
    return hits_of(
        slot=slots, begin=slots, end=end, statistic=evidence, threshold=np.zeros(len(slots)),
        value=value, check=expected, basis=basis,
    )  # fmt: skip


def _revised(
    judged: Judged,
    book: RuleBook,
    hits: Mapping[FindingKey, Hits],
    standing: Iterable[Kept],
    seen: Seen,
) -> list[Kept]:
    """疑似问题 of tests that changed."""
    by_key: dict[FindingKey, list[Kept]] = {key: [] for key in hits}
    for one in standing:
        by_key.setdefault(one.key, []).append(one)
    changed: list[Kept] = []
    for key in sorted(by_key):
        if book.versions(key.rule_id):
            look = _look(judged, book, key, seen)
            changed += reconcile(key, by_key[key], hits.get(key, NO_HITS), look)
    return changed


def _look(judged: Judged, book: RuleBook, key: FindingKey, seen: Seen) -> Look:
    series = SeriesKey(key.outlet_id, key.factor)
    return Look(
        book.at(key.rule_id, seen.span.end - 1),
        seen.span.since,
        seen.span.end,
        lambda found: inputs_of(judged, series, key.rule_id, found),
    )


def _said(session: Session, changed: Iterable[Kept]) -> dict[str, pb.ScreenSign]:
    """The strongest sign of each finding, by its id."""
    named = [
        (one.key.outlet_id, one.key.rule_id, one.key.factor, one.hits["slot"].tolist())
        for one in changed
        if len(one.hits)
    ]
    rows = screening_store.signs_of_findings(session, named)
    by_slot = {(row.outlet_id, row.rule_id, row.factor, row.begin_s // 3600): row for row in rows}
    said = {}
    for one in changed:
        mine = [by_slot.get((*one.key, slot)) for slot in one.hits["slot"].tolist()]
        signs = [pb.ScreenSign.FromString(row.body) for row in mine if row is not None]
        if signs:
            said[one.finding_id] = max(signs, key=lambda sign: sign.own_log10_e)
    return said


def _save_evaluations(session: Session, knowledge: Knowledge, seen: Seen) -> None:
    """未评估 outlets and tests; those that have their history by now are taken off the list."""
    weeks = store.evaluated_weeks(session, seen.span.outlets)
    store.drop_evaluations(session, seen.span.outlets, list(SCREENS))
    rows = []
    for one in seen.evaluated:
        outlet = knowledge.directory.outlet(one.outlet_id)
        if outlet is not None:
            rows.append(
                store.EvaluationRow(
                    outlet_id=one.outlet_id, factor=_ANY_SERIES, rule_id=one.rule_id,
                    week=weeks.get(one.outlet_id, 0), known_days=one.known_days,
                    needed_days=one.needed_days, division=outlet.division,
                    credit_code=outlet.credit_code,
                )
            )  # fmt: skip
    session.add_all(rows)
