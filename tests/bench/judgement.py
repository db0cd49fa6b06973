"""`make bench-judgement`: core-seconds to judge a national hour and day, and how they grow.

60,000 outlets of six factors, half gas (three pollutants converted to reference oxygen, CO, oxygen,
flow), half water (COD, NH3-N, TP, TN weighted by flow, pH), under the validity rows of the shipped
pack, with marks, flags, gaps and limits. Figures are CPU seconds of one process, best of some runs.
`hour` judges the block that holds the newest hour (24 columns: a day begins at a midnight);
`day` judges hours and days, warns, and counts validity. Amounts and 突变 look back four months and
are measured on a block of them. `--write` puts the table and the curve into docs.
"""

import argparse
import datetime as dt
import os
import platform
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from services.detect.judgement.amounts import amounts
from services.detect.judgement.days import judge_days
from services.detect.judgement.hours import judge_hours
from services.detect.judgement.model import HourResult, Hours, LimitGrid, MarkEffect
from services.detect.judgement.parameters import OutletFacts, ValidityRule
from services.detect.judgement.rates import count_hours
from services.detect.judgement.row_rules import RowRules, row_rules
from services.detect.judgement.warnings import near_limit, projected_mean
from services.detect.packs.load import shipped_pack
from services.detect.packs.select import select

ROOT = Path(__file__).parents[2]
DOC, PICTURE = ROOT / "docs" / "judgement.md", ROOT / "docs" / "img" / "judgement_growth.svg"
GAS = ("a21026", "a21002", "a34013", "a21005", "a19001", "a00000")
WATER = ("w01018", "w21003", "w21011", "w21001", "w01001", "w00000")
NATION, GOAL_S = 60_000, 10.0
#: Outlets of one pass of the engine, so that its arrays stay near the processor.
PASS = 1000
SIZES = (1000, 2000, 5000, 10_000, 20_000, 40_000, NATION)
DAY = dt.date(2026, 11, 22)
MIDNIGHT = (DAY - dt.date(1970, 1, 1)).days * 24 - 8
LONG_DAYS, LONG_OUTLETS = 126, 100


