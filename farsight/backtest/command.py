"""`farsight backtest`: what a rule pack would have said of past data, against another pack.

Exit 0: done. Exit 1: data or platform could not be read. Exit 2: bad usage.
"""

import argparse
import datetime as dt
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from farsight.account import add_account_arguments, signed_in
from farsight.backtest.compare import Difference, by_county, compare
from farsight.backtest.demo import DemoHistory
from farsight.backtest.folder import FolderHistory
from farsight.backtest.history import History
from farsight.backtest.packs import BASE, pack_of
from farsight.backtest.page import html_page
from farsight.backtest.pictures import county_bars, flip_calendar
from farsight.backtest.replay import Replay, replay
from farsight.backtest.report import canonical, difference_report, replay_document
from farsight.backtest.walk import WARM_UP, Span
from farsight.lab.door_client import SignedInClient
from services.chassis.errors import FarsightError

DEMO, STORED = "demo", "stored"
_EPILOG = """\
histories:
  DIR      tables of records, marks, labels and readings (docs/backtest.md)
  demo     the demo province, straight from the lab model
  stored   what a running platform keeps, over its doors

examples:
  farsight backtest --pack my_pack --from 2026-08-01 --to 2026-10-31 --history autumn -o out.html
  farsight backtest --pack base --from 2026-11-01 --to 2026-11-21 --history demo
  farsight backtest --pack hebei@2 --against hebei@1 --from 2026-10-01 --to 2026-10-31 \\
      --history stored --division 130400 --json > difference.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("--pack", required=True, metavar="PACK", help="a folder, base, or ID@VERSION")
    add("--against", default="", metavar="PACK", help="the pack to compare with (base)")
    add("--alone", action="store_true", help="replay --pack only, and list its findings")
    add("--from", dest="first", required=True, type=_day, metavar="DAY", help="Beijing day, ISO")
    add("--to", dest="last", required=True, type=_day, metavar="DAY", help="inclusive")
    add("--division", default="", metavar="CODE", help="only this province, city or county")
    add("--history", default=STORED, metavar="DIR", help="or demo, or stored (%(default)s)")
    add("--jobs", type=int, default=1, metavar="N", help="processes (%(default)s)")
    add("--json", action="store_true", help="print the report as canonical JSON")
    add(
        "-o",
        "--output",
        type=Path,
        metavar="HTML",
        help="write the report, and its pictures as SVG",
    )
    add_account_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Replay and compare; returns the exit code."""
    if args.last < args.first or args.jobs < 1:
        print("backtest: --to comes after --from, --jobs is at least 1", file=sys.stderr)
        return 2
    try:
        with ExitStack() as stack:
            return _run(args, _Doors(args, stack))
    except (FarsightError, OSError) as error:
        print(f"backtest: {error}", file=sys.stderr)
        return 1


class _Doors:
    """A client of the doors, signed in when somebody first asks for it."""

    def __init__(self, args: argparse.Namespace, stack: ExitStack) -> None:
        self._args = args
        self._stack = stack
        self._client: SignedInClient | None = None

    def __call__(self) -> SignedInClient:
        """Sign in once."""
        if self._client is None:
            self._client = self._stack.enter_context(signed_in(self._args))
        return self._client


def _run(args: argparse.Namespace, doors: _Doors) -> int:
    span = Span(args.first, args.last)
    new = pack_of(args.pack, doors)
    old = pack_of(args.against or BASE, doors)
    history = _history(args, span, doors)
    told = _Progress(quiet=args.json)
    wanted: dict[str, Any] = {"division": args.division, "jobs": args.jobs}
    after = replay(new, history, span, **wanted, tell=told.of(f"replaying {new.name}"))
    if args.alone:
        _show_alone(args, after, history.name)
        return 0
    before = replay(old, history, span, **wanted, tell=told.of(f"replaying {old.name}"))
    difference = compare(before, after, history.records, history.labels)
    _show(args, difference, history.name)
    return 0


def _history(args: argparse.Namespace, span: Span, doors: _Doors) -> History:
    if args.history == DEMO:
        return DemoHistory(span.end_hour)
    if args.history == STORED:
        from farsight.backtest.stored import StoredHistory  # noqa: PLC0415 - loads gRPC stubs

        tell = _Progress(quiet=args.json).of("fetching")
        return StoredHistory(doors(), args.division, span.first_hour - WARM_UP, span.end_hour, tell)
    return FolderHistory(Path(args.history))


def _show(args: argparse.Namespace, difference: Difference, data: str) -> None:
    if args.output:
        args.output.write_text(html_page(difference, data), encoding="utf-8")
        for name, picture in (
            ("counties", county_bars(difference)),
            ("flips", flip_calendar(difference)),
        ):
            beside = args.output.with_name(f"{args.output.stem}_{name}.svg")
            beside.write_text(picture + "\n", encoding="utf-8")
    if args.json:
        sys.stdout.buffer.write(difference_report(difference, data) + b"\n")
        return
    for line in summary_lines(difference):
        print(line)


def summary_lines(difference: Difference) -> list[str]:
    """The comparison in a few lines for a terminal."""
    old, new = difference.old, difference.new
    gained, lost = (len(difference.confirmed(gained=way)) for way in (True, False))
    lines = [
        f"{old.pack.name} -> {new.pack.name}, {old.span.first} to {old.span.last}",
        f"outlets: {old.outlets}",
        f"findings: {len(old.findings)} -> {len(new.findings)}",
        f"  gained {len(difference.gained)}, lost {len(difference.lost)}",
        f"  changed {len(difference.changed)}",
        f"enterprises judged otherwise: {len(difference.flips)}",
        f"confirmed cases: {gained} gained, {lost} lost of {len(difference.labels)} labels",
        f"{'county':24} {'items':>15} {'officer-hours':>21}",
    ]
    for side in by_county(old.counts, new.counts):
        name = f"{side.division} {difference.names.get(side.division, '')}"
        items, hours = side.items, side.officer_hours
        lines.append(
            f"{name:24} {items[0]:>6} -> {items[1]:>5} {hours[0]:>9.1f} -> {hours[1]:>8.1f}"
        )
    return lines


def _show_alone(args: argparse.Namespace, found: Replay, data: str) -> None:
    if args.json:
        sys.stdout.buffer.write(canonical(replay_document(found, data)) + b"\n")
        return
    print(f"{found.pack.name}: {len(found.findings)} findings, {len(found.items)} items")
    for one in found.findings:
        print(f"{one.outlet_id} {one.rule_id}: {one.seen}")


class _Progress:
    """Outlets done, on the error stream: one line that is written over on a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def of(self, what: str) -> Any:
        """Give the function that is told how far it is."""

        def tell(done: int, total: int) -> None:
            if self._quiet:
                return
            width = 30 * done // max(total, 1)
            bar = "#" * width + "." * (30 - width)
            end = "\r" if sys.stderr.isatty() and done < total else "\n"
            print(f"{what} [{bar}] {done}/{total} outlets", end=end, file=sys.stderr, flush=True)

        return tell


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("no day, as 2026-11-22") from None
