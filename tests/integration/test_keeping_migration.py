"""An installation from before the log: its rows move, its leaves join, its seals still hold."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from gmssl_pyx import sm3_hash
from sqlalchemy import create_engine, text

from services.chassis import migrate as migration
from services.chassis.db import Database, OwnerDatabase, sqlalchemy_url
from services.chassis.merkle import EMPTY_ROOT, inclusion_holds, leaf_hash
from services.ingest import log_store
from services.ingest.app.check_log import check_log
from services.ingest.app.prove_entries import inclusion_proof
from services.ingest.app.sign_heads import Notary, sign_closed_hours
from services.ingest.domain import merkle
from services.ingest.domain.ledger import chain_hash
from tests.conftest import migrate
from tests.integration.keeping_bench import CLOCK, SIGNER
from tests.servers import fresh_database

NOW = datetime.now(UTC).replace(minute=30, second=0, microsecond=0)
TODAY = NOW.replace(hour=0, minute=0)
LEAVES = 6


def migrate_to(url: str, revision: str) -> None:
    """Bring the schema of ingest to an older revision."""
    engine = create_engine(sqlalchemy_url(url))
    with engine.begin() as connection:
        migration.prepare_schema(connection, "ingest")
    with engine.connect() as connection:
        config = Config()
        config.set_main_option("script_location", str(migration.HERE / "alembic"))
        folder = Path(migration.HERE).parent / "ingest" / "migrations"
        config.set_main_option("version_locations", str(folder))
        config.set_main_option("path_separator", "os")
        config.attributes.update(connection=connection, service="ingest")
        command.upgrade(config, revision)
    engine.dispose()


def fill(url: str) -> None:
    """Readings of four kinds and of odd times, and a sealed ledger, as they were then."""
    moments = [TODAY - timedelta(days=40 * n) for n in range(4)]
    moments += [datetime(2000, 1, 1, tzinfo=UTC)]
    with OwnerDatabase(url, "ingest").transaction() as session:
        for moment in moments:
            session.execute(text("SELECT ensure_day('reading', :day)"), {"day": moment.date()})
            for kind in (1, 2, 3, 4):
                session.execute(
                    text(
                        "INSERT INTO reading (mn, kind, data_time, outlet_id, factors, value,"
                        " flags, received_at, part, leaf) VALUES ('M', :kind, :at, 'O',"
                        " '{a21026}', '\\x0000000000003e40', 'N', now(), 0, 0)"
                    ),
                    {"kind": kind, "at": moment},
                )
        hour = NOW.replace(minute=0) - timedelta(hours=2)
        session.execute(text("SELECT ensure_day('ledger', :day)"), {"day": hour.date()})
        for leaf in range(LEAVES):
            digest = bytes(sm3_hash(b"old %d" % leaf))
            session.execute(
                text(
                    "INSERT INTO ledger (part, leaf, arrival_hour, segment, block_offset,"
                    " block_size, byte_offset, size, sm3, sha256, outcome, reason, mn, outlet_id,"
                    " cn, qn, received_at, peer, correlation_id, notes) VALUES (0, :leaf, :hour,"
                    " 's', 0, 1, 0, 1, :sm3, :sm3, 'accepted', '', 'M', 'O', '2011', '', :hour,"
                    " 'p:1', '', '{}')"
                ),
                {"leaf": leaf, "hour": hour, "sm3": digest},
            )
        root = seal_root(range(LEAVES))
        session.execute(
            text(
                "INSERT INTO ledger_seal (part, first_leaf, size, hour, root_sm3,"
                " previous_seal_id, chain_sm3) VALUES (0, 0, :size, :hour, :root, '', :chain)"
            ),
            {"size": LEAVES, "hour": hour, "root": root, "chain": chain_hash(b"", root)},
        )
        session.execute(
            text("INSERT INTO ledger_head VALUES (0, :size, :size, :hour)"),
            {"size": LEAVES, "hour": hour},
        )


def seal_root(leaves: range) -> bytes:
    """The root of an hour as it was sealed: leaves over the digests of the raw bytes."""
    tiles: dict[tuple[int, int], bytes] = {}
    digests = [leaf_hash(bytes(sm3_hash(b"old %d" % leaf))) for leaf in leaves]
    tiles |= merkle.grow(0, digests, lambda *_: EMPTY_ROOT)
    return merkle.root(lambda level, number: tiles[level, number], len(digests))


@pytest.fixture(scope="module")
def old(postgres_url: str) -> Iterator[str]:
    """A database with data, brought from the state before to the present one."""
    with fresh_database(postgres_url, "old") as url:
        migrate_to(url, "ingest_0003")
        fill(url)
        migrate(url, "ingest")
        yield url


def test_every_reading_moves_to_its_kind_s_table(old: str):
    """Twenty rows, in tables by kind and time; a dead clock's year in those of odd times."""
    with Database(old, "ingest").transaction() as session:
        places = session.scalars(
            text("SELECT tableoid::regclass::text FROM reading ORDER BY kind, data_time")
        ).all()
        assert session.scalar(text("SELECT count(DISTINCT outlet_id) FROM reading")) == 1

    assert len(places) == 20
    today = f"{TODAY:%Y%m%d}"
    assert [places[n] for n in (0, 4)] == ["reading_realtime_other", f"reading_realtime_{today}"]
    assert [places[n] for n in (10, 14)] == ["reading_hour_other", f"reading_hour_{today[:6]}"]


def test_old_leaves_join_the_log_and_their_seal_still_holds(old: str):
    """One head over the past; proofs lead to it; the hour's seal is the same tree."""
    database = Database(old, "ingest")

    (head,) = sign_closed_hours(Notary(database, SIGNER, lambda: CLOCK, lambda: NOW))

    assert head.sizes == {0: LEAVES}
    with database.transaction() as session:
        found = inclusion_proof(session, 0, 4)
        root = merkle.root(log_store.tile_reader(session, 0), LEAVES)
    report = check_log(database, lambda *_: None)
    assert (report.problems, report.entries, report.seals) == ([], LEAVES, 1)
    assert inclusion_holds(leaf_hash(bytes(sm3_hash(b"old 4"))), 4, LEAVES, found.proof, root)
    assert root == seal_root(range(LEAVES))
