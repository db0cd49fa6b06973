"""Tables that bureaus have are read as they are; what cannot be read says what to do."""

import contextlib
import csv
import doctest
import io
import re
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farsight.screen import cells, names
from farsight.screen.folder import read_panels, read_table, time_text
from services.chassis.errors import InputRejected

HEAD = "station,factor,time,value,limit,flag"
STATIONS = "station,enterprise,interval_min,kind\nS1,E1,60,gas\nS2,E1,15,water\n"


def hours(count, station="S1", factor="NOx", step_min=60):
    for at in range(count):
        day, minute = divmod(at * step_min, 1440)
        moment = f"2024-01-{day + 1:02} {minute // 60:02}:{minute % 60:02}:00"
        yield f"{station},{factor},{moment},{at + 0.5},100,"


def write(folder, name, *lines, encoding="utf-8"):
    path = folder / name
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


def sheet(path, lines):
    """A minimal .xlsx, so that no writer is needed to test the reader."""
    rows = "".join(
        "<row>" + "".join(
            f"<c><v>{c}</v></c>" if isinstance(c, float | int)
            else f'<c t="inlineStr"><is><t>{c}</t></is></c>' for c in line
        ) + "</row>" for line in lines
    )  # fmt: skip
    space = "http://schemas.openxmlformats.org"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{space}/package/2006/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{space}/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{space}/officeDocument/2006/relationships/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{space}/spreadsheetml/2006/main" '
        f'xmlns:r="{space}/officeDocument/2006/relationships"><sheets>'
        '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{space}/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{space}/officeDocument/2006/relationships/worksheet" '
        'Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{space}/spreadsheetml/2006/main">'
        f"<sheetData>{rows}</sheetData></worksheet>",
    }
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    path.write_bytes(body.getvalue())
    return path


def test_examples_in_docstrings_are_true():
    """Times, numbers and flags of the docstrings are read as printed."""
    for module in (cells, names):
        result = doctest.testmod(module)

        assert result.attempted > 0
        assert result.failed == 0


def test_a_folder_becomes_one_panel_an_interval(tmp_path):
    """Rows stand at their time, a missing row is missing, stations keep owner and limit."""
    lines = [*hours(30), *hours(200, "S2", "COD", 15)]
    del lines[5]
    write(tmp_path, "series.csv", HEAD, *lines)
    write(tmp_path, "stations.csv", STATIONS)

    quarter, hour = read_panels(tmp_path)

    assert (quarter.step_min, hour.step_min) == (15, 60)
    assert np.isnan(hour.value[0, 5])
    assert hour.value[0, 6] == 6.5
    assert np.isfinite(hour.value).sum() == 29
    assert hour.limit.tolist() == [100.0]
    assert (hour.enterprise, hour.keys[0].outlet_id) == (["E1"], "S1")
    assert time_text(hour, 6) == "2024-01-01 06:00:00"


def test_an_export_in_gbk_with_chinese_headers_reads_as_the_same_values(tmp_path):
    """站点、因子、时间、值、限值、标记 in GBK, with words for flags, equals the plain table."""
    write(tmp_path, "series.csv", HEAD, *hours(30))
    write(tmp_path, "stations.csv", STATIONS)
    chinese = [
        f"一号口,氮氧化物,2024/1/{1 + at // 24} {at % 24}:00,{at + 0.5},100,正常"
        for at in range(30)
    ]
    chinese[7] = chinese[7].replace("正常", "维护")
    path = write(
        tmp_path, "导出.csv", "某市在线监测数据",
        "站点名称,监测因子,监测时间,实测值(mg/m3),排放限值,数据标记",
        *chinese, encoding="gb18030",
    )  # fmt: skip

    plain, exported = read_panels(tmp_path)[0], read_panels(path)[0]

    assert np.array_equal(plain.value, exported.value, equal_nan=True)
    assert exported.keys[0].outlet_id == "一号口"
    assert exported.marked.nonzero()[1].tolist() == [7]
    assert chr(exported.flag[0, 7]) == "M"


@pytest.mark.parametrize(("step_min", "count"), [(1, 300), (10, 300), (15, 300), (1440, 20)])
def test_the_interval_of_a_table_alone_is_guessed(tmp_path, step_min, count):
    """The commonest distance of times is the interval, and the table says that it was guessed."""
    lines = list(hours(count, step_min=step_min))
    del lines[3:5]

    table = read_table(write(tmp_path, "alone.csv", HEAD, *lines))

    assert [panel.step_min for panel in table.panels] == [step_min]
    assert "guessed" in table.notes[0]


