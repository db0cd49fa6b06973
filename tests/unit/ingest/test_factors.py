"""Factor codes are data with a source."""

from services.ingest.hj212.factors import factors_2017, is_known


def test_pollutants_that_limits_name_are_there_with_units():
    """Spot checks against tables B.1 and B.2."""
    table = factors_2017()

    assert (table["a21026"].name_zh, table["a21026"].unit) == ("二氧化硫", "mg/m3")
    assert table["w01018"].source == "HJ 212-2017 table B.1"
    assert all(row.source for row in table.values())


def test_codes_of_2005_are_not_codes_of_2017():
    """`011` without its medium is ambiguous; the 2005 reader maps it."""
    assert not is_known("011")
    assert not is_known("S01")


def test_device_number_of_process_codes_is_free():
    """g101xx stands for any two digits."""
    assert is_known("g10107")
    assert not is_known("g101xy")
