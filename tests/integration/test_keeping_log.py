"""The log over real ledger rows: heads, proofs, what was there before, what does not fit."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from gmssl_pyx import sm3_hash
from sqlalchemy import select, text
from sqlalchemy.engine import create_engine

from services.chassis import sm
from services.chassis.db import sqlalchemy_url
from services.chassis.errors import InputRejected, NotFound
from services.chassis.merkle import consistency_holds, inclusion_holds, leaf_hash
from services.ingest.app.check_log import LogReport, check_log
from services.ingest.app.freeze_frames import freeze_frames
from services.ingest.app.prove_entries import consistency_proof, inclusion_proof
from services.ingest.app.sign_heads import grow_trees, head_over_all, sign_closed_hours
from services.ingest.domain.head import SignedHead
from services.ingest.domain.leaf import FIELDS
from services.ingest.keeping_tables import TreeRow
from services.ingest.tables import LedgerRow
from tests.integration.keeping_bench import SIGNER, notary
from tests.integration.settling_bench import HOUR, NOW, Bench, so2


@pytest.fixture
def bench(tmp_path: Path, migrated_db: Callable[..., str]) -> Bench:
    """A bench on an empty database: heads are over all partitions."""
    url = migrated_db("ingest")
    with create_engine(sqlalchemy_url(url)).begin() as connection:
        for table in ("ledger", "ledger_head", "ledger_tree", "ledger_tile", "signed_head"):
            connection.execute(text(f"TRUNCATE ingest.{table}"))
    return Bench(url, tmp_path / "archive")


def root_of(head: SignedHead, part: int) -> bytes:
    """A partition's root as the signed text says."""
    parts = json.loads(head.text)["partitions"]
    (root,) = [one["root_sm3"] for one in parts if one["partition"] == part]
    return bytes.fromhex(root)


def signature_holds(head: SignedHead) -> bool:
    """Whether the installation's key signed the text."""
    digest = sm.message_digest(head.text, SIGNER.public_key)
    return sm.signature_holds(digest, head.signature, SIGNER.public_key)


def fill(bench: Bench, part: int, count: int) -> None:
    """Frames that nobody refuses."""
    bench.run(*((bench.frame(), []) for _ in range(count)), part=part)


def test_hours_are_signed_once_they_are_over_one_after_the_other(bench: Bench):
    """One head an hour over all partitions; it names the one before; nothing twice."""
    fill(bench, 0, 3)
    fill(bench, 2, 5)
    sign = notary(bench)

    (first,) = sign_closed_hours(sign)  # of the hour before: nothing of this hour is in it
    bench.now = NOW + timedelta(hours=1)
    (second,) = sign_closed_hours(sign)
    fill(bench, 0, 2)  # arrived in the hour that is signed: joins the next head
    assert sign_closed_hours(sign) == []
    bench.now = NOW + timedelta(hours=3)
    later = sign_closed_hours(sign)

    assert (first.hour, first.sizes) == (HOUR, {0: 0, 2: 0})
    assert (second.hour, second.sizes) == (HOUR + timedelta(hours=1), {0: 3, 2: 5})
    assert [(one.hour.hour, one.sizes) for one in later] == [(4, {0: 5, 2: 5}), (5, {0: 5, 2: 5})]
    assert [one.number for one in (first, second, *later)] == [1, 2, 3, 4]
    for before, head in zip((first, second, later[0]), (second, *later), strict=True):
        assert json.loads(head.text)["previous_sm3"] == sm3_hash(before.text).hex()
        assert signature_holds(head)


def test_head_says_what_was_known_of_the_clock(bench: Bench):
    """Offset and source stand in the text that is signed."""
    head = head_over_all(notary(bench))

    assert json.loads(head.text)["clock"] == [
        {
            "source": "kernel",
            "synchronised": True,
            "offset_us": -12,
            "max_error_us": 2500,
            "detail": "",
        }
    ]


def test_every_entry_is_proved_under_the_newest_head(bench: Bench):
    """Across a tile's border: entry text, leaf and proof by the RFC's algorithm."""
    fill(bench, 1, 300)
    head = head_over_all(notary(bench))

    assert head_over_all(notary(bench)) == head  # nothing new, nothing signed
    with bench.database.transaction() as session:
        for leaf in (0, 1, 255, 256, 299):
            found = inclusion_proof(session, 1, leaf)
            said = dict(zip(FIELDS, json.loads(found.text), strict=True))
            assert said["sm3"] == found.entry.sm3.hex()
            assert (said["leaf"], said["peer"]) == (leaf, "10.0.0.9:4711")
            assert said["received_at_us"] == int(NOW.timestamp() * 1e6)
            assert inclusion_holds(leaf_hash(found.text), leaf, 300, found.proof, root_of(head, 1))
        with pytest.raises(NotFound):
            inclusion_proof(session, 1, 300)
        with pytest.raises(NotFound):
            inclusion_proof(session, 1, 0, number=9)


def test_a_later_head_only_adds(bench: Bench):
    """Consistency from head to head; the older one cannot come second."""
    sign, heads = notary(bench), []
    for count in (3, 260, 1):
        fill(bench, 4, count)
        heads.append(head_over_all(sign))

    with bench.database.transaction() as session:
        found = consistency_proof(session, 4, 1)
        assert (found.first, found.second) == (heads[0], heads[2])
        old, new = root_of(heads[0], 4), root_of(heads[2], 4)
        assert consistency_holds(3, old, 264, new, found.proof)
        with pytest.raises(InputRejected):
            consistency_proof(session, 4, 3, 1)


