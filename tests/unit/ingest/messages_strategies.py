"""Messages of every command and version, drawn from the command table and the shapes."""

from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from services.ingest.hj212.commands import CommandSpec, Parameter, commands
from services.ingest.hj212.messages import Group, Head, Message, Moment, Number, shapes
from services.ingest.hj212.messages.shapes import Wire, wires
from services.ingest.hj212.version import Version

MN = "010000A8900016F000169DC0"
MN_2005 = "88888880000001"

ROWS = [(row, version) for row in commands() for version in row.versions]
REQUESTS = [(row, version) for row, version in ROWS if row.requestable]
UPLOADS = [(row, version) for row, version in ROWS if row.answer == "Upload"]
SENT_BY_SITE = [(row, version) for row, version in ROWS if row.answer not in {"", "Upload"}]


def name_of(case: tuple[CommandSpec, Version]) -> str:
    """`2011-44-2025`, for pytest."""
    row, version = case
    return "-".join(part for part in (row.cn, row.st, str(int(version))) if part)


moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map("{:%Y%m%d%H%M%S}".format)
codes = st.sampled_from(["w01018", "a21026", "011", "02", "SB1", "Leq", "p99101", "i13004"])
words = st.text("ABCabc012-_清洗管路 .", min_size=1, max_size=12).map(str.strip).filter(bool)
# Texts that a float would not give back: padding, trailing zeros, many decimals.
numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,12})?|0{1,3}[0-9]", fullmatch=True)


def head_of(row: CommandSpec, version: Version) -> Head:
    """A head as the version has it."""
    return Head.of(
        cn=row.cn,
        mn=MN_2005 if version is Version.V2005 else MN,
        password="123456",
        st=row.st or "32",
        qn="" if version is Version.V2005 else "20160801085857223",
        flag=None if version is Version.V2005 else 5,
    )


@st.composite
def parameters(draw: st.DrawFn, row: CommandSpec, version: Version) -> dict[str, str]:
    """Parameters that the row allows."""
    given = {}
    for parameter in row.parameters:
        if parameter.optional and not parameter.name.startswith("#") and draw(st.booleans()):
            continue
        old = version is Version.V2005
        name = parameter.name.replace("#", "101" if old else "i13004")
        several = draw(st.integers(1, 3)) if parameter.repeated else 1
        given[name] = ",".join(draw(_values(parameter, old=old)) for _ in range(several))
    if "BeginTime" in given or "EndTime" in given:
        given["BeginTime"], given["EndTime"] = "20160801080000", "20160801090000"
    return given


def _values(parameter: Parameter, *, old: bool) -> st.SearchStrategy[str]:
    match parameter.type:
        case "int":
            return st.integers(parameter.low, parameter.high).map(str)
        case "in":
            return st.sampled_from(parameter.choices)
        case "code":
            return st.sampled_from(["011", "02", "S01"]) if old else codes
        case "text":
            return words.map(lambda text: text[: parameter.high].strip())
        case "exact":
            return st.text("0123456789ABCDEF", min_size=parameter.high, max_size=parameter.high)
        case "number":
            return numbers.filter(lambda text: len(text) <= 18)  # N14.2 is 18 characters
        case "time_ms":
            return moments.map(lambda text: f"{text}007")
        case "time":
            return moments
        case _:  # hhmmss, hhmm
            return moments.map(lambda text: text[8 : 8 + len(parameter.type)])


@st.composite
def messages(draw: st.DrawFn, row: CommandSpec, version: Version) -> Message:
    """A message of the row's answer shape with any legal content."""
    shape: type[Message] = getattr(shapes, row.answer)
    content: dict[str, Any] = {}
    plan = wires(row.answer)
    required = {each.name for each in fields(shape) if each.default is MISSING} & plan.keys()
    if row.request and not required:
        required = {next(iter(plan))}  # an empty area would be the request
    for attribute, (wire, kind) in plan.items():
        if attribute in required or draw(st.booleans()):
            content[attribute] = draw(_content(wire, kind))
    extra = draw(st.lists(st.tuples(st.just("Vendor"), words), max_size=1))
    return shape(head=head_of(row, version), version=version, extra=tuple(extra), **content)


def _content(wire: Wire, kind: type) -> st.SearchStrategy[Any]:
    if wire.suffixes:
        value = st.tuples(st.sampled_from(sorted(wire.suffixes)), st.one_of(numbers, words))
        groups = st.builds(Group, codes, st.lists(value, min_size=1, max_size=3).map(tuple))
        return st.lists(groups, min_size=1, max_size=3).map(tuple)
    one: st.SearchStrategy[Any] = words
    if kind is Number:
        one = numbers.map(Number)
    elif kind is Moment:
        one = moments.map(Moment)
    return st.lists(one, min_size=1, max_size=3).map(tuple) if wire.many else one


def uploads(row: CommandSpec) -> st.SearchStrategy[dict[str, dict[str, str | float]]]:
    """Values of an upload by factor and suffix, among them texts that are no numbers."""
    suffixes = ("Rtd", "SampleTime", "Flag", "EFlag", "ZsRtd")
    if row.cn != "2011":
        suffixes = ("Cou", "Min", "Avg", "Max", "ZsMin", "ZsAvg", "ZsMax", "Flag", "Data")
    value = st.one_of(numbers, words, st.sampled_from(["St", "---", "NaN", "1.230", "N"]))
    of_factor = st.dictionaries(st.sampled_from(suffixes), value, min_size=1, max_size=4)
    return st.dictionaries(codes, of_factor, max_size=4)
