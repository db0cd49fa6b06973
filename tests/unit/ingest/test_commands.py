"""The command table, what a request may hold, replies of each version, split uploads."""

from datetime import UTC, datetime

import pytest

from services.ingest.hj212.commands import check_request, commands, find, rows_of, spec
from services.ingest.hj212.encode import encode_frame, encode_reply, encode_request, split_upload
from services.ingest.hj212.errors import LocalProtocolError
from services.ingest.hj212.messages import Head, Upload, read_message
from services.ingest.hj212.segment import parse_segment
from services.ingest.hj212.version import Version, version_of

V2005, V2017, V2025 = Version
MN = "010000A8900016F000169DC0"
AT = datetime(2016, 8, 1, 0, 58, 57, 534000, tzinfo=UTC)
# hj212.md 2.2: every CN that a text or a client defines.
EVERY_CN = """
1000 1001 1002 1011 1012 1013 1014 1021 1022 1031 1032 1041 1042 1061 1062 1063 1064 1072
2011 2012 2013 2021 2022 2031 2041 2051 2052 2061 2062 2071 2072 2081 2111
3011 3012 3013 3014 3015 3016 3017 3018 3019 3020 3021 3022 3024 9011 9012 9013 9014 9015
"""


def segment_of(frame: bytes) -> str:
    """The text between length and CRC."""
    return frame[6:-6].decode()


def test_table_holds_every_command_with_a_source():
    """No command is missing, none is invented; a row of 2025 alone is marked as second hand."""
    assert {row.cn for row in commands()} == set(EVERY_CN.split())
    for row in commands():
        assert row.source.startswith(("[S05]", "[S17]", "[C25]", "[D25]")), row.cn
        assert row.versions != (V2025,) or "25]" in row.source, row.cn
        assert row.title_zh, row.cn
        assert bool(row.answers) == row.requestable, row.cn


def test_one_row_a_command_version_and_system_code():
    """Two rows of a command never claim the same version."""
    keys = [(row.cn, version, row.st) for row in commands() for version in row.versions]

    assert len(keys) == len(set(keys))


def test_forms_that_differ_between_versions():
    """1001 and 3011 are other commands in 2025; 2071 ended with 2005; 2011 of ST=44 is history."""
    assert spec("1001", V2005).request == "WarnTime"
    assert spec("1001", V2025).answer == "Registration"
    assert [p.name for p in spec("3011", V2025).parameters] == ["PolId", "CalibrationType"]
    assert find("2071", V2017) is None
    assert find("2071") is not None
    assert (spec("2011", V2025, "44").answers, spec("2011", V2025, "31").answers) == (
        "series",
        "nothing",
    )
    assert [row.versions for row in rows_of("1001", V2017)] == [(V2025,), (V2005,)]


@pytest.mark.parametrize("version", [V2005, V2025])
def test_commands_of_one_version_prove_it(version: Version):
    """The evidence of `version_of` agrees with the table, whatever Flag says."""
    rows = {
        row.cn: {v for one in commands() if one.cn == row.cn for v in one.versions}
        for row in commands()
    }
    own = [cn for cn, versions in rows.items() if versions == {version}]
    assert len(own) >= 8
    for cn in own:
        segment = parse_segment(f"ST=31;CN={cn};MN={MN};Flag=5;CP=&&&&".encode())
        assert version_of(segment) is version, cn


