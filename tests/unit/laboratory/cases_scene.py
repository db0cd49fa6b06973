"""A small made-up folder of cases, and made-up detections for it: no real series in it."""

import datetime as dt
import random
from pathlib import Path

from farsight.laboratory.score import accepted

BEGIN = dt.datetime(2024, 1, 1)
PATTERNS = tuple(accepted())[:19]  # those of the benchmark
FACTORS = ("NOx", "SO2", "COD", "flow", "O2", "elec_treat")


def write_cases(folder: Path, seed: int) -> None:
    """40 stations of 60 days, one event a pattern and some of two stretches; 15 stations clean."""
    chance = random.Random(seed)
    stations = [f"S{n:02d}" for n in range(40)]
    series, labels = ["station,factor,time,value,limit,flag"], []
    for station in stations:
        last = chance.uniform(40, 60)
        for at in (0.0, chance.uniform(1, 30), last):
            series.append(f"{station},NOx,{_time(at)},1,,")
    for n, pattern in enumerate(PATTERNS):
        for part in range(1 + n % 2):
            begin = chance.uniform(20, 38)
            station = stations[n + 5 * part]
            factor = chance.choice(sorted(accepted()[pattern].factors - {"*"}) or FACTORS)
            end = begin + chance.choice([0.0, 0.1, 1, 5])
            labels.append(f"e{n},{station},{factor},{pattern},{_time(begin)},{_time(end)},")
    _write(folder / "series.csv", series)
    _write(folder / "labels.csv", ["event_id,station,factor,pattern,start,end,variant", *labels])
    _write(folder / "stations.csv", ["station,enterprise,interval_min,kind",
                                     *(f"{s},E{s},60,air" for s in stations)])  # fmt: skip


def write_detections(folder: Path, seed: int, count: int) -> None:
    """Half of them near events, on both edges too, with right and wrong names and factors."""
    chance = random.Random(seed)
    labels = [line.split(",") for line in (folder / "labels.csv").read_text().splitlines()[1:]]
    names = [*PATTERNS, "flat", "duplicate", "o2", "unheard-of", ""]
    lines = ["station,time,factor,pattern,score"]
    for _ in range(count):
        _, station, factor, pattern, start, end, _ = chance.choice(labels)
        first, last = dt.datetime.fromisoformat(start), dt.datetime.fromisoformat(end)
        grace = dt.timedelta(days=1)
        time = chance.choice([first, last + grace, first + chance.uniform(-1, 1.5) * grace])
        if chance.random() < 0.5:
            station = f"S{chance.randrange(40):02d}"
            time = BEGIN + dt.timedelta(days=chance.uniform(0, 45))
        factor = factor if chance.random() < 0.6 else chance.choice([*FACTORS, ""])
        pattern = pattern if chance.random() < 0.5 else chance.choice(names)
        time = time.replace(microsecond=0)
        lines.append(f"{station},{time},{factor},{pattern},{chance.expovariate(1):.3f}")
    _write(folder / "det.csv", lines)


def _time(day: float) -> str:
    return str(BEGIN + dt.timedelta(minutes=round(day * 1440)))


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
