"""`farsight ledger`: the newest signed head, the key it is signed with, whether all of it holds.

`--check` makes every leaf again from the ledger's rows, every tree from the leaves, and compares
each signed root, each signature, the chain of heads and the hour seals of earlier versions. Nothing
is written. The raw bytes are compared by `farsight rebuild --check`.
"""

import argparse
import json
import sys
from typing import Any

from farsight.local.errors import LocalError
from farsight.local.folders import DataFolder
from farsight.local.installation import known_environment
from farsight.local.up import add_data_argument
from services.chassis import sm
from services.chassis.db import Database
from services.chassis.errors import FarsightError
from services.chassis.settings import required
from services.ingest import log_store
from services.ingest.app.check_log import LogReport, check_log
from services.ingest.domain.head import SignedHead


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_data_argument(parser)
    parser.add_argument("--check", action="store_true", help="check every entry, head and seal")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print the newest head; 1 where the check found a problem, or there is no head."""
    try:
        environment = known_environment(DataFolder.open(args.data))
        database = Database(required(environment, "DATABASE_URL"), "ingest")
        with database.transaction() as session:
            head = log_store.last_head(session)
        report = check_log(database, _progress) if args.check else None
    except (FarsightError, LocalError) as error:
        print(f"farsight ledger: {error}", file=sys.stderr)
        return 1
    if head is None:
        print("farsight ledger: no hour was signed yet", file=sys.stderr)
        return 1
    value = _value(head, report)
    print(json.dumps(value, ensure_ascii=False, indent=1) if args.json else _text(value))
    return 1 if report is not None and report.problems else 0


def _value(head: SignedHead, report: LogReport | None) -> dict[str, Any]:
    value: dict[str, Any] = {
        "key": "04" + head.public_key.hex(),
        "fingerprint_sm3": sm.fingerprint(head.public_key),
        "head": json.loads(head.text),
        "signature": head.signature.hex(),
    }
    if report is not None:
        value["check"] = {
            "heads": report.heads,
            "entries": report.entries,
            "seals": report.seals,
            "keys_sm3": sorted(report.keys),
            "problems": report.problems,
        }
    return value


def _text(value: dict[str, Any]) -> str:
    head = value["head"]
    entries = sum(one["size"] for one in head["partitions"])
    closes = f"closes {head['hour']}" if head["hour"] else "made between hours"
    lines = [
        f"key 公钥          {value['key']}",
        f"fingerprint 指纹  {value['fingerprint_sm3']}",
        f"head 账本头       {head['number']}, {closes}, signed {head['made_at']}",
        f"entries 条目      {entries:,} in {len(head['partitions'])} partitions",
        *(f"clock 时钟        {_clock(one)}" for one in head["clock"]),
    ]
    if "check" in value:
        check = value["check"]
        lines.append(
            f"checked 核查      {check['entries']:,} entries, {check['heads']:,} heads,"
            f" {check['seals']:,} hour seals of before, {len(check['keys_sm3'])} keys"
        )
        lines += [f"PROBLEM  {one}" for one in check["problems"]] or ["no problem"]
    return "\n".join(lines)


def _clock(one: dict[str, Any]) -> str:
    if one["offset_us"] is None:
        return f"{one['source']}: no answer ({one['detail']})"
    state = "synchronised" if one["synchronised"] else "NOT synchronised"
    offset, bound = one["offset_us"] / 1e3, (one["max_error_us"] or 0) / 1e3
    return f"{one['source']}: {state}, offset {offset:+.1f} ms, at most {bound:.1f} ms wrong"


def _progress(part: int, done: int, size: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == size else ""
        text = f"\rpartition {part}  {done:,} of {size:,} entries"
        print(text, end=end, file=sys.stderr, flush=True)
