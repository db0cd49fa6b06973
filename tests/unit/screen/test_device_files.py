"""checks.csv and parameters.csv of a folder reach the panel; what is wrong in them is named."""

import pytest

from farsight.screen.folder import read_panels, read_table
from services.chassis.errors import InputRejected

SERIES = "station,factor,time,value\nS,COD,2024-01-01 00:00,3\nS,COD,2024-01-01 01:00,4\n"
CHECKS = "station,factor,time,kind,expected,measured\n"
PARAMETERS = "station,factor,time,name,value,reported\n"


def folder(path, **files):
    """A folder with one series and further files."""
    (path / "series.csv").write_text(SERIES, encoding="utf-8")
    for name, text in files.items():
        (path / f"{name}.csv").write_text(text, encoding="utf-8")
    return path


def test_checks_and_parameters_are_placed_in_cells(tmp_path):
    """What came before the first cell is kept with a negative cell, what comes later left out."""
    checks = CHECKS + "S,COD,2024-01-01 01:30,零点核查,0,0.2\nS,COD,2025-01-01,span,10,11\n"
    log = PARAMETERS + "S,COD,2024-01-01 01:00,slope,0.6,否\nS,COD,2023-12-31,slope,1,是\n"

    [block] = read_panels(folder(tmp_path, checks=checks, parameters=log))

    assert [(c.row, c.cell, c.kind, c.expected, c.measured) for c in block.checks] == [
        (0, 1, "zero", 0.0, 0.2)
    ]
    assert [(p.cell, p.name, p.value, p.reported) for p in block.parameters] == [
        (-24, "slope", 1.0, True), (1, "slope", 0.6, False),
    ]  # fmt: skip


def test_a_folder_without_them_knows_nothing(tmp_path):
    """Nothing known is not all well."""
    [block] = read_panels(folder(tmp_path))

    assert list(block.checks) == []
    assert list(block.parameters) == []


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"checks": CHECKS + "S,COD,2024-01-01,blank,1,1\n"}, "checks.csv:2: kind 'blank'; write"),
        ({"checks": CHECKS + "S,COD,soon,span,1,1\n"}, "checks.csv:2: 'soon' is no time"),
        ({"checks": CHECKS + "S,COD,2024-01-01,span,,1\n"}, "checks.csv:2: expected '' is no num"),
        ({"parameters": PARAMETERS + "S,COD,2024-01-01,k,1,maybe\n"}, "reported 'maybe'; write 1"),
        ({"checks": "station,factor,time\nS,COD,2024-01-01\n"}, "checks.csv: no column expected"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, files, told):
    """File, line, fault and remedy."""
    with pytest.raises(InputRejected) as caught:
        read_panels(folder(tmp_path, **files))

    assert told in str(caught.value)


def test_records_of_unknown_series_are_noted(tmp_path):
    """A misspelt station is not lost in silence."""
    table = read_table(folder(tmp_path, checks=CHECKS + "X,COD,2024-01-01,span,1,1\n"))

    assert "(e.g. X COD)" in table.notes[-1]
