"""外部线索入库: the items of a batch, each kept once by its natural key.

What comes over the bus and what the door of marks takes is kept by the same function, so a mark has
one way into the tables, and each new revision is told once.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.chassis.outbox import record_event
from services.chassis.pb.ingest.v1 import outside_pb2 as pb
from services.ingest import mark_store, mark_wire
from services.ingest import outside_store as store
from services.ingest.app.tally_pushes import is_named
from services.ingest.domain.marks import Kept, is_late
from services.ingest.domain.outside import Judged, OutsideRecord, judge
from services.ingest.mark_store import RevisionPlace
from services.ingest.outside_wire import record_from
from services.ingest.rules import mark_terms

NEW, DUPLICATE, DEVIATING = "outside:new", "outside:duplicate", "outside:deviating"


@dataclass(frozen=True)
class KeptOutside:
    """Items of a batch by what became of them."""

    new: int
    duplicate: int
    deviating: int


def keep_outside(session: Session, batch: pb.OutsideBatch) -> KeptOutside:
    """Keep first values and deviating repetitions; the same again changes nothing.

    Raises InputRejected for a batch that is damaged; nothing of it is kept then.
    """
    judged = keep_records(session, [record_from(entry) for entry in batch.entries])
    tell_marks(session, new_marks(judged))
    words: Counter[tuple[str, str]] = Counter()
    for record, version in judged.added:
        words[record.peer, DEVIATING if version else NEW] += 1
    for record in judged.repeated:
        words[record.peer, DUPLICATE] += 1
    store.add_to_tally(session, Counter({k: n for k, n in words.items() if is_named(k[0])}))
    return KeptOutside(*(_sum(words, word) for word in (NEW, DUPLICATE, DEVIATING)))


def keep_records(session: Session, records: Sequence[OutsideRecord]) -> Judged:
    """Keep items; tells nobody."""
    store.lock_versions(session, {record.kind for record in records})
    judged = judge(records, store.digests_of(session, {record.place for record in records}))
    store.add_items(session, judged.added, _late(session, judged))
    return judged


def tell_marks(session: Session, places: Sequence[RevisionPlace]) -> None:
    """Record `MarksChanged` for these revisions as they are now."""
    for event in mark_wire.changed_events(mark_store.at_places(session, places)):
        record_event(session, event)


def new_marks(judged: Judged) -> list[RevisionPlace]:
    """The revisions of marks that were not known before."""
    return [
        (record.mark.outlet_id, record.mark.mark_id, record.mark.revision)
        for record, version in judged.added
        if record.mark is not None and version == 0
    ]


def _late(session: Session, judged: Judged) -> set[RevisionPlace]:
    """The new revisions that change what is said of a frozen day."""
    news = [(r.mark, r.received_at) for r, version in judged.added if r.mark and not version]
    places = {(mark.outlet_id, mark.mark_id) for mark, _ in news}
    known = {
        place: [one.kept for one in found]
        for place, found in mark_store.revisions_of(session, places).items()
    }
    late: set[RevisionPlace] = set()
    for mark, received_at in sorted(news, key=lambda one: one[0].revision):
        revisions = known[mark.outlet_id, mark.mark_id]
        kept = Kept(mark, received_at)
        earlier = [one for one in revisions if one.mark.revision < mark.revision]
        if is_late(kept, earlier, mark_terms()):
            late.add((mark.outlet_id, mark.mark_id, mark.revision))
        revisions.append(kept)
        revisions.sort(key=lambda one: one.mark.revision)
    return late


def _sum(words: Counter[tuple[str, str]], wanted: str) -> int:
    return sum(count for (_, word), count in words.items() if word == wanted)
