"""标记提交: a plant states something about its data, changes it or takes it back.

The item goes the way of a pushed one: its canonical bytes are the frame of a `ReadingBatch`, which
leaves by the outbox of the same transaction into raw archive and ledger, and the same bytes are the
kept item with its typed row. What is acknowledged is committed (ADR 0022).
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gmssl_pyx import sm3_hash
from sqlalchemy.orm import Session

from services.chassis.clock import beijing, to_timestamp
from services.chassis.errors import Conflict, InputRejected, RuleViolated
from services.chassis.log import current_correlation
from services.chassis.pb.ingest.v1 import ingest_pb2, outside_pb2
from services.ingest import mark_store as store
from services.ingest.app.keep_outside import keep_records, new_marks
from services.ingest.domain.mark_kinds import KindOption, option_of
from services.ingest.domain.marks import (
    ACTIVE,
    NOT_MINE,
    WITHDRAWN,
    Kept,
    MarkTerms,
    is_late,
    overlaps,
    same_statement,
)
from services.ingest.domain.outside import NOTE, MarkRevision
from services.ingest.gate.outside_checks import item_fault
from services.ingest.mark_store import FoundMark
from services.ingest.mark_wire import media_message
from services.ingest.outside_store import lock_marks
from services.ingest.outside_wire import mark_revision, record_from

CHANNELS = ("console", "grpc", "csv")
MINUTE_S = 60
#: The marking rule that this platform's form follows (domain.md B.1).
RULE_VERSION = "MEE-2022-21"


@dataclass(frozen=True)
class Outlet:
    """Where a mark belongs, and which kinds its industry knows."""

    outlet_id: str
    division: str
    credit_code: str
    kinds: tuple[KindOption, ...] = ()


@dataclass(frozen=True)
class Maker:
    """Who states or decides, by which way, and when the door heard it."""

    user_id: str
    name: str
    channel: str
    now: datetime

    @property
    def shown(self) -> str:
        """As people read it."""
        return self.name or self.user_id


def submit_mark(
    session: Session,
    maker: Maker,
    outlet: Outlet,
    draft: outside_pb2.Mark,
    *,
    expected: int,
    terms: MarkTerms,
) -> tuple[FoundMark, bool, ingest_pb2.Frame | None]:
    """Keep a new mark or the next revision of one; gives it, whether it was known, and its frame.

    The caller records the frame (`record_frames`) and tells the revision. Raises InputRejected by
    field, Conflict when another revision came first, RuleViolated for what the rules refuse.
    """
    item = item_of(maker, outlet, draft, expected + 1)
    check(item, outlet, maker.now, terms)
    return _keep(session, maker, outlet, item, expected=expected, terms=terms)


def withdraw_mark(
    session: Session,
    maker: Maker,
    outlet: Outlet,
    *,
    mark_id: str,
    expected: int,
    reason: str,
    proof_ids: Sequence[str],
    terms: MarkTerms,
) -> tuple[FoundMark, bool, ingest_pb2.Frame | None]:
    """Take a mark back by one more revision. Raises as `submit_mark` does."""
    newest = newest_of(session, outlet, mark_id)
    draft = outside_pb2.OutsideItem.FromString(newest.raw).mark
    item = item_of(maker, outlet, draft, expected + 1)
    item.mark.status = outside_pb2.MARK_STATUS_WITHDRAWN
    item.mark.reason = reason.strip()
    del item.mark.proof_ids[:], item.mark.proofs[:]
    item.mark.proof_ids.extend(proof_ids)
    if fault := item_fault(item, maker.now, timedelta()):
        raise InputRejected(f"{fault.field}: {fault.detail}", field=_field(fault.field))
    return _keep(session, maker, outlet, item, expected=expected, terms=terms)


def newest_of(session: Session, outlet: Outlet, mark_id: str) -> FoundMark:
    """The newest revision of a mark. Raises InputRejected for a mark that is not there."""
    place = (outlet.outlet_id, mark_id)
    found = store.revisions_of(session, [place])[place]
    if not found:
        raise InputRejected("mark_id: the outlet has no such mark", field="mark_id")
    return found[-1]


def item_of(
    maker: Maker, outlet: Outlet, draft: outside_pb2.Mark, revision: int
) -> outside_pb2.OutsideItem:
    """The canonical item: what the caller states, and what the door knows better."""
    item = outside_pb2.OutsideItem(source=maker.channel)
    item.place.outlet_id = outlet.outlet_id
    item.place.credit_code = outlet.credit_code
    item.place.division = outlet.division
    item.mark.CopyFrom(draft)
    mark = item.mark
    mark.mark_id = mark.mark_id or f"{beijing(maker.now):%Y%m%d}-{secrets.token_hex(4)}"
    mark.revision = revision
    mark.status = outside_pb2.MARK_STATUS_ACTIVE
    mark.reason = mark.reason.strip()
    mark.made_by = maker.shown
    mark.made_at.CopyFrom(to_timestamp(maker.now.replace(microsecond=0)))
    mark.rule_version = mark.rule_version or RULE_VERSION
    return item


def check(
    item: outside_pb2.OutsideItem, outlet: Outlet, now: datetime, terms: MarkTerms
) -> KindOption | None:
    """Check a mark in itself; gives its row of the catalogue. Raises InputRejected by field."""
    if fault := item_fault(item, now, timedelta()):
        raise InputRejected(f"{fault.field}: {fault.detail}", field=_field(fault.field))
    mark = item.mark
    for name in ("start", "end"):
        if getattr(mark, name).seconds % MINUTE_S:
            raise InputRejected(f"{name}: not a whole minute", field=name)
    if mark.end.seconds - mark.start.seconds > terms.longest.total_seconds():
        raise InputRejected(f"end: more than {terms.longest.days} days", field="end")
    option = option_of(outlet.kinds, mark.family, mark.subtype, mark.condition)
    if option is None:
        raise InputRejected(
            "condition: this outlet's industry knows no such mark", field="condition"
        )
    return option


def record_of(
    maker: Maker, outlet: Outlet, item: outside_pb2.OutsideItem
) -> tuple[outside_pb2.OutsideEntry, ingest_pb2.Frame]:
    """The item as kept and as the frame of the ledger, of the same bytes."""
    raw = item.SerializeToString(deterministic=True)
    frame = ingest_pb2.Frame(
        raw=raw,
        sm3=sm3_hash(raw),
        outlet_id=outlet.outlet_id,
        outcome=ingest_pb2.OUTCOME_ACCEPTED,
        received_at_us=round(maker.now.timestamp() * 1e6),
        peer=f"{maker.channel}:{maker.user_id}:0",  # no stream has a name here (tally_pushes)
        correlation_id=current_correlation(),
        notes=[f"{NOTE}mark"],
        raw_size=len(raw),
    )
    entry = outside_pb2.OutsideEntry(
        raw=raw,
        sm3=frame.sm3,
        division=outlet.division,
        credit_code=outlet.credit_code,
        received_at_us=frame.received_at_us,
        peer=frame.peer,
        correlation_id=frame.correlation_id,
        channel=maker.channel,
    )
    return entry, frame


def keep_item(
    session: Session, maker: Maker, outlet: Outlet, item: outside_pb2.OutsideItem
) -> tuple[FoundMark, ingest_pb2.Frame]:
    """Keep an item that was checked; gives the revision and the frame for the ledger."""
    entry, frame = record_of(maker, outlet, item)
    judged = keep_records(session, [record_from(entry)])
    (found,) = store.at_places(session, new_marks(judged))
    return found, frame


def _keep(
    session: Session,
    maker: Maker,
    outlet: Outlet,
    item: outside_pb2.OutsideItem,
    *,
    expected: int,
    terms: MarkTerms,
) -> tuple[FoundMark, bool, ingest_pb2.Frame | None]:
    lock_marks(session)
    mark = mark_revision(item)
    place = (outlet.outlet_id, mark.mark_id)
    earlier = store.revisions_of(session, [place])[place]
    newest = earlier[-1] if earlier else None
    if newest is not None and _is_repeated(newest, mark, maker):
        return newest, True, None
    if (newest.row.revision if newest else 0) != expected:
        raise _conflict(newest, expected)
    if mark.status == WITHDRAWN and newest is not None and newest.row.status != ACTIVE:
        raise RuleViolated(f"the mark is {newest.row.status} already", status=newest.row.status)
    if mark.status == ACTIVE:
        _refuse_overlap(session, mark)
    late = is_late(Kept(mark, maker.now), [one.kept for one in earlier], terms)
    _attach_proofs(session, outlet, item)
    if mark.status == ACTIVE and not item.mark.proof_ids and (late or _needs_proof(outlet, mark)):
        why = "it changes a frozen day" if late else "of its kind"
        raise RuleViolated(f"a proof is needed: {why}", missing="proof", field="proof_ids")
    found, frame = keep_item(session, maker, outlet, item)
    return found, False, frame


def _is_repeated(newest: FoundMark, mark: MarkRevision, maker: Maker) -> bool:
    """Whether the newest revision is what the same person sends again, its answer being lost."""
    same = replace(newest.kept.mark, proof_ids=mark.proof_ids)
    return (
        newest.row.revision == mark.revision
        and newest.row.made_by == maker.shown
        and newest.row.channel == maker.channel
        and set(newest.row.proof_ids) == set(mark.proof_ids)
        and same_statement(same, mark)
    )


def _conflict(newest: FoundMark | None, expected: int) -> Conflict:
    if newest is None:
        return Conflict(f"revision {expected} is expected, there is no such mark", revision="0")
    row = newest.row
    at = beijing(row.received_at)
    return Conflict(
        f"revision {row.revision} by {row.made_by} came first, at {at:%Y-%m-%d %H:%M:%S}",
        revision=str(row.revision),
        by=row.made_by,
        at=at.isoformat(),
        mark_id=row.mark_id,
    )


def _refuse_overlap(session: Session, mark: MarkRevision) -> None:
    others = store.newest_between(session, mark.outlet_id, mark.start_at, mark.end_at)
    other = overlaps(mark, [one.kept for one in others])
    if other is not None:
        span = (
            f"{beijing(other.mark.start_at):%m-%d %H:%M}-{beijing(other.mark.end_at):%m-%d %H:%M}"
        )
        raise RuleViolated(
            f"overlaps mark {other.mark.mark_id} of the same kind ({span})",
            other=other.mark.mark_id,
            field="start",
        )


def _needs_proof(outlet: Outlet, mark: MarkRevision) -> bool:
    option = option_of(outlet.kinds, mark.family, mark.subtype, mark.condition)
    return mark.family == NOT_MINE or (option is not None and option.needs_proof)


def _attach_proofs(session: Session, outlet: Outlet, item: outside_pb2.OutsideItem) -> None:
    """Put the digests of the named proofs into the item. Raises InputRejected for an unknown id.

    A platform may name proofs of its own; then it sends their digests along.
    """
    own = {one.media_id for one in item.mark.proofs}
    wanted = [one for one in dict.fromkeys(item.mark.proof_ids) if one not in own]
    kept = store.proofs_of(session, outlet.outlet_id, wanted)
    for proof_id in wanted:
        row = kept.get(proof_id)
        if row is None:
            raise InputRejected(f"proof_ids: {proof_id} is not kept", field="proof_ids")
        item.mark.proofs.append(media_message(row))


def _field(path: str) -> str:
    return path.removeprefix("mark.")
