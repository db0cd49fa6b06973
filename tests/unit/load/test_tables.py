"""Cells, rows and columns of loaded tables; faults by line and column."""

from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farsight.load.fields import moment, put
from farsight.load.items import Item, outside_columns, outside_item, reading_columns, readings
from farsight.load.records import KINDS, tables_of
from farsight.load.tables import Row, TableFault, columns_of, rows_of
from services.chassis.errors import InputRejected
from services.chassis.pb.ingest.v1 import ingest_pb2, outside_pb2

AT_8 = datetime(2026, 11, 22, tzinfo=UTC)  # 08:00 in Beijing


@pytest.mark.parametrize(
    "cell",
    [
        "2026-11-22 08:00",
        "2026-11-22T08:00:00+08:00",
        "2026-11-22T00:00:00Z",
        "20261122080000",
        AT_8,
        datetime(2026, 11, 22, 8),
    ],
)
def test_a_time_without_a_zone_is_beijings(cell: Any) -> None:
    """Six ways to write eight o'clock."""
    assert moment(cell) == AT_8


def test_a_date_is_its_midnight_in_beijing() -> None:
    """As a day's reading is stamped."""
    assert moment(date(2026, 11, 22)).astimezone(UTC) == datetime(2026, 11, 21, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "cell", "reason"),
    [
        ("mark.start", "soon", "no time"),
        ("mark.family", "holiday", "not one of"),
        ("mark.revision", "1.5", "no whole number"),
        ("mark.revision", "-1", "range"),
        ("event.media.sha256", "zz", "not hex"),
        ("event.values", "{}", "no JSON list"),
        ("event.values", '[{"colour": 1}]', "no field colour"),
        ("event.values", '[{"value": "much"}]', "value: no number"),
    ],
)
def test_a_cell_that_cannot_be_taken_says_why(path: str, cell: str, reason: str) -> None:
    """For the person who mends the table."""
    with pytest.raises(ValueError, match=reason):
        put(outside_pb2.OutsideItem(), path, cell)


@given(st.text(max_size=12), st.sampled_from(["start", "family", "revision", "proofs", "factors"]))
def test_any_text_is_taken_or_a_value_error(text: str, column: str) -> None:
    """No other error reaches the loader."""
    with suppress(ValueError):
        put(outside_pb2.Mark(), column, text)


def test_parts_lists_and_phases_find_their_fields() -> None:
    """Dotted columns, lists joined with semicolons, JSON, and a meter's phases."""
    event = outside_item(
        "event",
        Row(2, {"vehicle.plate": "冀D00000", "media.sha256": "ab" * 32, "media.size": "9",
                "values": '[{"pollutant": "a24088", "value": 0.8, "time": "2026-11-22 08:00"}]'}),
    ).message.event  # fmt: skip
    meter = outside_item(
        "electricity", Row(2, {"a.current_a": "1.5", "c.power_kw": 2, "a.voltage_v": 380.0})
    )

    assert (event.vehicle.plate, event.media[0].size) == ("冀D00000", 9)
    assert event.media[0].sha256 == bytes.fromhex("ab" * 32)
    assert event.values[0].time.seconds == int(AT_8.timestamp())
    assert [one.phase for one in meter.message.electricity.phases] == ["A", "C"]
    assert meter.place_of("electricity.phases[1].power_kw") == (2, "c.power_kw")
    assert meter.place_of("place.division") == (2, "division")


def test_an_unknown_column_is_found_before_anything_is_pushed() -> None:
    """A misspelt column would silently lose its values."""
    assert outside_columns("grid", ["division", "cell", "colour", "a.current_a"]) == [
        "colour",
        "a.current_a",
    ]
    assert reading_columns(["outlet_id", "data_time", "a21026", "a21026.flag", "S02"]) == ["S02"]
    assert reading_columns(["outlet_id", "factor", "value", "a21026"]) == ["a21026"]


def long_row(line: int, factor: str, state: str = "", at: str = "2026-11-22 08:00") -> Row:
    """A row a value."""
    cells = {"outlet_id": "o", "kind": "hour", "data_time": at, "factor": factor, "value": "1"}
    return Row(line, {**cells, "state": state})


def test_neighbours_of_one_time_and_state_are_one_reading() -> None:
    """Another time, state or a factor that is there already begins the next one."""
    rows = [
        long_row(2, "a21026"),
        long_row(3, "a21002"),
        long_row(4, "a21026"),
        long_row(5, "a21002", "corrected"),
        long_row(6, "a21002", "corrected", "2026-11-22 09:00"),
    ]

    found = list(readings(iter(rows), "", long=True))

    assert [one.lines for one in found if isinstance(one, Item)] == [[2, 3], [4], [5], [6]]
    first, third = found[0], found[2]
    assert isinstance(first, Item)
    assert isinstance(third, Item)
    assert first.place_of("values[1].flag") == (3, "flag")
    assert third.message.state == ingest_pb2.VALUE_STATE_CORRECTED


def test_a_wide_rows_fault_is_in_the_factors_column() -> None:
    """What the gate refuses by index stands under a column's name."""
    cells = {"outlet_id": "o", "data_time": "2026-11-22 08:00", "a21026": "", "a21002.flag": "N"}
    (item,) = readings(iter([Row(7, cells)]), "hour", long=False)

    assert isinstance(item, Item)
    assert [value.factor for value in item.message.values] == ["a21002"]
    assert item.place_of("values[0].flag") == (7, "a21002.flag")
    assert item.place_of("data_time") == (7, "data_time")


def test_a_table_is_read_with_its_lines_and_faults(tmp_path: Path) -> None:
    """A quoted line break, an empty line, a short row, a byte order mark."""
    path = tmp_path / "a.csv"
    path.write_bytes('\ufeffa,b\n1,"x\ny"\n\n2\n'.encode())

    rows = list(rows_of(path))

    assert columns_of(path) == ["a", "b"]
    assert [(row.line, row.fault is None) for row in rows] == [(3, True), (5, False)]
    assert rows[0].cells == {"a": "1", "b": "x\ny"}


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.csv", b"", "no header"),
        ("a.csv", b"a,a\n", "comes twice"),
        ("a.csv", "部门\n".encode("gb18030"), "not UTF-8"),
        ("a.parquet", b"PAR0", "no Parquet file"),
    ],
)
def test_a_file_that_is_no_table_is_named(
    tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    """Before anything of it is pushed."""
    path = tmp_path / name
    path.write_bytes(data)

    with pytest.raises(TableFault, match=reason):
        columns_of(path)


def test_a_parquet_file_is_read_row_by_row(tmp_path: Path) -> None:
    """Types as they are, absent cells as None, rows counted from one."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1.5, None], "b": ["x", "y"]}), path)

    assert [(row.line, row.cells) for row in rows_of(path)] == [
        (1, {"a": 1.5, "b": "x"}),
        (2, {"a": None, "b": "y"}),
    ]


def test_tables_of_records_are_put_in_the_order_of_their_references() -> None:
    """Whatever order the shell gives; a name that tells no kind is refused."""
    paths = [Path("loggers.csv"), Path("OUTLETS.parquet"), Path("divisions.csv")]

    assert [table.kind for table in tables_of("registry", paths)] == [
        "divisions",
        "outlets",
        "loggers",
    ]
    assert [table.kind for table in tables_of("teams", [Path("x.csv")])] == ["teams"]
    assert next(iter(KINDS)) == "divisions"
    with pytest.raises(InputRejected, match="its name is none of"):
        tables_of("registry", [Path("x.csv")])
