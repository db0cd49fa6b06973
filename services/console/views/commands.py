"""反控: states and steps in words, the fields of a form, and what a form's fields mean."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.chassis.clock import BEIJING, beijing, from_timestamp
from services.chassis.pb.ingest.v1 import callback_pb2 as pb
from services.chassis.pb.ingest.v1 import command_pb2
from services.chassis.pb.ingest.v1 import ingest_pb2 as ingest
from services.console.views.factors import factor_of

LIVING = frozenset(
    {
        command_pb2.COMMAND_STATE_QUEUED,
        command_pb2.COMMAND_STATE_SENT,
        command_pb2.COMMAND_STATE_RUNNING,
    }
)
STATES = ("queued", "sent", "running", "done", "failed", "expired", "cancelled")
#: How a state looks: a class of `.tag`.
TONES = {"done": "good", "failed": "bad", "lost": "bad", "expired": "bad", "running": "open"}
#: What people ask first, in this order; the rest follows by number.
FIRST = ("2051", "2061", "2031", "3020", "3019", "1011", "3024", "2062", "3011", "3012")
#: Which readings a request for history brings.
READINGS = {
    "2051": ingest.READING_KIND_MINUTE,
    "2061": ingest.READING_KIND_HOUR,
    "2031": ingest.READING_KIND_DAY,
}
#: Site information worth asking for (HJ 212-2017 table B.10; hj212.md 3.3).
INFOS = (
    ("i11001", "运行日志", "running log"),
    ("i12001", "工作状态", "work state"),
    ("i12002", "通讯状态", "link state"),
    ("i13001", "测量量程", "measuring range"),
    ("i13002", "测量精度", "precision"),
    ("i13003", "测量间隔", "interval"),
    ("i13004", "消解温度", "digestion temperature"),
    ("i13005", "消解时长", "digestion time"),
    ("i13006", "校准时间", "calibration time"),
    ("i13007", "截距", "intercept"),
    ("i13008", "斜率", "slope"),
    ("i13009", "检出限", "detection limit"),
)
_WIRE = "%Y%m%d%H%M%S"
_LOCAL = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True)
class Field:
    """One field of the form. `type` is moment, choice, code or text."""

    name: str
    label: str
    type: str
    value: str
    required: bool
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()


def state_key(command: pb.Command) -> str:
    """The catalogue's key of a state; an unknown fate has its own."""
    name = command_pb2.CommandState.Name(command.state).removeprefix("COMMAND_STATE_").lower()
    return "lost" if command.fate_unknown else name


def state_of(key: str) -> "command_pb2.CommandState.ValueType":
    """The state of a filter's key; UNSPECIFIED = any."""
    name = f"COMMAND_STATE_{key.upper()}"
    known = key in STATES
    return command_pb2.CommandState.Value(name) if known else command_pb2.COMMAND_STATE_UNSPECIFIED


def step_key(step: pb.CommandStep) -> str:
    """The catalogue's key of a step."""
    return command_pb2.CommandStepKind.Name(step.kind).removeprefix("COMMAND_STEP_KIND_").lower()


def in_order(kinds: Iterable[pb.CommandKind]) -> list[pb.CommandKind]:
    """What a form offers, the usual first; what needs free names is for the command line."""
    place = {cn: number for number, cn in enumerate(FIRST)}
    fitting = [one for one in kinds if not any("#" in field.name for field in one.parameters)]
    return sorted(fitting, key=lambda one: (place.get(one.cn, len(FIRST)), one.cn))


def form_fields(
    kind: pb.CommandKind,
    factors: Iterable[str],
    now: datetime,
    language: str,
    typed: Mapping[str, str] | None = None,
) -> list[Field]:
    """The fields that a command takes, filled with what was typed or is likely meant."""
    codes = tuple(factors)
    return [form_field(one, codes, now, language, typed or {}) for one in kind.parameters]


def form_field(
    parameter: pb.CommandParameter,
    factors: tuple[str, ...],
    now: datetime,
    language: str,
    typed: Mapping[str, str],
) -> Field:
    """One field. Periods are the last full hour, a clock is set to now."""
    english = language == "en"
    title = parameter.title_en if english else parameter.title_zh
    kind, choices = "text", tuple((one, one) for one in parameter.choices)
    default = ""
    if parameter.type == "time":
        kind = "moment"
        default = likely_moment(parameter.name, now) if parameter.required else ""
    elif choices:
        kind = "choice"
    elif parameter.name == "PolId":
        kind = "code"
        choices = tuple((code, factor_of(code).name(language)) for code in factors)
        default = factors[0] if factors and parameter.required else ""
    elif parameter.name == "InfoId":
        kind, default = "code", "i13001"
        choices = tuple((code, en if english else zh) for code, zh, en in INFOS)
    return Field(
        parameter.name,
        title or parameter.name,
        kind,
        typed.get(parameter.name, default),
        parameter.required,
        "" if kind in ("moment", "choice") else parameter.limits,
        choices,
    )


def likely_moment(name: str, now: datetime) -> str:
    """What a time field begins with: the last full hour, or now."""
    hour = beijing(now).replace(minute=0, second=0, microsecond=0)
    moments = {"BeginTime": hour - timedelta(hours=1), "EndTime": hour}
    return moments.get(name, beijing(now)).strftime(_LOCAL)


def wire_value(text: str) -> str:
    """A typed value as HJ 212 has it: a local moment as 14 digits, the rest as it is.

    >>> wire_value("2026-11-22T08:00"), wire_value("w01018")
    ('20261122080000', 'w01018')
    """
    if "T" not in text or "-" not in text:
        return text.strip()
    try:
        return datetime.fromisoformat(text).strftime(_WIRE)
    except ValueError:
        return text.strip()


def period_of(command: pb.Command) -> tuple[datetime, datetime] | None:
    """The period that a request for history asked for, its end included."""
    values = {one.name: one.value for one in command.parameters}
    try:
        begin, end = (moment_of(values[name]) for name in ("BeginTime", "EndTime"))
    except (KeyError, ValueError):
        return None
    return begin, end + timedelta(seconds=1)


def moment_of(text: str) -> datetime:
    """A time of HJ 212, Beijing. Raises ValueError."""
    return datetime.strptime(text[:14], _WIRE).replace(tzinfo=BEIJING).astimezone(UTC)


def parameter_text(field: command_pb2.CommandField, language: str) -> str:
    """A parameter as people read it: a moment with its parts, a factor with its name."""
    if field.name in ("PolId", "InfoId"):
        infos = {code: en if language == "en" else zh for code, zh, en in INFOS}
        known = infos.get(field.value) or factor_of(field.value).name(language)
        return field.value if known == field.value else f"{known} {field.value}"
    if field.name.endswith("Time") and len(field.value) == 14:
        try:
            return beijing(moment_of(field.value)).strftime("%Y-%m-%d %H:%M:%S")
        except ValueError:
            return field.value
    return field.value


def clock_offset_s(answer: pb.GetCommandResponse) -> float | None:
    """How far the logger's clock is ahead of ours, seconds; None when it was not asked.

    Both clocks are read within the time that the answer was under way.
    """
    if answer.command.cn != "1011":
        return None
    for step in answer.steps:
        for field in step.fields:
            if field.name == "SystemTime" and step_key(step) == "answer":
                try:
                    return (moment_of(field.value) - from_timestamp(step.at)).total_seconds()
                except ValueError:
                    return None
    return None
