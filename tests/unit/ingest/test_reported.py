"""Old codes and doubtful units come out in the factor's own, and say how they came."""

import pytest

from services.ingest.hj212.factors import (
    factors_2005,
    factors_2017,
    reported,
    scale_of,
)
from services.ingest.hj212.messages import FactorValues, Upload, read_upload
from services.ingest.hj212.segment import parse_segment
from services.ingest.hj212.version import Version

V2005, V2017, V2025 = Version


def upload(area: str, st: str, version: Version = V2005, cn: str = "2061") -> Upload:
    """The upload with this area under a system code."""
    head = f"ST={st};CN={cn};PW=1;MN=88888880000001;"
    return read_upload(
        parse_segment(f"{head}CP=&&DataTime=20160801080000;{area}&&".encode()), version
    )


def only(area: str, st: str, version: Version = V2005) -> FactorValues:
    """The one factor of an area."""
    (values,) = upload(area, st, version).factors
    return values


@pytest.mark.parametrize(
    ("old", "st", "code", "scale", "unit"),
    [
        ("011", "32", "w01018", 1.0, ""),
        ("020", "32", "w20111", 1e3, "mg/L"),
        ("022", "21", "w20115", 1e3, "mg/L"),
        ("024", "32", "w20117", 1e3, "mg/L"),
        ("026", "32", "w20119", 1e3, "mg/L"),
        ("027", "32", "w20120", 1e3, "mg/L"),
        ("034", "32", "w20127", 1e3, "mg/L"),
        ("035", "32", "w20128", 1e3, "mg/L"),
        ("021", "32", "w20113", 1e6, "mg/L"),
        ("041", "32", "w20089", 1e6, "mg/L"),
        ("B01", "32", "w00000", 1.0, ""),
        ("S04", "31", "a01017", 1e3, "MPa"),
        ("S08", "31", "a01013", 1e3, "MPa"),
        ("S02", "31", "a01011", 1.0, "m3/h"),
        ("02", "31", "a21026", 1.0, ""),
        ("20", "31", "a25044", 1.0, ""),
        ("10", "31", "a21001", 1.0, ""),
        ("B02", "31", "a00000", 1.0, ""),
    ],
)
def test_codes_of_2005(old: str, st: str, code: str, scale: float, unit: str):
    """Code and unit of annex B of 2005 to tables B.1 and B.2 of 2017 (hj212.md 4.1)."""
    as_read = reported(old, st, V2005)

    assert (as_read.code, as_read.reported_code) == (code, old)
    assert (as_read.scale, as_read.unit) == (scale, unit)
    assert as_read.note == ("unit_unsure" if old == "S02" else "")


def test_every_old_code_has_one_scale_for_value_and_sum():
    """The row keeps one scale; mg/L with kg to ug/L with g is the same factor of 1000."""
    new = factors_2017()
    mapped = 0
    for old in factors_2005().values():
        st = "32" if old.medium == "water-2005" else "31"
        as_read = reported(old.code, st, V2005)
        if as_read.reported_code and old.cou_unit:
            assert scale_of(old.cou_unit, new[as_read.code].cou_unit) == as_read.scale, old.code
        mapped += bool(as_read.reported_code)
    assert mapped == 78


@pytest.mark.parametrize(
    ("code", "st", "note"),
    [
        ("023", "31", "unknown_factor"),  # a VOC logger's private number, not chromium in a stack
        ("20", "32", "unknown_factor"),  # benzo(a)pyrene is a gas code
        ("S01", "32", "unknown_factor"),
        ("831", "32", "unknown_factor"),
        ("011", "99", "old_code_undecided"),
        ("011", "", "old_code_undecided"),
        ("025", "32", ""),  # trivalent chromium: in 2005 only
        ("B03", "36", ""),  # noise: in 2005 only
        ("lng", "22", "unknown_factor"),
        ("550", "32", "unit_assumed"),  # of HJ 525, not printed in 2005: no unit is told
    ],
)
def test_digits_and_system_code_must_agree(code: str, st: str, note: str):
    """Nothing is mapped by digits alone, and no zero is added or taken away."""
    as_read = reported(code, st, V2005)

    assert as_read.note == note
    assert as_read.scale == 1.0
    if code != "550":
        assert (as_read.code, as_read.reported_code) == (code, "")


