"""Factor codes (监测因子编码): the tables of HJ 212-2017, of 2025 (second hand) and HJ/T 212-2005.

A value is kept in the unit of its HJ 524/525 code. How a received code comes to that (old codes of
2005, units that differ) is decided here, from the tables' units; see hj212.md 4.1.
"""

import csv
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from math import inf, log10
from pathlib import Path

from services.ingest.hj212.version import Version

_HERE = Path(__file__).parent
_DEVICE = re.compile(r"([eg]\d{3})\d{2}")  # process codes end in a two-digit device number
_CONDITION = re.compile(r"p\d{5}")  # 2025: production condition, values are letters [C25]
_OLD_CODE = re.compile(r"\d{2,3}|[BS]\d\d")  # HJ/T 212-2005 annex B
_WIDTH = re.compile(r"N(\d+)(?:\.\d+)?")
_OLD_TABLE = "HJ/T 212-2005"
_OLD_NOISE = "B03"  # 2005 only, of no other medium

# System code -> medium of its factors (hj212.md 3.4): what an old code can mean there.
_MEDIUM = dict.fromkeys(("21", "24", "26", "32", "33", "34", "52"), "water")
_MEDIUM |= dict.fromkeys(("22", "27", "31", "39", "51"), "gas")

_PREFIXES = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "": 0}
_BASES = ("g", "Pa", "L", "t")
_WATER_T = ("t", "m3")  # waste water: 1 t is 1 m3


@dataclass(frozen=True, slots=True)
class Factor:
    """One row: values are in `unit`, sums (Cou) in `cou_unit`; `width` is N5.2 and the like."""

    code: str
    old_code: str
    name_zh: str
    name_en: str
    medium: str
    unit: str
    cou_unit: str
    width: str
    width_2025: str
    source: str


@dataclass(frozen=True, slots=True)
class Reported:
    """How a received code is read: value in the unit of `code` = received number x `scale`."""

    code: str  # HJ 524/525 code, or the received one
    reported_code: str = ""  # the received one where it was mapped
    scale: float = 1.0
    unit: str = ""  # as received, where it is not the unit of `code`
    limit: float = inf  # a number of this size or more does not fit the received code's format
    note: str = ""
    is_text: bool = False  # values are letters (2025)
    assumed: bool = False  # the unit is decided by ST and size


@dataclass(frozen=True, slots=True)
class AssumedUnit:
    """A unit that is not told, and what makes it the factor's."""

    unit: str
    scale: float


@cache
def factors_2017() -> dict[str, Factor]:
    """The codes of HJ 212-2017 and 2025; process codes with `xx` for the device number."""
    return {row.code: row for row in _rows() if not row.source.startswith(_OLD_TABLE)}


@cache
def factors_2005() -> dict[str, Factor]:
    """The codes of HJ/T 212-2005 annex B."""
    return {row.code: row for row in _rows() if row.source.startswith(_OLD_TABLE)}


@cache
def data_flags(version: Version) -> dict[str, tuple[str, str]]:
    """Data flags 数据标记 of a version: flag -> (Chinese, English); N and F differ in meaning.

    2005 has letters for sources and digits for air stations. The table of 2025 was not found; its
    rows are those of 2017 [?].
    """
    with (_HERE / "flags.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["flag"]: (row["meaning_zh"], row["meaning_en"])
            for row in csv.DictReader(file)
            if str(int(version)) in row["versions"].split()
        }


@lru_cache(maxsize=4096)  # bounded: the codes come from the wire
def is_known(code: str) -> bool:
    """Whether HJ 212-2017 or 2025 lists the code (device numbers of process codes are free).

    >>> is_known("a21026"), is_known("e10112"), is_known("W01018")
    (True, True, False)
    """
    return _row(code) is not None


@lru_cache(maxsize=4096)
def reported(code: str, st: str, version: Version) -> Reported:
    """How a code received under a system code is read.

    An old code is mapped only where digits and ST agree: two digits are gas, three are water, and
    `20` is not `020`. An ST of neither medium leaves it as received (`old_code_undecided`).

    >>> mercury = reported("020", "32", Version.V2005)
    >>> mercury.code, mercury.scale, mercury.unit
    ('w20111', 1000.0, 'mg/L')
    """
    row = _row(code)
    if row is not None:
        return Reported(
            code,
            limit=_limit(row, version),
            is_text=row.width.startswith("C"),
            assumed=code in _assumptions(),
        )
    if _CONDITION.fullmatch(code):
        return Reported(code, note="unknown_factor", is_text=True)
    if not _OLD_CODE.fullmatch(code):
        return Reported(code, note="unknown_factor")
    return _old(code, st)


