"""`farsight load`: bring tables (CSV or Parquet) into the platform, safe to run again.

Exit 0: everything was taken. Exit 1: rows were refused or cannot be read. Exit 2: bad usage.
"""

import argparse
import json
import sys
from pathlib import Path

from google.protobuf.json_format import MessageToDict

from farsight.account import add_account_arguments, environment, signed_in
from farsight.lab.door_client import SignedInClient
from farsight.load.items import OUTSIDE
from farsight.load.pushing import READINGS, FilePush, PushOptions
from farsight.load.records import (
    KINDS,
    REGISTRY,
    RegistrySync,
    difference_lines,
    export,
    summary,
    tables_of,
)
from farsight.load.report import FileReport, Progress, show
from services.chassis import grpc_host
from services.chassis.errors import FarsightError, InputRejected

GATE = "127.0.0.1:9214"  # what `farsight up` prefers
_READING_KINDS = ("realtime", "minute", "hour", "day")
_EPILOG = """\
kinds:
  readings          monitored values, a row a time or a row a value
  marks electricity grid stations events complaints spots fingerprints
                    things from outside (docs/load.md has the columns)
  registry          tables of records by their file names: outlets.csv, loggers.csv, ...
  divisions enterprises outlets loggers limits teams officers contacts agencies duties leaves
                    one table of records, whatever its file is called

examples:
  farsight load readings --reading-kind hour hours.csv
  farsight load marks --dry-run marks.csv
  farsight load registry --dry-run province/*.csv
  farsight load outlets --complete --division 130400 outlets.parquet
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    add = parser.add_argument
    kinds = [READINGS, *OUTSIDE, REGISTRY, *KINDS]
    add("kind", metavar="KIND", choices=kinds, help="what the files hold; the list is below")
    add("files", metavar="FILE", nargs="+", type=Path, help="CSV (UTF-8) or Parquet")
    add("--dry-run", action="store_true", help="judge everything and keep nothing")
    add("--reading-kind", choices=_READING_KINDS, default="", help="of tables without the column")
    add("--again", action="store_true", help="push what is known to be safe too")
    add("--complete", action="store_true", help="delete records that the tables leave out")
    add("--export", action="store_true", help="write records to the files instead")
    add("--division", default="", metavar="CODE", help="of --complete and --export; else yours")
    add("--gate", metavar="HOST:PORT", help="gate (FARSIGHT_GATE_GRPC_ADDR, or the data folder's)")
    add(
        "--settle", type=float, default=30.0, metavar="S", help="wait for the store (%(default)s s)"
    )
    add("--problems", type=int, default=20, metavar="N", help="shown of a file (%(default)s)")
    add("--json", action="store_true", help="print JSON")
    add_account_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Load; returns the exit code."""
    missing = [path for path in args.files if not path.is_file()]
    if missing and not args.export:
        print(f"load: no file {missing[0]}", file=sys.stderr)
        return 2
    try:
        with signed_in(args) as client:
            pushed = args.kind == READINGS or args.kind in OUTSIDE
            if args.export:
                return _export(args, client)
            return _push(args, client) if pushed else _sync(args, client)
    except InputRejected as error:
        print(f"load: {error}", file=sys.stderr)
        return 2
    except FarsightError as error:
        print(f"load: {error}", file=sys.stderr)
        return 1


def _push(args: argparse.Namespace, client: SignedInClient) -> int:
    env = environment(Path(args.data))
    address = args.gate or env.get("FARSIGHT_GATE_GRPC_ADDR", "") or GATE
    options = PushOptions(
        kind=args.kind,
        reading_kind=args.reading_kind,
        dry_run=args.dry_run,
        again=args.again,
        settle_s=args.settle,
    )
    reports: list[FileReport] = []
    with grpc_host.client_channel(address) as gate:
        for path in args.files:
            progress = Progress(quiet=args.json)
            reports.append(FilePush(client, gate, options, progress.tell).load(path))
    show(reports, dry_run=args.dry_run, as_json=args.json, most=args.problems)
    return 1 if any(report.faults for report in reports) else 0


def _export(args: argparse.Namespace, client: SignedInClient) -> int:
    for table in tables_of(args.kind, args.files):
        rows = export(client, table, args.division)
        print(f"{table.path}: {rows} {table.kind}")
    return 0


def _sync(args: argparse.Namespace, client: SignedInClient) -> int:
    sync = RegistrySync(
        client, dry_run=args.dry_run, complete=args.complete, division=args.division
    )
    reports, answer = sync.sync(tables_of(args.kind, args.files))
    problems = [
        {"file": report.file, "line": one.line, "field": one.column, "reason": one.detail}
        for report in reports
        for one in report.problems
    ]
    if args.json:
        found = MessageToDict(answer, preserving_proto_field_name=True)
        whole = {"dry_run": args.dry_run, "result": found, "problems": problems[: args.problems]}
        print(json.dumps(whole, ensure_ascii=False, indent=1))
    else:
        for line in difference_lines(answer):
            print(line)
        for one in problems[: args.problems]:
            print(f"{one['file']}: line {one['line']}, {one['field'] or 'row'}: {one['reason']}")
        print(summary(answer, dry_run=args.dry_run))
    return 1 if problems else 0
