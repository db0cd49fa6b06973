"""What each shape of CP says, and what a reader tolerates in it."""

from datetime import UTC, datetime

import pytest

from services.ingest.hj212.encode import encode_message
from services.ingest.hj212.errors import PeerProtocolError
from services.ingest.hj212.messages import Group, Message, Moment, Number, read_message, shapes
from services.ingest.hj212.segment import parse_segment
from services.ingest.hj212.version import Version

V2005, V2017, V2025 = Version
HEAD = "QN=20160801085857223;ST=32;CN={cn};PW=123456;MN=010000A8900016F000169DC0;Flag=5;"
TIME = "DataTime=20160801085857"


def read(cn: str, area: str, version: Version = V2017) -> Message:
    """The message of a command with this CP."""
    text = f"{HEAD.format(cn=cn)}CP=&&{area}&&"
    message = read_message(parse_segment(text.encode()), version)
    assert isinstance(message, Message)
    return message


@pytest.mark.parametrize(
    ("cn", "version", "area", "shape", "content"),
    [
        ("1000", V2017, "OverTime=5;ReCount=3", "Timeouts", {"over_time": "5", "re_count": "3"}),
        ("1001", V2005, "WarnTime=30", "WarnTime", {"warn_time": "30"}),
        ("1011", V2017, "PolId=w01018", "Instrument", {"pol_id": "w01018"}),
        ("1011", V2017, "", "Instrument", {"pol_id": None}),
        ("1011", V2017, "SystemTime=20160801085857", "SystemTime", {"pol_id": None}),
        ("1014", V2025, "SKCreateTime=20240601085857223", "KeyRequest", {}),
        (
            "1014",
            V2025,
            "SKCreateTime=20240601085857223,NewSK=0123456789abcdef",
            "NewKey",
            {"key": "0123456789abcdef"},
        ),
        ("1021", V2005, "PolId=101;PolId=102", "Instruments", {"pol_ids": ("101", "102")}),
        ("1031", V2005, "", "Bare", {}),
        ("1031", V2005, "AlarmTarget=10.1.2.3", "ReportTarget", {"alarm_target": "10.1.2.3"}),
        ("1061", V2017, "RtdInterval=030", "RealtimeInterval", {"seconds": "030"}),
        ("1064", V2017, "MinInterval=10", "MinuteInterval", {"minutes": "10"}),
        ("1072", V2005, "PW=654321", "Password2005", {"new_password": "654321"}),
        ("2061", V2017, "BeginTime=20160801080000,EndTime=20160801080000", "Period", {}),
        ("2081", V2017, f"{TIME};RestartTime=20160801085624", "Restart", {}),
        ("3014", V2005, "PolId=101;CTime=04,CTime=10", "SamplingHours", {}),
        ("3015", V2017, f" {TIME};VaseNo=1 ", "RetainedSample", {"vase_no": "1"}),
        (
            "3017",
            V2017,
            "PolId=w01018;CstartTime=000000;Ctime=2",
            "SamplingPeriod",
            {"start": "000000", "hours": "2"},
        ),
        ("3017", V2017, "PolId=w01018", "Instrument", {"pol_id": "w01018"}),
        ("3018", V2017, "PolId=w01018;Stime=45", "Turnaround", {"minutes": "45"}),
        ("3020", V2017, "PolId=w01018;InfoId=i12001", "InformationRequest", {"begin": None}),
        ("9011", V2017, "QnRtn=1", "RequestReply", {"qn": "20160801085857223", "qn_rtn": "1"}),
        ("9012", V2005, "QN=7;ExeRtn=100", "ExecutionReply", {"qn": "7", "exe_rtn": "100"}),
        ("9013", V2017, " ", "NoticeReply", {"qn": "20160801085857223"}),
        ("9014", V2005, "QN=7;CN=2051;PNO=1;PNUM=1;", "DataReply", {"inner_cn": "2051"}),
        ("9015", V2025, "", "Heartbeat", {}),
    ],
)
def test_shapes(cn: str, version: Version, area: str, shape: str, content: dict[str, object]):
    """Request and answer are told apart by CP; numbers keep their text."""
    message = read(cn, area, version)

    assert type(message).__name__ == shape
    for name, wanted in content.items():
        found = getattr(message, name)
        assert (found.text if isinstance(found, Number) else found) == wanted


