"""误报率表文件: calibration of chosen tests written into `screening/rates.csv`."""

import csv
import io
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path

from services.detect.packs.load import BASE
from services.detect.screening.rates import RatePoint

SHIPPED = BASE / "screening" / "rates.csv"
_HEAD = tuple(field.name for field in fields(RatePoint))


def replace_tests(path: Path, tests: Iterable[str], points: Iterable[RatePoint]) -> None:
    """Put the new rows of these tests in the place of their old ones; others stay."""
    gone = frozenset(tests)
    new = [tuple(_plain(cell) for cell in astuple(point)) for point in points]
    kept = [row for row in _rows(path) if row[0] not in gone]
    lines = sorted([*kept, *new], key=lambda row: (row[0], row[1], float(row[2])))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([_HEAD, *lines])
    path.write_text(out.getvalue(), encoding="utf-8")


def read_points(path: Path) -> list[RatePoint]:
    """Rows of a table of rates; none where there is no file yet."""
    return [RatePoint(t, name, float(s), float(r), told) for t, name, s, r, told in _rows(path)]


def _rows(path: Path) -> list[tuple[str, ...]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return [tuple(row[name] for name in _HEAD) for row in csv.DictReader(lines)]


def _plain(cell: object) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell)
