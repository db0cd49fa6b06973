"""签封账本: grow each partition's tree and sign what it came to, an arrival hour at a time.

Settling only computes a leaf and writes it with its row; the trees follow each minute in chunks, so
that neither a batch nor the event loop waits for them. A head closes an hour; a referral that needs
frames of the running hour has a head made in between.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from services.chassis import sm
from services.chassis.clock import Now, utc_now
from services.chassis.db import Database
from services.ingest import ledger_store, log_store
from services.ingest.domain import merkle
from services.ingest.domain.balance import hour_of
from services.ingest.domain.head import ClockState, Head, PartHead, SignedHead

#: Leaves of one step: some 5 ms of hashing.
CHUNK = 4096
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Notary:
    """Who signs heads, and what is known of the clock."""

    database: Database
    signer: sm.Signer
    read_clock: Callable[[], tuple[ClockState, ...]]
    now: Now = utc_now


def grow_trees(database: Database) -> int:
    """Take every settled leaf into its tree; gives how many were taken."""
    with database.transaction() as session:
        partitions = ledger_store.parts(session)
    return sum(_grow(database, part) for part in partitions)


def sign_closed_hours(notary: Notary) -> list[SignedHead]:
    """Sign a head for each hour that is over and has leaves, and for the last one in any case.

    The first head of a ledger that was sealed by hour before covers all of its leaves.
    """
    grow_trees(notary.database)
    last_closed = hour_of(notary.now()) - HOUR
    signed: list[SignedHead] = []
    while (head := _sign_next(notary, last_closed)) is not None:
        signed.append(head)
    return signed


def head_over_all(notary: Notary) -> SignedHead:
    """A head that covers every leaf settled by now; the newest one where it does already."""
    grow_trees(notary.database)
    with notary.database.transaction() as session:
        log_store.lock_heads(session)
        newest = log_store.last_head(session)
        sizes = log_store.trees(session)
        if newest is not None and newest.sizes == sizes:
            return newest
        return _sign(session, notary, newest, sizes, None)


def _grow(database: Database, part: int) -> int:
    taken = 0
    while True:
        with database.transaction() as session:
            tree = log_store.lock_tree(session, part)
            leaves, hour = log_store.new_leaves(session, tree, CHUNK)
            tiles = merkle.grow(tree.size, leaves, log_store.tile_reader(session, part))
            log_store.write_tiles(session, part, tiles)
            tree.size += len(leaves)
            tree.last_hour = hour or tree.last_hour
        taken += len(leaves)
        if len(leaves) < CHUNK:
            return taken


def _sign_next(notary: Notary, last_closed: datetime) -> SignedHead | None:
    """Sign the oldest closed hour that has no head; None when there is none."""
    with notary.database.transaction() as session:
        log_store.lock_heads(session)
        newest = log_store.last_head(session)
        closing = log_store.last_head(session, closing=True)
        since = closing.hour if closing else None
        trees = log_store.trees(session)
        covered = newest.sizes if newest else {}
        opened = [
            log_store.first_open_hour(session, part, covered.get(part, 0), since) for part in trees
        ]
        waiting = [hour for hour in opened if hour is not None and hour <= last_closed]
        # An old ledger begins with one head over its past, not one for each of its hours.
        hour = min(waiting, default=last_closed) if newest else last_closed
        if since is not None and hour <= since:
            hour = since + HOUR if waiting else last_closed
        if (since is not None and hour <= since) or hour > last_closed:
            return None
        sizes = {
            part: min(size, log_store.size_at(session, part, covered.get(part, 0), hour))
            for part, size in trees.items()
        }
        return _sign(session, notary, newest, sizes, hour)


def _sign(
    session: Session,
    notary: Notary,
    newest: SignedHead | None,
    sizes: dict[int, int],
    hour: datetime | None,
) -> SignedHead:
    parts = [
        PartHead(part, size, merkle.root(log_store.tile_reader(session, part), size))
        for part, size in sorted(sizes.items())
    ]
    head = Head(
        number=newest.number + 1 if newest else 1,
        hour=hour,
        made_at=notary.now(),
        parts=tuple(parts),
        previous_sm3=newest.sm3 if newest else b"",
        clock=notary.read_clock(),
    )
    text, key = head.text(), notary.signer.public_key
    signature = notary.signer.sign_digest(sm.message_digest(text, key))
    signed = SignedHead(head.number, hour, head.made_at, text, sizes, key, signature)
    log_store.add_head(session, signed)
    return signed
