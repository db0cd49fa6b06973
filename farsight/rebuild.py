"""`farsight rebuild`: the reading tables again from the raw archive and the ledger.

`--check` writes nothing and exits 1 where the tables are not what the archive gives. Without it
fresh tables are filled (`rebuilt_reading`, `rebuilt_reading_version`, the last day stays to be
looked at); `--apply` puts each day's rows in the place of the present ones, one day a transaction,
while ingest may run. Days are UTC days of DataTime.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from farsight.local.errors import LocalError
from farsight.local.folders import DataFolder
from farsight.local.installation import known_environment
from farsight.local.up import add_data_argument
from services.chassis.clock import beijing
from services.chassis.db import Database, OwnerDatabase
from services.chassis.errors import FarsightError
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.replica import record_of
from services.chassis.settings import required
from services.ingest.app.rebuild_days import DayResult, check_day, rebuild_day
from services.ingest.app.replay_frames import Replay
from services.ingest.archive import Archive
from services.ingest.gate.directory import entry_of
from services.ingest.hj212.policy import LoggerPolicy
from services.ingest.parquet_files import ParquetFiles
from services.ingest.rebuild_store import first_day
from services.ingest.settings import IngestSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_data_argument(parser)
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    parser.add_argument("--apply", action="store_true", help="swap the rebuilt rows in")
    parser.add_argument(
        "--from", dest="first", type=date.fromisoformat, metavar="DAY", help="first day, UTC"
    )
    parser.add_argument(
        "--to", dest="last", type=date.fromisoformat, metavar="DAY", help="last day, UTC"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, a line a day")


def run(args: argparse.Namespace) -> int:
    """Rebuild and print; 1 where something differs or was refused."""
    if args.check and args.apply:
        print("farsight rebuild: --check and --apply exclude each other", file=sys.stderr)
        return 2
    try:
        environment = known_environment(DataFolder.open(args.data))
        database_url = required(environment, "DATABASE_URL")
        settings = IngestSettings.from_env(environment)
        database = Database(database_url, "ingest")
        replay = Replay(Archive(settings.archive, "rebuild"), _policies(database))
        results = [_shown(one, args) for one in _run(args, database, database_url, replay)]
    except (FarsightError, LocalError) as error:
        print(f"farsight rebuild: {error}", file=sys.stderr)
        return 1
    return 0 if all(one.equal or one.applied for one in results) else 1


def _run(
    args: argparse.Namespace, database: Database, database_url: str, replay: Replay
) -> Iterator[DayResult]:
    today = datetime.now(UTC).date()
    files = ParquetFiles(replay.archive.root.parent / "parquet")
    for day in _days(args, database, today):
        if args.check:
            yield check_day(database, replay, day, _progress, files=files)
        else:
            owner = OwnerDatabase(database_url, "ingest")
            yield rebuild_day(owner, replay, day, _progress, apply=args.apply, today=today)


def _days(args: argparse.Namespace, database: Database, today: date) -> Iterator[date]:
    last = args.last or (today - timedelta(days=2) if args.apply else today)
    day = args.first
    if day is None:
        with database.transaction() as session:
            day = first_day(session) or today
    while day <= last:
        yield day
        day += timedelta(days=1)


def _policies(database: Database) -> Any:
    """Keys and version of a logger, from the copy of the registry that ingest keeps."""
    known: dict[str, LoggerPolicy] = {}

    def policy_of(mn: str) -> LoggerPolicy:
        if mn not in known:
            with database.transaction() as session:
                record = record_of(session, registry_pb2.RECORD_KIND_LOGGER, mn)
            known[mn] = entry_of(record.logger).policy if record else LoggerPolicy()
        return known[mn]

    return policy_of


def _progress(day: date, done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{day}  {done:,} of {total:,} outlets", end=end, file=sys.stderr, flush=True)


def _shown(result: DayResult, args: argparse.Namespace) -> DayResult:
    print(_json(result) if args.json else _text(result), flush=True)
    return result


def _text(result: DayResult) -> str:
    rows = f"{result.stored.rows:,} rows stored, {result.rebuilt.rows:,} rebuilt"
    digest = result.rebuilt.value.hex()[:16]
    state = "applied" if result.applied else "equal" if result.equal else "DIFFERS"
    lines = [f"{result.day}  {state:<8} {rows}, digest {digest}"]
    lines += [
        f"  {one.outlet_id} {beijing(one.data_time):%Y-%m-%d %H:%M:%S} kind {one.kind}"
        f" {one.factor or '-'} {one.column}: stored {one.stored}, rebuilt {one.rebuilt}"
        for one in result.differences
    ]
    left = result.differing - len(result.differences)
    lines += [f"  and {left:,} more"] if left else []
    lines += [
        f"  leaf {one.leaf} of partition {one.part}: {one.reason}" for one in result.unreadable
    ]
    return "\n".join(lines)


def _json(result: DayResult) -> str:
    value = {
        "day": str(result.day),
        "equal": result.equal,
        "applied": result.applied,
        "stored": {"rows": result.stored.rows, "digest": result.stored.value.hex()},
        "rebuilt": {"rows": result.rebuilt.rows, "digest": result.rebuilt.value.hex()},
        "differing": result.differing,
        "differences": [asdict(one) for one in result.differences],
        "unreadable": [asdict(one) for one in result.unreadable],
    }
    return json.dumps(value, ensure_ascii=False, default=str)
