"""Values to frames and back."""

from datetime import UTC, datetime

import pytest

from services.ingest.hj212.encode import encode_data_reply, encode_upload, request_number
from services.ingest.hj212.errors import LocalProtocolError
from services.ingest.hj212.framing import Frame, Framer
from services.ingest.hj212.messages import Upload, read_upload
from services.ingest.hj212.segment import parse_segment
from services.ingest.hj212.version import Version

AT = datetime(2026, 11, 22, 1, tzinfo=UTC)
MN = "010000A8900016F000169DC0"


def read(data: bytes) -> Upload:
    """The upload in one frame."""
    (frame,) = Framer().feed(data)
    assert isinstance(frame, Frame)
    return read_upload(parse_segment(frame.segment))


def test_upload_comes_back_as_it_was_sent():
    """Encode, frame, parse, read: the same values."""
    values = {
        "a21026": {"Min": 0.1, "Avg": 31.25, "Max": "40.00", "ZsAvg": 1e-7, "Cou": 7, "Flag": "N"},
        "a19001": {"Avg": 6.5, "Flag": "C"},
    }

    message = read(encode_upload("2061", MN, "123456", "31", request_number(AT), AT, values))

    so2, o2 = message.factors
    assert (so2.min, so2.value, so2.max, so2.converted, so2.cou) == (0.1, 31.25, 40.0, 1e-7, 7.0)
    assert (o2.value, o2.flag) == (6.5, "C")
    assert message.data_time == AT
    assert message.qn == "20261122090000000"
    assert message.notes == ()


def test_split_packets_carry_their_numbers():
    """Flag 7 with PNUM and PNO."""
    message = read(encode_upload("2061", MN, "1", "31", "1", AT, {}, flag=7, pnum=2, pno=2))

    assert (message.pnum, message.pno, message.wants_reply) == (2, 2, True)


def test_reply_of_table_c43():
    """QN, PW, MN copied; ST=91; Flag=4 so that nobody acknowledges an acknowledgement."""
    frame = encode_data_reply(read(encode_upload("2011", MN, "123456", "31", "77", AT, {})))

    segment = parse_segment(frame[6:-6])
    assert segment.head == {
        "QN": "77",
        "ST": "91",
        "CN": "9014",
        "PW": "123456",
        "MN": MN,
        "Flag": "4",
    }
    assert segment.area_text == ""


@pytest.mark.parametrize(
    "values",
    [{"a21026": {"Flag": "N;x"}}, {f"a{n:05d}": {"Avg": 1.0, "Flag": "N"} for n in range(80)}],
)
def test_what_hj212_cannot_say_is_our_error(values: dict[str, dict[str, float | str]]):
    """A reserved character, a segment over 1024 bytes."""
    with pytest.raises(LocalProtocolError):
        encode_upload("2061", MN, "1", "31", "1", AT, values)


def test_time_without_a_zone_is_our_error():
    """A naive time would be sent eight hours wrong on a UTC machine."""
    with pytest.raises(LocalProtocolError):
        request_number(datetime(2026, 1, 1))


def test_upload_of_2025_filled_in_after_a_break():
    """RF=1 stands before CP; Flag=9 is 2025 with a reply wanted."""
    data = encode_upload("2061", MN, "1", "31", "1", AT, {}, version=Version.V2025, rf=True)

    message = read(data)
    assert b";Flag=9;RF=1;CP=&&" in data
    assert (message.rf, message.flag, message.wants_reply) == (True, 9, True)
