"""A service's own copy of the registry records it needs, fed by `RecordsChanged`.

The copy keeps the highest revision of each record, so order and repetition of events do not matter.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.tables import ReplicaRow

#: A registry that is away leaves its RPC queue behind: waiting long would only delay a stop.
FILL_TIMEOUT_S = 5.0


def apply_records(
    session: Session, records: Iterable[pb.Record], kinds: frozenset[int] | None = None
) -> int:
    """Store the records that are newer than ours (of `kinds`, None = all); gives their number."""
    rows: list[dict[str, Any]] = [
        {
            "kind": record.kind,
            "key": record.key,
            "revision": record.revision,
            "deleted": record.deleted,
            "body": record.SerializeToString(),
        }
        for record in records
        if kinds is None or record.kind in kinds
    ]
    if not rows:
        return 0
    latest = {(row["kind"], row["key"]): row for row in sorted(rows, key=lambda r: r["revision"])}
    new = insert(ReplicaRow).values(list(latest.values()))
    done = session.execute(
        new.on_conflict_do_update(
            index_elements=["kind", "key"],
            set_={name: new.excluded[name] for name in ("revision", "deleted", "body")},
            where=ReplicaRow.revision < new.excluded.revision,
        ).returning(ReplicaRow.key),
    )
    return len(done.all())


def last_revision(session: Session) -> int:
    """Tell the highest revision in the copy; 0 when it is empty. Caches compare it."""
    return session.scalar(select(func.max(ReplicaRow.revision))) or 0


def records_of(session: Session, kind: int) -> Iterator[pb.Record]:
    """Give all living records of a kind, by key."""
    query = select(ReplicaRow.body).where(ReplicaRow.kind == kind, ~ReplicaRow.deleted)
    for body in session.scalars(query.order_by(ReplicaRow.key)):
        yield pb.Record.FromString(body)


def record_of(session: Session, kind: int, key: str) -> pb.Record | None:
    """Give one living record, or None."""
    row = session.get(ReplicaRow, (kind, key))
    return None if row is None or row.deleted else pb.Record.FromString(row.body)


def fill_when_empty(
    session: Session, registry: Any, kinds: Iterable[pb.RecordKind.ValueType] = ()
) -> int:
    """Ask the registry by RPC for everything when the copy is empty; gives the number of records.

    `registry` is a `rpc.Client` of the service `registry` with the method `snapshot`.
    """
    return 0 if last_revision(session) else _copy(session, registry, kinds)


def fill_kind_when_empty(session: Session, registry: Any, kind: pb.RecordKind.ValueType) -> int:
    """Do the same for one kind that a copy of earlier days does not have."""
    known = select(ReplicaRow.key).where(ReplicaRow.kind == kind).limit(1)
    return 0 if session.scalar(known) is not None else _copy(session, registry, [kind])


def _copy(session: Session, registry: Any, kinds: Iterable[pb.RecordKind.ValueType]) -> int:
    count, after = 0, 0
    while True:
        request = pb.SnapshotRequest(kinds=[*kinds], after_revision=after)
        page = registry.call("snapshot", request, pb.SnapshotResponse, timeout_s=FILL_TIMEOUT_S)
        if not page.records:
            return count
        apply_records(session, page.records)
        count += len(page.records)
        after = max(record.revision for record in page.records)
