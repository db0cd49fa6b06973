"""Saves clues from outside: continued, begun, closed; a clue that did not change keeps its row."""

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from services.chassis.clock import from_unix, to_timestamp, utc_now
from services.chassis.pb.detect.v1 import detect_pb2
from services.chassis.pb.detect.v1 import outside_clue_pb2 as pb
from services.detect import outside_store as store
from services.detect.app.outside_desk import OutsideDesk
from services.detect.outside.continuity import StandingClue, continue_clues
from services.detect.outside.places import PlaceClue
from services.detect.outside.records import Records
from services.detect.outside_store import OutsideClueRow
from services.detect.outside_wire import KINDS, clue_message


def save_outside(
    session: Session, desk: OutsideDesk, city: str, records: Records, found: Sequence[PlaceClue]
) -> int:
    """Write what changed; gives the number of clues."""
    gap_s = int(desk.rule.episode_gap_h * 3600)
    rows = {r.clue_id: r for r in store.clues_of_city(session, city, records.begin_s - gap_s)}
    standing = [
        StandingClue(
            r.clue_id, r.place, r.begin_s, r.end_s, frozenset(r.sign_keys), bool(r.verdict)
        )
        for r in rows.values()
        if r.open or r.verdict
    ]
    continued, ended = continue_clues(found, standing, records.plants, desk.rule)
    names = {one.credit_code: one.name for one in records.plants}
    changed = 0
    for one in continued:
        message = clue_message(one.place, names)
        changed += _keep(session, rows.get(one.clue_id), message, one.place, city)
    for clue_id in ended:
        changed += _close(rows[clue_id])
    session.flush()
    return changed


def _keep(
    session: Session,
    row: OutsideClueRow | None,
    message: pb.OutsideClue,
    place: PlaceClue,
    city: str,
) -> int:
    if row is None:
        row = OutsideClueRow(clue_id=str(uuid.uuid4()), city=city, revision=0, verdict=0)
        session.add(row)
    else:
        before = pb.OutsideClue.FromString(row.body)
        message.clue_id, message.revision = row.clue_id, row.revision
        message.state = before.state
        message.judged_at.CopyFrom(before.judged_at)
        if message.SerializeToString(deterministic=True) == row.body:
            return 0
    row.revision += 1
    message.clue_id, message.revision = row.clue_id, row.revision
    message.state = detect_pb2.FINDING_STATE_OPEN
    message.judged_at.CopyFrom(to_timestamp(utc_now()))
    row.place, row.open, row.score = place.key, True, place.score
    row.begin_s, row.end_s = place.begin_s, place.end_s
    row.division, row.credit_code = place.division, place.credit_code
    row.sign_keys = [one.key for one in place.signs]
    row.kinds = sorted({int(KINDS[one.kind]) for one in place.signs})
    own = [place.credit_code] if place.credit_code else []
    row.plants = sorted({*own, *(one.credit_code for one in place.candidates)})
    row.body = message.SerializeToString(deterministic=True)
    return 1


def _close(row: OutsideClueRow) -> int:
    """Close a clue whose signs have left the window; what it said stays."""
    message = pb.OutsideClue.FromString(row.body)
    row.revision += 1
    message.revision, message.state = row.revision, detect_pb2.FINDING_STATE_CLOSED
    message.judged_at.CopyFrom(to_timestamp(utc_now()))
    row.open, row.body = False, message.SerializeToString(deterministic=True)
    return 1


def decide(
    row: OutsideClueRow, verdict: "pb.OutsideVerdict.ValueType", reason: str, name: str, at_s: float
) -> pb.OutsideClue:
    """处理结果: write an officer's verdict into a clue and close it."""
    message = pb.OutsideClue.FromString(row.body)
    row.revision += 1
    message.revision, message.state = row.revision, detect_pb2.FINDING_STATE_CLOSED
    message.verdict, message.verdict_reason, message.verdict_by = verdict, reason, name
    message.verdict_at.CopyFrom(to_timestamp(from_unix(at_s)))
    row.open, row.verdict = False, int(verdict)
    row.body = message.SerializeToString(deterministic=True)
    return message
