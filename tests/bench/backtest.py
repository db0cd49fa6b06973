"""`make bench-backtest`: a national year of hours back-tested, at what rate a core and memory.

Two figures. `engine`: hours and days of 60,000 outlets of six factors judged on synthetic arrays
(`tests.bench.judgement`), which is what a question about limits or validity needs. `whole`: the
back-test itself (`farsight.backtest.walk`), with windows, history rules, findings, their words and
triggers, on a slice of synthetic outlets that is really run for a year; the nation is computed from
it by the number of outlets, and said to be. CPU seconds of one process. `--write` puts table and
curve into docs.
"""

import argparse
import datetime as dt
import multiprocessing
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from farsight.backtest.basis import Basis
from farsight.backtest.history import Label
from farsight.backtest.replay import GROUP
from farsight.backtest.walk import Span, walk
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.detect.domain.grid import HOUR
from services.detect.domain.series_key import SeriesKey
from services.detect.judgement.days import judge_days
from services.detect.judgement.marks import MarkRevision
from services.detect.packs.load import shipped_pack
from services.detect.packs.timeline import BEGINNING, Timeline
from services.detect.windows.partition_windows import Columns
from tests.bench.judgement import GAS, WATER, Piece, cpu_seconds, machine, peak_mb

ROOT = Path(__file__).parents[2]
DOC, PICTURE = ROOT / "docs" / "backtest.md", ROOT / "docs" / "img" / "backtest_growth.svg"
NATION, FACTORS, HOURS = 60_000, 6, 8760
GOAL_MIN = 30.0
#: Outlets of one pass of the engine, and its days: arrays that stay near the processor.
PASS, DAYS = 100, 14
SLICES = (64, 128, 256, 512)
#: Usual levels of the factors of `GAS` and `WATER`: well-run plants, below policy values.
LEVELS = np.array([[12.0, 22.0, 3.5, 20.0, 8.0, 40.0], [18.0, 0.7, 0.12, 5.0, 7.2, 90.0]])
YEAR = Span(dt.date(2025, 11, 22), dt.date(2026, 11, 21))


def engine(outlets: int) -> float:
    """Core-seconds of hours and days of so many outlets over a year; pieces are used in turn."""
    pieces = [Piece(PASS, DAYS, seed) for seed in range(4)]
    turns = outlets * HOURS // (PASS * DAYS * 24)

    def work() -> None:
        for number in range(turns):
            one = pieces[number % len(pieces)]
            judge_days(one.hours, one.judge(), one.rules, one.limits)

    return cpu_seconds(work, 1) * outlets * HOURS / (turns * PASS * DAYS * 24)


