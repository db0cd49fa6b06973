"""The one command, `farsight`: a small table of sub-commands, each imported only when asked for."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

DONE, PROBLEM, USAGE = 0, 1, 2
"""Exit codes: done; the work hit or found a problem it was asked to report; bad usage."""


@dataclass(frozen=True)
class Command:
    """One sub-command; its module has `add_arguments(parser)` and `run(args) -> int`."""

    module: str
    help: str


COMMANDS = {
    "up": Command("farsight.local.up", "start the whole platform on this machine"),
    "down": Command("farsight.local.down", "end what `up` started, and nothing else"),
    "status": Command("farsight.local.status", "processes, queues, dead letters, frame balance"),
    "simulate": Command("farsight.lab.simulate", "demo loggers: HJ 212 frames from a model"),
    "decode": Command("farsight.decode", "show what HJ 212 frames say and what is wrong with them"),
    "detect": Command("farsight.screen.command", "tests for falsified data over a folder or table"),
    "radar": Command("farsight.screen.radar_command", "outlets of one operator with one hand"),
    "load": Command("farsight.load.command", "bring tables (CSV, Parquet) into the platform"),
    "backtest": Command("farsight.backtest.command", "past data judged by another rule pack"),
    "lab": Command("farsight.laboratory.command", "tests for falsified data: score, false alarms"),
    "rules": Command("farsight.rules.command", "check, compare, propose, decide rule packs"),
    "clock": Command("farsight.clock", "compute a statutory deadline with its derivation"),
    "story": Command("farsight.story.command", "a case from clue to court with all its documents"),
    "call": Command("farsight.call", "ask a logger for history, parameters, checks (反控)"),
    "ledger": Command("farsight.ledger", "newest signed ledger head and its key; check the log"),
    "rebuild": Command("farsight.rebuild", "reading tables again from archive and ledger"),
    "verify": Command("farsight.verify", "check a referral bundle offline"),
    "rate": Command("farsight.rate", "transmission rates with numerator and denominator"),
    "queue": Command("farsight.queue", "orders and cases by deadline and risk; CSV, Excel"),
    "record": Command("farsight.record", "the whole record of a case as a zip; check one offline"),
    "work": Command("farsight.work", "duty list, inactivity report, outcomes and timeliness"),
    "judge": Command("farsight.judge", "a judged day hour by hour; computes it again (研判)"),
    "outside": Command("farsight.outside", "places seen from outside, hot grid, townships"),
    "dead": Command("farsight.dead", "list, show and replay dead letters"),
    "migrate": Command("farsight.local.migrate", "bring the database schemas up to date"),
    "demo-officers": Command("farsight.lab.officers", "scripted officers of the demo province"),
    "demo-power": Command("farsight.lab.power", "demo platform: orders, meters, grid, gates"),
    "handset": Command("farsight.handset", "demo SMS centre (SMPP 3.4) with a handset view"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser, choices = _parser()
    name = next((word for word in given if not word.startswith("-")), None)
    if name not in COMMANDS:
        parser.parse_args(given)  # answers --help and --version, exits 2 for anything else
        parser.print_help()
        return USAGE
    module = importlib.import_module(COMMANDS[name].module)
    module.add_arguments(choices[name])
    return _run(module, parser.parse_args(given))


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    parser = argparse.ArgumentParser(
        prog="farsight", description="Farsight 千里眼: off-site environmental enforcement."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    choices = {
        name: commands.add_parser(name, help=each.help, description=each.help)
        for name, each in COMMANDS.items()
    }
    return parser, choices


def _run(module: ModuleType, args: argparse.Namespace) -> int:
    try:
        return int(module.run(args))
    except KeyboardInterrupt:
        return PROBLEM
    except BrokenPipeError:  # `farsight ... | head` is no problem of ours
        sys.stderr.close()
        return DONE
