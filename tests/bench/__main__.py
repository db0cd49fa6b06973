"""`make bench`: latency from frame to SMS, frames a second, memory; never a unit test.

Everything shares one machine: the platform, its servers, the load and this program. The figures are
printed with the machine and the load and written to test-results/bench.json.
"""

import argparse
import json
import os
import platform as machine
import re
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from farsight.lab.province import read_rows
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
#: A factor with an hourly upper limit of each stack: where one bad hour makes a warning.
HOURLY = {
    row["outlet_id"]: row["factor"]
    for row in read_rows("limits")
    if row["averaging"] == "hourly" and row["factor"] in {"a21026", "a21002"}
}


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
                "latency": latency(platform, args.probes),
                "throughput": throughput(platform, args.days),
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
    """Time frames that exceed, one an outlet, from the socket to the SMS centre's own stamp."""
    load = platform.start_command(
        "simulate", "--rate", str(BACKGROUND_FRAMES_S), "--seconds", str(10 + 3 * probes), "--json"
    )
    time.sleep(5)
    stacks = [one for one in demo_identities() if one.outlet_id in HOURLY][:probes]
    sent = {one_probe(platform, logger, 9000 + n): 9000 + n for n, logger in enumerate(stacks)}
    wait_until(lambda: len(arrivals(platform)) >= len(sent), 60, "an SMS for each probe")
    load.terminate()
    load.wait(30)
    came = arrivals(platform)
    seconds = [(came[value] - at).total_seconds() for at, value in sent.items()]
    return {
        "background_frames_s": BACKGROUND_FRAMES_S,
        "probes": len(seconds),
        "p50_s": round(float(np.percentile(seconds, 50)), 3),
        "p99_s": round(float(np.percentile(seconds, 99)), 3),
    }


def one_probe(platform: RunningPlatform, logger: LoggerIdentity, value: int) -> datetime:
    """Send one bad hour of a stack, its value like no other's; the moment it left."""
    start = next(iter(hours_back(1)))
    number = {"Avg": value, "ZsAvg": value, "Flag": "N"}
    values: dict[str, dict[str, float | str]] = {
        HOURLY[logger.outlet_id]: number,
        "a19001": {"Avg": 8.0, "Flag": "N"},
    }
    with LoggerClient(platform.hj212, logger.mn, logger.password, logger.st) as line:
        raw = line.hour(start, values)
        left = datetime.now(UTC)
        line.acknowledged(raw)
    time.sleep(0.7)
    return left


def arrivals(platform: RunningPlatform) -> dict[int, datetime]:
    """Give when the SMS of each probe arrived, by the value it tells."""
    found: dict[int, datetime] = {}
    for message in messages(platform.handset):
        value = re.search(r"小时均值(9\d{3})", message["text"])
        if value:
            at = datetime.fromisoformat(message["at"])
            number = int(value.group(1))
            found[number] = min(at, found.get(number, at))
    return found


def memory(platform: RunningPlatform) -> dict[str, float]:
    """Resident memory of every process with its children."""
    status = platform.status()
    parts = {one["name"]: round(one["memory_bytes"] / 1e6, 1) for one in status["processes"]}
    return {**parts, "all": round(sum(parts.values()), 1)}


if __name__ == "__main__":
    sys.exit(main())