def code_of_2005(code: str) -> str:
    """The code that a logger of 2005 knows a factor by, or the code itself where it has none.

    >>> code_of_2005("w01018"), code_of_2005("a24088")
    ('011', 'a24088')
    """
    row = factors_2017().get(code)
    return row.old_code if row and row.old_code in factors_2005() else code


def assumed_unit(code: str, st: str, size: float) -> AssumedUnit:
    """The unit to assume for a factor whose printed unit nobody can mean (hj212.md 4.1).

    `size` is the largest number received for it in the frame. First fitting row of the table.
    """
    own = factors_2017()[code].unit
    for row_st, below, unit in _assumptions()[code]:
        if row_st in {"", st} and size < below:
            return AssumedUnit(unit if unit != own else "", scale_of(unit, own) or 1.0)
    return AssumedUnit("", 1.0)


def scale_of(given: str, wanted: str) -> float | None:
    """What a number in one unit is multiplied with to be in another; None = not comparable.

    >>> scale_of("mg/L", "ug/L"), scale_of("MPa", "kPa"), scale_of("m3/h", "m/s")
    (1000.0, 1000.0, None)
    """
    if given == wanted or (given, wanted) == _WATER_T:
        return 1.0
    top, _, bottom = given.partition("/")
    wanted_top, _, wanted_bottom = wanted.partition("/")
    power, wanted_power = _power(top), _power(wanted_top)
    if bottom != wanted_bottom or power is None or wanted_power is None:
        return None
    if power[0] != wanted_power[0]:
        return None
    return 10.0 ** (power[1] - wanted_power[1])


def power_of_ten(scale: float) -> int:
    """The exponent of a scale: every one of the tables is a power of ten."""
    return round(log10(scale))


def _old(code: str, st: str) -> Reported:
    """A code of 2005 (or an old one of HJ 524/525) by its medium."""
    if code == _OLD_NOISE:
        return Reported(code, limit=_limit(factors_2005()[code], Version.V2005))
    medium = "gas" if code == "B02" or code[0] == "S" or len(code) == 2 else "water"
    told = _MEDIUM.get(st)
    if told is None:
        return Reported(code, note="old_code_undecided")
    row = _by_old_code().get((medium, code)) if told == medium else None
    old = factors_2005().get(code) if told == medium else None
    if row is None:
        limit = _limit(old, Version.V2005) if old else inf
        return Reported(code, limit=limit, note="" if old else "unknown_factor")
    if old is None:  # an old code of HJ 524/525 that 2005 annex B does not print: no unit is told
        return Reported(row.code, code, note="unit_assumed")
    scale = scale_of(old.unit, row.unit)
    return Reported(
        row.code,
        code,
        scale=1.0 if scale is None else scale,
        unit=old.unit if old.unit != row.unit else "",
        limit=_limit(old, Version.V2005),
        # S02: velocity in m3/h, a misprint for a speed [hj212.md 4.1]; the number is kept
        note="unit_unsure" if scale is None else "",
    )


def _power(unit: str) -> tuple[str, int] | None:
    """`mg` as ("g", -3); None for a unit that is no prefix and a known base."""
    for base in _BASES:
        prefix = unit.removesuffix(base)
        if unit.endswith(base) and prefix in _PREFIXES:
            return base, _PREFIXES[prefix]
    return None


def _limit(row: Factor, version: Version) -> float:
    """The first number with more integer digits than the format has (N5.2: 100000)."""
    width = row.width_2025 if version is Version.V2025 and row.width_2025 else row.width
    match = _WIDTH.fullmatch(width)
    return 10.0 ** int(match[1]) if match else inf


def _row(code: str) -> Factor | None:
    table = factors_2017()
    device = _DEVICE.fullmatch(code)
    return table.get(f"{device[1]}xx" if device else code)


@cache
def _by_old_code() -> dict[tuple[str, str], Factor]:
    """(medium, old code) -> the row that has it now."""
    rows = factors_2017().values()
    return {(row.medium, row.old_code): row for row in rows if row.old_code}


@cache
def _assumptions() -> dict[str, list[tuple[str, float, str]]]:
    """Code -> (ST or empty, upper bound of the size, unit), in the order of deciding."""
    table: dict[str, list[tuple[str, float, str]]] = {}
    with (_HERE / "assumed_units.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            below = float(row["below"]) if row["below"] else inf
            table.setdefault(row["code"], []).append((row["st"], below, row["unit"]))
    return table


@cache
def _rows() -> tuple[Factor, ...]:
    with (_HERE / "factors.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Factor(
                code=row["code"],
                old_code=row["old_code"],
                name_zh=row["name_zh"],
                name_en=row["name_en"],
                medium=row["medium"],
                unit=row["unit"],
                cou_unit=row["cou_unit"],
                width=row["format"],
                width_2025=row["format_2025"],
                source=row["source"],
            )
            for row in csv.DictReader(file)
        )
