"""Clock, partition and settings."""

from datetime import UTC, datetime

import pytest

from services.chassis.clock import BEIJING, beijing, from_timestamp, to_timestamp
from services.chassis.errors import InputRejected
from services.chassis.log import hide_personal
from services.chassis.partition import partition_of
from services.chassis.settings import ChassisSettings


def test_a_partition_never_moves():
    """The numbers themselves: a change would orphan every stored matrix."""
    ids = ("91130400MA000T014P-DA001", "91130400MA000T014P-DW001", "peer:10.0.0.1")
    assert [partition_of(key, 8) for key in ids] == [0, 3, 7]

    with pytest.raises(ValueError, match="positive"):
        partition_of("x", 0)


def test_times_keep_their_zone():
    """A naive moment is refused; Beijing is eight hours ahead."""
    noon = datetime(2026, 11, 22, 4, tzinfo=UTC)
    assert from_timestamp(to_timestamp(noon)) == noon
    assert beijing(noon).hour == 12
    assert to_timestamp(noon.astimezone(BEIJING)) == to_timestamp(noon)
    with pytest.raises(ValueError, match="naive"):
        to_timestamp(datetime(2026, 1, 1))


def test_a_bad_setting_is_named():
    """The error says which setting and what it was."""
    with pytest.raises(InputRejected, match=r"FARSIGHT_PARTITIONS.*'eight'"):
        ChassisSettings.from_env({"FARSIGHT_PARTITIONS": "eight"})
    with pytest.raises(InputRejected, match="FARSIGHT_PROBE_BIND"):
        ChassisSettings.from_env({"FARSIGHT_PROBE_BIND": "9000"})


def test_personal_fields_never_reach_a_log():
    """A phone number is blanked whatever the caller wrote."""
    assert hide_personal(None, "info", {"event": "x", "phone": "19900000000"})["phone"] == "***"
