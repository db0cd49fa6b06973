"""Ledger and raw archive, on a real PostgreSQL and disk."""

import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from services.chassis.errors import NotFound, StorageFull
from services.ingest.app.freeze_frames import freeze_frames
from services.ingest.archive import Archive
from services.ingest.domain.ledger import Place
from tests.integration.keeping_bench import notary
from tests.integration.settling_bench import HOUR, NOW, Bench, so2


@pytest.fixture
def bench(migrated_db: Callable[..., str], tmp_path: Path) -> Bench:
    """A bench on this module's database."""
    return Bench(migrated_db("ingest"), tmp_path / "archive")


def test_evidence_cannot_be_changed_by_the_service(bench: Bench):
    """The role may add to ledger and versions, not change them; not by a day's table either."""
    bench.run((bench.frame(), so2(1.0)))

    for table in ("ledger", "ledger_20261122", "reading_version", "ledger_seal", "signed_head"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            bench.database.transaction() as session,
        ):
            session.execute(text(f"DELETE FROM {table}"))


def test_limit_cuts_a_frozen_span_and_says_so(bench: Bench):
    """Truncation is told, never silent."""
    bench.run(*((bench.frame(), []) for _ in range(3)))

    span = freeze_frames(
        notary(bench), bench.archive, bench.outlet, HOUR, HOUR + timedelta(hours=1), limit=2
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

    with pytest.raises(NotFound):
        freeze_frames(notary(bench), bench.archive, bench.outlet, HOUR, NOW, limit=9)


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
        with pytest.raises(StorageFull):
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