@pytest.mark.parametrize(
    ("cn", "version", "parameters", "fault"),
    [
        ("1062", V2017, {}, "RtdInterval: missing"),
        ("1062", V2017, {"RtdInterval": "29"}, "RtdInterval '29': not in 30..3600"),
        ("1062", V2017, {"RtdInterval": "3601"}, "not in 30..3600"),
        ("1064", V2017, {"MinInterval": "7"}, "not one of 1 2 3 4 5 6 10 12 15 20 30"),
        ("1064", V2005, {"MinInterval": "10"}, "no command '1064' in 2005"),
        ("1000", V2017, {"OverTime": "100", "ReCount": "3"}, "OverTime '100'"),
        ("1000", V2017, {"OverTime": "5", "ReCount": "3", "X": "1"}, "X: not a parameter"),
        ("1072", V2017, {"NewPW": "1234567"}, "NewPW '1234567': longer than 6"),
        ("1012", V2017, {"SystemTime": "20160230000000"}, "SystemTime '20160230000000'"),
        ("3016", V2017, {"PolId": "w01018", "CstartTime": "240000", "CTime": "2"}, "CstartTime"),
        ("3011", V2025, {"PolId": "w01018", "CalibrationType": "2"}, "not one of 0 1"),
        ("3012", V2017, {"PolId": "w01018;CN=3021"}, "PolId"),
        ("3012", V2005, {"PolId": "a24088"}, "PolId 'a24088': no code of 2005"),
        ("1014", V2025, {"SKCreateTime": "20240601085857223", "NewSK": "short"}, "NewSK"),
        ("2061", V2017, {"BeginTime": "20160801080000"}, "EndTime: missing"),
        (
            "2061",
            V2017,
            {"BeginTime": "20160801080000", "EndTime": "20160801070000"},
            "EndTime '20160801070000': before BeginTime",
        ),
        (
            "3020",
            V2017,
            {"PolId": "w01018", "InfoId": "i11001", "EndTime": "20160801070000"},
            "BeginTime and EndTime: only together",
        ),
        ("3021", V2017, {"PolId": "w01018", "InfoId": "i13004"}, "#-Info: missing"),
        ("2051", V2017, {"BeginTime": "", "EndTime": ""}, "BeginTime '': empty"),
        ("2072", V2005, {}, "not sent by the centre"),
        ("9021", V2017, {}, "no command '9021'"),
    ],
)
def test_a_wrong_request_is_refused_with_its_parameter(
    cn: str, version: Version, parameters: dict[str, str], fault: str
):
    """Nothing unchecked is written to a logger."""
    with pytest.raises(LocalProtocolError, match=fault.replace("'", ".")):
        check_request(cn, version, parameters)


@pytest.mark.parametrize(
    ("cn", "version", "fields", "flag", "area"),
    [
        ("1000", V2017, {"ReCount": "3", "OverTime": "5"}, 5, "OverTime=5;ReCount=3"),
        ("1021", V2005, (("PolId", "101"), ("PolId", "102")), 1, "PolId=101;PolId=102"),
        (
            "1022",
            V2005,
            {"101-LowValue": "1", "102-LowValue": "2", "101-UpValue": "3", "102-UpValue": "4"},
            1,
            "101-LowValue=1,101-UpValue=3;102-LowValue=2,102-UpValue=4",
        ),
        ("3012", V2005, {"PolId": "w01018"}, 1, "PolId=011"),
        ("1022", V2005, {"w21011-UpValue": "0.5"}, 1, "101-UpValue=0.5"),
        ("3014", V2005, {"PolId": "101", "CTime": "04,10"}, 1, "PolId=101;CTime=04;CTime=10"),
        (
            "3011",
            V2025,
            {"PolId": "w01018", "CalibrationType": "0"},
            9,
            "PolId=w01018,CalibrationType=0",
        ),
        ("2011", V2017, {}, 5, ""),
    ],
)
def test_requests_as_they_are_printed(
    cn: str, version: Version, fields: dict[str, str], flag: int, area: str
):
    """Order, repeated names and separators of the standards' examples."""
    frame = encode_request(
        cn, mn="M1", password="1", st="32", qn="7", version=version, fields=fields
    )

    assert segment_of(frame) == f"QN=7;ST=32;CN={cn};PW=1;MN=M1;Flag={flag};CP=&&{area}&&"


REQUEST_2017 = Head.of(cn="1062", mn=MN, password="123456", st="32", qn="20160801085857223", flag=5)


