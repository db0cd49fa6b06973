"""The reading tables can be made again from archive and ledger, and a change in them is named."""

import argparse
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from farsight import rebuild as command
from services.chassis.clock import to_timestamp
from services.chassis.db import OwnerDatabase
from services.chassis.errors import RuleViolated
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest.app.rebuild_days import DayResult, check_day, rebuild_day
from services.ingest.app.replay_frames import Replay
from services.ingest.gate.push import factor_values
from services.ingest.hj212.encode import encode_frame
from services.ingest.hj212.policy import default_policy
from services.ingest.hj212.session import Session
from tests.integration.settling_bench import HOUR, QUEUE, Bench

DAY = HOUR.date()
CST = timedelta(hours=8)


@pytest.fixture
def bench(migrated_db: Callable[..., str], tmp_path: Path) -> Bench:
    """A bench on an empty database."""
    url = migrated_db("ingest")
    made = Bench(url, tmp_path / "archive")
    with OwnerDatabase(url, "ingest").transaction() as session:
        session.execute(text("TRUNCATE reading, reading_version, ledger"))
    return made


def upload(bench: Bench, at: datetime, area: str, cn: str = "2061") -> tuple[pb.Frame, list]:
    """A frame as a logger writes it, read as the gate reads it."""
    stamp = f"{at + CST:%Y%m%d%H%M%S}"
    raw = encode_frame(
        f"QN={stamp}000;ST=31;CN={cn};PW=123456;MN={bench.mn};Flag=4;"
        f"CP=&&DataTime={stamp};{area}&&".encode()
    )
    (received,) = Session(0.0).receive(raw, 0.0)
    frame = bench.frame(
        raw,
        cn=cn,
        qn=received.qn,
        data_time_s=int(received.upload.data_time.timestamp()),
        version=received.version,
        repairs=received.repairs,
        notes=received.notes,
        origin=pb.ORIGIN_LIVE,
    )
    return frame, list(received.upload.factors)


def pushed(bench: Bench, at: datetime, value: float) -> tuple[pb.Frame, list]:
    """A reading as a platform pushes it."""
    reading = pb.PushedReading(
        outlet_id=bench.outlet,
        kind=pb.READING_KIND_HOUR,
        data_time=to_timestamp(at),
        values=[pb.PushedValue(factor="a21002", value=value, flag="N")],
    )
    raw = reading.SerializeToString(deterministic=True)
    fields = {"peer": "grpc:province:0", "data_time_s": int(at.timestamp())}
    frame = bench.frame(raw, origin=pb.ORIGIN_LIVE, **fields)
    return frame, [factor_values(one) for one in reading.values]


def fill(bench: Bench) -> None:
    """A day with everything that settling knows: first values, splits, repeats, versions."""
    so2 = "a21026-Avg={},a21026-Min=1,a21026-Max=99,a21026-Flag=N"
    for number in range(20):
        bench.run(upload(bench, HOUR + timedelta(minutes=number), so2.format(number), "2051"))
    first = upload(bench, HOUR, so2.format(30.5))
    bench.run(first, upload(bench, HOUR, "a21002-Avg=5.25,a21002-Flag=N"))  # a split upload
    bench.run(upload(bench, HOUR, so2.format(12)))  # another value: a version
    bench.run(upload(bench, HOUR, so2.format(12)), upload(bench, HOUR, so2.format(13)))
    bench.run(upload(bench, HOUR, "a21026-Avg=---,a21026-Flag=D"))  # no number
    old = "B02-Avg=7.5,B02-Flag=N,02-Avg=0.031,02-Flag=N,03-Avg=0.05,03-Flag=N"  # codes of 2005
    bench.run(upload(bench, HOUR + timedelta(hours=2), old))
    bench.run(pushed(bench, HOUR + timedelta(hours=1), 80.5))
    bench.run((bench.frame(b"garbage", outcome=pb.OUTCOME_REFUSED, reason="crc"), []))


def check(bench: Bench) -> DayResult:
    """Compare the day."""
    replay = Replay(bench.archive, default_policy)
    return check_day(bench.database, replay, DAY, lambda *_: None)


def owner(bench: Bench) -> OwnerDatabase:
    """The schema with its owner's rights."""
    return OwnerDatabase(bench.database.engine.url.render_as_string(hide_password=False), "ingest")


def change(bench: Bench, sql: str) -> None:
    """Change something behind the platform's back."""
    with owner(bench).transaction() as session:
        session.execute(text(sql), {"outlet": bench.outlet})


def test_untouched_tables_are_what_the_archive_gives(bench: Bench):
    """Digest and number of rows agree, for values, versions, splits and pushed readings."""
    fill(bench)

    result = check(bench)

    assert (result.equal, result.differing, result.unreadable) == (True, 0, [])
    assert result.rebuilt.rows == 23 + 3
    assert result.stored.value == result.rebuilt.value != bytes(32)


