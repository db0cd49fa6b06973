"""`farsight status`: each process, the queues, the dead letters, the frame balance."""

import argparse
import json
import sys
from datetime import timedelta

from farsight.local.errors import LocalError
from farsight.local.folders import DataFolder
from farsight.local.installation import known_environment
from farsight.local.report import Balance, Keeping, ProcessLine, Report, make_report
from farsight.local.up import add_data_argument

_HEADING = (
    f"{'process':<14} {'state':<9} {'ready':<6} {'pid':>8} {'uptime':>10} {'restarts':>8} "
    f"{'memory':>9}"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `farsight status`."""
    add_data_argument(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print the report; 1 when something is down, dead letters wait or frames are missing."""
    try:
        folder = DataFolder.open(args.data)
        report = make_report(folder, known_environment(folder))
    except LocalError as error:
        if args.json:
            print(json.dumps({"data": str(args.data), "problems": [str(error)]}))
        print(f"farsight status: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(report.as_dict(), ensure_ascii=False, indent=1))
    else:
        print(_text(report))
    return 1 if report.problems else 0


def _text(report: Report) -> str:
    total_mb = sum(each.memory_bytes for each in report.processes) / 1e6
    waiting = {name: count for name, count in report.queues.items() if count}
    dead = {name: count for name, count in report.dead_letters.items() if count}
    lines = [
        _HEADING,
        *(_process(each) for each in report.processes),
        f"{'all':<60} {total_mb:>6.0f} MB",
        "",
        f"queues        {_counts(waiting) or 'all empty'}",
        f"dead letters  {_counts(dead) or 'none'}",
        f"unrouted      {report.unrouted} (events nobody subscribes to)",
        *([_balance(report.balance)] if report.balance else []),
        *([_keeping(report.keeping)] if report.keeping else []),
        "",
        *(f"PROBLEM  {each}" for each in report.problems),
        *([] if report.problems else ["no problem"]),
    ]
    return "\n".join(lines)


def _process(line: ProcessLine) -> str:
    ready = {True: "yes", False: "no", None: "-"}[line.ready]
    uptime = str(timedelta(seconds=line.uptime_s))
    return (
        f"{line.name:<14} {line.state:<9} {ready:<6} {line.pid or '-':>8} {uptime:>10} "
        f"{line.restarts:>8} {line.memory_bytes / 1e6:>6.0f} MB"
    )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _balance(balance: Balance) -> str:
    refused = sum(balance.refused.values())
    reasons = f" ({_counts(dict(balance.refused))})" if refused else ""
    return (
        f"frames        received {balance.received:,} = accepted {balance.accepted:,}"
        f" + duplicate {balance.duplicate:,} + refused {refused:,}{reasons}"
    )


def _keeping(keeping: Keeping) -> str:
    head = f"head {keeping.head} signed {keeping.signed_at}" if keeping.head else "no head yet"
    clock = "synchronised" if keeping.clock_synchronised else "NOT synchronised"
    free = _counts({f"{name} MB": free for name, free in keeping.disk_free_mb.items()})
    return f"ledger        {head}; clock {clock}; free {free or 'unknown'}"