def test_entries_of_before_join_the_log_with_their_old_leaf(bench: Bench):
    """A ledger that was sealed by hour: its leaves are in the same tree, digest only."""
    raws = [b"old %d" % n for n in range(4)]
    bench.run(*((bench.frame(raw), []) for raw in raws[:3]), part=6)
    with create_engine(bench.database.engine.url).begin() as connection:
        connection.execute(
            text("UPDATE ingest.ledger SET entry_version = 1, leaf_sm3 = NULL WHERE part = 6")
        )
    bench.run((bench.frame(raws[3]), []), part=6)
    head = head_over_all(notary(bench))

    with bench.database.transaction() as session:
        for leaf, raw in enumerate(raws):
            found = inclusion_proof(session, 6, leaf)
            data = found.text if leaf == 3 else bytes(sm3_hash(raw))
            assert (found.text == b"") == (leaf < 3)
            assert inclusion_holds(leaf_hash(data), leaf, 4, found.proof, root_of(head, 6))


def test_an_entry_that_was_changed_is_not_proved(bench: Bench):
    """Arrival, peer, verdict: whoever changes a row with the owner's rights is found."""
    fill(bench, 3, 2)
    head_over_all(notary(bench))
    with create_engine(bench.database.engine.url).begin() as connection:
        connection.execute(text("UPDATE ingest.ledger SET peer = '6.6.6.6:1' WHERE leaf = 1"))

    with bench.database.transaction() as session:
        inclusion_proof(session, 3, 0)
        with pytest.raises(NotFound, match="entry 1"):
            inclusion_proof(session, 3, 1)


def test_a_hole_in_the_ledger_stops_the_log(bench: Bench):
    """A leaf that vanished is not passed over."""
    fill(bench, 3, 5)
    with create_engine(bench.database.engine.url).begin() as connection:
        connection.execute(text("DELETE FROM ingest.ledger WHERE leaf = 2"))

    with pytest.raises(RuntimeError, match="hole"):
        grow_trees(bench.database)
    with bench.database.transaction() as session:
        assert [row.size for row in session.scalars(select(TreeRow))] == []


def test_frozen_frames_prove_their_place(bench: Bench):
    """A referral gets raw bytes, entry and proof for each frame, under a head made at once."""
    raws = [b"evidence %d" % n for n in range(7)]
    for n, raw in enumerate(raws):
        time_s = int((HOUR + timedelta(hours=n)).timestamp())
        bench.run((bench.frame(raw, data_time_s=time_s), so2(float(n))), part=5)

    span = freeze_frames(
        notary(bench), bench.archive, bench.outlet, HOUR, HOUR + timedelta(hours=6), limit=100
    )

    assert [one.record.raw for one in span.frames] == raws[:6]
    assert span.head.sizes == {5: 7}
    assert span.head.hour is None
    for one in span.frames:
        root = root_of(span.head, 5)
        assert inclusion_holds(leaf_hash(one.text), one.leaf, 7, one.proof, root)


def checked(bench: Bench) -> LogReport:
    """The whole log."""
    return check_log(bench.database, lambda *_: None)


def damage(bench: Bench, sql: str) -> None:
    """Change something with the owner's rights."""
    with create_engine(bench.database.engine.url).begin() as connection:
        connection.execute(text(sql))


def test_whole_log_checks_without_its_tiles(bench: Bench):
    """Two partitions, three heads: entries, roots, signatures, chain agree; tiles do not count."""
    sign = notary(bench)
    for count in (3, 260, 1):
        fill(bench, 4, count)
        fill(bench, 2, 1)
        head_over_all(sign)
    damage(bench, "UPDATE ingest.ledger_tile SET digests = sha256(digests)")

    report = checked(bench)

    assert report.problems == []
    assert (report.heads, report.entries) == (3, 267)
    assert report.keys == {sm.fingerprint(SIGNER.public_key)}


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("UPDATE ingest.ledger SET received_at = now() WHERE leaf = 1", "entry 1 of partition 3"),
        ("DELETE FROM ingest.ledger WHERE leaf = 1", "leaf 1 of partition 3 is missing"),
        ("DELETE FROM ingest.signed_head WHERE number = 1", "head 1 is missing"),
        (
            "UPDATE ingest.signed_head SET signature = sha256('a') || sha256('b') WHERE number = 2",
            "the signature of head 2 does not hold",
        ),
        (
            "UPDATE ingest.ledger SET entry_version = 1, leaf_sm3 = NULL WHERE leaf = 2",
            "head 1: another root of partition 3 at 4",
        ),
    ],
    ids=["entry", "hole", "head", "signature", "leaf"],
)
def test_whatever_was_changed_in_the_log_is_named(bench: Bench, sql: str, problem: str, capfd):
    """Nothing that is signed can change unseen, whoever has the database."""
    fill(bench, 3, 4)
    head_over_all(notary(bench))
    fill(bench, 3, 1)
    head_over_all(notary(bench))
    damage(bench, sql)

    report = checked(bench)
    capfd.readouterr()  # gmssl prints its source lines on a signature that does not hold

    assert problem in " ".join(report.problems)


def test_ledger_keeps_how_a_frame_was_read(bench: Bench):
    """Version, repairs, origin and the command that it answers."""
    frame = bench.frame(version=2017, repairs=["length"], origin=3, command_id="c-1")
    bench.run((frame, so2(1.0)))

    with bench.database.transaction() as session:
        row = session.scalars(select(LedgerRow)).one()
    assert (row.version, row.repairs, row.origin, row.command_id) == (2017, ["length"], 3, "c-1")
