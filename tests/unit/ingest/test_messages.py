"""Typed uploads."""

from datetime import UTC, datetime
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.hj212.errors import PeerProtocolError
from services.ingest.hj212.messages import Upload, read_number, read_upload
from services.ingest.hj212.segment import parse_segment

from .frames import HOUR, REALTIME

HEAD = "QN=20160801085857223;ST=31;CN=2061;PW=123456;MN=M1;Flag=4;"


def upload(area: str, head: str = HEAD) -> Upload:
    """The upload with this data area."""
    return read_upload(parse_segment(f"{head}CP=&&{area}&&".encode()))


def test_real_time_frame():
    """2011: Rtd is the value, DataTime is Beijing time."""
    message = read_upload(parse_segment(REALTIME[6:-6]))

    assert message.cn == "2011"
    assert message.wants_reply
    assert message.data_time == datetime(2016, 8, 1, 0, 58, 57, tzinfo=UTC)
    assert [(f.code, f.value, f.flag) for f in message.factors] == [
        ("w01018", 40.1, "N"),
        ("w21003", 1.803, "N"),
    ]
    assert message.notes == ()


def test_hour_frame():
    """2061: Avg is the value, Cou, Min, Max stand beside it."""
    flow, ph, cod = read_upload(parse_segment(HOUR[6:-6])).factors

    assert (flow.value, flow.min, flow.max, flow.cou) == (17.5, 16.4, 20.1, 63.0)
    assert isnan(ph.cou)
    assert cod.code == "w01018"


def test_converted_value():
    """ZsAvg of an hour frame and ZsRtd of a real-time frame are the converted value."""
    (so2,) = upload(
        "DataTime=20160801080000;a21026-Avg=31.2,a21026-ZsAvg=35.0,a21026-Flag=N"
    ).factors

    assert so2.converted == 35.0


@pytest.mark.parametrize("text", ["---", "", "NaN", "inf", "1e999", "1_0", "４", "4,1"[:2]])
def test_value_that_is_no_number_is_kept_as_received(text: str):
    """The frame counts, the factor stays, the text is kept and noted."""
    message = upload(f"DataTime=20160801080000;a21026-Avg={text},a21026-Flag=D;a21002-Avg=5")

    so2, nox = message.factors
    assert so2.odd == {"value": text.rstrip(",")} or read_number(text.rstrip(",")) is not None
    assert nox.value == 5.0
    assert so2.flag == "D"


def test_unknown_factor_is_kept_and_noted():
    """A private code is data, not an error."""
    message = upload("DataTime=20160801080000;lng-Avg=114.5;W01018-Avg=3")

    assert [f.code for f in message.factors] == ["lng", "W01018"]
    assert "unknown_factor" in message.notes


def test_first_of_repeated_fields_stays():
    """HJ 212-2017 table C.15 prints e01001 twice."""
    message = upload("DataTime=20160801080000;e10101-Rtd=1.1;e10101-Rtd=2.2;Flag=N;a-b=1;x")

    assert message.factors[0].value == 1.1
    assert set(message.notes) == {"repeated_field", "unknown_item", "unknown_field"}


def test_legal_fields_without_a_column_stay_in_the_raw_frame():
    """SampleTime, EFlag, ZsMin, ZsMax make no factor of their own."""
    message = upload("DataTime=20160801080000;a21026-ZsMin=1,a21026-EFlag=A01")

    assert message.factors == ()
    assert message.notes == ("kept_raw",)


def test_split_packet_carries_its_numbers():
    """PNO and PNUM of tables C.49 and C.50; an unsplit frame has 0."""
    head = HEAD.replace("Flag=4;", "Flag=7;PNUM=2;PNO=1;")

    assert (upload("DataTime=20160801080000", head).pno, upload("DataTime=20160801080000").pno) == (
        1,
        0,
    )


def test_flag_of_more_than_one_letter_is_odd():
    """The flag column holds one character."""
    (so2,) = upload("DataTime=20160801080000;a21026-Flag=NN").factors

    assert so2.flag == ""
    assert so2.odd == {"flag": "NN"}


@pytest.mark.parametrize(
    ("segment", "reason"),
    [
        (f"{HEAD}CP=&&a21026-Avg=1&&", "malformed"),
        (f"{HEAD}CP=&&DataTime=20161301000000&&", "malformed"),
        (f"{HEAD}CP=&&DataTime=2016&&", "malformed"),
        (f"{HEAD}CP=&&DataTime=00000000000000&&", "malformed"),
        (f"{HEAD}CP=&&DataTime=00010101000000&&", "malformed"),
        (HEAD.replace("2061", "9014") + "CP=&&&&", "not_upload"),
        ("ST=31;CP=&&&&", "not_upload"),
        (HEAD.replace("MN=M1;", "") + "CP=&&DataTime=20160801080000&&", "malformed"),
    ],
)
def test_what_is_no_upload_is_refused_by_name(segment: str, reason: str):
    """The reason is the word that the balance counts."""
    with pytest.raises(PeerProtocolError) as caught:
        read_upload(parse_segment(segment.encode()))

    assert caught.value.reason == reason


def test_milliseconds_of_data_time_are_dropped_and_noted():
    """17 digits occur in traffic."""
    message = upload("DataTime=20160801085857123")

    assert message.data_time == datetime(2016, 8, 1, 0, 58, 57, tzinfo=UTC)
    assert message.notes == ("data_time_milliseconds",)


@given(st.text(max_size=120))
def test_any_area_gives_an_upload_or_the_peers_error(area: str):
    """Nothing but PeerProtocolError leaves the reader."""
    for candidate in (area, f"DataTime=20160801080000;{area}", f"DataTime={area}"):
        try:
            upload(candidate)
        except PeerProtocolError as error:
            assert error.reason == "malformed"  # noqa: PT017 - most inputs do not raise
