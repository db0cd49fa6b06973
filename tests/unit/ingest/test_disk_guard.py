"""Too little room: nothing is acknowledged, nothing is lost, work goes on by itself."""

from pathlib import Path

import pytest

from services.chassis.errors import StorageFull
from services.ingest.disk_guard import HOLD_S, MB, DiskGuard, Limits


class Disk:
    """A volume whose free space the test decides, in MB."""

    def __init__(self, tmp_path: Path, free_mb: int) -> None:
        self.free_mb = free_mb
        self.slept = 0.0
        self.guard = DiskGuard(
            {"archive": tmp_path}, Limits(5000 * MB, 1000 * MB), lambda _: self.free_mb * MB
        )

    def sleep(self, seconds: float) -> None:
        """Pass the time; after five seconds somebody makes room."""
        self.slept += seconds
        if self.slept == 5:
            self.free_mb = 9000
            self.guard.look()


def test_guard_stops_below_the_limit_and_goes_on_a_little_above(tmp_path: Path):
    """No fluttering at the limit itself."""
    disk = Disk(tmp_path, 1000)
    seen = []
    for free_mb in (1000, 999, 1000, 1099, 1100, 999):
        disk.free_mb = free_mb
        seen.append(bool(disk.guard.look()))

    assert seen == [False, True, True, True, False, True]
    assert disk.guard.stopped == "archive: 999 MB free of 1000 needed"


def test_work_waits_in_its_place_and_is_done_once(tmp_path: Path):
    """While stopped nothing is tried; then exactly once."""
    disk, done = Disk(tmp_path, 10), []
    disk.guard.look()

    disk.guard.hold(lambda: done.append(disk.slept), disk.sleep)

    assert done == [5.0]


def test_work_that_meets_a_full_disk_is_tried_again(tmp_path: Path):
    """ENOSPC before the watch saw it: the same work again, when there is room."""
    disk, tries = Disk(tmp_path, 2000), []

    def work() -> str:
        tries.append(disk.slept)
        if disk.free_mb < 9000:
            raise StorageFull("archive: No space left on device")
        return "kept"

    assert disk.guard.hold(work, disk.sleep) == "kept"
    assert tries == [0, 5.0]


def test_a_disk_that_stays_full_gives_the_batch_back(tmp_path: Path):
    """Before the broker takes it away; the error is one that is not counted."""
    disk = Disk(tmp_path, 10)
    disk.slept = 100  # nobody makes room
    disk.guard.look()

    with pytest.raises(StorageFull) as raised:
        disk.guard.hold(lambda: None, disk.sleep)
    assert disk.slept == 100 + HOLD_S
    assert not raised.value.counted
