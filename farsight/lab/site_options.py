"""Options of `farsight simulate`: what kind of loggers they are and what is wrong with them."""

import argparse
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from farsight.lab.device import Absence, Device, device_of
from farsight.lab.faults import read_faults
from farsight.lab.province import DemoLogger

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}


def add_site_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them; all are for every simulated logger, `--only` chooses which."""
    add = parser.add_argument_group(
        "the loggers", "They answer every command of their version (farsight call)."
    ).add_argument
    add(
        "--version",
        type=int,
        choices=(2005, 2017, 2025),
        default=0,
        help="of HJ 212 they speak, whatever they were made for",
    )
    add("--key", type=_key, default=b"", metavar="HEX", help="SM4 key of 2025, 32 hex digits")
    add(
        "--outage",
        type=_duration,
        default=timedelta(0),
        metavar="60m",
        help="were silent so long before they begin; 2025 fills in by itself, others when asked",
    )
    add(
        "--lose",
        type=_hours,
        default=(),
        metavar="HH,HH",
        help="hours of the Beijing day that are not sent until they are asked for",
    )
    add("--clock-off", type=int, default=0, metavar="SECONDS", help="clock is ahead, until 1012")
    add(
        "--fault",
        action="append",
        default=[],
        metavar="NAME",
        help="deaf, refuse[=QnRtn], fail[=ExeRtn], mute, drop, slow[=S], wrong-qn",
    )


def make_devices(
    args: argparse.Namespace, loggers: Sequence[DemoLogger], begin: datetime
) -> list[Device]:
    """The loggers as devices; an outage ends at `begin`. Raises ValueError for an unknown fault."""
    faults = read_faults(args.fault)
    silent_from = begin - args.outage if args.outage else None
    absence = Absence(silent_from, begin if silent_from else None, args.lose)
    return [
        device_of(
            logger,
            version=args.version or logger.version,
            key=args.key or logger.key,
            faults=faults,
            offset=timedelta(seconds=args.clock_off),
            absence=absence,
        )
        for logger in loggers
    ]


def _duration(text: str) -> timedelta:
    """`90s`, `60m`, `2h`."""
    found = re.fullmatch(r"(\d+)([smh])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration like 60m or 2h")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _hours(text: str) -> tuple[int, ...]:
    """`08,09`: hours of the day."""
    hours = text.split(",")
    if not all(hour.isdigit() and int(hour) < 24 for hour in hours):
        raise argparse.ArgumentTypeError(f"{text!r} are no hours like 08,09")
    return tuple(int(hour) for hour in hours)


def _key(text: str) -> bytes:
    key = bytes.fromhex(text)
    if len(key) != 16:
        raise argparse.ArgumentTypeError("an SM4 key has 32 hex digits")
    return key
