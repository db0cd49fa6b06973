"""`farsight lab report`: runs all tests over folders and writes the scoreboard with its picture."""

import argparse
from pathlib import Path

from farsight.account import add_account_arguments, signed_in
from farsight.backtest.stored import stored_labels
from farsight.laboratory.board import Split, named_share, pooled, run_split
from farsight.laboratory.board_page import Board, page, peer_points
from farsight.laboratory.board_picture import recall_curve
from farsight.laboratory.outcomes import Outcome, outcomes_of, precision, read_outcomes
from services.chassis.errors import InputRejected
from services.detect.packs.load import shipped_pack

STORED = "stored"
_CURVE = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0)


def add_report_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the job to argparse."""
    add = parser.add_argument
    add("--cases", action="append", required=True, type=Path, metavar="DIR",
        help="labelled folder, may repeat; the first is shown by kind of station")  # fmt: skip
    add("--made", action="append", default=[], type=Path, metavar="DIR", help="of `lab make`")
    add("--unseen", action="append", default=[], type=Path, metavar="DIR", help="clean only")
    add("--outcomes", default="", metavar="CSV", help="verdicts of real cases, or `stored`")
    add("--dials", default="2,3,1.5,0.5", metavar="X,Y,...", help="first two whole (%(default)s)")
    add("-o", "--output", type=Path, default=Path("docs/scoreboard.md"), metavar="MD",
        help="(%(default)s)")  # fmt: skip
    add_account_arguments(parser)


def run_report(args: argparse.Namespace) -> None:
    """Run everything and write page and picture."""
    dials = _dials(args.dials)
    pack, loosest = shipped_pack(), max(*dials, *_CURVE)

    def run(folders: list[Path]) -> list[Split]:
        found = []
        for folder in folders:
            found.append(run_split(folder, pack, loosest))
            print(f"{folder.name}: {found[-1].seconds:.0f} s", flush=True)
        return found

    cases = run(args.cases)
    picture = args.output.parent / "img" / f"{args.output.stem}.svg"
    board = Board(
        command=_command(args),
        dials=dials,
        cases=cases,
        made=run(args.made),
        unseen=run(args.unseen),
        outcomes=precision(_outcomes(args)),
        picture=f"img/{picture.name}",
    )
    picture.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(page(board), encoding="utf-8")
    picture.write_text(_picture(cases), encoding="utf-8")
    print(f"{args.output} and {picture.name} written")


def _dials(text: str) -> list[float]:
    try:
        dials = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise InputRejected(f"--dials {text}: write numbers, as 1.5,3") from error
    if len(dials) < 2 or min(dials) <= 0:
        raise InputRejected(f"--dials {text}: at least two numbers above zero")
    return dials


def _command(args: argparse.Namespace) -> str:
    words = ["farsight lab report"]
    for name in ("cases", "made", "unseen"):
        words += [f"--{name} {folder.name}" for folder in getattr(args, name)]
    return " ".join([*words, f"--dials {args.dials}"])


def _outcomes(args: argparse.Namespace) -> list[Outcome]:
    if not args.outcomes:
        return []
    if args.outcomes != STORED:
        return read_outcomes(Path(args.outcomes))
    with signed_in(args) as client:
        return outcomes_of(stored_labels(client, ""))


def _picture(cases: list[Split]) -> str:
    ours = []
    for dial in _CURVE:
        one = pooled([split.score(dial) for split in cases])
        ours.append((f"{dial:g}", named_share(one), one.per_station_year))
    return recall_curve(ours, peer_points())
