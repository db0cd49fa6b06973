"""Uploads of readings (上传数据): 2011, 2051, 2061, 2031, and 2111 of HJ 212-2025.

HJ 212-2017 annex C, tables C.13 to C.18; 2111 is table C.31 of 2025. A frame is never dropped for
one bad value: a text that is no number stays as received in `odd`, a factor that no table knows
stays under its received name and is noted. What a real device may send is wider than the tables, so
a value outside its factor's format is noted, not refused. Codes of 2005 and units that are not the
factor's own come out as `factors.reported` says.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from math import isnan, nan

from services.ingest.hj212.errors import PeerProtocolError
from services.ingest.hj212.factors import (
    Reported,
    assumed_unit,
    data_flags,
    power_of_ten,
    reported,
)
from services.ingest.hj212.messages.head import Head
from services.ingest.hj212.messages.values import read_number, read_time
from services.ingest.hj212.segment import Segment, area_pairs
from services.ingest.hj212.version import Version

# 2111 of 2025 is the five-minute mean of a furnace's temperature: a minute value of a01901.
UPLOADS = {
    "2011": "realtime",
    "2051": "minute",
    "2061": "hour",
    "2031": "day",
    "2111": "minute",
}

# Suffix of a field -> column. Rtd belongs to 2011, Avg to the others; a logger that mixes them
# still means the value of the period. Noise (table B.3) has its own suffixes for it.
_COLUMNS = {
    "Rtd": "value",
    "Avg": "value",
    "Min": "min",
    "Max": "max",
    "Cou": "cou",
    "ZsRtd": "converted",
    "ZsAvg": "converted",
    "Data": "value",
    "Flag": "flag",
}
# Legal suffixes that no column holds; the raw frame and `Upload.text` keep them.
_KEPT_RAW = {
    *("ZsMin", "ZsMax", "EFlag", "SampleTime", "DayData", "NightData", "Info", "SN", "RawAvg"),
}
# Noise by day and by night: the equivalent level has codes for both (table B.3).
_PART_OF_DAY = {
    "Leq-DayData": "Ld",
    "Ld-DayData": "Ld",
    "Leq-NightData": "Ln",
    "Ln-NightData": "Ln",
}
_PLANS = 4096
_NO_KEY = ("", "")

# (code, column) and how its code is read; or a note; or neither: DataTime.
Plan = tuple[tuple[str, str], Reported | None, str]

_WIDE = frozenset({"value", "min", "max", "converted"})  # columns of the factor's format


@dataclass(slots=True)
class FactorValues:
    """One factor's values in a frame, in the factor's unit; NaN is absent or no number.

    `reported_code` is the code as received where it was mapped (020 for w20111), else empty;
    value = reported x `reported_scale`; `reported_unit` is the unit as received where it is not the
    factor's own, else empty.
    """

    code: str
    value: float = nan
    min: float = nan
    max: float = nan
    cou: float = nan
    converted: float = nan
    flag: str = ""
    reported_code: str = ""
    reported_scale: float = 1.0
    reported_unit: str = ""
    odd: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Upload:
    """监测数据上传: what a logger says about one point in time or one period."""

    head: Head
    version: Version
    data_time: datetime  # aware UTC; the start of the period, or the moment for 2011
    factors: tuple[FactorValues, ...]
    area_text: str  # CP as received: what is written again
    notes: tuple[str, ...] = ()

    @property
    def cn(self) -> str:
        """CN 命令编码: 2011, 2051, 2061, 2031 or 2111."""
        return self.head.cn

    @property
    def mn(self) -> str:
        """MN 设备唯一标识, never empty."""
        return self.head.mn

    @property
    def qn(self) -> str:
        """QN 请求编码; 2005 may leave it out."""
        return self.head.qn

    @property
    def st(self) -> str:
        """ST 系统编码."""
        return self.head.st

    @property
    def password(self) -> str:
        """PW 访问密码."""
        return self.head.pw

    @property
    def flag(self) -> int:
        """Flag 标志位."""
        return self.head.flag

    @property
    def pno(self) -> int:
        """PNO 包号, 0 for an unsplit frame."""
        return self.head.pno

    @property
    def pnum(self) -> int:
        """PNUM 总包数, 0 for an unsplit frame."""
        return self.head.pnum

    @property
    def rf(self) -> bool:
        """RF=1: filled in after a break (2025)."""
        return self.head.rf

    @property
    def wants_reply(self) -> bool:
        """Flag bit 0: the logger waits for 9014."""
        return self.head.wants_reply

    def text(self, name: str) -> str:
        """The first field of this name as received (`a21026-ZsMin`), empty when absent."""
        return next((text for key, text in area_pairs(self.area_text) if key == name), "")


def read_upload(segment: Segment, version: Version = Version.V2017) -> Upload:
    """The upload in a segment; `PeerProtocolError` not_upload or malformed."""
    head = segment.head
    cn = head.get("CN", "")
    if cn not in UPLOADS:
        raise PeerProtocolError("not_upload", f"CN {cn[:8]!r}")
    if not head.get("MN"):
        raise PeerProtocolError("malformed", "no MN")
    notes = list(segment.notes)
    pieces = _pieces(segment)
    data_time, factors = _read_area(pieces, head.get("ST", ""), version, notes)
    if notes:
        notes = list(dict.fromkeys(notes))
    return Upload(Head(head), version, data_time, factors, segment.area_text, tuple(notes))


def _pieces(segment: Segment) -> list[str]:
    """`name=value` pieces without blanks round them; few areas need a second look for that."""
    area = segment.area_text
    if " " in area or "//" in area or not area.isprintable():
        return [f"{name}={text}" if name else text for name, text in segment.pairs()]
    return area.replace(",", ";").split(";")


def _read_area(
    pieces: list[str], st: str, version: Version, notes: list[str]
) -> tuple[datetime, tuple[FactorValues, ...]]:
    data_time: datetime | None = None
    factors: dict[str, FactorValues] = {}
    seen: set[tuple[str, str]] = set()
    doubtful: list[FactorValues] = []
    plans, flags = _plans(st, version), data_flags(version)
    for piece in pieces:
        name, equals, text = piece.partition("=")
        if not equals:
            notes += ["unknown_item"] if piece else []
            continue
        key, factor, note = plans.get(name) or _plan(plans, name, st, version)
        if factor is None:
            if note:
                notes.append(note)
            elif data_time is None:
                data_time = read_time(text, "DataTime")
                if len(text) != 14:
                    notes.append("data_time_milliseconds")
            continue
        if key in seen:
            notes.append("repeated_field")  # the first one stays
            continue
        seen.add(key)
        code, column = key
        values = factors.get(code)
        if values is None:
            values = factors[code] = _begun(factor, notes, doubtful)
        if column == "flag":
            if text in flags:
                values.flag = text
            else:
                _read_flag(values, text, notes)
        else:
            _read_value(values, column, text, factor, notes)
    if data_time is None:
        raise PeerProtocolError("malformed", "no DataTime")
    for values in doubtful:
        _assume_unit(values, st, notes)
    return data_time, tuple(factors.values())


@lru_cache(maxsize=64)  # a dictionary a system code, so that a field costs one look
def _plans(st: str, version: Version) -> dict[str, Plan]:
    del st, version
    return {}


def _plan(plans: dict[str, Plan], name: str, st: str, version: Version) -> Plan:
    """What to do with a field, remembered while there is room: the names come from the wire."""
    code, dash, suffix = name.rpartition("-")
    column = _COLUMNS.get(suffix)
    part_of_day = _PART_OF_DAY.get(name)
    if not (dash and code):
        plan: Plan = (_NO_KEY, None, "" if name.lower() == "datatime" else "unknown_item")
    elif part_of_day is not None:
        own = reported(part_of_day, st, version)
        factor = own if code == part_of_day else replace(own, reported_code=name)
        plan = ((part_of_day, "value"), factor, "")
    elif column is None:
        plan = (_NO_KEY, None, "kept_raw" if suffix in _KEPT_RAW else "unknown_field")
    else:
        factor = reported(code, st, version)
        plan = ((factor.code, column), factor, "")
    if len(plans) < _PLANS:
        plans[name] = plan
    return plan


def _begun(factor: Reported, notes: list[str], doubtful: list[FactorValues]) -> FactorValues:
    if factor.note:
        notes.append(factor.note)
    values = FactorValues(factor.code)
    if factor.assumed:
        doubtful.append(values)
    if factor.reported_code:
        values.reported_code = factor.reported_code
        values.reported_scale = factor.scale
        values.reported_unit = factor.unit
    return values


def _read_value(
    values: FactorValues, column: str, text: str, factor: Reported, notes: list[str]
) -> None:
    try:
        number = float(text)
    except ValueError:
        number = nan
    limit = factor.limit
    # `float` takes `1_000`, `nan` and Arabic digits too; `read_number` knows.
    if not -limit < number < limit or "_" in text or not text.isascii():
        exact = read_number(text)
        if exact is None:
            values.odd[column] = text
            notes += [] if factor.is_text else ["odd_value"]
            return
        if column in _WIDE:
            notes.append("out_of_width")
    if factor.scale != 1.0:
        number = _scaled(text, factor.scale)
    setattr(values, column, number)


def _read_flag(values: FactorValues, text: str, notes: list[str]) -> None:
    """A data flag 数据标记 that its version does not have: one character, else it stays raw."""
    if len(text) == 1 and text.isascii() and text.isprintable():
        values.flag = text
        notes.append("unknown_flag")
    elif text:
        values.odd["flag"] = text
        notes.append("odd_flag")


def _scaled(number: str | float, scale: float) -> float:
    """A number in another unit, rounded once: 0.0123 mg/L is 12.3 ug/L and nothing else."""
    return float(Decimal(str(number)).scaleb(power_of_ten(scale)))


def _assume_unit(values: FactorValues, st: str, notes: list[str]) -> None:
    """Table B.2 prints a unit that nobody can mean; decide by ST and size, and say so."""
    columns = ("value", "min", "max", "converted", "cou")
    given = {name: getattr(values, name) for name in columns}
    sizes = (abs(number) for name, number in given.items() if name in _WIDE and not isnan(number))
    assumed = assumed_unit(values.code, st, max(sizes, default=0.0))
    notes.append("unit_assumed")
    values.reported_unit, values.reported_scale = assumed.unit, assumed.scale
    if assumed.scale != 1.0:
        for name, number in given.items():
            if not isnan(number):
                setattr(values, name, _scaled(number, assumed.scale))
