"""标记审核: the authority accepts or refuses a late revision, or rejects a mark."""

from sqlalchemy.orm import Session

from services.chassis.clock import beijing, to_timestamp
from services.chassis.errors import Conflict, InputRejected, RuleViolated
from services.chassis.pb.ingest.v1 import ingest_pb2, outside_pb2
from services.chassis.pb.ingest.v1 import mark_pb2 as pb
from services.ingest import mark_store as store
from services.ingest.app.submit_mark import Maker, Outlet, keep_item, newest_of
from services.ingest.domain.marks import ACCEPTED, ACTIVE, REFUSED, REJECTED
from services.ingest.mark_store import FoundMark
from services.ingest.mark_tables import DecisionRow
from services.ingest.outside_store import lock_marks

VERDICTS = {
    pb.MARK_VERDICT_ACCEPT: ACCEPTED,
    pb.MARK_VERDICT_REFUSE: REFUSED,
    pb.MARK_VERDICT_REJECT: REJECTED,
}
LONGEST_REASON = 1000
Decided = tuple[FoundMark, ingest_pb2.Frame | None]


def decide_mark(
    session: Session,
    officer: Maker,
    outlet: Outlet,
    *,
    mark_id: str,
    revision: int,
    verdict: int,
    reason: str,
) -> Decided:
    """Decide about the newest revision; gives it, and the frame of the one that rejects.

    Raises Conflict when it is not the newest any more or somebody decided first, RuleViolated when
    there is nothing to decide, InputRejected for a verdict without a reason.
    """
    word = VERDICTS.get(pb.MarkVerdict.ValueType(verdict))
    reason = reason.strip()
    if word is None:
        raise InputRejected("verdict: not accept, refuse or reject", field="verdict")
    if not 0 < len(reason) <= LONGEST_REASON or "\0" in reason:
        raise InputRejected(f"reason: 1 to {LONGEST_REASON} characters", field="reason")
    lock_marks(session)
    newest = newest_of(session, outlet, mark_id)
    if newest.row.revision != revision:
        raise Conflict(
            f"revision {newest.row.revision} by {newest.row.made_by} came first",
            revision=str(newest.row.revision),
            by=newest.row.made_by,
        )
    if word == REJECTED:
        return _reject(session, officer, outlet, newest, reason)
    if not newest.row.late:
        raise RuleViolated("the revision came in time; there is nothing to decide", missing="late")
    _decide(session, officer, newest, word, reason)
    return store.at_places(session, [(outlet.outlet_id, mark_id, revision)])[0], None


def _reject(
    session: Session, officer: Maker, outlet: Outlet, newest: FoundMark, reason: str
) -> Decided:
    """驳回: one more revision that says so, by the same way as the plant's own."""
    if newest.row.status != ACTIVE:
        raise RuleViolated(f"the mark is {newest.row.status}", status=newest.row.status)
    item = outside_pb2.OutsideItem.FromString(newest.raw)
    item.source = officer.channel
    mark = item.mark
    mark.revision += 1
    mark.status = outside_pb2.MARK_STATUS_REJECTED
    mark.reason = reason
    mark.made_by = officer.shown
    mark.made_at.CopyFrom(to_timestamp(officer.now.replace(microsecond=0)))
    mark.ClearField("proof_ids")
    mark.ClearField("proofs")
    found, frame = keep_item(session, officer, outlet, item)
    _decide(session, officer, found, REJECTED, reason)
    return store.at_places(session, [(outlet.outlet_id, mark.mark_id, mark.revision)])[0], frame


def _decide(session: Session, officer: Maker, found: FoundMark, word: str, reason: str) -> None:
    before = found.decision
    if before is not None:
        at = beijing(before.decided_at)
        raise Conflict(
            f"{before.decided_name} decided first, at {at:%Y-%m-%d %H:%M}", by=before.decided_name
        )
    row = DecisionRow(
        outlet_id=found.row.outlet_id,
        mark_id=found.row.mark_id,
        revision=found.row.revision,
        decision=word,
        decided_by=officer.user_id,
        decided_name=officer.shown,
        decided_at=officer.now,
        reason=reason,
    )
    store.add_decision(session, row)
