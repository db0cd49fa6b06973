"""The simulated logger: what it says to each command in each version, and how it then behaves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from farsight.lab.device import Absence, Act, Device, HangUp, Say, Series, Wait, device_of
from farsight.lab.device_answers import ANSWERS, NOTICES
from farsight.lab.faults import read_faults
from farsight.lab.frames import hour_frames, minute_frame
from farsight.lab.live import HourCache
from farsight.lab.model.cheats import Cheat
from farsight.lab.model.noise import key_of
from farsight.lab.province import demo_loggers
from services.ingest.hj212.commands import commands
from services.ingest.hj212.encode import encode_frame
from services.ingest.hj212.framing import Frame, Framer
from services.ingest.hj212.policy import LoggerPolicy
from services.ingest.hj212.segment import Segment, parse_segment

HOUR = 495_000  # hours since 1970: 2026-06-21 00:00 UTC
NOW = datetime.fromtimestamp((HOUR + 3) * 3600 + 70, UTC)
GAS = demo_loggers(HOUR, 7, honest=True)[0]
FACTOR = next(f for f in GAS.model.factors if GAS.model.row(f))
KEY = b"0123456789abcdef"
PERIOD = "BeginTime=20260621080000;EndTime=20260621085900"  # the hour HOUR, Beijing time
EXAMPLES = {  # a good request of each command
    "1000": "OverTime=5;ReCount=3",
    "1001": "WarnTime=10",
    "1012": "SystemTime=20260621110110",
    "1014": "SKCreateTime=20260621110110000,NewSK=fedcba9876543210",
    "1021": "PolId=101;PolId=102",
    "1022": "101-LowValue=1,101-UpValue=2",
    "1032": "ReportTarget=13800000000",
    "1042": "ReportTime=0100",
    "1062": "RtdInterval=60",
    "1064": "MinInterval=5",
    "1072": "NewPW=654321",
    "3016": f"PolId={FACTOR};CstartTime=010000;Ctime=4",
    "3020": f"PolId={FACTOR};InfoId=i13008",
    "3021": f"PolId={FACTOR};InfoId=i13008;i13008-Info=1.1",
}


def device(version: int = 2017, **options) -> Device:
    """A gas logger of the demo."""
    return device_of(GAS, version=version, **options)


def ask(made: Device, cn: str, area: str = "", qn: str = "20260621110110001") -> list[Act]:
    """What the device does when the centre says this."""
    head = f"QN={qn};ST={made.speech.st};CN={cn};PW={made.speech.password};MN={made.speech.mn}"
    return made.hear(encode_frame(f"{head};Flag=5;CP=&&{area}&&".encode()), NOW)


def read(data: bytes, key: bytes = KEY) -> Segment:
    """A frame of the device as the centre reads it."""
    (frame,) = Framer(lambda _mn: LoggerPolicy(keys=(key,))).feed(data)
    assert isinstance(frame, Frame), frame
    return parse_segment(frame.segment)


def said(acts: list[Act]) -> list[Segment]:
    """Every frame of the acts in order."""
    frames = []
    for act in acts:
        if isinstance(act, Say):
            frames.append(read(act.data))
        elif isinstance(act, Series):
            frames += [read(frame.data) for frame in act.frames]
    return frames


def example(cn: str, version: int) -> str:
    """A good data area for a command."""
    if cn in EXAMPLES and not (cn == "1072" and version == 2005):
        return EXAMPLES[cn]
    if cn == "1072":
        return "PW=654321"
    if cn.startswith("3"):
        return f"PolId={FACTOR}" if cn != "3015" else ""
    if cn in {"2031", "2041"}:
        return "BeginTime=20260620000000;EndTime=20260620000000"
    return PERIOD if cn in {"2013", "2051", "2061", "2062", "2071"} else ""


def asked_for() -> list[tuple[str, int]]:
    """Every command of the tables that the centre may send, by version."""
    return [
        (row.cn, int(version))
        for row in commands()
        if row.requestable and not row.st
        for version in row.versions
    ]


@pytest.mark.parametrize(("cn", "version"), asked_for())
def test_every_command_of_every_version_is_answered(cn: str, version: int):
    """9011 first and 9012 last, or 9013; the number of the request on each reply."""
    made = device(version, key=KEY if version == 2025 else b"")
    area = f"i23005-Info={made.site.hardware(5)}" if cn == "1002" else example(cn, version)
    if cn == "2062":
        ask(made, "3024", f"PolId={FACTOR}", qn="20260621110110000")
        area = "BeginTime=20260621000000;EndTime=20260621235959"
    frames = said(ask(made, cn, area))
    names = [frame.cn for frame in frames]

    if cn in NOTICES:
        assert names == ["9013"]
    else:
        assert names[0] == "9011"
        result = next(frame for frame in frames if frame.cn == "9012")
        code = "100" if cn == "2071" else "1"  # no alarm was ever over its limit here
        assert ("ExeRtn", code) in result.pairs()
        assert set(names) <= {"9011", "9012", cn, "2062"}
    for frame in frames:
        if frame.cn.startswith("9"):
            assert (frame.qn or dict(frame.pairs())["QN"]) == "20260621110110001"
            assert bool(frame.qn) == (version != 2005)
        assert frame.flag >> 2 == {2005: 0, 2017: 1, 2025: 2}[version]


def test_history_is_what_it_sent_or_would_have_sent():
    """The same bytes by period, ends included, each with the number of its upload."""
    acts = ask(device(), "2051", PERIOD)
    (series,) = [act for act in acts if isinstance(act, Series)]
    block = GAS.model.block(HOUR, 1)
    starts = [datetime.fromtimestamp(HOUR * 3600 + 600 * n, UTC) for n in range(6)]

    assert list(series.frames) == [minute_frame(GAS, block, start) for start in starts]
    (hour,) = [a for a in ask(device(), "2061", PERIOD) if isinstance(a, Series)]
    assert list(hour.frames) == list(hour_frames(GAS, block))


def test_period_without_data_is_said_to_have_none():
    """The future, and the hours in which the story has it silent."""
    quiet = replace(GAS.model, cheats=(Cheat((), "silent", HOUR, HOUR + 1, 0, 0, 0),))
    silent = device_of(replace(GAS, model=quiet))

    for made, period in (
        (device(), "BeginTime=20300101000000;EndTime=20300101010000"),
        (silent, PERIOD),
    ):
        assert [f.cn for f in said(ask(made, "2051", period))] == ["9011", "9012"]
        assert said(ask(made, "2061", period, qn="2"))[-1].pairs() == [("ExeRtn", "100")]


def test_clock_is_off_until_it_is_set():
    """1011 tells its own time, what it reports carries it, 1012 puts it right."""
    made = device(offset=timedelta(seconds=90))
    moment = datetime.fromtimestamp(HOUR * 3600, UTC)

    assert said(ask(made, "1011"))[1].pairs() == [("SystemTime", "20260621110240")]
    (live,) = [read(f.data) for f in made.report(moment + timedelta(seconds=30), HourCache())]
    assert ("DataTime", "20260621080200") in live.pairs()
    said(ask(made, "1012", "SystemTime=20260621110110", qn="2"))
    assert made.offset == timedelta(0)


def test_intervals_are_really_used():
    """1062 to a minute and 1064 to five: two samples and then a five-minute mean."""
    made = device()
    ask(made, "1062", "RtdInterval=60", qn="1")
    ask(made, "1064", "MinInterval=5", qn="2")
    start = HOUR * 3600
    cns = [
        [read(f.data).cn for f in made.report(datetime.fromtimestamp(at, UTC), HourCache())]
        for at in (start + 30, start + 60, start + 300)
    ]

    assert cns == [[], ["2011"], ["2011", "2051"]]
    assert said(ask(made, "1061", qn="3"))[1].pairs() == [("RtdInterval", "60")]
    assert said(ask(made, "1062", "RtdInterval=5", qn="4"))[-1].pairs() == [("ExeRtn", "3")]


def test_new_password_is_used_and_the_old_one_refused():
    """The reply to 1072 still has the old one."""
    made = device()
    old = made.speech.password
    reply = said(ask(made, "1072", "NewPW=654321", qn="1"))[-1]
    made.speech = replace(made.speech, password=old)
    request = ask(made, "1011", qn="2")
    made.speech = replace(made.speech, password="654321")

    assert (reply.cn, reply.pw) == ("9012", old)
    assert len(request) == 3
    (live, *_) = made.report(datetime.fromtimestamp(HOUR * 3600 + 30, UTC), HourCache())
    assert read(live.data).pw == "654321"
    wrong = f"QN=3;ST=31;CN=1011;PW={old};MN={GAS.mn};Flag=5;CP=&&&&"
    assert said(made.hear(encode_frame(wrong.encode()), NOW))[0].pairs() == [("QnRtn", "3")]


def test_real_time_upload_stops_and_starts():
    """2012 and 2011; 2021 adds the state of the facility."""
    made = device()
    moment = datetime.fromtimestamp(HOUR * 3600 + 30, UTC)

    def sent() -> list[str]:
        return [read(frame.data).cn for frame in made.report(moment, HourCache())]

    ask(made, "2012", qn="1")
    assert sent() == []
    ask(made, "2011", qn="2")
    ask(made, "2021", qn="3")
    assert sent() == ["2011", "2021"]
    ask(made, "2022", qn="4")
    assert sent() == ["2011"]


def test_parameters_are_kept_and_changes_stand_in_the_log():
    """3021, then 3020 for the value and for the log."""
    made = device()
    ask(made, "3021", EXAMPLES["3021"], qn="1")
    value = said(ask(made, "3020", EXAMPLES["3020"], qn="2"))[1]
    log = said(ask(made, "3020", f"PolId={FACTOR};InfoId=i11001", qn="3"))[1]

    assert ("i13008-Info", "1.1") in value.pairs()
    assert "i13008 set to 1.1" in dict(log.pairs())["i11001-Info"]


def test_long_log_comes_in_numbered_packets_within_the_limit():
    """2017 table C.42: under 890 bytes each; PNUM and PNO count them."""
    made = device()
    for number in range(60):
        ask(made, "3012", f"PolId={FACTOR}", qn=str(number + 1))
    packets = said(ask(made, "3020", f"PolId={FACTOR};InfoId=i11001", qn="99"))[1:-1]

    assert len(packets) > 1
    assert [(p.pno, p.pnum) for p in packets] == [
        (n, len(packets)) for n in range(1, len(packets) + 1)
    ]


def test_standard_check_is_read_honestly_and_shows_a_constant():
    """3024 gives 2062; a value that never moves fails the check (remote quality control)."""
    honest = device(2025, key=KEY)
    cheat = Cheat((FACTOR,), "constant", HOUR, HOUR + 10, 0.3, 0, key_of(1))
    liar = device_of(replace(GAS, model=replace(GAS.model, cheats=(cheat,))), version=2025)

    results = []
    for made in (honest, liar):
        frames = said(ask(made, "3024", f"PolId={FACTOR}"))
        assert [f.cn for f in frames] == ["9011", "9012", "2062"]
        results.append(dict(frames[-1].pairs())[f"{FACTOR}-ResultType"])
        period = "BeginTime=20260621000000;EndTime=20260621235959"
        again = said(ask(made, "2062", period, qn="2"))
        assert again[1].pairs() == frames[-1].pairs()
    assert results == ["1", "0"]


def test_data_areas_of_2025_are_encrypted_where_the_standard_says():
    """2000 to 2999, 1014 and 3020; with another key nothing can be read."""
    made = device(2025, key=KEY)
    (live, *_) = made.report(datetime.fromtimestamp(HOUR * 3600 + 30, UTC), HourCache())

    assert b"DataTime" not in live.data
    assert read(live.data).cn == "2011"
    assert b"RtdInterval" in ask(made, "1061")[1].data
    ask(made, "1014", "SKCreateTime=20260621110110000,NewSK=fedcba9876543210", qn="2")
    (live, *_) = made.report(datetime.fromtimestamp(HOUR * 3600 + 60, UTC), HourCache())
    assert read(live.data, b"fedcba9876543210").cn == "2011"


def test_outage_is_filled_in_by_itself_in_2025_only_newest_first():
    """RF=1 on every frame (2025 8.1.2); 2017 keeps it until it is asked."""
    end = datetime.fromtimestamp((HOUR + 1) * 3600, UTC)
    absence = Absence(end - timedelta(hours=1), end)
    filled = [read(f.data) for f in device(2025, absence=absence).filled_in(HourCache())]
    times = [dict(frame.pairs())["DataTime"] for frame in filled if frame.cn == "2011"]

    assert len(times) == 120
    assert times == sorted(times, reverse=True)
    assert all(frame.rf for frame in filled)
    made = device(absence=absence)
    assert list(made.filled_in(HourCache())) == []
    assert list(made.report(end - timedelta(minutes=10), HourCache())) == []
    assert not made.sends_hour(HOUR - 1)
    assert len(said(ask(made, "2051", PERIOD))) == 8


def test_lost_hours_come_when_asked():
    """`--lose 08`: what is due within that hour of the Beijing day."""
    made = device(absence=Absence(hours=(8,)))
    start = datetime.fromtimestamp(HOUR * 3600, UTC)

    assert list(made.report(start + timedelta(minutes=30), HourCache())) == []
    assert not made.sends_hour(HOUR)
    assert made.sends_hour(HOUR + 1)
    assert len(said(ask(made, "2061", PERIOD))) == 3


def test_repeated_request_is_done_once():
    """The same number again: 9011, and nothing is carried out twice."""
    made = device()
    ask(made, "3012", f"PolId={FACTOR}")

    assert [f.cn for f in said(ask(made, "3012", f"PolId={FACTOR}"))] == ["9011"]
    assert made.site.bottles == 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("deaf", []),
        ("refuse=5", ["Say"]),
        ("fail=6", ["Say", "Say"]),
        ("mute", ["Say"]),
        ("drop", ["Say", "HangUp"]),
        ("slow=2", ["Say", "Wait", "Say", "Say"]),
    ],
)
def test_faults_are_what_they_are_called(fault: str, expected: list[str]):
    """Each by its acts."""
    acts = ask(device(faults=read_faults([fault])), "1011")

    assert [type(act).__name__ for act in acts] == expected
    assert {Say, Wait, HangUp, Series} >= {type(act) for act in acts}


def test_wrong_numbers_and_unknown_commands():
    """wrong-qn answers under another number; 2073 is no command (QnRtn=8)."""
    made = device(faults=read_faults(["wrong-qn"]))

    assert {f.qn for f in said(ask(made, "1011"))} == {"20260621110110002"}
    assert said(ask(device(), "2073"))[0].pairs() == [("QnRtn", "8")]
    assert said(ask(device(), "3012", "PolId=zzz"))[-1].pairs() == [("ExeRtn", "3")]
    with pytest.raises(ValueError, match="no fault"):
        read_faults(["lazy"])


def test_2005_speaks_the_old_codes_and_none_that_it_does_not_have():
    """`02-Rtd` for a21026; a factor without an old code is left out."""
    made = device(2005)
    (live, *_) = made.report(datetime.fromtimestamp(HOUR * 3600 + 30, UTC), HourCache())
    names = {name.partition("-")[0] for name, _ in read(live.data).pairs()}

    assert "02" in names
    assert not any(name.startswith(("a", "w")) for name in names)


def test_before_activation_the_hardware_is_told_and_no_number():
    """1001 and 1014 of the site, 2025 [C25]."""
    made = device(2025, key=KEY)
    first = read(made.register(NOW).data)

    assert (first.cn, first.mn) == ("1001", "")
    assert [name for name, _ in first.pairs()] == [f"i2300{n}-Info" for n in range(5, 9)]
    assert read(made.ask_for_key(NOW).data).cn == "1014"


def test_every_answer_is_in_the_table_of_commands():
    """No answer to a command that the tables do not have."""
    known = {row.cn for row in commands() if row.requestable}

    assert set(ANSWERS) | set(NOTICES) == known
