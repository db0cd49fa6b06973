"""`farsight lab make`: cheats into clean series, written in the benchmark's format."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from farsight.laboratory.cheats.library import Cheat, cheats
from farsight.laboratory.honest_life import dress
from farsight.laboratory.make import make
from farsight.laboratory.simulated import simulated_stations
from farsight.laboratory.sources import clean_stations, sources
from farsight.laboratory.station import Station, read_clean, write_folder
from services.chassis.errors import InputRejected


def add_make_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the job to argparse."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "cheats:\n" + "\n".join(
        f"  {cheat.cheat:<26}{cheat.code:<5}{cheat.how}" for cheat in cheats().values()
    )
    add = parser.add_argument
    add("output", type=Path, metavar="OUT", help="the folder to write")
    add("--from", dest="folders", action="append", default=[], type=Path, metavar="DIR",
        help="clean stations of a folder (may repeat)")  # fmt: skip
    add("--data", type=Path, metavar="DIR", help="real series of ../shared/lab/data/public")
    add("--group", default="known", choices=("known", "unseen"), help="of --data (%(default)s)")
    add("--simulated", type=int, default=0, metavar="N", help="stations of the demo's model")
    add("--days", type=int, default=90, help="of simulated stations (%(default)s)")
    add("--cheat", action="append", metavar="NAME", help="only this one (may repeat)")
    add("--events", type=int, default=4, metavar="N", help="of each cheat (%(default)s)")
    add("--clean-share", type=float, default=0.3, metavar="X", help="kept clean (%(default)s)")
    add("--set", action="append", default=[], metavar="CHEAT.NAME=X", help="fix a parameter")
    add("--seed", type=int, default=1, help="(%(default)s)")
    add("--clean-only", action="store_true", help="no cheat at all")


def run_make(args: argparse.Namespace) -> None:
    """Write the folder and say what is in it."""
    pool = [dress(station, args.seed) for station in _pool(args)]
    if not pool:
        raise InputRejected("no clean station; name --from DIR, --data DIR or --simulated N")
    chosen = [] if args.clean_only else _chosen(args.cheat)
    made = make(
        pool,
        chosen,
        args.events,
        args.seed,
        fixed=_fixed(args.set),
        clean_share=args.clean_share,
    )
    rows = write_folder(args.output, made.stations, made.labels)
    events = len({label.event for label in made.labels})
    clean = len(made.stations) - len({label.station for label in made.labels})
    print(f"{args.output}: {rows} rows, {len(made.stations)} stations, {events} events,"
          f" {clean} clean stations")  # fmt: skip
    for name, count in sorted(made.short.items()):
        print(f"  {name}: no station left for {count} of {args.events} events")


def _pool(args: argparse.Namespace) -> Iterator[Station]:
    for folder in args.folders:
        yield from read_clean(folder)
    if args.data:
        for source in sources(args.group):
            yield from clean_stations(args.data, source)
    yield from simulated_stations(args.simulated, args.days, args.seed)


def _chosen(names: list[str] | None) -> list[Cheat]:
    known = cheats()
    if unknown := [name for name in names or [] if name not in known]:
        raise InputRejected(f"no cheat {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names or known]


def _fixed(given: list[str]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for text in given:
        where, _, value = text.partition("=")
        cheat, _, name = where.partition(".")
        try:
            found.setdefault(cheat, {})[name] = float(value)
        except ValueError as error:
            raise InputRejected(f"--set {text}: write bottle.level=0.4") from error
    return found