@pytest.mark.parametrize(
    ("cn", "version", "area", "code", "values"),
    [
        ("1001", V2025, "i23005-Info=697A;i23006-Info=A800", "i23006", {"Info": "A800"}),
        ("1022", V2005, "101-LowValue=1.10,101-UpValue=9", "101", {"LowValue": "1.10"}),
        (
            "2013",
            V2025,
            f"{TIME};a24088-SampleTime=20160801080109,a24088-SampleType=1,a24088-Avg=17.50",
            "a24088",
            {"SampleTime": "20160801080109", "Avg": "17.50"},
        ),
        ("2021", V2017, f"{TIME};SB1-RS=1;SB2-RS=0", "SB2", {"RS": "0"}),
        ("2041", V2017, f"{TIME};SB1-RT=1.10", "SB1", {"RT": "1.10"}),
        ("2052", V2025, f"{TIME};Leq-Data=50.0", "Leq", {"Data": "50.0"}),
        (
            "2062",
            V2025,
            f"{TIME};w01018-SampleRd=15.3;w01018-StandardValue=12;w01018-ResultType=1",
            "w01018",
            {"SampleRd": "15.3", "StandardValue": "12", "ResultType": "1"},
        ),
        ("2071", V2005, f"{TIME};101-Ala=1.1", "101", {"Ala": "1.1"}),
        (
            "2072",
            V2005,
            "AlarmTime=20040506010101;101-Ala=1.1, AlarmType =1",
            "101",
            {"Ala": "1.1"},
        ),
        ("3019", V2017, "PolId=w01018;w01018-SN=010000A8900016F000169DC1", "w01018", {}),
        ("3020", V2017, f"{TIME};PolId=w01018;i13004-Info=168.0", "i13004", {"Info": "168.0"}),
        (
            "3020",
            V2017,
            f"{TIME};i11001-Info=//20160801 清洗管路;a=1,b//",
            "i11001",
            {"Info": "//20160801 清洗管路;a=1,b//"},
        ),
        ("3021", V2017, "PolId=w01018;InfoId=i13004;i13004-Info=1", "i13004", {"Info": "1"}),
    ],
)
def test_fields_of_codes(cn: str, version: Version, area: str, code: str, values: dict[str, str]):
    """Fields of a code are found wherever they stand, with their text."""
    found = read(cn, area, version).of(code)

    assert values.items() <= found.items()


def test_a_message_can_be_built_and_written():
    """Typed in the other direction: the log of a site."""
    message = shapes.SiteInformation(
        head=read("3020", f"{TIME};i12001-Info=0").head,
        version=V2017,
        data_time=Moment.at(datetime(2016, 8, 1, 0, 58, 57, tzinfo=UTC)),
        pol_id="w01018",
        groups=(Group("i12001", (("Info", "2"),)),),
    )

    frame = encode_message(message)

    assert f"CP=&&{TIME};PolId=w01018;i12001-Info=2&&".encode() in frame
    assert message.data_time.utc == datetime(2016, 8, 1, 0, 58, 57, tzinfo=UTC)
    assert message.groups[0].number("Info") == 2.0
    assert message.groups[0].number("SN") is None


@pytest.mark.parametrize(
    ("cn", "area", "extra", "note"),
    [
        ("1061", "RtdInterval=30;Vendor=1", (("Vendor", "1"),), "unknown_item"),
        ("1061", "RtdInterval=30;RtdInterval=60", (("RtdInterval", "60"),), "repeated_field"),
        ("1061", "RTDINTERVAL=30", (), "field_case"),
        ("3020", "InfoId=i11001;BeginTime=x", (("BeginTime", "x"),), "odd_value"),
        ("2021", f"{TIME};SB1-RX=1", (), "unknown_field"),
        ("9013", "x", (("", "x"),), "unknown_item"),
    ],
)
def test_what_does_not_belong_is_kept_and_noted(
    cn: str, area: str, extra: tuple[tuple[str, str], ...], note: str
):
    """A frame is not lost for one bad field, and the field is not lost either."""
    message = read(cn, area)

    assert message.extra == extra
    assert note in message.notes


@pytest.mark.parametrize(
    ("cn", "area", "detail"),
    [
        ("1061", "RtdInterval=abc", "RtdInterval 'abc'"),
        ("1012", "SystemTime=20161301000000", "SystemTime '20161301000000'"),
        ("2011", "w01018-Rtd=1", "no DataTime in CN 2011"),
        ("2011", "DataTime=2016;w01018-Rtd=1", "DataTime '2016'"),
        ("2081", f"{TIME}", "no RestartTime in CN 2081"),
        ("9011", "", "no QnRtn in CN 9011"),
        ("1022", "x=1", "no xxx-LowValue in CN 1022"),
    ],
)
def test_a_frame_that_lacks_what_it_is_for_is_malformed(cn: str, area: str, detail: str):
    """The detail names the field."""
    with pytest.raises(PeerProtocolError) as caught:
        read(cn, area)

    assert (caught.value.reason, caught.value.detail) == ("malformed", detail)
