"""`make load`: the nation's load on one machine, a reconnect storm, and kills under load.

    python -m tests.bench.national steady    2,000 frames/s of 60,000 loggers on 2,000 connections
    python -m tests.bench.national storm     5,000 sessions come back with an hour of back-fill each
    python -m tests.bench.national kill      kill -9 of gate, ingest, RabbitMQ, PostgreSQL in turn

Everything shares one machine: the platform, its servers, the load and this program. The figures are
printed and written to test-results/national-<what>.json.
"""

import argparse
import json
import os
import platform as machine
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine, create_engine, text

from farsight.lab.door_client import SignedInClient
from services.chassis import grpc_host
from services.chassis.db import sqlalchemy_url
from services.chassis.pb.registry.v1 import registry_pb2_grpc
from tests.bench.fleet import requests
from tests.e2e.clients import wait_until
from tests.e2e.platform import RunningPlatform, start_platform

TICKS_S = os.sysconf("SC_CLK_TCK")
VICTIMS = ("ingest-gate", "ingest", "rabbitmq", "postgres")
SETTLE_S = 300


class Generator:
    """A running generator and the last thing it said."""

    def __init__(self, platform: RunningPlatform, *options: object) -> None:
        command = [sys.executable, "-m", "tests.bench.generator", "--address", platform.hj212]
        self._process = subprocess.Popen(
            [*command, *map(str, options)], stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.lines: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(json.loads(line))
            if len(self.lines) % 15 == 0:
                say(**self.lines[-1])

    def result(self) -> dict[str, Any]:
        """Wait for the end; its last line."""
        self._process.wait()
        self._reader.join(10)
        return self.lines[-1]

    def stop(self) -> dict[str, Any]:
        """Let it wait for what it has sent, then end; its last line."""
        self._process.terminate()
        return self.result()


class Watch(threading.Thread):
    """Once a second: frames in the ledger, and processor time by process."""

    def __init__(self, platform: RunningPlatform, extra: dict[str, int]) -> None:
        super().__init__(daemon=True)
        self._engine = engine_of(platform)
        self._platform = platform
        self._extra = extra
        self._ended = threading.Event()
        self.stored: list[tuple[float, int]] = []
        self.began = time.monotonic()
        self._first = cpu_seconds(platform, extra)

    def run(self) -> None:
        while not self._ended.wait(1):
            try:
                self.stored.append((time.time(), leaves(self._engine)))
            except Exception as error:  # noqa: BLE001 - a killed server answers nothing for a while
                say(watch=type(error).__name__)

    def end(self) -> dict[str, float]:
        """Percent of one core by process since the start."""
        self._ended.set()
        self.join()
        elapsed = time.monotonic() - self.began
        last = cpu_seconds(self._platform, self._extra)
        share = {n: 100 * (s - self._first.get(n, 0)) / elapsed for n, s in last.items()}
        return {n: round(s, 1) for n, s in sorted(share.items(), key=lambda x: -x[1]) if s >= 0.5}


def say(**words: object) -> None:
    print(datetime.now(UTC).strftime("%H:%M:%S"), json.dumps(words), file=sys.stderr, flush=True)


def engine_of(platform: RunningPlatform) -> Engine:
    return create_engine(sqlalchemy_url(platform.env["DATABASE_URL"]), pool_pre_ping=True)


def leaves(engine: Engine) -> int:
    """Frames in the ledger of all partitions."""
    with engine.connect() as connection:
        query = text("SELECT coalesce(sum(next_leaf), 0) FROM ingest.ledger_head")
        return int(connection.scalar(query) or 0)


def cpu_seconds(platform: RunningPlatform, extra: dict[str, int]) -> dict[str, float]:
    """Seconds of processor by process; children count for the named process above them."""
    names = {row["pid"]: row["name"] for row in platform.status()["processes"] if row["pid"]}
    names |= {pid: name for name, pid in extra.items()}
    parents, used = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        parents[pid] = int(fields[1])
        # With the children that were waited for: a backend of PostgreSQL may end meanwhile.
        used[pid] = sum(int(field) for field in fields[11:15]) / TICKS_S
    seconds: Counter[str] = Counter()
    for pid, one in used.items():
        above = pid
        while above and above not in names:
            above = parents.get(above, 0)
        if above:
            seconds[names[above]] += one
    return dict(seconds)


def seed_fleet(platform: RunningPlatform, outlets: int) -> float:
    """Load the fleet through the public door; how many seconds that took."""
    began = time.monotonic()
    with grpc_host.client_channel(platform.grpc) as channel:
        client = SignedInClient(channel, "operator", platform.env["FARSIGHT_BOOTSTRAP_PASSWORD"])
        client.sign_in()
        stub = registry_pb2_grpc.RegistryServiceStub(channel)
        answer = client.call(stub.Sync, requests(outlets), timeout_s=1800.0)
    assert not answer.errors, list(answer.errors)[:3]
    seconds = time.monotonic() - began
    say(seeded=outlets, seconds=round(seconds, 1), created=answer.created)
    wait_until(lambda: not platform.waiting(""), 900, "all services to have the registry")
    say(spread_s=round(time.monotonic() - began, 1))
    return seconds


def lags(generator: Generator, stored: list[tuple[float, int]], before: int) -> dict[str, float]:
    """How many seconds a frame's row came after its acknowledgement, at each second."""
    came = [(line["at"], line["acknowledged"]) for line in generator.lines if not line["final"]]
    times = np.array([at for at, _ in came])
    counts = np.array([count for _, count in came])
    found = []
    for at, count in stored:
        reached = np.searchsorted(counts, count - before, side="right")
        if 0 < reached < len(times):
            found.append(max(0.0, at - times[reached]))
    if not found:
        return {}
    return {"p50_s": round(float(np.median(found)), 2), "max_s": round(max(found), 2)}


def steady(platform: RunningPlatform, args: argparse.Namespace) -> dict[str, Any]:
    """2,000 frames a second for ten minutes, after a warm-up in which every series is made."""
    shape = ("--loggers", args.outlets, "--connections", args.connections, "--rate", args.rate)
    if args.warm_up:
        say(warm_up_s=args.warm_up)
        Generator(platform, *shape, "--seconds", args.warm_up).result()
        wait_until(lambda: not platform.waiting("detect.readings"), 600, "the warm-up judged")
    balance_before = platform.operator().balance()
    engine = engine_of(platform)
    before = leaves(engine)
    load = Generator(platform, *shape, "--seconds", args.seconds)
    watch = Watch(platform, {"generator": load.pid, "bench": os.getpid()})
    watch.start()
    time.sleep(args.seconds - 1)  # while all of it still runs
    cpu = watch.end()
    result = load.result()
    wait_until(lambda: leaves(engine) - before >= result["acknowledged"], SETTLE_S, "stored")
    judged_began = time.monotonic()
    wait_until(lambda: not platform.waiting("detect.readings"), SETTLE_S, "judged")
    balance = platform.operator().balance()
    return {
        "loggers": args.outlets,
        "connections": args.connections,
        "asked_frames_s": args.rate,
        "seconds": args.seconds,
        "sent": result["sent"],
        "acknowledged": result["acknowledged"],
        "resent": result["resent"],
        "acknowledged_frames_s": round(result["acknowledged"] / args.seconds),
        "ack_p50_s": result["p50_s"],
        "ack_p99_s": result["p99_s"],
        "ack_max_s": result["max_s"],
        "store_lag": lags(load, watch.stored, before),
        "judged_after_s": round(time.monotonic() - judged_began, 1),
        "cpu_percent_of_a_core": cpu,
        "received": balance.received - balance_before.received,
        "accepted": balance.accepted - balance_before.accepted,
        "duplicate": balance.duplicate - balance_before.duplicate,
        "refused": sum(balance.refused.values()),
        "imbalance": imbalance(balance),
        "memory_mb": memory(platform),
    }


def storm(platform: RunningPlatform, args: argparse.Namespace) -> dict[str, Any]:
    """An hour of back-fill of many sessions at once, while others send live."""
    engine = engine_of(platform)
    others = args.outlets - args.sessions
    live = Generator(
        platform, "--first", args.sessions, "--loggers", others, "--connections", 1000,
        "--rate", args.live_rate, "--seconds", 3600, "--net", 1,
    )  # fmt: skip
    time.sleep(30)
    calm = live.lines[-10:]
    before = leaves(engine)
    began = time.monotonic()
    returning = Generator(
        platform, "--storm", "--loggers", args.sessions, "--window", args.window
    )  # fmt: skip
    watch = Watch(platform, {"live": live.pid, "returning": returning.pid, "bench": os.getpid()})
    watch.start()
    mark = len(live.lines)
    result = returning.result()
    drained_s = time.monotonic() - began
    meanwhile = live.lines[mark:]
    cpu = watch.end()
    acknowledged = live.stop()["acknowledged"] + result["acknowledged"]
    wait_until(lambda: leaves(engine) >= acknowledged, SETTLE_S, "stored")
    stored_s = time.monotonic() - began
    balance = platform.operator().balance()
    return {
        "sessions": args.sessions,
        "frames_a_session": 127,
        "window": args.window,
        "sent": result["sent"],
        "acknowledged": result["acknowledged"],
        "resent": result["resent"],
        "drained_s": round(drained_s),
        "drained_frames_s": round(result["acknowledged"] / drained_s),
        "stored_s": round(stored_s),
        "backfill_ack_p50_s": result["p50_s"],
        "backfill_ack_p99_s": result["p99_s"],
        "live_rate_frames_s": args.live_rate,
        "live_ack_before": spread(calm),
        "live_ack_meanwhile": spread(meanwhile),
        "cpu_percent_of_a_core": cpu,
        "imbalance": imbalance(balance),
        "refused": sum(balance.refused.values()),
        "leaves_before": before,
    }


def spread(lines: list[dict[str, Any]]) -> dict[str, float]:
    """Median and worst second of the acknowledgement's percentiles."""
    p50, p99 = ([line[name] for line in lines] for name in ("p50_s", "p99_s"))
    if not lines:
        return {}
    return {
        "p50_s": float(np.median(p50)),
        "p99_s": float(np.median(p99)),
        "worst_second_p99_s": float(max(p99)),
    }


def kill(platform: RunningPlatform, args: argparse.Namespace) -> dict[str, Any]:
    """kill -9 in turn under load; what was acknowledged is stored, once."""
    engine = engine_of(platform)
    before = counts(engine)
    shape = ("--loggers", args.outlets, "--connections", args.connections, "--rate", args.rate)
    load = Generator(platform, *shape, "--seconds", 3600)
    back = {}
    for victim in VICTIMS:
        time.sleep(args.apart)
        say(kill=victim, **load.lines[-1])
        began = time.monotonic()
        pid = platform.kill(victim)
        platform.wait_ready(victim, not_pid=pid)
        back[victim] = round(time.monotonic() - began, 1)
    time.sleep(args.apart)
    result = load.stop()
    wait_until(lambda: not platform.waiting("ingest.readings"), SETTLE_S, "stored")
    time.sleep(3)  # the last batch leaves the queue before it is settled
    balance = platform.operator().balance()
    after = counts(engine)
    accepted, rows, gaps = (now - then for now, then in zip(after, before, strict=True))
    return {
        "rate": args.rate,
        "back_after_s": back,
        "sent": result["sent"],
        "acknowledged": result["acknowledged"],
        "resent": result["resent"],
        "connects": result["connects"],
        "accepted_in_ledger": accepted,
        "reading_rows": rows,
        "duplicates_recognized": balance.duplicate,
        "partitions_with_gaps": gaps,
        "imbalance": imbalance(balance),
        "dead_letters": sum(platform.status()["dead_letters"].values()),
        "equal": result["sent"] == result["acknowledged"] == accepted == rows,
    }


def counts(engine: Engine) -> tuple[int, int, int]:
    """Accepted frames in the ledger, rows of readings, partitions whose leaves have gaps."""
    queries = (
        "SELECT count(*) FROM ingest.ledger WHERE outcome = 'accepted'",
        "SELECT count(*) FROM ingest.reading",
        (
            "SELECT count(*) FROM (SELECT part, count(*) AS n FROM ingest.ledger GROUP BY part)"
            " AS counted JOIN ingest.ledger_head AS head USING (part) WHERE counted.n <> next_leaf"
        ),
    )
    with engine.connect() as connection:
        accepted, rows, gaps = (int(connection.scalar(text(one)) or 0) for one in queries)
    return accepted, rows, gaps


def imbalance(balance: Any) -> int:
    return balance.received - (balance.accepted + balance.duplicate + sum(balance.refused.values()))


def memory(platform: RunningPlatform) -> dict[str, int]:
    """Megabytes of the installation's processes (PSS)."""
    rows = platform.status()["processes"]
    return {row["name"]: round(row["memory_bytes"] / 1e6) for row in rows}


WHAT = {"steady": steady, "storm": storm, "kill": kill}


def main() -> int:
    """Measure one of the three on a fresh platform."""
    parser = argparse.ArgumentParser(prog="make load", description=__doc__.partition("\n")[0])
    parser.add_argument("what", nargs="+", choices=WHAT)
    parser.add_argument("--outlets", type=int, default=60_000)
    parser.add_argument("--connections", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=2000)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--warm-up", type=float, default=60, help="seconds before the measured run")
    parser.add_argument("--sessions", type=int, default=5000, help="of the storm")
    parser.add_argument("--window", type=int, default=4, help="unanswered frames a session")
    parser.add_argument("--live-rate", type=float, default=500, help="frames/s beside the storm")
    parser.add_argument("--apart", type=float, default=25, help="seconds between two kills")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="farsight-load-") as folder:
        platform = start_platform(Path(folder) / "data")
        try:
            platform.seed()
            seeded_s = seed_fleet(platform, args.outlets)
            for what in args.what:
                figures = {
                    "what": what,
                    "machine": f"{os.cpu_count()} cores, {machine.machine()}, {machine.release()}",
                    "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
                    "seeded_s": round(seeded_s),
                    **WHAT[what](platform, args),
                }
                target = Path(f"test-results/national-{what}.json")
                target.parent.mkdir(exist_ok=True)
                target.write_text(json.dumps(figures, indent=1), encoding="utf-8")
                print(json.dumps(figures, indent=1), flush=True)
        finally:
            platform.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
