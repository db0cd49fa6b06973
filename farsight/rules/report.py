"""差异报告 of a proposal, made by `farsight backtest` on stored data, a folder or the demo."""

import argparse
import contextlib
import datetime as dt
import io
import json
from typing import Any

from services.chassis.clock import beijing, utc_now
from services.chassis.errors import InputRejected

_DAYS = 30


def made_report(args: argparse.Namespace, pack: str, against: str) -> bytes:
    """Judge past data by both packs: the bytes that `farsight backtest --json` prints.

    30 days up to yesterday, unless told otherwise. Raises InputRejected where it could not be made.
    """
    from farsight.backtest import command  # noqa: PLC0415 - heavy, and only this verb needs it

    last = args.last or beijing(utc_now()).date() - dt.timedelta(days=1)
    first = args.first or last - dt.timedelta(days=_DAYS - 1)
    words = ["--pack", pack, "--against", against, "--json", "--history", args.history]
    words += ["--from", first.isoformat(), "--to", last.isoformat()]
    words += ["--data", str(args.data), "--user", args.user]
    words += ["--door", args.door] if args.door else []
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(printed):
        code = command.run(parser.parse_args(words))
    printed.flush()
    made = printed.buffer.getvalue() if isinstance(printed.buffer, io.BytesIO) else b""
    if code or not made:
        raise InputRejected("no difference report could be made; --history names other data")
    return made


def summary_lines(report: bytes) -> list[str]:
    """What a report says, in a few lines; a report of another form by its own summary."""
    told: dict[str, Any] = json.loads(report)
    summary = told.get("summary")
    if not isinstance(summary, dict):
        return [json.dumps(told, ensure_ascii=False)[:400]]
    span = f"{told.get('from', '?')} to {told.get('to', '?')}, {told.get('data', '')}"
    return [f"report: {span}", *(f"  {name}: {_shown(value)}" for name, value in summary.items())]


def _shown(value: Any) -> str:
    return " -> ".join(map(str, value)) if isinstance(value, list) else str(value)
