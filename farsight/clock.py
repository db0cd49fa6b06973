"""`farsight clock`: when a statutory or operational term ends, and why 期限推算."""

from __future__ import annotations

import argparse
import datetime as dt
import difflib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from farsight import clock_text as say
from services.cases.domain.clocks import Clock, Kind
from services.cases.domain.counting import count_days
from services.cases.domain.daily_penalty import Round
from services.cases.domain.deadline import Pause, due
from services.cases.domain.derivation import Grant, Line
from services.cases.domain.surcharge import STOP, surcharge
from services.cases.rules import clock_table
from services.chassis.calendar import Calendar, Override, read_overrides
from services.chassis.clock import BEIJING
from services.chassis.errors import FarsightError, InputRejected, NotFound

_EPILOG = """\
examples:
  farsight clock filing --start 2026-07-03
  farsight clock decision --start 2026-08-20 --pause hearing=2026-09-01/2026-09-21 --extend leader
  farsight clock pay --start 2026-09-30 --extend instalment=2027-03-01
  farsight clock pay --start 2021-04-10 --fine 220000 --paid-on 2021-06-01
  farsight clock daily_count --start 2026-09-01 --until 2026-09-13 --fine 550000
  farsight clock crime_pause --start 2026-09-01 --until 2026-10-20
  farsight clock decision --start 2026-11-02 --holidays what-if.csv --compare
  farsight clock                          lists every clock

what-if.csv has the columns date, kind (weekday_off, weekend_workday, ...), festival, source: as
services/chassis/data/holidays.csv, whose rows hold wherever the file has none.
"""

