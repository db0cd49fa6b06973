"""`farsight simulate`: demo loggers that speak HJ 212 over TCP, from a seeded model.

They send by themselves and answer every command of the centre, in 2005, 2017 or 2025.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from farsight.lab.device import Device
from farsight.lab.history import frames_due, send_history
from farsight.lab.live import SimulatedClock, send_at_rate, send_live
from farsight.lab.province import demo_loggers
from farsight.lab.site_options import add_site_arguments, make_devices
from farsight.lab.state import RunState, load_state
from farsight.lab.uplink import Tally, Uplink
from services.chassis.clock import BEIJING
from services.chassis.errors import InputRejected
from services.chassis.probes import Probes
from services.chassis.settings import address

DEFAULT_SEED = 20260101
_GATE_WAIT_S = 30.0


@dataclass(frozen=True)
class Plan:
    """What one run sends."""

    gate: tuple[str, int]
    first_hour: int
    end_hour: int | None  # None: up to now, again and again until nothing is due
    history: bool
    live: bool
    live_from: datetime
    live_to: datetime | None
    speed: float
    rate: float
    seconds: float
    window: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `farsight simulate`."""
    gate = os.environ.get("FARSIGHT_HJ212_ADDR") or os.environ.get("FARSIGHT_HJ212_BIND", "")
    data = Path(os.environ.get("FARSIGHT_DATA", "") or ".data")
    add = parser.add_argument
    add("--gate", default=gate or "127.0.0.1:9212", help="HJ 212 address host:port (%(default)s)")
    add("--history", type=int, metavar="DAYS", default=0, help="hour frames (2061) up to now")
    add("--live", action="store_true", help="then go on: 2011, 2051, 2061, 2031 at their times")
    add("--from", dest="start", type=_moment, help="first moment, ISO (no zone = Beijing)")
    add("--to", dest="end", type=_moment, help="last moment, ISO; history and live end there")
    add("--speed", type=float, default=1.0, help="clock of --live with --from, times real time")
    add("--rate", type=float, default=0.0, help="load mode: 2011 frames a second over all loggers")
    add("--seconds", type=float, default=10.0, help="length of the load mode (%(default)s)")
    add("--only", action="append", default=[], metavar="MN", help="this logger only; repeatable")
    add("--seed", type=int, default=DEFAULT_SEED, help="of the model (%(default)s)")
    add("--honest", action="store_true", help="without the stories of demo/scenarios.csv")
    add("--window", type=int, default=64, help="unacknowledged frames a logger (%(default)s)")
    add("--state", type=Path, default=data / "demo" / "simulate.json", help="where it stopped")
    add("--json", action="store_true", help="print the result as JSON")
    add_site_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run; 0 done, 1 frames stayed unanswered or the gate is away, 2 bad usage."""
    if not (args.history or args.live or args.rate or (args.start and args.end)):
        print(
            "simulate: give --history, --live, --rate or --from and --to",
            file=sys.stderr,
        )
        return 2
    try:
        plan = _plan(args)
        anchor = int((args.end or datetime.now(UTC)).timestamp()) // 3600
        state = load_state(args.state, args.seed, anchor)
        loggers = demo_loggers(state.anchor_hour, args.seed, args.only, honest=args.honest)
        devices = make_devices(args, loggers, plan.live_from)
    except (ValueError, InputRejected) as error:
        print(f"simulate: {error}", file=sys.stderr)
        return 2
    if not loggers:
        print("simulate: no demo logger has that MN", file=sys.stderr)
        return 2
    tally = Tally()
    began = time.monotonic()
    # A supervisor ends a process with SIGTERM: the state is saved then as at Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(_simulate(plan, devices, state, args.state, tally))
    except InputRejected as error:
        print(f"simulate: {error}", file=sys.stderr)
        return 1
    return _report(tally, time.monotonic() - began, args)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)).astimezone(UTC)


def _plan(args: argparse.Namespace) -> Plan:
    now = datetime.now(UTC)
    start = args.start or now - timedelta(days=args.history)
    if args.speed != 1.0 and not (args.start and args.live):
        raise ValueError("--speed needs --live and --from: frames of the future are refused")
    # Load mode begins far enough back that its sample times stay in the past.
    load_start = args.start or now - timedelta(days=1)
    return Plan(
        gate=address({"--gate": args.gate}, "--gate", ""),
        first_hour=-(-int(start.timestamp()) // 3600),
        end_hour=int(args.end.timestamp()) // 3600 if args.end else None,
        history=bool(args.history) or (args.start is not None and not args.live and not args.rate),
        live=args.live,
        live_from=load_start if args.rate else (args.start or now) if args.speed != 1.0 else now,
        live_to=args.end if args.live else None,
        speed=args.speed,
        rate=args.rate,
        seconds=args.seconds,
        window=args.window,
    )


async def _simulate(
    plan: Plan, devices: Sequence[Device], state: RunState, path: Path, tally: Tally
) -> None:
    probes = Probes(address(os.environ, "FARSIGHT_PROBE_BIND", "127.0.0.1:0"))
    if not plan.rate:
        # Before the first frame: a run that is killed and started again must tell the same stories
        # at the same hours, or the store would see two values for one reading.
        state.save(path)
    uplinks = {
        device.speech.mn: Uplink(plan.gate, tally, window=plan.window, device=device)
        for device in devices
    }
    try:
        await _reach_gate(plan, tally)
        probes.ready()
        if plan.rate:
            await send_at_rate(devices, uplinks, plan.rate, plan.seconds, plan.live_from)
        if plan.history:
            await _history(plan, devices, uplinks, state, tally)
            state.save(path)
        if plan.live:
            print(f"live: {len(devices)} loggers", file=sys.stderr, flush=True)
            clock = SimulatedClock(plan.live_from, plan.speed, time.monotonic())
            await send_live(
                devices,
                uplinks,
                state,
                clock=clock,
                end=plan.live_to,
                save=lambda: state.save(path),
            )
    finally:
        if not plan.rate:
            state.save(path)
        await asyncio.gather(*(uplink.close() for uplink in uplinks.values()))


async def _reach_gate(plan: Plan, tally: Tally) -> None:
    """Wait for the first connection; a live run waits for ever and says so once in a while.

    Raises InputRejected when another run finds no gate.
    """
    host, port = plan.gate
    while True:
        try:
            await asyncio.wait_for(tally.connected.wait(), _GATE_WAIT_S)
        except TimeoutError:
            line = f"no gate at {host}:{port} (--gate, FARSIGHT_HJ212_ADDR): {tally.faults}"
            if not plan.live:
                raise InputRejected(line) from None
            print(f"simulate: {line}", file=sys.stderr, flush=True)
        else:
            return


async def _history(
    plan: Plan,
    devices: Sequence[Device],
    uplinks: Mapping[str, Uplink],
    state: RunState,
    tally: Tally,
) -> None:
    """Send what is due; while that took time an hour may have ended, so look again."""
    while True:
        end = plan.end_hour or int(time.time()) // 3600
        total = frames_due(devices, state, plan.first_hour, end)
        if not total:
            return
        progress = asyncio.create_task(_show_progress(tally, tally.acknowledged, total))
        try:
            await send_history(devices, uplinks, state, plan.first_hour, end)
        finally:
            progress.cancel()
        if plan.end_hour:
            return


async def _show_progress(tally: Tally, base: int, total: int) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(1.0)
        done = tally.acknowledged - base
        speed = done / (time.monotonic() - began)
        note = f", line faults {tally.faults}" if tally.faults else ""
        print(
            f"history {done:,}/{total:,} frames acknowledged, {speed:,.0f}/s{note}",
            file=sys.stderr,
            flush=True,
        )


def _report(tally: Tally, seconds: float, args: argparse.Namespace) -> int:
    if args.json:
        print(json.dumps(tally.figures() | {"seconds": round(seconds, 2)}))
    else:
        print(
            f"sent {tally.sent:,}, acknowledged {tally.acknowledged:,} in {seconds:.1f} s "
            f"({tally.acknowledged / max(seconds, 1e-9):,.0f}/s); sent again {tally.resent:,}, "
            f"unanswered {tally.unanswered:,}"
        )
    return 1 if tally.unanswered else 0
