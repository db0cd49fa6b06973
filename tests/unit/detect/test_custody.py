"""A partition's files are trusted only where nothing can be missing in them."""

import json

import numpy as np
import pytest

from services.detect.domain.grid import HOUR
from services.detect.domain.series_key import SeriesKey
from services.detect.windows import custody
from services.detect.windows.partition_windows import INDEX_FILE, PartitionWindows
from tests.unit.detect.scene import MONDAY, SO2, columns


def _written(folder) -> PartitionWindows:
    """A partition with one value."""
    windows = PartitionWindows(folder)
    windows.write(columns({("A", SO2): (MONDAY, [7.0])}))
    return windows


def _value(windows: PartitionWindows) -> float:
    row = windows.index.row(SeriesKey("A", SO2))
    if row is None:
        return float("nan")
    return float(windows.rings[HOUR].read(np.array([row]), np.array([MONDAY]), 1).value[0, 0])


def test_a_killed_process_leaves_files_that_the_next_one_maps(tmp_path):
    """Same boot of the machine: the kernel still has every page."""
    _written(tmp_path / "p0")

    again = PartitionWindows(tmp_path / "p0")

    assert not again.lost
    assert _value(again) == 7.0


def test_after_a_power_failure_files_that_were_not_closed_are_moved_aside(tmp_path, monkeypatch):
    """Another boot, not closed in order: start empty, keep the old folder for a look."""
    _written(tmp_path / "p0")
    monkeypatch.setattr(custody, "boot_id", lambda: "another boot")

    again = PartitionWindows(tmp_path / "p0")

    assert again.lost
    assert np.isnan(_value(again))
    assert (tmp_path / "p0.old0" / "hour.ring").exists()


def test_after_an_orderly_stop_files_survive_a_reboot(tmp_path, monkeypatch):
    """`farsight down`, machine off, machine on: nothing has to come back from ingest."""
    _written(tmp_path / "p0").close()
    monkeypatch.setattr(custody, "boot_id", lambda: "another boot")

    again = PartitionWindows(tmp_path / "p0")

    assert not again.lost
    assert _value(again) == 7.0
    assert json.loads((tmp_path / "p0" / custody.STATE_FILE).read_text())["clean"] is False


@pytest.mark.parametrize("name", [INDEX_FILE, "hour.ring", "minute.ring", custody.STATE_FILE])
def test_a_missing_file_makes_the_others_worthless(tmp_path, name):
    """Rows without their index would be read as somebody else's values."""
    _written(tmp_path / "p0").close()
    (tmp_path / "p0" / name).unlink()

    again = PartitionWindows(tmp_path / "p0")

    assert again.lost
    assert again.index.outlets() == []


def test_a_system_that_does_not_tell_its_boot_trusts_closed_files_only(tmp_path, monkeypatch):
    """An empty boot id equals nothing, not even another empty one."""
    monkeypatch.setattr(custody, "boot_id", lambda: "")
    _written(tmp_path / "p0")

    assert PartitionWindows(tmp_path / "p0").lost
