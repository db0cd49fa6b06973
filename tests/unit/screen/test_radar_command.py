"""`farsight radar` on a folder: rings as a table, as JSON, as a picture; errors say what to do."""

import json

import numpy as np
import pytest

from farsight.cli import main
from tests.unit.detect.screening.panels import wandering


@pytest.fixture
def folder(tmp_path):
    """Four outlets of one operator, of which two send the same values for four days."""
    values = wandering(4, 600)
    values[2, 400:500] = values[0, 400:500]
    rows = ["station,factor,time,value"]
    for row, cell in np.ndindex(values.shape):
        day, hour = divmod(cell, 24)
        time = np.datetime64("2024-01-01") + day
        rows.append(f"S{row},COD,{time} {hour:02}:00:00,{values[row, cell]}")
    (tmp_path / "series.csv").write_text("\n".join(rows), encoding="utf-8")
    stations = "".join(f"S{row},E{row},60,某运维公司\n" for row in range(4))
    (tmp_path / "stations.csv").write_text(f"station,enterprise,interval_min,operator\n{stations}")
    return tmp_path


def test_a_ring_is_shown_with_its_evidence_and_drawn(folder, capsys):
    """The table names both outlets; the picture has both."""
    picture = folder / "rings.svg"

    assert main(["radar", str(folder), "--picture", str(picture)]) == 0

    shown = capsys.readouterr().out
    assert "某运维公司: S0, S2" in shown
    assert "S0" in picture.read_text(encoding="utf-8")
    assert "数据照搬" in picture.read_text(encoding="utf-8")


def test_rings_are_given_as_json(folder, capsys):
    """For other programs: the same facts."""
    assert main(["radar", str(folder), "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert [ring["outlets"] for ring in found["rings"]] == [["S0", "S2"]]
    assert found["pairs"] == 6


def test_without_a_common_operator_it_says_what_to_fill_in(folder, capsys):
    """And a folder that cannot be read is exit 1."""
    stations = folder / "stations.csv"
    stations.write_text(stations.read_text().replace(",某运维公司", ","), encoding="utf-8")

    assert main(["radar", str(folder)]) == 0
    assert "operator of stations.csv" in capsys.readouterr().out
    assert main(["radar", str(folder / "nowhere")]) == 1
