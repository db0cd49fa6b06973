"""`make bench-screening`: a national night of tests for falsified data, and peers on the same test.

60,000 outlets of six factors with 90 days of hours, half gas (three pollutants, oxygen, flow,
moisture), half water (COD, NH3-N, TP, TN on a 2 h cycle, pH, flow), in the slices of the live sweep
(`sweep_plan.SLICE` outlets), judged for the days that a night judges again. Series are made anew
for each slice and their making is not timed. `--nation` really runs all slices on two processes;
without it the curve stops at 1,024 outlets and the nation is computed and said to be. Peers
(`ioos_qc`, `saqc`, `stumpy`) run in virtual environments of their own on the very series, one
thread each; one that cannot be installed is named as missing. `--write` puts tables and curve into
docs.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.detect.app.sweep_plan import AGAIN_H, SLICE
from services.detect.domain.rule import Rule
from services.detect.domain.series_key import SeriesKey
from services.detect.packs.load import shipped_pack
from services.detect.screening.alarms import Basis, alarms
from services.detect.screening.panel import Panel
from services.detect.screening.screens import SCREENS
from tests.bench.judgement import machine, peak_mb

ROOT = Path(__file__).parents[2]
DOC, PICTURE = ROOT / "docs" / "screening_cost.md", ROOT / "docs" / "img" / "screening_growth.svg"
PEERS = ROOT / ".data" / "peers"
GAS = ("a21026", "a21002", "a34013", "a19001", "a00000", "a01014")
WATER = ("w01018", "w21003", "w21011", "w21001", "w01001", "w00000")
NATION, DAYS, GOAL_MIN = 60_000, 90, 30.0
SIZES = (128, 256, 512, 1024)
LEVEL = {"a19001": 6.0, "a00000": 90.0, "a01014": 9.0, "w01001": 7.2, "w00000": 400.0}
#: Environment of every peer and of ours: one thread.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
#: Virtual environment -> packages; saqc wants another pandas than ioos_qc.
ENVIRONMENTS = {"ioos": ("ioos_qc==3.0.0", "stumpy==1.14.1"), "saqc": ("saqc==2.9.1",)}
PEER_SERIES = 48
#: Peer's function -> our test that asks the same question.
SAME = {
    "ioos_qc flat_line_test": "stuck_value",
    "saqc flagConstants": "stuck_value",
    "ioos_qc attenuated_signal_test": "quiet_signal",
    "saqc flagByVariance": "quiet_signal",
    "ioos_qc spike_test": "spike",
    "saqc flagZScore": "spike",
    "saqc flagUniLOF": "spike",
    "stumpy stump": "scaled_replay",
}


@dataclass(frozen=True)
class Measured:
    """What some outlets cost."""

    outlets: int
    seconds: float
    """CPU seconds of all tests and of joining their signs."""
    by_test: dict[str, float]
    signs: int
    peak_mb: float


def panel(outlets: int, days: int, seed: int) -> Panel:
    """Made-up outlets: first-order noise round a daily rhythm, on grids, with gaps and cycles."""
    random = np.random.default_rng(seed)
    keys = [SeriesKey(f"O{n}", f) for n in range(outlets) for f in (WATER if n % 2 else GAS)]
    rows, cells = len(keys), days * 24
    noise = random.standard_normal((rows, cells)).astype(np.float32)
    for cell in range(1, cells):
        noise[:, cell] = 0.9 * noise[:, cell - 1] + 0.44 * noise[:, cell]
    hour = np.arange(cells) % 24
    rhythm = 0.1 * np.sin(2 * np.pi * (hour[None, :] / 24 + random.random((rows, 1))))
    level = np.array([LEVEL.get(key.factor, 20.0) for key in keys])[:, None]
    steady = np.array([key.factor in LEVEL for key in keys])[:, None]
    value = level * np.exp(np.where(steady, 0.05, 0.25) * noise + rhythm)
    held = np.array([key.factor in WATER[:4] for key in keys])
    value[held] = np.repeat(value[held][:, ::2], 2, axis=1)[:, :cells]
    value = np.round(value, 2)
    value[random.random((rows, cells)) < 0.01] = np.nan
    return Panel(
        step_min=60,
        start_s=1_704_067_200 - 8 * 3600,
        keys=keys,
        value=value,
        flag=np.zeros((rows, cells), dtype=np.uint8),
        marked=random.random((rows, cells)) < 0.005,
        limit=np.where(steady[:, 0], np.nan, 80.0),
        enterprise=[f"E{int(key.outlet_id[1:]) // 2}" for key in keys],
        since=np.full(rows, max(0, cells - AGAIN_H), dtype=np.int64),
    )


def night(slices: Iterable[tuple[int, int, int]]) -> Measured:
    """All tests over slices (outlets, days, seed), one after the other."""
    pack = shipped_pack()
    basis = Basis.of(pack)
    outlets, found, by_test = 0, 0, dict.fromkeys((*SCREENS, "joined"), 0.0)
    for size, days, seed in slices:
        one = panel(size, days, seed)
        signs = []
        for test, screen in SCREENS.items():
            began = time.process_time()
            signs += screen(one, pack.book.versions(test)[-1])
            by_test[test] += time.process_time() - began
        began = time.process_time()
        alarms(one, signs, basis, 2.0)
        by_test["joined"] += time.process_time() - began
        outlets, found = outlets + size, found + len(signs)
    return Measured(outlets, sum(by_test.values()), by_test, found, peak_mb())


def slices_of(outlets: int, days: int) -> list[tuple[int, int, int]]:
    """Slices as the live sweep cuts them; every seed once."""
    return [(min(SLICE, outlets - at), days, at) for at in range(0, outlets, SLICE)]


def nation(days: int) -> tuple[list[Measured], float]:
    """All slices on two processes: what each measured, and minutes on the wall."""
    parts = slices_of(NATION, days)
    began = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        done = pool.map(night, (parts[0::2], parts[1::2]))
    return done, (time.perf_counter() - began) / 60


def against_peers(days: int) -> list[str]:
    """A table of microseconds a series and ratio, on the same series."""
    one = panel(PEER_SERIES // 6, days, 7)
    pack = shipped_pack()
    ours = {test: _best(one, test, pack.book.versions(test)[-1]) for test in set(SAME.values())}
    lines = [
        f"{len(one.keys)} series of {days} days of hours, one thread; best of three.",
        "",
        "| peer | its ms a series | our test | our ms a series | peer / ours |",
        "|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "series.npy"
        np.save(data, one.value)
        theirs: dict[str, float | str] = {}
        for name in ENVIRONMENTS:
            theirs |= _peer(name, data)
    for function, test in SAME.items():
        mine = ours[test] / len(one.keys) * 1e3
        other = theirs.get(function, "missing")
        if isinstance(other, str):
            lines.append(f"| {function} | {other} | {test} | {mine:.3f} | - |")
            continue
        each = other / len(one.keys) * 1e3
        lines.append(f"| {function} | {each:.2f} | {test} | {mine:.3f} | {each / mine:.0f} |")
    return lines


def _best(one: Panel, test: str, rule: Rule) -> float:
    whole = one.of_rows(range(len(one.keys)))
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        SCREENS[test](whole, rule)
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def _peer(name: str, data: Path) -> dict[str, float | str]:
    """Seconds of each function of one environment; the reason where there is none."""
    python = PEERS / name / "bin" / "python"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", PEERS / name], check=True)
            uv = [Path(sys.executable).with_name("uv"), "pip", "install", "-q", "--python", python]
            subprocess.run([*uv, *ENVIRONMENTS[name]], check=True, capture_output=True, text=True)
        script = Path(__file__).with_name("screening_peers.py")
        done = subprocess.run([python, script, name, data], check=True, capture_output=True,
                              text=True, env={**os.environ, **ONE_THREAD})  # fmt: skip
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"peer {name} is missing: {getattr(error, 'stderr', '') or error}", file=sys.stderr)
        return {}
    return json.loads(done.stdout)


def main() -> int:
    """Measure, print, perhaps write; 1 when the goal for a national night is missed."""
    parser = argparse.ArgumentParser(prog="make bench-screening", description=__doc__)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--nation", action="store_true", help="really run all 60,000 outlets")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--write", action="store_true", help="into docs and docs/img")
    args = parser.parse_args()
    lines = [f"{machine()}, numpy {np.__version__}; load {os.getloadavg()[0]:.1f}.", ""]
    lines += ["| outlets x 6 | core-s | ms an outlet | peak MB |", "|---|---|---|---|"]
    curve = [night(slices_of(outlets, args.days)) for outlets in SIZES]
    lines += [
        f"| {m.outlets:,} | {m.seconds:.1f} | {m.seconds / m.outlets * 1e3:.1f} | {m.peak_mb:.0f} |"
        for m in curve
    ]
    minutes = curve[-1].seconds / curve[-1].outlets * NATION / 60 / 2
    told = f"A national night of {NATION:,} outlets: {minutes:.1f} minutes on two cores, computed"
    told += f" from {curve[-1].outlets:,}."
    if args.nation:
        done, minutes = nation(args.days)
        cores = sum(m.seconds for m in done) / 60
        told = (
            f"A national night of {NATION:,} outlets, run: {minutes:.1f} minutes on two processes"
        )
        told += f" with the making of its series, {cores:.1f} core-minutes of tests,"
        told += f" {max(m.peak_mb for m in done):.0f} MB a process."
    lines += ["", told, "", *_by_test(curve[-1]), ""]
    if not args.no_peers:
        lines += against_peers(args.days)
    print("\n".join(lines))
    if args.write:
        write(lines, curve)
    reached = minutes < GOAL_MIN
    print(f"goal: a national night in {GOAL_MIN:.0f} minutes: {'reached' if reached else 'missed'}")
    return 0 if reached else 1


def _by_test(one: Measured) -> list[str]:
    lines = ["| test | microseconds a series |", "|---|---|"]
    for test, seconds in sorted(one.by_test.items(), key=lambda item: -item[1]):
        lines.append(f"| {test} | {seconds / one.outlets / 6 * 1e6:.0f} |")
    return lines


def write(lines: list[str], curve: list[Measured]) -> None:
    """The document and its curve."""
    head = [
        "# 筛查开销: what the tests cost\n",
        "Written by `make bench-screening ARGS=--write`.\n",
    ]
    shown = f"\n![core-seconds by outlets](img/{PICTURE.name})\n"
    DOC.write_text("\n".join([*head, *lines, shown]), encoding="utf-8")
    PICTURE.write_text(picture(curve), encoding="utf-8")


def picture(curve: list[Measured]) -> str:
    """Core-seconds by outlets as SVG: a straight line through the origin is linear growth."""
    width, height, left, low = 640, 300, 60, 40
    top, most = curve[-1].seconds * 1.1, curve[-1].outlets

    def at(outlets: float, seconds: float) -> tuple[float, float]:
        x = left + (width - left - 60) * outlets / most
        return round(x, 1), round(height - low - (height - low - 20) * seconds / top, 1)

    points = [at(0, 0), *(at(m.outlets, m.seconds) for m in curve)]
    line = " ".join(f"{x},{y}" for x, y in points)
    look = 'role="img" font-family="sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {look}>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<polyline points="{line}" fill="none" stroke="#1f6f8b" stroke-width="2"/>',
    ]
    for m in curve:
        x, y = at(m.outlets, m.seconds)
        parts.append(f'<circle cx="{x}" cy="{y}" r="3" fill="#1f6f8b"/>')
        parts.append(f'<text x="{x}" y="{y - 8}" text-anchor="middle">{m.seconds:.1f} s</text>')
        parts.append(f'<text x="{x}" y="{height - 22}" text-anchor="middle">{m.outlets:,}</text>')
    parts.append(f'<text x="{left}" y="14">core-seconds of all tests</text>')
    parts.append(f'<text x="{width - 60}" y="{height - 6}" text-anchor="end">outlets</text>')
    return "\n".join((*parts, "</svg>", ""))


if __name__ == "__main__":
    raise SystemExit(main())
