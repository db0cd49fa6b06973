"""`farsight detect` from a folder to det.csv, JSON, page and pictures."""

import csv
import json
import re
import shutil

import numpy as np
import pytest

from farsight.cli import main
from farsight.screen.detections import COLUMNS
from farsight.screen.episodes import once
from farsight.screen.names import screen_name
from services.detect.packs.load import BASE, shipped_pack
from services.detect.screening.run import tests_in as names_of_tests
from tests.unit.detect.screening.panels import wandering

DAYS, BEGIN, END, LAG = 40, 600, 680, 300
RATES = "test,interval_class,score,per_station_year,source\nexact_replay,any,0,5,made\nexact_replay,any,20,0.05,made\n"  # noqa: E501


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    """The shipped rules with one measured test, so that the outcome depends on nothing else."""
    folder = tmp_path_factory.mktemp("pack") / "pack"
    shutil.copytree(BASE, folder)
    (folder / "screening" / "rates.csv").write_text(RATES, "utf-8")
    return folder


@pytest.fixture(scope="module")
def province(tmp_path_factory):
    """Three stations; the second sends 80 hours of its own past again."""
    folder = tmp_path_factory.mktemp("province")
    values = wandering(3, DAYS * 24)
    values[1, BEGIN:END] = values[1, BEGIN - LAG : END - LAG]
    with (folder / "series.csv").open("w", encoding="utf-8") as file:
        file.write("station,factor,time,value,limit,flag\n")
        for row, series in enumerate(values):
            for at, value in enumerate(series):
                day, hour = divmod(at, 24)
                moment = np.datetime64("2024-01-01") + np.timedelta64(day, "D")
                file.write(f"S{row},NOx,{moment} {hour:02}:00:00,{value},200,\n")
    stations = "".join(f"S{row},E{row},60,gas\n" for row in range(3))
    (folder / "stations.csv").write_text(f"station,enterprise,interval_min,kind\n{stations}")
    return folder


def detect(province, pack, *more):
    return main(["detect", str(province), "--pack", str(pack), "--quiet", *map(str, more)])


def lines_of(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_replay_is_found_named_and_said_no_earlier_than_its_data(province, pack, tmp_path):
    """det.csv has the benchmark's columns and name; its times lie inside the replayed span."""
    assert detect(province, pack, "-o", tmp_path / "det.csv") == 0

    lines = lines_of(tmp_path / "det.csv")
    assert tuple(lines[0]) == COLUMNS
    assert {(one["station"], one["factor"], one["pattern"]) for one in lines} == {
        ("S1", "NOx", "replay")
    }
    assert min(one["time"] for one in lines) > "2024-01-26 00:00:00"
    assert max(one["time"] for one in lines) <= "2024-01-29 08:00:00"
    assert all(float(one["score"]) >= -np.log10(2) for one in lines)


def test_later_data_change_nothing_that_was_said_before(province, pack, tmp_path):
    """The folder cut in the middle of the replay gives the same lines up to the cut."""
    cut, cut_at = tmp_path / "cut", "2024-01-27 12:00:00"
    cut.mkdir()
    shutil.copy(province / "stations.csv", cut)
    head, *rows = (province / "series.csv").read_text("utf-8").splitlines(keepends=True)
    early = [row for row in rows if row.split(",")[2] <= cut_at]
    (cut / "series.csv").write_text(head + "".join(early), "utf-8")

    detect(province, pack, "-o", tmp_path / "all.csv")
    detect(cut, pack, "-o", tmp_path / "early.csv")

    known = [one for one in lines_of(tmp_path / "all.csv") if one["time"] <= cut_at]
    assert known
    assert lines_of(tmp_path / "early.csv") == known


def test_the_same_data_give_the_same_bytes(province, pack, tmp_path):
    """Lines, page and pictures of two runs are equal to the byte."""
    written = []
    for name in ("one", "two"):
        out = tmp_path / name
        out.mkdir()
        detect(
            province, pack, "-o", out / "d.csv", "--report", out / "r.html", "--pictures", out / "p"
        )
        written.append([file.read_bytes() for file in sorted(out.rglob("*")) if file.is_file()])

    assert written[0] == written[1]
    assert len(written[0]) >= 4


def test_the_page_holds_all_that_it_shows(province, pack, tmp_path):
    """Picture, both sentences, both languages; nothing is fetched from anywhere."""
    detect(province, pack, "--report", tmp_path / "r.html")

    page = (tmp_path / "r.html").read_text("utf-8")
    assert page.count("<figure><svg") >= 1
    for words in ("逐值相同", "何种变化则不提出", "Would have been silent", "来源段", "S1"):
        assert words in page
    assert re.findall(r'(?:src|href)="(?!#)[^"]*"|url\(|@import', page) == []


def test_json_gives_each_alarm_with_its_sentences(province, pack, capsys):
    """A script gets what people read, and what could not be evaluated."""
    assert detect(province, pack, "--json") == 0

    document = json.loads(capsys.readouterr().out)
    assert (document["stations"], document["rows"]) == (3, 3 * DAYS * 24)
    sign = document["alarms"][0]["signs"][0]
    assert sign["test"] == "exact_replay"
    assert "NOx" in sign["seen"]
    assert sign["silenced_by"]


def test_a_stricter_dial_says_less(province, pack, tmp_path):
    """At a rate that no sign can have, nothing is raised, and the page says so."""
    assert detect(
        province, pack, "-o", tmp_path / "d.csv", "--report", tmp_path / "r.html",
        "--alarms-per-station-year", "1e-300",
    ) == 0  # fmt: skip

    assert lines_of(tmp_path / "d.csv") == []
    assert "没有告警" in (tmp_path / "r.html").read_text("utf-8")


def test_a_folder_that_cannot_be_read_ends_with_one_and_says_why(pack, tmp_path, capsys):
    """Exit 1, one sentence on the error stream, nothing written."""
    assert detect(tmp_path / "nothing", pack, "-o", tmp_path / "d.csv") == 1

    assert "name a folder with series.csv" in capsys.readouterr().err
    assert not (tmp_path / "d.csv").exists()


@pytest.mark.parametrize("dial", ["0", "-1", "often"])
def test_a_dial_that_is_no_rate_is_bad_usage(province, pack, dial):
    """Exit 2 before anything is read."""
    with pytest.raises(SystemExit) as ended:
        detect(province, pack, "--alarms-per-station-year", dial)

    assert ended.value.code == 2


def test_every_test_of_the_shipped_pack_has_a_name_people_read():
    """tests.csv names each registered test in Chinese and English."""
    unnamed = [
        test for test in names_of_tests(shipped_pack().book) if screen_name(test).name_zh == test
    ]

    assert unnamed == []


@pytest.mark.parametrize(
    ("rate", "says"),
    [(2.0, "2 times a station-year"), (0.05, "once in 20 station-years"), (1e-9, "a million")],
)
def test_rates_read_as_people_count(rate, says):
    """A rate is a number of times a year, or years to one time; no figure beyond a million."""
    assert says in once(rate)[1]
