"""`farsight lab`: makes cheats, scores detectors, measures false alarms of tests, reports.

Exit 0: done. Exit 1: a file could not be used. Exit 2: bad usage.
"""

import argparse
import datetime as dt
import json
import sys
from pathlib import Path

from farsight.laboratory import calibrate
from farsight.laboratory.clean_panels import Watched, clean_panels
from farsight.laboratory.intervals import poisson
from farsight.laboratory.make_command import add_make_arguments, run_make
from farsight.laboratory.rates_file import SHIPPED, replace_tests
from farsight.laboratory.records import read_cases, read_detections
from farsight.laboratory.score import GRACE_S, cut_for, score
from farsight.laboratory.score_table import as_json, text
from services.chassis.clock import BEIJING
from services.chassis.errors import FarsightError, InputRejected
from services.detect.packs.load import shipped_pack
from services.detect.screening.rates import ANY, FUSED, RatePoint, RateTable
from services.detect.screening.screens import SCREENS
from services.detect.screening.sign import Sign

_EPILOG = """\
examples:
  farsight lab make cases --data ../shared/lab/data/public --simulated 40 --seed 3
  farsight lab make bottles --from clean --cheat bottle --set bottle.level=0.6
  farsight lab score --cases public --detections det.csv --budget 2
  farsight lab calibrate clean_a clean_b --test quiet_signal
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    jobs = parser.add_subparsers(dest="job", metavar="JOB", required=True)
    maker = jobs.add_parser("make", help="put cheats into clean series")
    add_make_arguments(maker)
    maker.set_defaults(do=run_make)
    _score_arguments(jobs.add_parser("score", help="what a detector found and how often it erred"))
    _calibrate_arguments(
        jobs.add_parser("calibrate", help="measure false alarms of the tests on clean series")
    )


def _score_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--cases", required=True, type=Path, metavar="DIR", help="with labels.csv, series.csv ...")
    add("--detections", required=True, type=Path, metavar="CSV", help="station,time,...")
    add("--grace-h", type=float, default=GRACE_S / 3600, help="after an event (%(default)s)")
    add("--budget", type=float, help="search the score cut with so many false alarms a year")
    add("--json", action="store_true", help="print plain values")
    parser.set_defaults(do=_score)


def _calibrate_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("folders", nargs="+", type=Path, metavar="DIR", help="clean folders; labelled stations"
        " are left out")  # fmt: skip
    add("--test", action="append", metavar="ID", help="only this test, may repeat; then the"
        " rate of joint evidence is left unmeasured")  # fmt: skip
    add("-o", "--output", type=Path, default=SHIPPED, metavar="CSV", help="(the shipped table)")
    parser.set_defaults(do=_calibrate)


def run(args: argparse.Namespace) -> int:
    """Do the job; the exit code."""
    try:
        args.do(args)
    except (FarsightError, OSError) as error:
        print(f"lab {args.job}: {error}", file=sys.stderr)
        return 1
    return 0


def _score(args: argparse.Namespace) -> None:
    cases, found = read_cases(args.cases), read_detections(args.detections)
    cut = None
    if args.budget is not None:
        cut = cut_for(cases, found, args.budget)
        found = found.take(found.score >= cut)
    result = score(cases, found, args.grace_h * 3600)
    print(json.dumps(as_json(result, cut), indent=1) if args.json else text(result, cut))


def _calibrate(args: argparse.Namespace) -> None:
    tests = args.test or sorted(SCREENS)
    if unknown := [test for test in tests if test not in SCREENS]:
        raise InputRejected(f"no test {', '.join(unknown)}; there are {', '.join(sorted(SCREENS))}")
    panels, pack = list(clean_panels(args.folders)), shipped_pack()
    stations = {name: w for one in panels for name, w in one.watched().items()}
    source = _source(args.folders, stations)
    rows: list[RatePoint] = []
    signs: list[list[Sign]] = [[] for _ in panels]
    for test in tests:
        mine = calibrate.signs_of(panels, test, pack)
        for all_of_panel, of_test in zip(signs, mine, strict=True):
            all_of_panel.extend(of_test)
        made = calibrate.curves(calibrate.seen_in(panels, mine), stations)
        rows += calibrate.points(test, made, source)
        print(_told(test, made[ANY], rows))
    if not args.test:
        joint = calibrate.fused(panels, signs, rows, pack)
        made = calibrate.curves(joint, stations, everywhere=True)
        rows += calibrate.points(FUSED, made, source)
        print(_told(FUSED, made[ANY], rows))
    replace_tests(args.output, [*tests, FUSED], rows)
    print(f"{args.output}: {len(rows)} rows of {len(tests)} tests")


def _source(folders: list[Path], stations: dict[str, Watched]) -> str:
    names = " + ".join(folder.name for folder in folders)
    years = sum(watched.years for watched in stations.values())
    today = dt.datetime.now(BEIJING).date()
    return f"{names} {years:.1f} station-years {today}"


def _told(test: str, made: calibrate.Curve, rows: list[RatePoint]) -> str:
    table, (low, high) = RateTable(rows), poisson(made.signs, made.years)
    cuts = "  ".join(f"{rate:g}/y at {table.score_at(test, 60, rate):.4g}" for rate in (1, 0.15))
    return (
        f"{test:<26}{made.signs:>6} signs in {made.years:6.1f} station-years"
        f" ({made.signs / made.years:.1f} a year, 95 % {low:.1f}-{high:.1f})  {cuts}"
    )