def test_a_column_a_factor_is_read_as_one_series_each(tmp_path):
    """The common wide export: 时间, COD(mg/L), 氨氮(mg/L), pH; the file names the station."""
    lines = [f"2024-01-01 {at:02}:00,{20 + at},{at / 10},7.{at % 10}" for at in range(24)]
    path = write(tmp_path, "东厂.csv", "数据时间,COD(mg/L),氨氮(mg/L),pH", *lines)

    panel = read_panels(path)[0]

    assert [key.factor for key in panel.keys] == ["COD", "氨氮", "pH"]
    assert panel.value[0, 23] == 43
    assert {key.outlet_id for key in panel.keys} == {"东厂"}


def test_an_excel_sheet_is_read_like_a_table(tmp_path):
    """.xlsx with numbers and texts gives the values of the CSV."""
    rows = [line.split(",") for line in hours(30)]
    cells_of = [[s, f, t, float(v), float(limit), ""] for s, f, t, v, limit, _ in rows]
    path = sheet(tmp_path / "a.xlsx", [HEAD.split(","), *cells_of])

    panel = read_panels(path)[0]

    assert panel.value[0, :30].tolist() == [at + 0.5 for at in range(30)]
    assert panel.limit.tolist() == [100.0]


def test_words_for_numbers_are_missing_and_told(tmp_path):
    """'停运' in a value cell is no number; the table says how many, and where the first is."""
    lines = list(hours(30))
    lines[4] = lines[4].replace("4.5", "停运")

    table = read_table(write(tmp_path, "alone.csv", HEAD, *lines))

    assert np.isnan(table.panels[0].value[0, 4])
    assert "line 6" in table.notes[1]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], "no header"),
        ([HEAD], "no line below the header"),
        (["station,factor,time,text", "a,b,2024-01-01,1"], "no column value"),
        ([HEAD, "a,b,yesterday,1,,"], ":2: 'yesterday' is no time; write 2024-01-31"),
        ([HEAD, "a,b,2024-01-01,on,,", "a,b,2024-01-02,off,,"], "most values"),
        ([HEAD, "a,b,2024-01-01,1,,"], "one time only"),
        ([HEAD, *(f"a,b,2024-01-01 {h}:00,1,," for h in range(0, 23, 7))], "420 min apart"),
        ([HEAD, "a,b,0024-01-01,1,,", *(f"a,b,2024-01-01 00:{m:02},1,," for m in range(60))],
         "is a year wrong?"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_what_to_do(tmp_path, lines, says):
    """Each refusal names the fault in words that lead to the remedy."""
    with pytest.raises(InputRejected, match=re.escape(says)):
        read_panels(write(tmp_path, "a.csv", *lines))


def test_a_folder_without_series_or_with_an_unknown_station_is_refused(tmp_path):
    """No series.csv, and a station that stations.csv does not know."""
    with pytest.raises(InputRejected, match=r"series\.csv and stations\.csv"):
        read_panels(tmp_path)
    write(tmp_path, "series.csv", HEAD, *hours(3, "S9"))
    write(tmp_path, "stations.csv", STATIONS)
    with pytest.raises(InputRejected, match=r"'S9' is not in stations\.csv; add it"):
        read_panels(tmp_path)


def test_a_time_that_comes_twice_counts_once_and_is_told(tmp_path):
    """Overlapping exports: the later line counts, and the page says that there were some."""
    lines = [*hours(30), "S1,NOx,2024-01-01 05:00:00,77,100,"]

    table = read_table(write(tmp_path, "a.csv", HEAD, *lines))

    assert table.panels[0].value[0, 5] == 77
    assert any("1 times came twice" in note for note in table.notes)


_CELL = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["2024-01-01", "2024-01-01 05:00", "9999-12-31", "0001-01-01", "1e400", "-3"]),
)


@settings(max_examples=150, deadline=None)
@given(lines=st.lists(st.lists(_CELL, min_size=3, max_size=6), max_size=8))
def test_whatever_stands_below_the_header_is_read_or_refused(tmp_path_factory, lines):
    """No table ends in an error that is not a sentence."""
    body = io.StringIO(newline="")
    csv.writer(body).writerows([HEAD.split(","), *lines])
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(body.getvalue(), "utf-8", "surrogatepass")

    with contextlib.suppress(InputRejected):
        assert read_table(path).panels
