"""`farsight lab`: makes cheats, scores detectors, measures false alarms of tests, reports.

Exit 0: done. Exit 1: a file could not be used. Exit 2: bad usage.
"""

import argparse
import datetime as dt
import json
import sys
from pathlib import Path

from farsight.laboratory import calibrate
from farsight.laboratory.clean_panels import Corpus, Seen
from farsight.laboratory.intervals import poisson
from farsight.laboratory.make_command import add_make_arguments, run_make
from farsight.laboratory.rates_file import SHIPPED, read_points, replace_tests
from farsight.laboratory.records import read_cases, read_detections
from farsight.laboratory.report_command import add_report_arguments, run_report
from farsight.laboratory.score import GRACE_S, cut_for, score
from farsight.laboratory.score_table import as_json, text
from services.chassis.clock import BEIJING
from services.chassis.errors import FarsightError, InputRejected
from services.detect.packs.load import shipped_pack
from services.detect.packs.pack import Pack
from services.detect.screening.rates import ANY, FUSED, RatePoint, RateTable
from services.detect.screening.screens import SCREENS

_EPILOG = """\
examples:
  farsight lab make cases --data ../shared/lab/data/public --simulated 40 --seed 3
  farsight lab make bottles --from clean --cheat bottle --set bottle.level=0.6
  farsight lab report --cases public --made cases --unseen unseen
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
    reporter = jobs.add_parser("report", help="run all tests and write docs/scoreboard.md")
    add_report_arguments(reporter)
    reporter.set_defaults(do=run_report)
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
    add("--more", action="append", default=[], type=Path, metavar="DIR", help="also, for tests that"
        " judge few stations of those (may repeat)")  # fmt: skip
    add("--test", action="append", metavar="ID", help="only this one, may repeat;"
        " fused = joint evidence, by the rates that the table has")  # fmt: skip
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
    tests = args.test or [*sorted(SCREENS), FUSED]
    known = {*SCREENS, FUSED}
    if unknown := [test for test in tests if test not in known]:
        raise InputRejected(f"no test {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    corpus, pack = Corpus.read(args.folders), shipped_pack()
    more = Corpus.read([*args.folders, *args.more]) if args.more else corpus
    ran = sorted(SCREENS) if FUSED in tests else tests
    signs = {test: calibrate.signs_of(corpus.clean, test, pack) for test in ran}
    for test in (test for test in tests if test != FUSED):
        found = calibrate.seen_in(corpus.clean, signs[test])
        made, source = _measured(corpus, test, found, pack), _source(args.folders, corpus)
        if made.get(ANY, calibrate.NOTHING).years < calibrate.ENOUGH_YEARS and args.more:
            found = calibrate.seen_in(more.clean, calibrate.signs_of(more.clean, test, pack))
            made = _measured(more, test, found, pack)
            source = _source([*args.folders, *args.more], more)
        _keep(args.output, test, made, source)
    if FUSED in tests:
        points = read_points(args.output)
        joint = calibrate.fused(corpus.clean, signs.values(), points, pack)
        made = calibrate.curves(joint, corpus.stations(), calibrate.EVERYWHERE)
        _keep(args.output, FUSED, made, _source(args.folders, corpus))


def _measured(
    corpus: Corpus, test: str, found: list[Seen], pack: Pack
) -> dict[str, calibrate.Curve]:
    needed = calibrate.needs(corpus, test, found, pack)
    return calibrate.curves(found, corpus.stations(), needed)


def _keep(output: Path, test: str, made: dict[str, calibrate.Curve], source: str) -> None:
    if not made:
        print(f"{test:<26}  not measured: no clean station shows what it says; its rows stay")
        return
    rows = calibrate.points(test, made, source)
    replace_tests(output, [test], rows)
    print(_told(test, made[ANY], rows), flush=True)


def _source(folders: list[Path], corpus: Corpus) -> str:
    names = " + ".join(folder.name for folder in folders)
    years = sum(watched.years for watched in corpus.stations().values())
    today = dt.datetime.now(BEIJING).date()
    return f"{names} {years:.1f} station-years {today}"


def _told(test: str, made: calibrate.Curve, rows: list[RatePoint]) -> str:
    table, (low, high) = RateTable(rows), poisson(made.signs, made.years)
    cuts = [(rate, table.score_at(test, 60, rate)) for rate in (1, 0.15)]
    most = 100 * max(1.0, *made.score)  # a cut far beyond all that was seen is none
    told = "  ".join(f"{rate:g}/y at {cut:.4g}" for rate, cut in cuts if abs(cut) < most)
    return (
        f"{test:<26}{made.signs:>6} signs in {made.years:6.1f} station-years"
        f" ({made.signs / made.years:.1f} a year, 95 % {low:.1f}-{high:.1f})  {told}"
    )
