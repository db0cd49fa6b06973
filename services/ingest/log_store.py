"""Queries on the log: leaves, tiles, trees, signed heads. Heads are added and never changed."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.ingest.domain.head import SignedHead
from services.ingest.domain.leaf import DIGEST_ONLY
from services.ingest.domain.merkle import ReadTile, leaf_hash
from services.ingest.keeping_tables import SignedHeadRow, TileRow, TreeRow
from services.ingest.tables import LedgerRow

#: Tiles that one reader remembers: 8 kB each.
_TILES = 4096
#: Advisory lock under which heads are made, one after the other.
_HEADS = 0x4C4F47


def lock_tree(session: Session, part: int) -> TreeRow:
    """A partition's tree, locked: one grows it at a time."""
    session.execute(insert(TreeRow).values(part=part, size=0).on_conflict_do_nothing())
    return session.scalars(select(TreeRow).where(TreeRow.part == part).with_for_update()).one()


def trees(session: Session) -> dict[int, int]:
    """Size of each partition's tree."""
    rows = session.scalars(select(TreeRow).order_by(TreeRow.part))
    return {row.part: row.size for row in rows}


def new_leaves(session: Session, tree: TreeRow, limit: int) -> tuple[list[bytes], datetime | None]:
    """Leaves that are not in the tree yet, at most `limit`, and the last one's arrival hour.

    Raises RuntimeError where a leaf is missing: the ledger of a partition has no holes.
    """
    query = select(
        LedgerRow.leaf,
        LedgerRow.arrival_hour,
        LedgerRow.entry_version,
        LedgerRow.sm3,
        LedgerRow.leaf_sm3,
    ).where(LedgerRow.part == tree.part, LedgerRow.leaf >= tree.size)
    if tree.last_hour is not None:  # leaves are filed in order of hours: older tables stay shut
        query = query.where(LedgerRow.arrival_hour >= tree.last_hour)
    rows = session.execute(query.order_by(LedgerRow.leaf).limit(limit)).all()
    if [row.leaf for row in rows] != list(range(tree.size, tree.size + len(rows))):
        raise RuntimeError(f"the ledger of partition {tree.part} has a hole after {tree.size}")
    leaves = [
        leaf_hash(row.sm3) if row.entry_version == DIGEST_ONLY else bytes(row.leaf_sm3)
        for row in rows
    ]
    return leaves, rows[-1].arrival_hour if rows else None


def tile_reader(session: Session, part: int) -> ReadTile:
    """Reads a partition's tiles, each once. Raises RuntimeError where one is missing."""

    @lru_cache(_TILES)
    def read(level: int, number: int) -> bytes:
        digests = session.scalar(
            select(TileRow.digests).where(
                TileRow.part == part, TileRow.level == level, TileRow.number == number
            )
        )
        if digests is None:
            raise RuntimeError(f"tile {level}/{number} of partition {part} is missing")
        return bytes(digests)

    return read


def write_tiles(session: Session, part: int, tiles: dict[tuple[int, int], bytes]) -> None:
    """Write new and grown tiles."""
    if not tiles:
        return
    new = insert(TileRow).values(
        [
            {"part": part, "level": level, "number": number, "digests": bytes(digests)}
            for (level, number), digests in tiles.items()
        ]
    )
    session.execute(
        new.on_conflict_do_update(
            index_elements=["part", "level", "number"], set_={"digests": new.excluded.digests}
        )
    )


def first_open_hour(
    session: Session, part: int, size: int, since: datetime | None
) -> datetime | None:
    """The arrival hour of leaf number `size`, None when there is none yet."""
    query = select(LedgerRow.arrival_hour).where(LedgerRow.part == part, LedgerRow.leaf == size)
    if since is not None:
        query = query.where(LedgerRow.arrival_hour >= since)
    return session.scalar(query)


def size_at(session: Session, part: int, size: int, hour: datetime) -> int:
    """Leaves filed under `hour` or before, knowing that the first `size` are."""
    last = session.scalar(
        select(func.max(LedgerRow.leaf)).where(
            LedgerRow.part == part, LedgerRow.leaf >= size, LedgerRow.arrival_hour <= hour
        )
    )
    return size if last is None else last + 1


def lock_heads(session: Session) -> None:
    """Until the end of the transaction nobody else makes a head."""
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _HEADS})


def last_head(session: Session, *, closing: bool = False) -> SignedHead | None:
    """The newest head, or the newest that closes an hour."""
    query = select(SignedHeadRow).order_by(SignedHeadRow.number.desc()).limit(1)
    if closing:
        query = query.where(SignedHeadRow.hour.is_not(None))
    row = session.scalars(query).first()
    return None if row is None else _head(row)


def head(session: Session, number: int) -> SignedHead | None:
    """One head."""
    row = session.get(SignedHeadRow, number)
    return None if row is None else _head(row)


def heads(session: Session, after: int, limit: int) -> list[SignedHead]:
    """Heads in order, from number `after` + 1 on."""
    query = select(SignedHeadRow).where(SignedHeadRow.number > after)
    return [
        _head(row) for row in session.scalars(query.order_by(SignedHeadRow.number).limit(limit))
    ]


def add_head(session: Session, signed: SignedHead) -> None:
    """Keep a head."""
    session.add(
        SignedHeadRow(
            number=signed.number,
            hour=signed.hour,
            made_at=signed.made_at,
            body=signed.text,
            sizes={str(part): size for part, size in signed.sizes.items()},
            public_key=signed.public_key,
            signature=signed.signature,
        )
    )
    session.flush()


def entries_of(session: Session, part: int, leaves: Sequence[int]) -> list[LedgerRow]:
    """Entries by leaf."""
    query = select(LedgerRow).where(LedgerRow.part == part, LedgerRow.leaf.in_(leaves))
    return list(session.scalars(query.order_by(LedgerRow.leaf)))


def entries_between(session: Session, part: int, first: int, end: int) -> list[LedgerRow]:
    """Entries [first, end) in order."""
    query = select(LedgerRow).where(
        LedgerRow.part == part, LedgerRow.leaf >= first, LedgerRow.leaf < end
    )
    return list(session.scalars(query.order_by(LedgerRow.leaf)))


def _head(row: SignedHeadRow) -> SignedHead:
    return SignedHead(
        number=row.number,
        hour=row.hour,
        made_at=row.made_at,
        text=bytes(row.body),
        sizes={int(part): size for part, size in row.sizes.items()},
        public_key=bytes(row.public_key),
        signature=bytes(row.signature),
    )