#: Options that only some rows have a use for.
_ONLY: Mapping[str, tuple[Callable[[Clock], bool], str]] = {
    "until": (lambda clock: clock.length is None, "rows without a term (daily_count, crime_pause)"),
    "round": (lambda clock: clock.kind is Kind.COUNT, "daily_count"),
    "fine": (lambda clock: clock.kind is Kind.COUNT or clock.key == "pay", "daily_count and pay"),
    "paid_on": (lambda clock: clock.key == "pay", "pay"),
    "extend": (lambda clock: clock.length is not None, "rows with a term"),
    "holidays": (lambda clock: clock.length is not None, "rows with a term"),
}


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
    _add_sums(parser)
    parser.add_argument(
        "--holidays", type=Path, metavar="FILE", help="suppose these rest days as well (what if)"
    )
    parser.add_argument(
        "--compare", action="store_true", help="with --holidays: say what the file moves"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _add_sums(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--until", type=_day, metavar="DATE", help="where a row without a term ends: found, resumed"
    )
    parser.add_argument(
        "--round",
        type=_round,
        action="append",
        default=[],
        metavar="SERVED/FOUND",
        help="daily_count: a further order and the recheck that failed; repeatable",
    )
    parser.add_argument("--fine", type=_yuan, metavar="YUAN", help="the fine, for its sum")
    parser.add_argument("--paid-on", type=_day, metavar="DATE", help="pay: day of payment")


def run(args: argparse.Namespace) -> int:
    """Print the answer. 0 done, 1 the law does not allow what was asked, 2 bad usage."""
    if args.key is None:
        return _list(as_json=args.json)
    try:
        clock = _clock(args)
        lines, more = _answer(clock, args)
    except (InputRejected, NotFound) as fault:
        print(f"farsight clock: {fault}", file=sys.stderr)
        return 2
    except FarsightError as fault:
        facts = "; ".join(f"{name}: {value}" for name, value in fault.facts.items())
        print(f"farsight clock {args.key}: {fault} ({facts})", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(say.document(clock, lines, **more), ensure_ascii=False))
    else:
        print(say.text(lines))
    return 0


def _list(*, as_json: bool) -> int:
    rows = list(clock_table())
    if as_json:
        print(json.dumps([say.row(clock) for clock in rows], ensure_ascii=False))
        return 0
    for clock in rows:
        print(say.listed(clock))
    return 0


def _clock(args: argparse.Namespace) -> Clock:
    """The row that was asked for; what the options cannot be used for is refused."""
    keys = clock_table().keys
    if args.key not in keys:
        near = difflib.get_close_matches(args.key, keys, 3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise NotFound(f"no clock {args.key}; {hint}`farsight clock` lists the keys")
    if args.start is None:
        raise InputRejected(f"--start is needed with {args.key}: {_row(args.key).start_en}")
    clock = clock_table().find(args.key, args.start.astimezone(BEIJING).date())
    for name, (fits, whose) in _ONLY.items():
        if getattr(args, name) and not fits(clock):
            option = name.replace("_", "-")
            raise InputRejected(f"--{option} is for {whose}, not for {args.key}; leave it out")
    if args.compare and args.holidays is None:
        raise InputRejected("--compare needs --holidays FILE: the calendar to compare with")
    return clock


def _row(key: str) -> Clock:
    return next(clock for clock in clock_table() if clock.key == key)


def _answer(clock: Clock, args: argparse.Namespace) -> tuple[list[Line], dict[str, object]]:
    """The derivation, and what else the JSON holds."""
    if clock.kind is Kind.COUNT:
        return _counted(clock, args)
    if clock.kind is Kind.SUSPENSION:
        return _suspended(clock, args)
    if args.paid_on is not None:
        return _paid(clock, args)
    return _ended(clock, args, args.pause)


def _ended(
    clock: Clock, args: argparse.Namespace, pauses: list[Pause]
) -> tuple[list[Line], dict[str, object]]:
    published = Calendar.published()
    calendar = published.with_rows(_rows(args.holidays)) if args.holidays else published
    answer = due(clock, args.start, calendar, pauses, args.extend)
    lines, more = list(answer.derivation), say.ending(answer)
    if args.compare:
        line, compared = say.difference(
            due(clock, args.start, published, pauses, args.extend), answer
        )
        lines.append(line)
        more["compare"] = compared
    return lines, more


def _rows(path: Path) -> Mapping[dt.date, Override]:
    """Rows of a table of rest days. `InputRejected` says which file and which row."""
    try:
        return read_overrides(path.read_text(encoding="utf-8-sig").splitlines())
    except OSError as fault:
        raise InputRejected(f"{path} can't be read: {fault.strerror}") from fault
    except KeyError as fault:
        raise InputRejected(
            f"{path} has no column {fault}; it needs date, kind, festival, source"
        ) from fault
    except ValueError as fault:
        raise InputRejected(f"{path}, {fault}") from fault


def _counted(clock: Clock, args: argparse.Namespace) -> tuple[list[Line], dict[str, object]]:
    if args.until is None:
        raise InputRejected(f"{clock.key} counts up to a day: give --until, the day of the finding")
    if args.pause:
        raise InputRejected(f"{clock.key} has no pauses; give each count its own --round")
    first = Round(args.start.astimezone(BEIJING).date(), args.until)
    fine = None if args.fine is None else int(args.fine)
    answer = count_days(clock, [first, *args.round], fine)
    return list(answer.derivation), say.counted(answer)


def _suspended(clock: Clock, args: argparse.Namespace) -> tuple[list[Line], dict[str, object]]:
    """What the row stops, and for how long."""
    stopped = [one for one in clock_table() if clock.key in one.pauses]
    stops, zh = [one.key for one in stopped], "、".join(one.action_zh for one in stopped)
    if clock.key == STOP:
        stops, zh = ["surcharge"], "加处罚款"
    start = args.start.astimezone(BEIJING).date()
    lines = [
        Line(
            f"{clock.article_zh}：{clock.start_zh}，{clock.action_zh}。",
            f"{clock.source}: {clock.start_en}; {clock.action_en}.",
        ),
        Line(
            f"自 {start} 起停止计算：{zh}。",
            f"Stops from {start} on: {', '.join(stops)}.",
        ),
    ]
    days = None
    if args.until is not None:
        if args.until < start:
            raise InputRejected(f"--until {args.until} lies before --start {start}")
        days = (args.until - start).days
        lines.append(
            Line(
                f"{args.until} 恢复计算，扣除 {days} 日。",
                f"Counts again from {args.until}: {days} days are not counted.",
            )
        )
    return lines, {"stops": stops, "days": days}


def _paid(clock: Clock, args: argparse.Namespace) -> tuple[list[Line], dict[str, object]]:
    """The end of the term, then the surcharge; its pauses are reviews and suits."""
    if args.fine is None:
        raise InputRejected("--paid-on needs --fine: the surcharge is three per cent of it a day")
    wrong = [one.cause for one in args.pause if one.cause not in {"", STOP}]
    if wrong:
        raise InputRejected(f"the surcharge is not stopped by {wrong[0]}, only by {STOP}")
    lines, more = _ended(clock, args, [])
    last_day = dt.date.fromisoformat(str(more["last_day"]))
    answer = surcharge(args.fine, last_day, args.paid_on, args.pause)
    return [*lines, *answer.derivation], {**more, **say.owed(answer)}


def _moment(text: str) -> dt.datetime:
    """2026-07-03 or 2026-07-03T09:00+08:00."""
    with _explained(text, "date or time", "2026-07-03 or 2026-07-03T09:30"):
        moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)


def _day(text: str) -> dt.date:
    with _explained(text, "date", "2026-07-03"):
        return dt.date.fromisoformat(text)


def _pause(text: str) -> Pause:
    cause, found, span = text.rpartition("=")
    start, slash, end = span.partition("/")
    with _explained(text, "pause", "2026-09-01/2026-09-21 or hearing=2026-09-01/2026-09-21"):
        if not slash or (found and not cause):
            raise ValueError(text)
        return Pause(_moment(start), _moment(end) if end else None, cause)


def _round(text: str) -> Round:
    served, _, found = text.partition("/")
    with _explained(text, "round", "2026-09-01/2026-09-22"):
        return Round(dt.date.fromisoformat(served), dt.date.fromisoformat(found))


def _grant(text: str) -> Grant:
    key, _, day = text.partition("=")
    with _explained(text, "extension", "leader or instalment=2027-03-01"):
        return Grant(key, dt.date.fromisoformat(day) if day else None)


def _yuan(text: str) -> Decimal:
    with _explained(text, "amount of whole yuan", "220000"):
        if not (text.isascii() and text.isdecimal() and int(text)):
            raise ValueError(text)
        return Decimal(text)


@contextmanager
def _explained(text: str, what: str, example: str) -> Iterator[None]:
    """Refuse an argument with what was wrong and what is right."""
    try:
        yield
    except ValueError as fault:
        message = f"{text!r} is no {what}; write it as {example}"
        raise argparse.ArgumentTypeError(message) from fault
