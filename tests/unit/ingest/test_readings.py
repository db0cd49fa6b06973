"""First value, duplicate, version."""

from datetime import UTC, datetime
from math import nan

from services.ingest.domain.balance import Account, hour_of, open_difference, owner_of, tally
from services.ingest.domain.readings import Key, Reading, ValueSet, compare, split_by_key

NOW = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)


def values(value: float, flag: str = "N", odd: str = "") -> ValueSet:
    """A real-time value."""
    return ValueSet(value, nan, nan, nan, nan, flag, {"value": odd} if odd else {})


def test_the_same_again_is_a_repeat():
    """Absent fields compare as equal, though NaN is not."""
    assert compare({"a21026": values(1.0)}, {"a21026": values(1.0)}).is_repeat


def test_another_value_flag_or_text_is_a_deviation():
    """Each is evidence of an alteration."""
    for later in (values(2.0), values(1.0, "D"), values(nan, odd="---")):
        result = compare({"a21026": values(1.0)}, {"a21026": later})

        assert [d.later for d in result.deviations] == [later]
        assert not result.is_repeat


def test_new_factors_are_added():
    """The second packet of a split upload brings other factors of the same reading."""
    result = compare({"a21026": values(1.0)}, {"a21026": values(1.0), "a21002": values(5.0)})

    assert set(result.added) == {"a21002"}
    assert result.deviations == []


def test_zero_is_a_value():
    """A missing-data test by truth would take 0.0 for absent."""
    assert not compare({"a": values(0.0)}, {"a": values(nan)}).is_repeat


def test_first_of_a_key_goes_ahead_in_arrival_order():
    """The rest is compared with it later."""
    key, other = Key("M", 3, NOW), Key("N", 3, NOW)
    readings = [Reading(k, "o", {}, NOW, n) for n, k in enumerate((key, other, key))]

    firsts, later = split_by_key(readings)

    assert [r.frame for r in firsts] == [0, 1]
    assert [r.frame for r in later] == [2]


def test_balance_shows_a_loss():
    """Three received and two accounted leaves one open."""
    account = Account("o", hour_of(NOW))
    counts = tally([account] * 3, ["accepted", "accepted", "refused:crc"])

    assert counts[account, "accepted"] == 2
    assert open_difference({"received": 3, "accepted": 2, "refused:crc": 1}) == 0
    assert open_difference({"received": 3, "accepted": 1, "duplicate": 1}) == 1


def test_frames_without_an_outlet_are_accounted_to_the_host():
    """A new source port is not a new peer; IPv6 keeps its colons."""
    assert owner_of("", "10.0.0.1:5000") == "peer:10.0.0.1"
    assert owner_of("", "[fe80::1]:5000") == "peer:[fe80::1]"
    assert owner_of("X-DA001", "10.0.0.1:5000") == "X-DA001"
