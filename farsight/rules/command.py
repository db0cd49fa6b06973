"""`farsight rules`: check, compare, show, propose and decide rule packs (docs/rules.md).

Exit 0: done. Exit 1: a pack is refused, or the platform says no. Exit 2: bad usage.
"""

import argparse
import datetime as dt
import sys
from pathlib import Path
from typing import TypeAlias

from farsight.account import add_account_arguments
from farsight.rules import decide, files, show
from services.chassis.errors import FarsightError

_EPILOG = """\
a PACK is a folder, `base` (as shipped), or ID@VERSION (as the platform keeps it)

examples:
  farsight rules export base hebei         copy the shipped pack to begin with
  farsight rules lint hebei
  farsight rules diff base hebei
  farsight rules show limits.csv --process "coal boiler" --industry 4412 --factor a21026
  farsight rules show --outlet 91130481FARX00013L-DA001 --factor a21026
  farsight rules propose hebei --applies-from 2026-12-01 --reason "冀环办〔2026〕1号"
  farsight rules activate-status PROPOSAL
  farsight rules approve PROPOSAL --read DIGEST
  farsight rules rollback base@2026-11-22 --applies-from 2026-12-01 --reason "限值有误"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    _file_verbs(verbs)
    _show_verb(verbs)
    _acting_verbs(verbs)


def run(args: argparse.Namespace) -> int:
    """Do what was asked; returns the exit code."""
    try:
        return int(args.act(args))
    except (FarsightError, OSError) as error:
        print(f"farsight rules: {error}", file=sys.stderr)
        return 1


_Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - argparse gives no other name


def _verb(verbs: _Verbs, name: str, text: str, *, doors: bool = True) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    if doors:
        add_account_arguments(parser)
    return parser


def _file_verbs(verbs: _Verbs) -> None:
    lint = _verb(verbs, "lint", "check a pack; every fault names its place", doors=False)
    lint.add_argument("folder", type=Path, metavar="DIR")
    lint.set_defaults(act=files.lint)
    compare = _verb(verbs, "diff", "rows that differ between two packs, field by field")
    compare.add_argument("old", metavar="A", help="PACK")
    compare.add_argument("new", metavar="B", help="PACK")
    compare.set_defaults(act=files.diff)
    export = _verb(verbs, "export", "write a pack's files to a new folder")
    export.add_argument("pack", metavar="PACK")
    export.add_argument("folder", type=Path, metavar="DIR")
    export.set_defaults(act=files.export)


def _show_verb(verbs: _Verbs) -> None:
    parser = _verb(verbs, "show", "rows of a pack, or what applies to an outlet, and why")
    add = parser.add_argument
    add("part", nargs="?", default="", metavar="PART", help="limits.csv, validity, pools, ...")
    add("--pack", default="", metavar="PACK", help="base without the platform; with --outlet: now")
    add("--outlet", default="", metavar="ID", help="an outlet of the registry")
    add("--factor", default="", metavar="CODE", help="HJ 524/525 code")
    add("--industry", default="", metavar="CODE", help="GB/T 4754, four digits")
    add("--process", default="", help="as in the registry: coal boiler, cement kiln, ...")
    add("--medium", choices=("air", "water"), help="told by the factor where left out")
    add("--division", default="", metavar="CODE", help="six digits")
    add("--trait", action="append", default=[], metavar="NAME=VALUE", help="unit=new, region=key")
    add("--day", type=_day, metavar="DAY", help="Beijing day of the data (today)")
    parser.set_defaults(act=show.show)


def _acting_verbs(verbs: _Verbs) -> None:
    known = _verb(verbs, "list", "packs that the platform keeps, and open proposals")
    known.set_defaults(act=decide.show_packs)
    timeline = _verb(verbs, "timeline", "which pack judges which days")
    timeline.set_defaults(act=decide.show_timeline)
    status = _verb(verbs, "activate-status", "proposals and what became of them")
    status.add_argument(
        "proposal", nargs="?", default="", metavar="ID", help="one, with its report"
    )
    status.add_argument("--report", type=Path, metavar="FILE", help="write its report there")
    status.set_defaults(act=decide.show_status)
    propose = _verb(verbs, "propose", "first person: a pack is to judge from a day on")
    propose.add_argument("pack", metavar="DIR")
    _wish(propose)
    propose.set_defaults(act=decide.propose)
    back = _verb(verbs, "rollback", "first person: a pack of before is to judge again")
    back.add_argument("pack", metavar="ID@VERSION")
    _wish(back)
    back.set_defaults(act=decide.roll_back)
    attach = _verb(verbs, "attach", "first person: bring the difference report of a proposal")
    attach.add_argument("proposal", metavar="ID")
    attach.add_argument("report", type=Path, metavar="FILE")
    attach.set_defaults(act=decide.attach)
    approve = _verb(verbs, "approve", "second person: activate")
    approve.add_argument("proposal", metavar="ID")
    approve.add_argument(
        "--read",
        required=True,
        metavar="DIGEST",
        help="of the report you read; its first digits do",
    )
    approve.add_argument("--reason", default="")
    approve.set_defaults(act=decide.approve)
    refuse = _verb(verbs, "refuse", "second person: no; or the first one takes it back")
    refuse.add_argument("proposal", metavar="ID")
    refuse.add_argument("--reason", required=True)
    refuse.set_defaults(act=decide.refuse)


def _wish(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--applies-from", required=True, type=_day, metavar="DAY", help="Beijing day of the data")
    add("--reason", required=True, help="document, number, why")
    add("--report", type=Path, metavar="FILE", help="of `farsight backtest --json`; else made now")
    add("--against", default="", metavar="PACK", help="what the report compares with (what judges)")
    add("--history", default="stored", metavar="DIR", help="demo, stored or a folder (%(default)s)")
    add("--from", dest="first", type=_day, metavar="DAY", help="of the report (30 days ago)")
    add("--to", dest="last", type=_day, metavar="DAY", help="of the report (yesterday)")
    add("--without-report", action="store_true", help="it follows by `attach`")


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("no day, as 2026-11-22") from None