class SyntheticHistory:
    """合成历史: honest outlets with correlated noise; every twentieth has a bad day each month."""

    name = "synthetic"
    marks: dict[str, Sequence[MarkRevision]] = {}  # noqa: RUF012 - nothing is ever put in
    labels: Sequence[Label] = ()

    def __init__(self, outlets: int) -> None:
        self.outlets = [f"{130402:06d}{n:012d}-DA001" for n in range(outlets)]
        self.records = [one for n in range(outlets) for one in self._records(n)]

    def _records(self, number: int) -> list[pb.Record]:
        outlet_id, water = self.outlets[number], number % 2
        plant = outlet_id[:18]
        records = [
            pb.Record(
                kind=pb.RECORD_KIND_ENTERPRISE, key=plant,
                enterprise=pb.Enterprise(
                    credit_code=plant, name=plant, division="130402",
                    industry="4620" if water else "4411",
                ),
            ),
            pb.Record(
                kind=pb.RECORD_KIND_OUTLET, key=outlet_id,
                outlet=pb.Outlet(
                    outlet_id=outlet_id, credit_code=plant, division="130402",
                    medium="water" if water else "air", factors=WATER if water else GAS,
                    process="" if water else "coal boiler", ref_o2_percent=0 if water else 6,
                ),
            ),
        ]  # fmt: skip
        for factor in (WATER if water else GAS)[: 4 if water else 3]:
            key = f"{outlet_id}-{factor}"
            limit = pb.Limit(
                limit_id=key, outlet_id=outlet_id, factor=factor, upper=50.0, lower=float("nan"),
                averaging="daily" if water else "hourly", unit="mg/L" if water else "mg/m3",
                ref_o2_percent=0 if water else 6, source="permit", valid_from="2020-01-01",
            )  # fmt: skip
            records.append(pb.Record(kind=pb.RECORD_KIND_LIMIT, key=key, limit=limit))
        return records

    def columns(self, outlet_id: str, first_hour: int, end_hour: int) -> Columns:
        """Six factors an hour."""
        number = int(outlet_id[6:18])
        factors = WATER if number % 2 else GAS
        random = np.random.default_rng(number)
        count = end_hour - first_hour
        hours = np.arange(first_hour, end_hour, dtype=np.int64)
        noise = random.normal(0, 0.12, (count + 8, FACTORS))
        smooth = np.stack([np.convolve(n, np.full(9, 0.5), "valid") for n in noise.T], axis=1)
        rhythm = 0.1 * np.sin(hours / 24 * 2 * np.pi)[:, None]
        value = LEVELS[number % 2] * np.exp(smooth + rhythm)
        if number % 20 == 0:
            value[(hours + 8) // 24 % 30 == number // 20 % 30] *= 4.0
        value[:, 4] = LEVELS[number % 2, 4] + 0.1 * smooth[:, 4]
        converted = np.full(value.shape, np.nan)
        if not number % 2:
            converted[:, :3] = value[:, :3] * 15.0 / 13.0
        return Columns(
            [(HOUR, SeriesKey(outlet_id, factor)) for factor in factors],
            np.tile(np.arange(FACTORS, dtype=np.int64), count),
            np.repeat(hours * 3600, FACTORS),
            np.round(value, 3).ravel(),
            np.round(converted, 3).ravel(),
            np.full(value.size, ord("N"), dtype=np.uint8),
        )


def whole(outlets: int) -> tuple[float, int, int, float]:
    """Core-seconds, findings, items and peak memory in MB of a year of so many outlets, run."""
    history = SyntheticHistory(outlets)
    basis = Basis(Timeline([(BEGINNING, shipped_pack())]), history)
    names = basis.outlets()
    found = items = 0
    begin = time.process_time()
    for at in range(0, len(names), GROUP):
        part = walk(basis, names[at : at + GROUP], YEAR)
        found += len(part)
        items += sum(len(one.items) for one in part)
    return time.process_time() - begin, found, items, peak_mb()


def apart(outlets: int) -> tuple[float, int, int, float]:
    """`whole` in a process of its own, so that its memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(whole, (outlets,))


def main() -> int:
    """Measure, print, perhaps write; 1 when the engine's goal for a national year is missed."""
    parser = argparse.ArgumentParser(prog="make bench-backtest", description=__doc__)
    parser.add_argument("--engine-outlets", type=int, default=2000, help="really run for a year")
    parser.add_argument("--slices", type=int, nargs="+", default=SLICES, help="outlets, run whole")
    parser.add_argument("--write", action="store_true", help="into docs/backtest.md and docs/img")
    args = parser.parse_args()
    seconds = engine(args.engine_outlets)
    rate = args.engine_outlets * FACTORS * HOURS / seconds
    minutes = NATION * FACTORS * HOURS / rate / 60
    lines = [
        f"{machine()}, numpy {np.__version__}; one process, load {os.getloadavg()[0]:.1f}.",
        "",
        f"Engine (hours and days): {args.engine_outlets:,} outlets x 6 factors x 8,760 h run in",
        f"{seconds:.1f} core-s, {rate / 1e6:.1f} million cells a core-second, {peak_mb():.0f} MB;",
        f"a national year computed from it: {minutes:.1f} core-minutes (goal {GOAL_MIN:.0f}).",
        "",
        "| outlets x 6, a year, whole back-test | core-s | core-s an outlet | findings | MB |",
        "|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    curve = []
    for outlets in args.slices:
        spent, found, _, memory = apart(outlets)
        curve.append((outlets, spent))
        row = f"{outlets:,} | {spent:.1f} | {spent / outlets:.3f} | {found:,} | {memory:.0f}"
        lines.append(f"| {row} |")
        print(lines[-1], flush=True)
    hours = curve[-1][1] / curve[-1][0] * NATION / 3600
    lines += ["", f"The nation's year whole, computed from the last row: {hours:.1f} core-hours."]
    print(lines[-1])
    if args.write:
        write("\n".join(lines), curve)
    return 0 if minutes < GOAL_MIN else 1


def write(table: str, curve: Sequence[tuple[int, float]]) -> None:
    """Put the table between its marks in the document, and draw the curve."""
    begin, end = "<!-- bench-backtest -->\n", "<!-- end of bench-backtest -->"
    text = DOC.read_text(encoding="utf-8")
    head, _, rest = text.partition(begin)
    DOC.write_text(head + begin + table + "\n" + end + rest.partition(end)[2], encoding="utf-8")
    PICTURE.write_text(picture(curve), encoding="utf-8")


_LOOK = 'role="img" font-family="sans-serif" font-size="12"'


def picture(curve: Sequence[tuple[int, float]]) -> str:
    """Growth with outlets as SVG; the thin line is linear growth from the first slice."""
    most, top = curve[-1][0], max(seconds for _, seconds in curve) * 1.15
    width, height, left, low = 640, 300, 60, 40

    def at(outlets: float, seconds: float) -> str:
        x = left + (width - left - 60) * outlets / most
        return f"{x:.1f},{height - low - (height - low - 30) * seconds / top:.1f}"

    first = curve[0][1] / curve[0][0]
    points = " ".join(at(*one) for one in curve)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {_LOOK}>',
        "<title>Core-seconds of a back-tested year by number of outlets</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<polyline points="{at(0, 0)} {at(most, first * most)}" stroke="#bbb" fill="none"/>',
        f'<polyline points="{points}" stroke="#1f6fb2" stroke-width="2" fill="none"/>',
        f'<text x="{left}" y="16">core-seconds of a year, whole back-test</text>',
        f'<text x="{width - 60}" y="{height - 6}" text-anchor="end">outlets of six factors</text>',
    ]
    for outlets, seconds in curve:
        x, y = at(outlets, seconds).split(",")
        parts.append(f'<circle cx="{x}" cy="{y}" r="3" fill="#1f6fb2"/>')
        parts.append(f'<text x="{x}" y="{float(y) - 8}" text-anchor="end">{seconds:.0f} s</text>')
        parts.append(f'<text x="{x}" y="{height - low + 16}" text-anchor="middle">{outlets}</text>')
    return "\n".join((*parts, "</svg>", ""))


if __name__ == "__main__":
    raise SystemExit(main())
