"""`farsight dead list|show|replay`: the messages that could not be handled (死信).

A dead letter is an event or a batch whose handler refused it or failed on every attempt. Nothing is
lost while it lies there: look at it, mend the cause, replay it.
"""

import argparse
import json
import sys
from typing import Any

from kombu.connection import Connection

from farsight.local import deadletters
from farsight.local.deadletters import DeadLetter
from farsight.local.errors import LocalError
from farsight.local.folders import DataFolder
from farsight.local.installation import known_environment
from farsight.local.up import add_data_argument

_EPILOG = """\
examples:
  farsight dead list
  farsight dead show cases 6f1c0c1e-...
  farsight dead replay cases 6f1c0c1e-...
  farsight dead replay cases --all
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `farsight dead`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    actions = parser.add_subparsers(dest="action", required=True)
    names = sorted(deadletters.queues())
    listing = actions.add_parser("list", help="every dead letter; exit code 1 when there is one")
    listing.add_argument("service", nargs="?", choices=names)
    show = actions.add_parser("show", help="one dead letter with headers and decoded body")
    show.add_argument("service", choices=names)
    show.add_argument("id")
    replay = actions.add_parser("replay", help="send dead letters back to their queue")
    replay.add_argument("service", choices=names)
    replay.add_argument("id", nargs="*")
    replay.add_argument("--all", action="store_true", help="all of the service")
    for each in (listing, show, replay):
        add_data_argument(each)
        each.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Do the action; 1 for dead letters found by `list`, a missing id or an absent broker."""
    if args.action == "replay" and bool(args.id) == args.all:
        print("farsight dead replay: give ids or --all", file=sys.stderr)
        return 2
    try:
        with deadletters.connected(_amqp_uri(args)) as connection:
            return {"list": _list, "show": _show, "replay": _replay}[args.action](connection, args)
    except LocalError as error:
        print(f"farsight dead: {error}", file=sys.stderr)
        return 1


def _amqp_uri(args: argparse.Namespace) -> str:
    uri = known_environment(DataFolder.open(args.data)).get("AMQP_URI")
    if not uri:
        raise LocalError(f"{args.data} has never been used and AMQP_URI is not set")
    return uri


def _list(connection: Connection, args: argparse.Namespace) -> int:
    wanted = [args.service] if args.service else sorted(deadletters.queues())
    letters = [letter for name in wanted for letter in deadletters.peek(connection, name)]
    if args.json:
        _print_json([letter.summary() for letter in letters])
    else:
        for letter in letters:
            print(_line(letter))
        print(f"{len(letters)} dead letters", file=sys.stderr)
    return 1 if letters else 0


def _line(letter: DeadLetter) -> str:
    kind = letter.type_name.removeprefix("farsight.")
    return f"{letter.service:10} {letter.message_id}  {kind}  {letter.error}"


def _show(connection: Connection, args: argparse.Namespace) -> int:
    for letter in deadletters.peek(connection, args.service):
        if letter.message_id == args.id:
            _print_json(_full(letter))
            return 0
    print(f"farsight dead: {args.service} has no dead letter {args.id}", file=sys.stderr)
    return 1


def _full(letter: DeadLetter) -> dict[str, Any]:
    decoded = letter.decoded()
    body = {"body": decoded} if decoded is not None else {"body_hex": letter.body.hex()}
    return {**letter.summary(), "headers": dict(letter.headers), **body}


def _replay(connection: Connection, args: argparse.Namespace) -> int:
    asked = None if args.all else frozenset(args.id)
    sent = deadletters.replay(connection, args.service, asked)
    if args.json:
        _print_json({"replayed": sent})
    else:
        print(f"replayed {len(sent)} of {args.service}")
    missing = (asked or frozenset()) - set(sent)
    for each in sorted(missing):
        print(f"farsight dead: {args.service} has no dead letter {each}", file=sys.stderr)
    return 1 if missing else 0


def _print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1, default=str))
