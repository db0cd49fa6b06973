"""`farsight clock`: when a statutory or operational term ends, and why 期限推算."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys

from services.cases.domain.clocks import Clock
from services.cases.domain.deadline import Due, Pause, due
from services.cases.domain.derivation import Grant
from services.cases.rules import clock_table
from services.chassis.calendar import Calendar
from services.chassis.clock import BEIJING
from services.chassis.errors import FarsightError, NotFound

_EPILOG = """\
examples:
  farsight clock filing --start 2026-07-03
  farsight clock decision --start 2026-08-20 --pause hearing=2026-09-01/2026-09-21 --extend leader
  farsight clock pay --start 2026-09-30 --extend instalment=2027-03-01
  farsight clock                          lists every clock
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("key", nargs="?", metavar="KEY", help="row of the clock table; none = list")
    parser.add_argument(
        "--start", type=_moment, metavar="ISO", help="starting event; without a zone: Beijing time"
    )
    parser.add_argument(
        "--pause",
        type=_pause,
        action="append",
        default=[],
        metavar="[CAUSE=]FROM/TO",
        help="a span that is not counted, TO may be empty while it lasts; repeatable",
    )
    parser.add_argument(
        "--extend",
        type=_grant,
        action="append",
        default=[],
        metavar="KEY[=DATE]",
        help="an extension that was approved, in the order given; repeatable",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Print the answer. 0 done, 1 the law does not allow what was asked, 2 bad usage."""
    if args.key is None:
        return _list(as_json=args.json)
    if args.start is None:
        print("farsight clock: --start is needed with a KEY", file=sys.stderr)
        return 2
    try:
        clock = clock_table().find(args.key, args.start.astimezone(BEIJING).date())
        answer = due(clock, args.start, Calendar.published(), args.pause, args.extend)
    except NotFound as fault:
        print(f"farsight clock: {fault}; `farsight clock` lists the keys", file=sys.stderr)
        return 2
    except FarsightError as fault:
        facts = "; ".join(f"{name}: {value}" for name, value in fault.facts.items())
        print(f"farsight clock: {fault} ({facts})", file=sys.stderr)
        return 1
    print(json.dumps(_document(clock, answer), ensure_ascii=False) if args.json else _text(answer))
    return 0


def _list(*, as_json: bool) -> int:
    rows = list(clock_table())
    if as_json:
        print(json.dumps([_row(clock) for clock in rows], ensure_ascii=False))
        return 0
    for clock in rows:
        print(f"{clock.key:26} {_length(clock):18} {clock.action_en}  [{clock.source}]")
    return 0


def _length(clock: Clock) -> str:
    if clock.length is None or clock.unit is None:
        return clock.kind.value
    if clock.unit.value == "clock_time":
        return f"next day {clock.length // 60:02d}:{clock.length % 60:02d}"
    return f"{clock.length} {'working ' if clock.working else ''}{clock.unit.value}"


def _row(clock: Clock) -> dict[str, object]:
    return {
        "key": clock.key,
        "kind": clock.kind.value,
        "start": clock.start_en,
        "action": clock.action_en,
        "length": _length(clock),
        "extensions": [one.key for one in clock.extensions],
        "pauses": sorted(clock.pauses),
        "statutory": clock.statutory,
        "source": clock.source,
        "confidence": clock.confidence,
    }


def _document(clock: Clock, answer: Due) -> dict[str, object]:
    return {
        **_row(clock),
        "due": answer.at and answer.at.astimezone(BEIJING).isoformat(),
        "last_day": answer.last_day and answer.last_day.isoformat(),
        "provisional": answer.provisional,
        "derivation": [line.en for line in answer.derivation],
        "derivation_zh": [line.zh for line in answer.derivation],
    }


def _text(answer: Due) -> str:
    return "\n".join(f"{line.en}\n    {line.zh}" for line in answer.derivation)


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)


def _pause(text: str) -> Pause:
    cause, found, span = text.rpartition("=")
    start, slash, end = span.partition("/")
    if not slash or (found and not cause):
        raise ValueError(text)
    return Pause(_moment(start), _moment(end) if end else None, cause)


def _grant(text: str) -> Grant:
    key, _, day = text.partition("=")
    return Grant(key, dt.date.fromisoformat(day) if day else None)