def test_a_changed_value_is_named_with_outlet_time_and_factor(bench: Bench):
    """One of three arrays of one row, one float64 of it."""
    fill(bench)
    change(
        bench,
        "UPDATE reading SET max = set_byte(max, 6, 65) WHERE kind = 3 AND outlet_id = :outlet"
        " AND data_time = '2026-11-22 02:00Z'",
    )

    result = check(bench)

    assert not result.equal
    (found,) = result.differences
    assert (found.outlet_id, found.data_time, found.factor) == (bench.outlet, HOUR, "a21026")
    assert (found.column, found.rebuilt) == ("max", "99.0")


MINUTE_7 = "WHERE kind = 2 AND data_time = '2026-11-22 02:07Z'"
LATER = "WHERE data_time = '2026-11-22 03:00Z'"


@pytest.mark.parametrize(
    ("sql", "column", "sides"),
    [
        (f"DELETE FROM reading {MINUTE_7}", "row", ("missing", "there")),
        ("DELETE FROM reading_version WHERE version = 2", "row", ("missing", "there")),
        ("UPDATE reading_version SET value = 12.5 WHERE version = 1", "value", ("12.5", "12.0")),
        (f"UPDATE reading SET received_at = now() {LATER}", "received_at", None),
    ],
    ids=["row", "version", "version's value", "arrival"],
)
def test_whatever_was_changed_is_named(bench: Bench, sql: str, column: str, sides):
    """A row gone, a version gone, a version's value, an arrival time."""
    fill(bench)
    before = check(bench)
    change(bench, sql)

    result = check(bench)

    assert before.equal
    (found,) = result.differences
    assert found.column == column
    assert sides is None or (found.stored, found.rebuilt) == sides


def test_a_flipped_byte_of_the_archive_is_named_by_its_leaf(bench: Bench, tmp_path: Path):
    """The digest of the ledger no longer fits: the leaves of that block are unreadable."""
    fill(bench)
    segment = next((tmp_path / "archive").rglob("*.zst"))
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)

    result = check(bench)

    assert not result.equal
    assert {one.part for one in result.unreadable} == {0}
    assert len(result.unreadable) >= 1


def test_rebuilt_rows_take_the_place_of_damaged_ones(bench: Bench):
    """Fresh tables first, then in one transaction; afterwards the check agrees."""
    fill(bench)
    change(bench, "DELETE FROM reading WHERE kind = 2")
    change(bench, "UPDATE reading_version SET value = 0")
    replay = Replay(bench.archive, default_policy)
    today = DAY + timedelta(days=3)

    tried = rebuild_day(owner(bench), replay, DAY, lambda *_: None, apply=False, today=today)
    still = check(bench)
    done = rebuild_day(owner(bench), replay, DAY, lambda *_: None, apply=True, today=today)

    assert (tried.applied, still.equal, done.applied) == (False, False, True)
    assert check(bench).equal
    assert bench.readings(with_versions=True)[:2] == [("a21026", 30.5, 0), ("a21002", 5.25, 0)]


def test_a_day_that_is_open_or_cannot_be_read_is_not_replaced(bench: Bench, tmp_path: Path):
    """Refused, and nothing is changed."""
    fill(bench)
    replay = Replay(bench.archive, default_policy)
    with pytest.raises(RuleViolated, match="still open"):
        rebuild_day(owner(bench), replay, DAY, lambda *_: None, apply=True, today=DAY)
    next((tmp_path / "archive").rglob("*.zst")).unlink()
    with pytest.raises(RuleViolated, match="cannot be read"):
        rebuild_day(
            owner(bench), replay, DAY, lambda *_: None, apply=True, today=DAY + timedelta(days=9)
        )
    assert len(bench.readings()) == 2


def test_frames_that_come_during_a_rebuild_stop_the_swap(bench: Bench):
    """What was read before them would lose them."""
    fill(bench)
    replay = Replay(bench.archive, default_policy)
    late = [upload(bench, HOUR + timedelta(hours=3), "a21002-Avg=1,a21002-Flag=N")]

    def arrive(*_: object) -> None:
        if late:
            bench.settle(bench.batch(late.pop()), QUEUE)

    with pytest.raises(RuleViolated, match="meanwhile"):
        rebuild_day(owner(bench), replay, DAY, arrive, apply=True, today=DAY + timedelta(days=9))
    assert check(bench).equal


def test_the_command_prints_a_line_a_day_and_exits_by_what_it_found(
    bench: Bench,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    """0 equal, 1 differs, 2 bad usage."""
    fill(bench)
    url = bench.database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setattr(
        command,
        "known_environment",
        lambda _: {"DATABASE_URL": url.replace("+psycopg", ""), "FARSIGHT_DATA": str(tmp_path)},
    )

    def run(*words: str) -> int:
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        days = ["--from", "2026-11-22", "--to", "2026-11-22"]
        return command.run(parser.parse_args(["--data", str(tmp_path / "d"), *days, *words]))

    assert run("--check", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["equal"], printed["stored"]["rows"]) == (True, 26)
    change(bench, "UPDATE reading_version SET value = 0 WHERE version = 1")
    assert run("--check") == 1
    assert f"{bench.outlet} 2026-11-22 10:00:00 kind 3 a21026 value" in capsys.readouterr().out
    assert run("--check", "--apply") == 2
