"""外部线索入库: the items of a batch, each kept once by its natural key."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.chassis.pb.ingest.v1 import outside_pb2 as pb
from services.ingest import outside_store as store
from services.ingest.app.tally_pushes import is_named
from services.ingest.domain.outside import judge
from services.ingest.outside_wire import record_from

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
    records = [record_from(entry) for entry in batch.entries]
    store.lock_versions(session)
    judged = judge(records, store.digests_of(session, {record.place for record in records}))
    store.add_items(session, judged.added)
    words: Counter[tuple[str, str]] = Counter()
    for record, version in judged.added:
        words[record.peer, DEVIATING if version else NEW] += 1
    for record in judged.repeated:
        words[record.peer, DUPLICATE] += 1
    store.add_to_tally(session, Counter({k: n for k, n in words.items() if is_named(k[0])}))
    return KeptOutside(*(_sum(words, word) for word in (NEW, DUPLICATE, DEVIATING)))


def _sum(words: Counter[tuple[str, str]], wanted: str) -> int:
    return sum(count for (_, word), count in words.items() if word == wanted)
