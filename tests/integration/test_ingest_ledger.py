"""Ledger, seals, proofs and raw archive, on a real PostgreSQL and disk."""

import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from gmssl_pyx import sm3_hash
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from services.chassis.errors import NotFound
from services.ingest.app.freeze_frames import freeze_frames
from services.ingest.app.seal_hours import seal_hours
from services.ingest.archive import Archive
from services.ingest.domain.ledger import Place, chain_hash
from services.ingest.domain.merkle import leaf_hash, node_hash
from tests.integration.settling_bench import HOUR, NOW, Bench, so2


@pytest.fixture
def bench(migrated_db: Callable[..., str], tmp_path: Path) -> Bench:
    """A bench on this module's database."""
    return Bench(migrated_db("ingest"), tmp_path / "archive")


def test_evidence_cannot_be_changed_by_the_service(bench: Bench):
    """The role may add to ledger and versions, not change them; not by a day's table either."""
    bench.run((bench.frame(), so2(1.0)))

    for table in ("ledger", "ledger_20261122", "reading_version", "ledger_seal"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            bench.database.transaction() as session,
        ):
            session.execute(text(f"DELETE FROM {table}"))


def test_hour_is_sealed_once_it_is_over_and_late_frames_go_on(bench: Bench):
    """Leaves of an hour stand under one root; the chain links seals; later frames join the next."""
    part = 3
    raws = [b"leaf %d" % n for n in range(5)]
    bench.run(*((bench.frame(raw), []) for raw in raws[:3]), part=part)
    assert [s for s in seal_hours(bench.database, now=lambda: NOW) if s.part == part] == []

    bench.now = NOW + timedelta(hours=1)
    (first,) = [s for s in seal_hours(bench.database, now=lambda: bench.now) if s.part == part]
    bench.run(*((bench.frame(raw), []) for raw in raws[3:]), part=part)  # arrived in the old hour
    later = bench.now + timedelta(hours=1)
    (second,) = [s for s in seal_hours(bench.database, now=lambda: later) if s.part == part]

    leaves = [leaf_hash(bytes(sm3_hash(raw))) for raw in raws]
    assert first.root == node_hash(node_hash(leaves[0], leaves[1]), leaves[2])
    assert (first.first_leaf, first.size, second.first_leaf, second.size) == (0, 3, 3, 2)
    assert second.previous_seal_id == first.seal_id
    assert second.chain == chain_hash(first.chain, second.root)


def test_frozen_frames_prove_their_place(bench: Bench):
    """A referral gets raw bytes, digests and a proof for each frame, sealing what is still open."""
    raws = [b"evidence %d" % n for n in range(7)]
    for n, raw in enumerate(raws):
        time_s = int((HOUR + timedelta(hours=n)).timestamp())
        bench.run((bench.frame(raw, data_time_s=time_s), so2(float(n))), part=5)

    with bench.database.transaction() as session:
        span = freeze_frames(
            session, bench.archive, bench.outlet, HOUR, HOUR + timedelta(hours=6), limit=100
        )

    assert [one.record.raw for one in span.frames] == raws[:6]
    assert not span.truncated
    for one in span.frames:
        assert proof_holds(one)
    (seal,) = span.seals
    assert seal.size == 7


def proof_holds(one: object) -> bool:
    """RFC 9162 section 2.1.3.2, from the proof's own values only."""
    leaf = leaf_hash(bytes(sm3_hash(one.record.raw)))
    node, last, digest = one.leaf - one.seal.first_leaf, one.seal.size - 1, leaf
    for sibling in one.proof:
        if node & 1 or node == last:
            digest = node_hash(sibling, digest)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and digest == one.seal.root


def test_limit_cuts_a_frozen_span_and_says_so(bench: Bench):
    """Truncation is told, never silent."""
    bench.run(*((bench.frame(), []) for _ in range(3)))

    with bench.database.transaction() as session:
        span = freeze_frames(
            session, bench.archive, bench.outlet, HOUR, HOUR + timedelta(hours=1), limit=2
        )
    assert (len(span.frames), span.truncated) == (2, True)


def test_archive_that_lost_bytes_is_noticed(bench: Bench, tmp_path: Path):
    """A segment changed on disk no longer matches its digests."""
    bench.run((bench.frame(b"honest"), []))
    (segment,) = (tmp_path / "archive").rglob("*.zst")
    forged = Archive(tmp_path / "forged", "x")
    forged.append(0, [b"forged"], NOW)
    (other,) = (tmp_path / "forged").rglob("*.zst")
    segment.write_bytes(other.read_bytes())

    with pytest.raises(NotFound), bench.database.transaction() as session:
        freeze_frames(session, bench.archive, bench.outlet, HOUR, NOW, limit=9)


def test_archive_starts_a_new_segment_when_one_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Segments are bounded; every place still reads back."""
    monkeypatch.setattr("services.ingest.archive.SEGMENT_BYTES", 10)
    archive = Archive(tmp_path, "w")
    places = [archive.append(1, [b"a" * n, b"b"], NOW) for n in range(1, 4)]

    assert len({place.segment for pair in places for place in pair}) == 3
    for n, (first, second) in enumerate(places, 1):
        block = archive.read_block(first.segment, first.block_offset, first.block_size)
        assert span(block, first) == b"a" * n
        assert span(block, second) == b"b"
    with pytest.raises(NotFound):
        archive.read_block("p1/none.zst", 0, 1)


def test_failed_write_shifts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A full disk in the middle of a block: the next block still reads back from its place."""
    archive = Archive(tmp_path, "w")
    pwrite = os.pwrite

    def full(descriptor: int, data: bytes, offset: int) -> int:
        pwrite(descriptor, data[:3], offset)
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="full"):
            archive.append(0, [b"lost" * 50], NOW)
    (place,) = archive.append(0, [b"kept"], NOW)

    assert archive.read_block(place.segment, place.block_offset, place.block_size) == b"kept"


def test_two_writers_of_one_process_do_not_mix(tmp_path: Path):
    """A batch redelivered while its first worker still waits for the disk has its own span."""
    archive = Archive(tmp_path, "w")
    archive.append(0, [b"first"], NOW)  # the segment is open
    with ThreadPoolExecutor(8) as threads:
        raws = [b"%d" % number * 500 for number in range(64)]
        places = list(threads.map(lambda raw: archive.append(0, [raw], NOW)[0], raws))

    for raw, place in zip(raws, places, strict=True):
        assert archive.read_block(place.segment, place.block_offset, place.block_size) == raw


def span(block: bytes, place: Place) -> bytes:
    """A frame's bytes inside its block."""
    return block[place.byte_offset : place.byte_offset + place.size]
