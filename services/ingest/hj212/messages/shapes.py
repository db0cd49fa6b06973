"""What stands in CP, one class a shape; `commands.csv` says which command has which.

A class names its wire fields; `reading` fills them from a data area and `encode` writes them back
in this order. Field names are read in any case (the standards' own examples differ). What a shape
does not know stays in `extra` and is written back at the end.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, get_args, get_type_hints

from services.ingest.hj212.messages.head import Head
from services.ingest.hj212.messages.values import Moment, Number
from services.ingest.hj212.version import Version

Pair = tuple[str, str]

GROUPS = "groups"


@dataclass(frozen=True, slots=True)
class Group:
    """`xxx-Suffix=text` fields of one code that stand together in one item."""

    code: str
    values: tuple[Pair, ...]  # suffix and text, as received

    def text(self, suffix: str) -> str:
        """The text of a suffix, empty when absent."""
        return next((text for name, text in self.values if name == suffix), "")

    def number(self, suffix: str) -> float | None:
        """The number of a suffix; None when absent or a text (2025: `p99101-Rtd=St`)."""
        return Number(self.text(suffix)).value


@dataclass(frozen=True, slots=True)
class Wire:
    """How a field stands in CP."""

    name: str
    optional: bool = False
    many: bool = False  # the name may be repeated (2005)
    joined: bool = False  # `,` and not `;` before it (2025 examples)
    suffixes: tuple[str, ...] = ()  # of groups


def _suffixes(*suffixes: str, optional: bool = False) -> Wire:
    return Wire(GROUPS, optional=optional, suffixes=suffixes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Any message: its head, the version it follows, and what its shape does not know."""

    head: Head
    version: Version
    extra: tuple[Pair, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def cn(self) -> str:
        """CN 命令编码."""
        return self.head.cn

    def of(self, code: str) -> dict[str, str]:
        """All fields of one code by suffix, wherever they stand; empty when there is none."""
        groups: tuple[Group, ...] = getattr(self, GROUPS, ())
        return {
            suffix: text for group in groups if group.code == code for suffix, text in group.values
        }


@cache
def wires(name: str) -> dict[str, tuple[Wire, type]]:
    """Attribute -> wire field and value type of the named shape, in the order of writing."""
    found: dict[str, tuple[Wire, type]] = {}
    for attribute, hint in get_type_hints(globals()[name], include_extras=True).items():
        for wire in getattr(hint, "__metadata__", ()):
            kinds = {hint.__origin__, *get_args(hint.__origin__)}
            found[attribute] = (wire, next(iter(kinds & {Number, Moment}), str))
    return found


def written(message: Message) -> Iterator[tuple[str, bool]]:
    """The pieces of a message's CP, each with whether a comma stands before it."""
    for attribute, (wire, _) in wires(type(message).__name__).items():
        value = getattr(message, attribute)
        if wire.suffixes:
            for group in value:
                for number, (suffix, text) in enumerate(group.values):
                    yield f"{group.code}-{suffix}={text}", number > 0
        elif value is not None:
            for each in value if wire.many else (value,):
                yield f"{wire.name}={each if isinstance(each, str) else each.text}", wire.joined
    for name, text in message.extra:
        yield f"{name}={text}" if name else text, False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare(Message):
    """A command without parameters: start, stop, read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument(Message):
    """A command for one instrument (3011 to 3024, 1011, 1013) or, without PolId, the logger."""

    pol_id: Annotated[str | None, Wire("PolId", optional=True)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments(Message):
    """1021 of 2005: PolId repeated."""

    pol_ids: Annotated[tuple[str, ...], Wire("PolId", optional=True, many=True)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration(Message):
    """3011 of 2025: 0 zero, 1 span."""

    pol_id: Annotated[str, Wire("PolId")]
    calibration_type: Annotated[Number, Wire("CalibrationType", joined=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts(Message):
    """1000: seconds of a timeout, and how often to send again."""

    over_time: Annotated[Number, Wire("OverTime")]
    re_count: Annotated[Number, Wire("ReCount")]


@dataclass(frozen=True, slots=True, kw_only=True)
class WarnTime(Message):
    """1001 of 2005: alarm-limit time."""

    warn_time: Annotated[Number, Wire("WarnTime")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration(Message):
    """1001 and 1002 of 2025: hardware of a logger (i23005 logger, i23006 CPU, i23007/8 MAC)."""

    groups: Annotated[tuple[Group, ...], _suffixes("Info")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemTime(Message):
    """1011 answered, 1012: time of an instrument or, without PolId, of the logger."""

    pol_id: Annotated[str | None, Wire("PolId", optional=True)] = None
    system_time: Annotated[Moment, Wire("SystemTime")]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRequest(Message):
    """1014 of 2025 from the site: when its SM4 key was made."""

    created: Annotated[Moment, Wire("SKCreateTime")]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey(Message):
    """1014 of 2025 from the centre: the new SM4 key, 16 characters."""

    created: Annotated[Moment, Wire("SKCreateTime")]
    key: Annotated[str, Wire("NewSK", joined=True)] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmLimits(Message):
    """1021 answered, 1022 of 2005."""

    groups: Annotated[
        tuple[Group, ...], _suffixes("LowValue", "UpValue", "DayStdValue", "NightStdValue")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTarget(Message):
    """1031 answered, 1032 of 2005: address of the centre (its examples say AlarmTarget)."""

    target: Annotated[str | None, Wire("ReportTarget", optional=True)] = None
    alarm_target: Annotated[str | None, Wire("AlarmTarget", optional=True)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTime(Message):
    """1041 answered, 1042 of 2005: hhmm of the daily report."""

    report_time: Annotated[str, Wire("ReportTime")]


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeInterval(Message):
    """1061 answered, 1062: seconds between real-time uploads."""

    seconds: Annotated[Number, Wire("RtdInterval")]


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteInterval(Message):
    """1063 answered, 1064: minutes that minute data cover."""

    minutes: Annotated[Number, Wire("MinInterval")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Password(Message):
    """1072 since 2017."""

    new_password: Annotated[str, Wire("NewPW")] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Password2005(Message):
    """1072 of 2005: the new password is called PW inside CP."""

    new_password: Annotated[str, Wire("PW")] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period(Message):
    """A request for what was measured from BeginTime to EndTime, both inclusive."""

    begin: Annotated[Moment, Wire("BeginTime")]
    end: Annotated[Moment, Wire("EndTime")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements(Message):
    """2013 and 2052 of 2025: fields of codes that are no plain period data."""

    data_time: Annotated[Moment, Wire("DataTime")]
    groups: Annotated[
        tuple[Group, ...],
        _suffixes(
            *("SampleTime", "CompleteTime", "SampleType", "Info", "Flag", "EFlag"),
            *("Rtd", "Avg", "Min", "Max", "Data", "DayData", "NightData"),
            optional=True,
        ),
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks(Message):
    """2062 of 2025: result of a standard-sample check (ResultType 1 pass, 0 fail)."""

    data_time: Annotated[Moment, Wire("DataTime")]
    groups: Annotated[tuple[Group, ...], _suffixes("SampleRd", "StandardValue", "ResultType")]


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityStates(Message):
    """2021: state of each facility, 0 off, 1 running, 2 calibration … 5 blow-back (table 8)."""

    data_time: Annotated[Moment, Wire("DataTime")]
    groups: Annotated[tuple[Group, ...], _suffixes("RS", optional=True)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityTimes(Message):
    """2041: running hours of the day of each facility."""

    data_time: Annotated[Moment, Wire("DataTime")]
    groups: Annotated[tuple[Group, ...], _suffixes("RT", optional=True)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRecords(Message):
    """2071 of 2005: values that were over a limit."""

    data_time: Annotated[Moment, Wire("DataTime")]
    groups: Annotated[tuple[Group, ...], _suffixes("Ala", optional=True)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmEvent(Message):
    """2072 of 2005: a limit was passed (AlarmType 1) or is kept again (0)."""

    alarm_time: Annotated[Moment, Wire("AlarmTime")]
    groups: Annotated[tuple[Group, ...], _suffixes("Ala", optional=True)] = ()
    alarm_type: Annotated[Number, Wire("AlarmType")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart(Message):
    """2081: when the logger was started."""

    data_time: Annotated[Moment, Wire("DataTime")]
    restart_time: Annotated[Moment, Wire("RestartTime")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingHours(Message):
    """3014 of 2005: hours of sampling, CTime repeated."""

    pol_id: Annotated[str, Wire("PolId")]
    hours: Annotated[tuple[Number, ...], Wire("CTime", many=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainedSample(Message):
    """3015: a sample was retained in a bottle."""

    data_time: Annotated[Moment, Wire("DataTime")]
    vase_no: Annotated[Number, Wire("VaseNo")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingPeriod(Message):
    """3016, 3017 answered: first sampling (hhmmss) and hours between samplings."""

    pol_id: Annotated[str, Wire("PolId")]
    start: Annotated[str, Wire("CstartTime")]
    hours: Annotated[Number, Wire("CTime")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turnaround(Message):
    """3018 answered: minutes from a sample to its value."""

    pol_id: Annotated[str, Wire("PolId")]
    minutes: Annotated[Number, Wire("Stime")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Serial(Message):
    """3019: serial of an instrument, asked for or because it was changed."""

    pol_id: Annotated[str, Wire("PolId")]
    groups: Annotated[tuple[Group, ...], _suffixes("SN")]


@dataclass(frozen=True, slots=True, kw_only=True)
class InformationRequest(Message):
    """3020 asked: a log (i11…, with times), a state (i12…) or parameters (i13…)."""

    pol_id: Annotated[str | None, Wire("PolId", optional=True)] = None
    info_id: Annotated[str, Wire("InfoId")]
    begin: Annotated[Moment | None, Wire("BeginTime", optional=True)] = None
    end: Annotated[Moment | None, Wire("EndTime", optional=True)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteInformation(Message):
    """3020 answered or sent on change; a log stands between // and //."""

    data_time: Annotated[Moment, Wire("DataTime")]
    pol_id: Annotated[str | None, Wire("PolId", optional=True)] = None
    groups: Annotated[tuple[Group, ...], _suffixes("Info", optional=True)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteParameter(Message):
    """3021: set a parameter."""

    pol_id: Annotated[str | None, Wire("PolId", optional=True)] = None
    info_id: Annotated[str, Wire("InfoId")]
    groups: Annotated[tuple[Group, ...], _suffixes("Info")]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReply(Message):
    """9011: whether the site will execute (QnRtn, hj212.md 2.3); 2005 has the QN inside CP."""

    inner_qn: Annotated[str | None, Wire("QN", optional=True)] = None
    qn_rtn: Annotated[Number, Wire("QnRtn")]

    @property
    def qn(self) -> str:
        """QN of the request that is answered."""
        return self.inner_qn or self.head.qn


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionReply(Message):
    """9012: what became of it (ExeRtn); 2005 has the QN inside CP."""

    inner_qn: Annotated[str | None, Wire("QN", optional=True)] = None
    exe_rtn: Annotated[Number, Wire("ExeRtn")]

    @property
    def qn(self) -> str:
        """QN of the request that was executed."""
        return self.inner_qn or self.head.qn


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeReply(Message):
    """9013; 2005 has the QN inside CP."""

    inner_qn: Annotated[str | None, Wire("QN", optional=True)] = None

    @property
    def qn(self) -> str:
        """QN of the notice that is answered."""
        return self.inner_qn or self.head.qn


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReply(Message):
    """9014; 2005 has QN, CN and packet of the upload inside CP, and no MN."""

    inner_qn: Annotated[str | None, Wire("QN", optional=True)] = None
    inner_cn: Annotated[str | None, Wire("CN", optional=True)] = None
    inner_pno: Annotated[Number | None, Wire("PNO", optional=True)] = None
    inner_pnum: Annotated[Number | None, Wire("PNUM", optional=True)] = None

    @property
    def qn(self) -> str:
        """QN of the upload that is acknowledged."""
        return self.inner_qn or self.head.qn


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(Message):
    """9015 of 2025."""
