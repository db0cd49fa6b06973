"""Every command 命令编码 (CN) of HJ/T 212-2005, HJ 212-2017 and HJ 212-2025 as one table.

`commands.csv` holds a row for each command and set of versions that share a form; the mark in
`source` says how it is known ([S05] [S17] read in the standard; [C25] [D25] second hand; [?] not
certain; see hj212.md section 0), so a correction of a 2025 fact is one line there.

Parameters in the table: `Name[*][?]:type[:limits]`, `*` = may be repeated, `?` = may be left out,
`#-Name` = one for a code, a leading `&` = joined to the one before by a comma.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from services.ingest.hj212.errors import LocalProtocolError
from services.ingest.hj212.factors import code_of_2005
from services.ingest.hj212.version import Version

_TABLE = Path(__file__).with_name("commands.csv")
_OLD_CODE_LENGTH = 3  # PolId is C3 in 2005, C6 since 2017 (hj212.md 3.1)
_RESERVED = frozenset(";,=&#\r\n")
_TIME_FORMS = {
    "time": ("%Y%m%d%H%M%S", 14),
    "time_ms": ("%Y%m%d%H%M%S", 17),  # 2025: SKCreateTime has milliseconds
    "hhmmss": ("%H%M%S", 6),
    "hhmm": ("%H%M", 4),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a request: `type` is int, number, in, code, text, exact or a time form.

    `low` and `high` bound an int (inclusive), `high` a text's length; `choices` list an `in`.
    """

    name: str
    type: str
    low: int = 0
    high: int = 0
    choices: tuple[str, ...] = ()
    optional: bool = False
    repeated: bool = False
    joined: bool = False

    @property
    def limits(self) -> str:
        """The allowed values as an officer reads them; empty when only the type bounds them."""
        if self.choices:
            return " ".join(self.choices)
        if self.type == "int":
            return f"{self.low}..{self.high}"
        return {"time": "YYYYMMDDhhmmss", "time_ms": "YYYYMMDDhhmmsszzz"}.get(
            self.type, self.type if self.type in _TIME_FORMS else ""
        )

    def fits(self, name: str) -> bool:
        """Whether a received or given name is this parameter; `#-Info` fits `i13004-Info`."""
        if self.name.startswith("#"):
            return name.endswith(self.name[1:]) and len(name) > len(self.name) - 1
        return name == self.name


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One row of the table.

    `down` is what the centre sends (request, notice, reply), `up` what the site sends (upload =
    by itself too, answer = only when asked, notice, reply); empty = not in that direction.
    `answers` to a request: nothing (9011, 9012), value (9011, one frame with the same CN and QN,
    9012), series (9011, data frames with own QN, 9012), notice (9013); empty = cannot be asked.
    `request` and `answer` name the classes of `messages` that hold CP; `st` narrows a row to one
    system code.
    """

    cn: str
    versions: tuple[Version, ...]
    st: str
    title_zh: str
    title_en: str
    down: str
    up: str
    answers: str
    parameters: tuple[Parameter, ...]
    request: str
    answer: str
    source: str

    @property
    def requestable(self) -> bool:
        """Whether the centre may send it to a site by itself."""
        return self.down in {"request", "notice"}


@cache
def commands() -> tuple[CommandSpec, ...]:
    """All rows, by CN."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(_spec(row) for row in csv.DictReader(file))


@cache
def rows_of(cn: str, version: Version) -> tuple[CommandSpec, ...]:
    """The rows of a command, those of the version first, then the newer before the older."""
    rows = [row for row in commands() if row.cn == cn]
    return tuple(sorted(rows, key=lambda row: (version not in row.versions, -max(row.versions))))


def find(cn: str, version: Version | None = None, st: str = "") -> CommandSpec | None:
    """The row of a command in a version (None = the newest that has it), or None.

    A row for one system code comes before the general one.
    """
    found = None
    for row in commands():
        fits = row.cn == cn and (version is None or version in row.versions)
        if fits and row.st == st and st:
            return row
        if fits and not row.st:
            found = row if found is None or max(row.versions) > max(found.versions) else found
    return found


def spec(cn: str, version: Version | None = None, st: str = "") -> CommandSpec:
    """The row of a command; `LocalProtocolError` when no row, or none of this version, has it."""
    found = find(cn, version, st)
    if found is None:
        issue = f" in {int(version)}" if version else ""
        raise LocalProtocolError(f"no command {cn!r}{issue}")
    return found


