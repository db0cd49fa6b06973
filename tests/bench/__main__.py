"""`make bench`: latency from frame to SMS, frames a second, memory; never a unit test.

Everything shares one machine: the platform, its servers, the load and this program. The figures are
printed with the machine and the load and written to test-results/bench.json.
"""

import argparse
import json
import os
import platform as machine
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from services.chassis.errors import NotFound
from tests.e2e.clients import (
    LoggerClient,
    LoggerIdentity,
    demo_identities,
    hours_back,
    messages,
    wait_until,
)
from tests.e2e.platform import RunningPlatform, start_platform

HISTORY_DAYS = 30
BACKGROUND_FRAMES_S = 200


def main() -> int:
    """Run all measurements on a fresh platform."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--days", type=int, default=HISTORY_DAYS, help="history to send")
    parser.add_argument("--probes", type=int, default=40, help="frames timed to their SMS")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="farsight-bench-") as folder:
        platform = start_platform(Path(folder) / "data")
        try:
            platform.seed()
            figures = {
                "machine": f"{os.cpu_count()} cores, {machine.machine()}, {machine.release()}",
                "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "throughput": throughput(platform, args.days),
                "latency": latency(platform, args.probes),
                "memory_mb": memory(platform),
            }
        finally:
            platform.stop()
    target = Path("test-results/bench.json")
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    json.dump(figures, sys.stdout, indent=1)
    print()
    return 0


def throughput(platform: RunningPlatform, days: int) -> dict[str, Any]:
    """Send history as fast as the gate acknowledges it; time until it is stored and judged."""
    operator = platform.operator()
    began = time.monotonic()
    sent = platform.json_command("simulate", "--history", str(days), "--json")
    acknowledged_s = time.monotonic() - began
    wait_until(lambda: operator.balance().accepted >= sent["acknowledged"], 300, "stored")
    stored_s = time.monotonic() - began
    wait_until(lambda: not platform.waiting("detect.readings"), 300, "judged")
    judged_s = time.monotonic() - began
    frames = sent["acknowledged"]
    return {
        "frames": frames,
        "acknowledged_frames_s": round(frames / acknowledged_s),
        "stored_frames_s": round(frames / stored_s),
        "judged_frames_s": round(frames / judged_s),
    }


def latency(platform: RunningPlatform, probes: int) -> dict[str, Any]:
    """Time frames that exceed, one an outlet, from the socket to the SMS centre."""
    load = platform.start_command(
        "simulate", "--rate", str(BACKGROUND_FRAMES_S), "--seconds", str(4 + 2 * probes), "--json"
    )
    time.sleep(3)
    seconds = [
        value
        for logger in demo_identities()[:probes]
        if (value := one_probe(platform, logger)) is not None
    ]
    load.terminate()
    load.wait(30)
    if not seconds:
        raise NotFound("no probe's SMS arrived")
    return {
        "background_frames_s": BACKGROUND_FRAMES_S,
        "probes": len(seconds),
        "p50_s": round(float(np.percentile(seconds, 50)), 3),
        "p99_s": round(float(np.percentile(seconds, 99)), 3),
    }


def one_probe(platform: RunningPlatform, logger: LoggerIdentity) -> float | None:
    """Send three bad hours of an air outlet; seconds until a new SMS is there."""
    if logger.st != "31":
        return None  # water limits are daily
    before = len(messages(platform.handset))
    start = next(iter(hours_back(1, ending_hours_ago=26)))
    values = {code: {"Avg": 9000.0, "ZsAvg": 9000.0, "Flag": "N"} for code in ("a21026", "a21002")}
    values["a19001"] = {"Avg": 8.0, "Flag": "N"}
    with LoggerClient(platform.hj212, logger.mn, logger.password, logger.st) as line:
        raw = line.hour(start, values)
        began = time.monotonic()
        line.send(raw)
        try:
            wait_until(lambda: len(messages(platform.handset)) > before, 15, "SMS")
        except AssertionError:
            return None
        return time.monotonic() - began


def memory(platform: RunningPlatform) -> dict[str, float]:
    """Resident memory of every process with its children."""
    status = platform.status()
    parts = {one["name"]: round(one["memory_bytes"] / 1e6, 1) for one in status["processes"]}
    return {**parts, "all": round(sum(parts.values()), 1)}


if __name__ == "__main__":
    sys.exit(main())
