"""数据表: the curves' values as rows, the text alternative of the charts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.chassis.pb.ingest.v1.ingest_pb2 import FactorSeries
from services.console.views.curve import QUIET_FLAGS, finite


@dataclass(frozen=True)
class Column:
    """A column: a factor, measured or converted (`suffix` is empty or `-Zs`, HJ 212's own word)."""

    code: str
    suffix: str


@dataclass(frozen=True)
class Row:
    """One moment: a value and its flag for each column."""

    time_s: int
    cells: tuple[tuple[float | None, str], ...]

    @property
    def plain(self) -> list[str]:
        """Values with their flags, for CSV; empty where nothing came."""
        return ["" if value is None else f"{value:g}{flag}" for value, flag in self.cells]


@dataclass(frozen=True)
class ValueTable:
    """Columns and rows, newest first. `more` counts the rows that were left out."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    more: int


def value_table(
    order: Iterable[str], series: Iterable[FactorSeries], most: int | None
) -> ValueTable:
    """Lay the series out as rows, at most `most` of them."""
    by_code = {one.factor: one for one in series}
    columns: list[Column] = []
    cells: list[dict[int, tuple[float | None, str]]] = []
    for code in order:
        if code not in by_code:
            continue
        one = by_code[code]
        for suffix, values in (("", one.value), ("-Zs", one.converted)):
            found = column_cells(one, values)
            if suffix and not any(value is not None for value, _ in found.values()):
                continue
            columns.append(Column(code, suffix))
            cells.append(found)
    times = sorted({time_s for found in cells for time_s in found}, reverse=True)
    kept = times if most is None else times[:most]
    rows = tuple(
        Row(time_s, tuple(found.get(time_s, (None, "")) for found in cells)) for time_s in kept
    )
    return ValueTable(tuple(columns), rows, len(times) - len(kept))


def column_cells(
    series: FactorSeries, values: Sequence[float]
) -> dict[int, tuple[float | None, str]]:
    """Give a column's cells by time; 正常 is not written out."""
    flags = series.flags.ljust(len(series.time_s), "-")
    return {
        time_s: (finite(value), "" if flag in QUIET_FLAGS else flag)
        for time_s, value, flag in zip(series.time_s, values, flags, strict=False)
    }
