"""`make bench-decode`: frames a second on one core, with CRC and typed readings; prints figures.

Frames are the public ones of the shared reference that peers publish in their own tests (our golden
frames where the file is absent). Each figure is the best of several runs of one process on one
core: framing, segment, version, message, and the values in the factor's unit. The peers' figures
are those of hj212.md section 6, taken on another machine of two cores: theirs read one frame from a
string; ours reads a stream.
"""

import argparse
import os
import platform
import sys
import time
from pathlib import Path

from services.ingest.hj212.session import Received, Session

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.unit.ingest.frames import HOUR, REALTIME, REFERENCE, read_reference  # noqa: E402

SHORT, LONG, HOURLY = 11, 27, 98  # numbers in the shared file
GOAL = 40_000
PEERS = {
    "xiaoyao9184 readMap, no verification": (10_972, 4_501),
    "xiaoyao9184 readData (typed)": (580, 589),
    "xiaoyao9184 readMap, verification on": (8_081, 3_729),
    "xiaoyao9184 readData, verification on": (177, 116),
    "EcoMind parser (Python, no CRC check)": (16_119, 8_947),
    "40-line Python reader, CRC and map, untyped": (58_573, 22_048),
}


def main() -> int:
    """Measure and print; 1 when the goal on the short public frame is missed."""
    parser = argparse.ArgumentParser(prog="make bench-decode", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of one run")
    parser.add_argument("--runs", type=int, default=7)
    args = parser.parse_args()
    print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    rates = {name: measure(data, args.seconds, args.runs) for name, data in public_frames().items()}
    for name, (at_once, one_by_one) in rates.items():
        print(f"{name:<34}{at_once:>9,.0f}/s in one stream{one_by_one:>9,.0f}/s one a read")
    print("peers (hj212.md section 6)             short     long")
    for name, (short, long) in PEERS.items():
        print(f"  {name:<45}{short:>7,}{long:>9,}")
    reached = next(iter(rates.values()))[0]
    print(f"goal {GOAL:,}/s on the short frame: {'reached' if reached >= GOAL else 'missed'}")
    return 0 if reached >= GOAL else 1


def public_frames() -> dict[str, bytes]:
    """Name and bytes of the frames to read."""
    if not REFERENCE.exists():
        return {"own real-time frame": REALTIME, "own hour frame": HOUR}
    frames = {number: data for number, _, data in read_reference()}
    whole = b"".join(data for data in frames.values() if is_good(data))
    return {
        f"public frame 011, {len(frames[SHORT])} bytes": frames[SHORT],
        f"public frame 027, {len(frames[LONG])} bytes": frames[LONG],
        f"2017 table C.17, {len(frames[HOURLY])} bytes": frames[HOURLY],
        "all good frames of the file": whole,
    }


def is_good(data: bytes) -> bool:
    """Whether these bytes are one frame that is read without a repair."""
    session = Session(0.0)
    (first, *rest) = session.receive(data, 0.0) + session.flush()
    return not rest and not first.reason and not first.repairs


def measure(data: bytes, seconds: float, runs: int) -> tuple[float, float]:
    """Frames a second, best of the runs: many frames a read, and one a read."""
    frames = len(read(Session(0.0), data))
    many = data * max(1, 16_000 // len(data))
    best = [0.0, 0.0]
    for _ in range(runs):
        for way, (chunk, each) in enumerate(
            ((many, frames * len(many) // len(data)), (data, frames))
        ):
            session, count = Session(0.0), 0
            start = time.process_time()
            while (spent := time.process_time() - start) < seconds / 2:
                for _ in range(10):
                    session.receive(chunk, 0.0)
                count += 10 * each
            best[way] = max(best[way], count / spent)
    return best[0], best[1]


def read(session: Session, data: bytes) -> list[Received]:
    """The accounts of these bytes."""
    return session.receive(data, 0.0)


def processor() -> str:
    """The processor's name as Linux knows it."""
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
