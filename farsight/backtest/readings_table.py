"""读数表: readings of CSV and Parquet files as columns, without a Python object a value.

The columns are those of `farsight load readings` (docs/load.md): a row a time (wide) or a row a
value (long). Only received values are read: corrected and exempted ones stand beside them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from farsight.backtest.history import joined
from farsight.load.fields import moment
from farsight.load.items import FACTOR, READING, VALUE
from farsight.load.tables import is_parquet
from services.chassis.errors import InputRejected
from services.detect.domain.grid import DAY, HOUR, MINUTE, REALTIME
from services.detect.domain.series_key import SeriesKey
from services.detect.kernels.series import Floats, Ints
from services.detect.windows.partition_windows import Columns

GRIDS = {"hour": HOUR, "day": DAY, "minute": MINUTE, "realtime": REALTIME}
_KEYS = ("outlet_id", "data_time")


@dataclass(frozen=True)
class Values:
    """Values of some rows of a table; codes count into `outlets`, `kinds` and `factors`."""

    outlets: list[str]
    kinds: list[str]
    factors: list[str]
    outlet: Ints
    kind: Ints
    factor: Ints
    time_s: Ints
    value: Floats
    converted: Floats
    flag: NDArray[np.uint8]


def read_readings(path: Path, kind: str = "hour") -> Values:
    """读数 of a file; `kind` serves where the table has no such column.

    Raises InputRejected naming the file, the column and what it should hold.
    """
    table = _table(path)
    names = table.column_names
    for name in _KEYS:
        if name not in names:
            raise InputRejected(f"{path.name}: no column {name} (docs/load.md)", field=name)
    own = {*READING, *(("factor", *VALUE) if "factor" in names else ())}
    for name in names:
        if name not in own and ("factor" in names or not FACTOR.fullmatch(name)):
            raise InputRejected(f"{path.name}: no reading has a column {name}", field=name)
    table = _received(table)
    return (_long if "factor" in names else _wide)(_Head.of(table, path, kind))


@dataclass(frozen=True)
class _Head:
    """The columns that every reading has."""

    table: pa.Table
    path: Path
    outlets: list[str]
    outlet: Ints
    kinds: list[str]
    kind: Ints
    time_s: Ints

    @classmethod
    def of(cls, table: pa.Table, path: Path, kind: str) -> "_Head":
        outlets, outlet = _coded(table["outlet_id"])
        times, at = _coded(table["data_time"])
        seconds = [_seconds(path, text) for text in times]
        kinds, which = [kind], np.zeros(len(table), dtype=np.int64)
        if "kind" in table.column_names:
            kinds, which = _coded(table["kind"])
            kinds = [name or kind for name in kinds]
        for name in kinds:
            if name not in GRIDS:
                raise InputRejected(f"{path.name}: kind {name!r} is none of {sorted(GRIDS)}")
        return cls(table, path, outlets, outlet, kinds, which, np.array(seconds, np.int64)[at])

    def numbers(self, name: str) -> Floats:
        """A column of numbers, NaN where it is empty or not there."""
        if name not in self.table.column_names:
            return np.full(len(self.table), np.nan)
        column = self.table[name]
        if pa.types.is_string(column.type):
            column = pc.if_else(pc.equal(column, ""), None, column)
        try:
            return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
        except pa.ArrowInvalid as fault:
            raise InputRejected(f"{self.path.name}: {name}: {fault}", field=name) from fault

    def flags(self, name: str) -> NDArray[np.uint8]:
        """A column of flag letters as ASCII codes, 0 where there is none."""
        if name not in self.table.column_names:
            return np.zeros(len(self.table), dtype=np.uint8)
        letters, at = _coded(self.table[name])
        codes = [ord(letter[0]) if letter and letter != "-" else 0 for letter in letters]
        return np.array(codes, dtype=np.uint8)[at]


def _table(path: Path) -> pa.Table:
    try:
        if is_parquet(path):
            return pq.read_table(path)
        as_text = {name: pa.string() for name in (*READING, "factor", "flag")}
        header = path.open(encoding="utf-8-sig").readline().strip().split(",")
        as_text |= {name: pa.string() for name in header if name.endswith(".flag")}
        options = pacsv.ConvertOptions(column_types=as_text, strings_can_be_null=False)
        return pacsv.read_csv(path, convert_options=options)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as fault:
        raise InputRejected(f"{path.name}: no table of readings: {fault}") from fault


def _received(table: pa.Table) -> pa.Table:
    if "state" not in table.column_names:
        return table
    return table.filter(pc.is_in(table["state"], pa.array(["", "received"])))


def _coded(column: pa.ChunkedArray) -> tuple[list[str], Ints]:
    """Different texts of a column, and which of them each row has."""
    encoded = pc.fill_null(column.cast(pa.string()), "").combine_chunks().dictionary_encode()
    return encoded.dictionary.to_pylist(), np.asarray(encoded.indices, dtype=np.int64)


def _seconds(path: Path, text: str) -> int:
    try:
        return int(moment(text).timestamp())
    except ValueError as fault:
        raise InputRejected(
            f"{path.name}: data_time {text!r}: {fault}", field="data_time"
        ) from fault


def _long(head: _Head) -> Values:
    factors, factor = _coded(head.table["factor"])
    numbers, flags = head.numbers, head.flags
    return _values(head, factors, [(factor, numbers("value"), numbers("converted"), flags("flag"))])


def _wide(head: _Head) -> Values:
    names = {FACTOR.fullmatch(name) for name in head.table.column_names}
    factors = sorted({found[1] for found in names if found})
    parts = [
        (
            np.full(len(head.table), at, dtype=np.int64),
            head.numbers(name),
            head.numbers(f"{name}.converted"),
            head.flags(f"{name}.flag"),
        )
        for at, name in enumerate(factors)
    ]
    return _values(head, factors, parts)


_Part = tuple[Ints, Floats, Floats, NDArray[np.uint8]]


def _values(head: _Head, factors: list[str], parts: Sequence[_Part]) -> Values:
    """Rows of all parts that say anything."""
    kept = [np.isfinite(v) | np.isfinite(c) | (f > 0) for _, v, c, f in parts]

    def gathered(column: Callable[[_Part], Any]) -> Any:
        found = [column(part)[keep] for part, keep in zip(parts, kept, strict=True)]
        return np.concatenate(found) if found else np.zeros(0)

    return Values(
        head.outlets,
        head.kinds,
        factors,
        gathered(lambda _: head.outlet).astype(np.int64),
        gathered(lambda _: head.kind).astype(np.int64),
        gathered(lambda part: part[0]).astype(np.int64),
        gathered(lambda _: head.time_s).astype(np.int64),
        gathered(lambda part: part[1]),
        gathered(lambda part: part[2]),
        gathered(lambda part: part[3]).astype(np.uint8),
    )


def by_outlet(values: Sequence[Values]) -> dict[str, Columns]:
    """读数 of each outlet, oldest first."""
    found: dict[str, list[Columns]] = {}
    for part in values:
        order = np.lexsort((part.time_s, part.outlet))
        edges = np.searchsorted(part.outlet[order], np.arange(len(part.outlets) + 1))
        for at, outlet_id in enumerate(part.outlets):
            rows = order[edges[at] : edges[at + 1]]
            if len(rows):
                found.setdefault(outlet_id, []).append(_columns(part, outlet_id, rows))
    return {outlet_id: _sorted(parts) for outlet_id, parts in sorted(found.items())}


def _columns(part: Values, outlet_id: str, rows: Ints) -> Columns:
    code = part.kind[rows] * len(part.factors) + part.factor[rows]
    used, index = np.unique(code, return_inverse=True)
    pairs = (divmod(number, len(part.factors)) for number in used.tolist())
    return Columns(
        [(GRIDS[part.kinds[k]], SeriesKey(outlet_id, part.factors[f])) for k, f in pairs],
        index.astype(np.int64),
        part.time_s[rows],
        part.value[rows],
        part.converted[rows],
        part.flag[rows],
    )


def _sorted(parts: Sequence[Columns]) -> Columns:
    """Several files' columns of one outlet as one, oldest first."""
    if len(parts) == 1:
        return parts[0]
    whole = joined(parts)
    order = np.argsort(whole.time_s, kind="stable")
    return Columns(
        whole.series,
        whole.series_index[order],
        whole.time_s[order],
        whole.value[order],
        whole.converted[order],
        whole.flag[order],
    )