def check_request(
    cn: str, version: Version, parameters: Mapping[str, str], st: str = ""
) -> tuple[tuple[str, str], ...]:
    """The items of a request in the table's order, or `LocalProtocolError` with name and cause.

    Values of a parameter that may be repeated stand in one text, split by commas. A logger of 2005
    is asked with its own factor codes: w01018 is written as 011.

    >>> check_request("1021", Version.V2005, {"PolId": "101,102"})
    (('PolId', '101'), ('PolId', '102'))
    >>> check_request("1062", Version.V2017, {"RtdInterval": "5"})
    Traceback (most recent call last):
    services.ingest.hj212.errors.LocalProtocolError: RtdInterval '5': not in 30..3600
    """
    row = spec(cn, version, st)
    if not row.requestable:
        raise LocalProtocolError(f"command {cn} is not sent by the centre")
    left = {_wire_name(name, version): text for name, text in parameters.items()}
    items = [item for parameter in row.parameters for item in _taken(parameter, left, version)]
    if left:
        raise LocalProtocolError(f"{min(left)}: not a parameter of {cn} in {int(version)}")
    _check_period(dict(items))
    codes = list(dict.fromkeys(_code(name) for name, _ in items))
    return tuple(sorted(items, key=lambda item: codes.index(_code(item[0]))))


def area_text(row: CommandSpec, items: Sequence[tuple[str, str]]) -> str:
    """Checked items as the text of CP: `;` between items, `,` where the table joins them."""
    text = ""
    before = ""
    for name, value in items:
        parameter = next(each for each in row.parameters if each.fits(name))
        joined = parameter.joined and _code(before) == _code(name)
        text += ("," if joined else ";") * bool(text) + f"{name}={value}"
        before = name
    return text


def _wire_name(name: str, version: Version) -> str:
    """`w01018-UpValue` as the version has it: 011-UpValue for 2005."""
    code = _code(name)
    old = version is Version.V2005 and code
    return f"{code_of_2005(code)}{name[len(code) :]}" if old else name


def _code(name: str) -> str:
    """`101` of `101-UpValue`; empty for a name without a code."""
    return name.rpartition("-")[0]


def _taken(
    parameter: Parameter, left: dict[str, str], version: Version
) -> Iterator[tuple[str, str]]:
    names = [name for name in left if parameter.fits(name)]
    if not names and not parameter.optional:
        raise LocalProtocolError(f"{parameter.name}: missing")
    for name in names:
        text = left.pop(name)
        for given in text.split(",") if parameter.repeated else [text]:
            old = parameter.type == "code" and version is Version.V2005
            part = code_of_2005(given) if old else given
            fault = _fault(parameter, part)
            if old and len(part) > _OLD_CODE_LENGTH:
                fault = "no code of 2005"
            if fault:
                raise LocalProtocolError(f"{name} {given[:40]!r}: {fault}")
            yield name, part


def _fault(parameter: Parameter, text: str) -> str:
    """Why the text is no value of the parameter; empty = it is one."""
    if not text:
        return "empty"
    if not _RESERVED.isdisjoint(text):
        return "holds a reserved character"
    match parameter.type:
        case "int":
            fits = _is_digits(text) and parameter.low <= int(text) <= parameter.high
            return "" if fits else f"not in {parameter.limits}"
        case "in":
            return "" if text in parameter.choices else f"not one of {parameter.limits}"
        case "code":
            return "" if text.isascii() and text.isalnum() and len(text) <= 6 else "not a code"
        case "text":
            return "" if len(text) <= parameter.high else f"longer than {parameter.high}"
        case "exact":
            return "" if len(text) == parameter.high else f"not {parameter.high} characters"
        case "number":
            return "" if _is_number(text) else "not a number"
        case _:
            return "" if _is_time(text, parameter.type) else f"not {parameter.limits}"


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-").replace(".", "", 1)
    return digits.isascii() and digits.isdigit() and len(text) <= 18  # N14.2 is 18 characters


def _is_time(text: str, form: str) -> bool:
    layout, length = _TIME_FORMS[form]
    if not (text.isascii() and text.isdigit() and len(text) == length):
        return False
    try:
        datetime.strptime(text[:14], layout)  # noqa: DTZ007 - only the form is looked at
    except ValueError:
        return False
    return True


def _check_period(values: Mapping[str, str]) -> None:
    begin, end = values.get("BeginTime"), values.get("EndTime")
    if (begin is None) != (end is None):
        raise LocalProtocolError("BeginTime and EndTime: only together")
    if begin is not None and end is not None and begin > end:
        raise LocalProtocolError(f"EndTime {end!r}: before BeginTime")


def _spec(row: Mapping[str, str]) -> CommandSpec:
    return CommandSpec(
        cn=row["cn"],
        versions=tuple(Version(int(text)) for text in row["versions"].split()),
        st=row["st"],
        title_zh=row["title_zh"],
        title_en=row["title_en"],
        down=row["down"],
        up=row["up"],
        answers=row["answers"],
        parameters=tuple(_parameter(text) for text in row["parameters"].split(";") if text),
        request=row["request"],
        answer=row["answer"],
        source=row["source"],
    )


def _parameter(text: str) -> Parameter:
    """`&CalibrationType:in:0|1` as a parameter."""
    name, kind, *rest = text.removeprefix("&").split(":")
    limits = rest[0] if rest else "0"
    low, _, high = limits.rpartition("..")
    return Parameter(
        name=name.rstrip("*?"),
        type=kind,
        low=int(low or 0),
        high=int(high) if kind != "in" else 0,
        choices=tuple(limits.split("|")) if kind == "in" else (),
        optional="?" in name,
        repeated="*" in name,
        joined=text.startswith("&"),
    )
