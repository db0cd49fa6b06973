"""封存台账: completed arrival hours of the ledger under a Merkle root each."""

from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.clock import Now, utc_now
from services.chassis.db import Database
from services.ingest import ledger_store
from services.ingest.domain.balance import hour_of
from services.ingest.domain.ledger import Seal, chain_hash
from services.ingest.domain.merkle import Tree, leaf_hash


def seal_hours(database: Database, *, now: Now = utc_now) -> list[Seal]:
    """Seal every hour that is over, in each partition; gives the new seals.

    No later frame can join a sealed hour: the ledger files it under the last hour it has seen.
    """
    with database.transaction() as session:
        partitions = ledger_store.parts(session)
    seals: list[Seal] = []
    for part in partitions:
        with database.transaction() as session:
            seals += seal_part(session, part, before=hour_of(now()))
    return seals


def seal_part(session: Session, part: int, before: datetime | None = None) -> list[Seal]:
    """Seal the open hours of a partition that lie before `before`; None seals all there is.

    A referral seals an hour that still runs, so that its bundle can prove every frame; the rest of
    that hour gets a seal of its own.
    """
    head = ledger_store.lock_head(session, part)
    seals = []
    for hour, first_leaf, size in ledger_store.open_hours(session, part, head.sealed_leaf):
        if before is not None and hour >= before:
            break
        leaves = ledger_store.digests(session, part, first_leaf, size)
        root = Tree([leaf_hash(digest) for digest in leaves]).root
        previous = ledger_store.last_seal(session, part)
        seal = Seal(
            part=part,
            first_leaf=first_leaf,
            size=size,
            hour=hour,
            root=root,
            previous_seal_id=previous.seal_id if previous else "",
            chain=chain_hash(previous.chain if previous else b"", root),
        )
        ledger_store.add_seal(session, seal)
        head.sealed_leaf = first_leaf + size
        seals.append(seal)
    return seals