@pytest.mark.parametrize(
    ("cn", "version", "code", "segment"),
    [
        (
            "9011",
            V2017,
            1,
            f"QN=20160801085857223;ST=91;CN=9011;PW=123456;MN={MN};Flag=4;CP=&&QnRtn=1&&",
        ),
        (
            "9012",
            V2017,
            100,
            f"QN=20160801085857223;ST=91;CN=9012;PW=123456;MN={MN};Flag=4;CP=&&ExeRtn=100&&",
        ),
        ("9013", V2017, 1, f"QN=20160801085857223;ST=91;CN=9013;PW=123456;MN={MN};Flag=4;CP=&&&&"),
        ("9014", V2025, 1, f"QN=20160801085857223;ST=91;CN=9014;PW=123456;MN={MN};Flag=8;CP=&&&&"),
        (
            "9011",
            V2005,
            2,
            f"ST=91;CN=9011;PW=123456;MN={MN};Flag=0;CP=&&QN=20160801085857223;QnRtn=2&&",
        ),
        (
            "9012",
            V2005,
            1,
            f"ST=91;CN=9012;PW=123456;MN={MN};Flag=0;CP=&&QN=20160801085857223;ExeRtn=1&&",
        ),
        ("9013", V2005, 1, f"ST=91;CN=9013;PW=123456;MN={MN};CP=&&QN=20160801085857223&&"),
        ("9014", V2005, 1, "ST=91;CN=9014;CP=&&QN=20160801085857223;CN=1062&&"),
    ],
)
def test_replies_of_each_version(cn: str, version: Version, code: int, segment: str):
    """Table C.43 and annex C of 2005: what is copied, and where QN stands."""
    assert segment_of(encode_reply(cn, REQUEST_2017, version, code)) == segment


def test_ack_of_a_numbered_packet_of_2005_repeats_its_number():
    """Annex C example 6."""
    head = parse_segment(b"QN=1;ST=32;CN=2051;PW=1;MN=M;PNO=2;PNUM=3;CP=&&&&").head

    assert segment_of(encode_reply("9014", Head(head), V2005)) == (
        "ST=91;CN=9014;CP=&&QN=1;CN=2051;PNO=2;PNUM=3&&"
    )


def test_only_a_reply_is_a_reply():
    """Our own mistake is named."""
    with pytest.raises(LocalProtocolError, match="2011 is no reply"):
        encode_reply("2011", REQUEST_2017, V2017)


def parts(count: int, version: Version = V2017) -> list[Upload]:
    """The parts of an upload of `count` factors, as they are read."""
    values = {
        f"a{number:05d}": {"Min": 1.5, "Avg": 2.5, "Max": 3.5, "Flag": "N"}
        for number in range(count)
    }
    frames = split_upload(
        "2061", mn=MN, password="1", st="31", at=AT, data_time=AT, values=values, version=version
    )
    found = [read_message(parse_segment(frame[6:-6]), version) for frame in frames]
    assert all(len(frame) <= 1036 for frame in frames)
    assert all(isinstance(part, Upload) for part in found)
    return [part for part in found if isinstance(part, Upload)]


def test_what_fits_is_not_split():
    """No packet numbers, Flag=5."""
    (whole,) = parts(10)

    assert (whole.pnum, whole.pno, whole.flag) == (0, 0, 5)


def test_parts_of_tables_c49_and_c50():
    """Own QN, same DataTime and PNUM, whole items, nothing lost; CP within 950 bytes."""
    found = parts(50)

    assert [(part.pno, part.pnum, part.flag) for part in found] == [
        (number, len(found), 7) for number in range(1, len(found) + 1)
    ]
    assert [part.qn for part in found][:2] == ["20160801085857534", "20160801085857535"]
    assert {part.data_time for part in found} == {AT.replace(microsecond=0)}
    assert [one.code for part in found for one in part.factors] == [f"a{n:05d}" for n in range(50)]
    assert all(len(f"CP=&&{part.area_text}&&") <= 950 for part in found)


def test_parts_of_2005_share_their_qn():
    """1.4: the number tells them apart; Flag=3 is split with an ack."""
    found = parts(50, V2005)

    assert {part.qn for part in found} == {"20160801085857534"}
    assert {part.flag for part in found} == {3}


def test_a_factor_that_fits_no_frame_is_our_error():
    """An item is never cut."""
    with pytest.raises(LocalProtocolError):
        split_upload(
            "2061",
            mn=MN,
            password="1",
            st="31",
            at=AT,
            data_time=AT,
            values={"a21026": {"Avg": "1" * 1100}},
        )


def test_a_reply_is_a_legal_frame():
    """A frame of our own is read by our own reader."""
    frame = encode_reply("9011", REQUEST_2017, V2017)

    assert frame == encode_frame(frame[6:-6])
