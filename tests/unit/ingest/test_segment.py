"""Head and data area."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.hj212.errors import PeerProtocolError
from services.ingest.hj212.segment import parse_segment

from .frames import HOUR


def test_head_and_area_are_parsed_apart():
    """CN and QN inside CP (2005 acknowledgements) do not touch the head."""
    segment = parse_segment(b"ST=91;CN=9014;CP=&&QN=20040516010101001;CN=2051&&")

    assert segment.head == {"ST": "91", "CN": "9014"}
    assert segment.pairs() == [("QN", "20040516010101001"), ("CN", "2051")]
    assert not segment.wants_reply


def test_head_of_an_hour_frame():
    """The canonical 2017 head."""
    segment = parse_segment(HOUR[6:-6])

    assert segment.head["MN"] == "010000A8900016F000169DC0"
    assert (segment.qn, segment.st, segment.pw) == ("20160801090000001", "32", "123456")
    assert segment.flag == 5
    assert segment.wants_reply
    assert not segment.is_split
    assert segment.notes == ()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"QN=1;ST=32",
        b"QN=1;ST=32;CP=&",
        b"QN=1;CP=&&",
        b"QN=1;CP=&&DataTime=1",
        b"CP=&&a=1&&;b=2",
    ],
)
def test_broken_grammar_is_the_peers_fault(data: bytes):
    """No CP, an area that is not closed, text after it: malformed."""
    with pytest.raises(PeerProtocolError) as caught:
        parse_segment(data)

    assert caught.value.reason == "malformed"


def test_errata_of_the_standard_are_tolerated():
    """Comma for semicolon, blanks, another case: read and named (HJ 212-2017 C.22, C.25, C.42)."""
    segment = parse_segment(b"QN=1,ST=32;cn=2061; Flag =5;QN=2;X=1;CP=&& a-Rtd = 1 ;b-Rtd=2&& ")

    assert segment.head == {"QN": "1", "ST": "32", "CN": "2061", "Flag": "5"}
    assert set(segment.notes) == {
        "head_comma",
        "head_field_case",
        "repeated_head_field",
        "unknown_head_field",
    }
    assert segment.pairs() == [("a-Rtd", "1"), ("b-Rtd", "2")]


def test_area_is_grouped_by_items_and_logs_stay_whole():
    """`;` between items, `,` between values; what stands between // and // is one text (C.42)."""
    segment = parse_segment(
        "CN=3020;CP=&&DataTime=1;a-Min=1,a-Max=2;;i11001-Info=//开门;a=1,b//,PolId=a;x&&".encode()
    )

    assert segment.area == (
        (("DataTime", "1"),),
        (("a-Min", "1"), ("a-Max", "2")),
        (("i11001-Info", "//开门;a=1,b//"), ("PolId", "a")),
        (("", "x"),),
    )
    assert parse_segment(b"CP=&&a=//b;c&&").pairs() == [("a", "//b"), ("", "c")]
    assert segment.pairs() == [pair for item in segment.area for pair in item]


@pytest.mark.parametrize("piece", ["x", "=x", "==a=1", "=//a;b//"])
def test_piece_without_a_name_is_all_value(piece: str):
    """So that it can be written back as it came."""
    assert parse_segment(f"CN=1;CP=&&{piece}&&".encode()).area == ((("", piece),),)


@pytest.mark.parametrize(
    ("text", "pnum", "pno", "split"),
    [("PNUM=2;PNO=1;", 2, 1, True), ("PNO=0002;PNUM=0002;", 2, 2, True), ("", 0, 0, False)],
)
def test_packet_numbers_in_either_order(text: str, pnum: int, pno: int, split: bool):
    """2005 prints PNO first and pads; Flag alone does not make a frame split."""
    segment = parse_segment(f"CN=2061;Flag=7;{text}CP=&&&&".encode())

    assert (segment.pnum, segment.pno, segment.is_split) == (pnum, pno, split)


def test_chinese_in_utf8_and_in_gbk():
    """UTF-8 by the standard, GB 18030 from loggers with Chinese Windows."""
    utf8 = parse_segment("CP=&&i11001-Info=//清洗管路//&&".encode())
    gbk = parse_segment("CP=&&i11001-Info=//清洗管路//&&".encode("gb18030"))

    assert utf8.area_text == gbk.area_text
    assert gbk.notes == ("gb18030",)


def test_flag_that_is_no_number_asks_for_nothing():
    """An unreadable Flag must not make us answer."""
    assert parse_segment(b"Flag=5x;CP=&&&&").flag == 0
    assert parse_segment("Flag=５;CP=&&&&".encode()).flag == 0


@given(st.binary(max_size=200))
def test_any_bytes_give_a_segment_or_the_peers_error(data: bytes):
    """Nothing but PeerProtocolError leaves the parser."""
    for candidate in (data, b"QN=1;CP=&&" + data + b"&&"):
        try:
            parse_segment(candidate)
        except PeerProtocolError as error:
            assert error.reason == "malformed"  # noqa: PT017 - most inputs do not raise