def test_values_of_2005_are_converted_and_rounded_once():
    """0.0123 mg/L is 12.3 ug/L exactly; every column is converted, sums too."""
    mercury = only("020-Cou=0.5,020-Min=0.0011,020-Avg=0.0123,020-Max=0.03,020-Flag=N", "32")

    assert mercury.code == "w20111"
    assert (mercury.min, mercury.value, mercury.max, mercury.cou) == (1.1, 12.3, 30.0, 500.0)
    assert (mercury.reported_code, mercury.reported_scale) == ("020", 1000.0)
    assert mercury.reported_unit == "mg/L"


def test_old_and_new_code_of_one_factor_in_one_frame():
    """The first stays; they are one factor."""
    message = upload("011-Avg=1;w01018-Avg=2", "32")

    assert [(one.code, one.value) for one in message.factors] == [("w01018", 1.0)]
    assert "repeated_field" in message.notes


@pytest.mark.parametrize(
    ("area", "st", "value", "unit"),
    [
        ("a34001-Avg=12.5", "31", 12500.0, "mg/m3"),  # a stack
        ("a34001-Avg=92", "39", 92.0, ""),  # building site, ug/m3
        ("a34001-Avg=0.092", "39", 92.0, "mg/m3"),
        ("a34004-Avg=14", "22", 14.0, ""),
        ("a21001-Avg=2.5", "31", 2.5, ""),
        ("a21001-Avg=0.2", "22", 0.2, ""),
        ("a21001-Avg=25.4", "22", 0.0254, "ug/m3"),
    ],
)
def test_a_unit_that_nobody_can_mean_is_decided_and_noted(
    area: str, st: str, value: float, unit: str
):
    """Table B.2 prints ng/m3 for five factors: ST and size decide, and the frame says so."""
    message = upload(area, st, V2017)

    (one,) = message.factors
    assert one.value == value
    assert one.reported_unit == unit
    assert message.notes == ("unit_assumed",)


def test_noise_by_day_and_by_night_has_its_own_codes():
    """Leq by day is Ld, by night Ln (table B.3); other levels by part of the day stay raw."""
    area = "Leq-Data=50.0;Leq-DayData=53.1;Leq-NightData=43.2;L10-Data=55;L10-NightData=44"

    message = upload(area, "23", V2017, "2031")

    assert [(one.code, one.value, one.reported_code) for one in message.factors] == [
        ("Leq", 50.0, ""),
        ("Ld", 53.1, "Leq-DayData"),
        ("Ln", 43.2, "Leq-NightData"),
        ("L10", 55.0, ""),
    ]
    assert message.notes == ("kept_raw",)
    assert message.text("L10-NightData") == "44"
    assert [one.value for one in upload("Ln-NightData=41", "23", V2017).factors] == [41.0]


def test_letters_of_production_conditions_are_legal():
    """2025: p99101-Rtd=St is a value, not an error."""
    message = upload("p99101-Rtd=St,p99101-Flag=N;p99102-Rtd=N", "45", V2025, "2011")

    assert [one.odd for one in message.factors] == [{"value": "St"}, {"value": "N"}]
    assert message.notes == ()


@pytest.mark.parametrize(
    ("area", "version", "note"),
    [
        ("a21026-Avg=99999.99", V2017, ()),
        ("a21026-Avg=100000", V2017, ("out_of_width",)),
        ("a01013-Avg=101.325", V2017, ()),
        ("a01013-Avg=101.325", V2025, ("out_of_width",)),  # N2.3 in 2025
        ("a21026-Avg=1.123456789", V2017, ()),  # more decimals than the table is usual
        ("a21026-Flag=P", V2005, ()),
        ("a21026-Flag=3", V2005, ()),
        ("a21026-Flag=P", V2017, ("unknown_flag",)),
        ("a21026-Flag=B", V2005, ("unknown_flag",)),
    ],
)
def test_width_and_flags_are_noted_never_refused(area: str, version: Version, note: tuple[str]):
    """Formats and flags are a version's own; the value is kept whatever they are."""
    message = upload(area, "31", version)

    assert message.notes == note
    (one,) = message.factors
    assert one.flag == (area[-1] if "Flag" in area else "")