class Piece:
    """Some outlets with everything that judges them."""

    def __init__(self, outlets: int, days: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        rows, columns = outlets * 6, days * 24
        factors = tuple(f for n in range(outlets) for f in (WATER if n % 2 else GAS))
        gas = np.repeat(np.arange(outlets) % 2 == 0, 6)
        place = np.arange(rows) % 6
        value = random.gamma(8.0, 3.0, (rows, columns)).round(2)
        value[gas & (place == 4)] = random.uniform(
            4, 12, (int((gas & (place == 4)).sum()), columns)
        )
        value[~gas & (place == 4)] = 7.2
        pollutant = place < 4
        present = random.random((rows, columns)) > 0.02
        value[~present] = np.nan
        first = np.arange(rows) - place
        self.hours = Hours(
            start=np.full(rows, MIDNIGHT - (days - 1) * 24, dtype=np.int64),
            factors=factors,
            value=value,
            converted=np.where((gas & (place < 3))[:, None], value * 1.1, np.nan),
            flag=random.choice(np.frombuffer(b"N" * 96 + b"MDTF", np.uint8), (rows, columns)),
            present=present,
            recomputed=np.where(random.random((rows, columns)) < 0.5, value, np.nan),
            oxygen=np.where(gas & (place < 3), first + 4, -1),
            flow=np.where(pollutant, first + 5, -1),
            temperature=np.full(rows, -1, dtype=np.int64),
        )
        effects = [MarkEffect.NONE] * 97 + [
            MarkEffect.INVALID,
            MarkEffect.EXEMPT,
            MarkEffect.STOPPED,
        ]
        self.effect = random.choice(np.array(effects, np.uint8), (rows, columns))
        self.rules = rules_of(factors, gas)
        self.limits = limits_of(rows, days, gas & (place < 3), pollutant)

    def judge(self) -> HourResult:
        """The hours."""
        return judge_hours(self.hours, self.effect, self.rules, self.limits)

    def day(self) -> None:
        """Hours, days, warnings and counts."""
        result = self.judge()
        judge_days(self.hours, result, self.rules, self.limits)
        warning = PACK.warnings[0]
        near_limit(result, self.limits, warning)
        projected_mean(self.hours, result, self.rules, self.limits, warning)
        free = self.rules.numbers("free_hours_a_day").astype(np.int64)
        count_hours(result.state, result.notes, self.hours.present, free)

    def amounts(self) -> None:
        """Kilograms, with what is missing substituted."""
        amounts(self.hours, self.judge(), PACK.amounts[0])


PACK = shipped_pack()


def rules_of(factors: tuple[str, ...], gas: np.ndarray) -> RowRules:
    """The shipped pack's row for each series."""
    media = {"air": "4411", "water": "4620"}
    chosen: dict[tuple[str, str], ValidityRule] = {}
    for medium, names in (("air", GAS), ("water", WATER)):
        facts = OutletFacts("outlet", "130402", "plant", media[medium], medium, "")
        for name in names:
            chosen[medium, name] = select(PACK.validity, facts, name, DAY)
    return row_rules(
        [chosen["air" if air else "water", f] for f, air in zip(factors, gas, strict=True)]
    )


def limits_of(rows: int, days: int, converted: np.ndarray, pollutant: np.ndarray) -> LimitGrid:
    """An hourly, a daily and a policy limit for the pollutants, a range for pH."""

    def grid(value: float, other: float = np.nan) -> np.ndarray:
        return np.repeat(np.where(pollutant, value, other)[:, None], days, axis=1)

    return LimitGrid(
        hourly_upper=grid(35.0), hourly_lower=grid(np.nan), daily_upper=grid(30.0, 9.0),
        daily_lower=grid(np.nan, 6.0), warn_upper=grid(20.0),
        decimals=np.zeros((rows, days), dtype=np.int64), ref_o2=np.where(converted, 6.0, 0.0),
    )  # fmt: skip


def cpu_seconds(work: Callable[[], object], runs: int) -> float:
    """Best CPU time of some runs."""
    best = np.inf
    for _ in range(runs):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return float(best)


def measured(outlets: int, runs: int) -> tuple[float, float]:
    """Core-seconds of an hour and of a day of so many outlets.

    The pieces differ; a few are made and judged in turn, so that making them costs no memory.
    """
    pieces = [Piece(PASS, 1, seed) for seed in range(4)]
    turns = [pieces[n % len(pieces)] for n in range(outlets // PASS)]
    hour = cpu_seconds(lambda: [piece.judge() for piece in turns], runs)
    day = cpu_seconds(lambda: [piece.day() for piece in turns], runs)
    return hour, day


def main() -> int:
    """Measure, print, perhaps write; 1 when the goal for a national hour is missed."""
    parser = argparse.ArgumentParser(prog="make bench-judgement", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="into docs/judgement.md and docs/img")
    args = parser.parse_args()
    lines = [
        f"{machine()}, numpy {np.__version__}; one process, load {os.getloadavg()[0]:.1f}.",
        "",
        "| outlets x 6 | the newest hour, core-s | a day with warnings and counts, core-s |",
        "|---|---|---|",
    ]
    curve = []
    for outlets in SIZES:
        hour, day = measured(outlets, args.runs)
        curve.append((outlets, hour, day))
        lines.append(f"| {outlets:,} | {hour:.2f} | {day:.2f} |")
        print(lines[-1], flush=True)
    long = Piece(LONG_OUTLETS, LONG_DAYS, 9)
    judged, massed = cpu_seconds(long.judge, args.runs), cpu_seconds(long.amounts, args.runs)
    cells = LONG_OUTLETS * 6 * LONG_DAYS * 24
    judged, massed = cells / judged / 1e6, cells / massed / 1e6
    lines += ["", f"On {LONG_DAYS} days at once: {judged:.0f} million hours a core-second judged,"]
    lines[-1] += f" {massed:.0f} million with amounts. Peak memory {peak_mb():.0f} MB."
    print("\n".join((lines[0], *lines[-1:])))
    if args.write:
        write("\n".join(lines), curve)
    reached = curve[-1][1] < GOAL_S
    print(f"goal: a national hour in under {GOAL_S:.0f} s: {'reached' if reached else 'missed'}")
    return 0 if reached else 1


def machine() -> str:
    """Processor and interpreter."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    name = next((line.partition(":")[2].strip() for line in lines if "model name" in line), "?")
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"


def peak_mb() -> float:
    """Largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write(table: str, curve: list[tuple[int, float, float]]) -> None:
    """Put the table between its marks in the document, and draw the curve."""
    begin, end = "<!-- bench-judgement -->\n", "<!-- end of bench-judgement -->"
    text = DOC.read_text(encoding="utf-8")
    head, _, rest = text.partition(begin)
    DOC.write_text(head + begin + table + "\n" + end + rest.partition(end)[2], encoding="utf-8")
    PICTURE.write_text(picture(curve), encoding="utf-8")


def picture(curve: list[tuple[int, float, float]]) -> str:
    """Growth with outlets as SVG: straight lines through the origin are linear growth."""
    width, height, left, low = 640, 320, 60, 40
    top = max(day for *_, day in curve) * 1.1

    def at(outlets: float, seconds: float) -> tuple[float, float]:
        x = left + (width - left - 90) * outlets / NATION
        return round(x, 1), round(height - low - (height - low - 20) * seconds / top, 1)

    look = 'role="img" font-family="sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {look}>',
        "<title>Core-seconds of judging by number of outlets</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for share in (0, 0.25, 0.5, 0.75, 1.0):
        (x, y), (right, _) = at(0, top * share / 1.1), at(NATION, 0)
        parts.append(f'<path d="M{x} {y}H{right}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{x - 6}" y="{y + 4}" text-anchor="end">{top * share / 1.1:.1f}</text>'
        )
    for outlets in (0, 20_000, 40_000, NATION):
        x, y = at(outlets, 0)
        parts.append(f'<text x="{x}" y="{y + 18}" text-anchor="middle">{outlets:,}</text>')
    for place, name, colour in ((1, "hour", "#1f6f8b"), (2, "day", "#b5542b")):
        points = [at(row[0], row[place]) for row in curve]
        line = " ".join(f"{x},{y}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in points]
        x, y = points[-1]
        parts.append(
            f'<text x="{x + 8}" y="{y + 4}" fill="{colour}">{name} {curve[-1][place]:.2f} s</text>'
        )
    parts.append(f'<text x="{left}" y="12">core-seconds</text>')
    parts.append(
        f'<text x="{width - 90}" y="{height - 6}" text-anchor="end">outlets of six factors</text>'
    )
    return "\n".join((*parts, "</svg>", ""))


if __name__ == "__main__":
    raise SystemExit(main())
