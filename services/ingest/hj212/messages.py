"""Typed uploads (上传数据, HJ 212-2017 annex C tables C.13 to C.18): 2011, 2051, 2061 and 2031.

A frame is never dropped for one bad value: a text that is no number stays as received in `odd`, a
factor that no table knows stays under its received name and is noted. What a real device may send
is wider than the tables, so decimals are not checked against the factor's format.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from math import isfinite, nan

from services.ingest.hj212.errors import PeerProtocolError
from services.ingest.hj212.factors import is_known
from services.ingest.hj212.segment import Segment, area_pairs

UPLOADS = {"2011": "realtime", "2051": "minute", "2061": "hour", "2031": "day"}
_BEIJING = timezone(timedelta(hours=8))

# Suffix of a field -> column. Rtd belongs to 2011, Avg to the others; a logger that mixes them
# still means the value of the period.
_COLUMNS = {
    "Rtd": "value",
    "Avg": "value",
    "Min": "min",
    "Max": "max",
    "Cou": "cou",
    "ZsRtd": "converted",
    "ZsAvg": "converted",
}
# Noise (table B.3) has its own suffixes for the value of the period.
_COLUMNS |= {"Data": "value", "DayData": "value"}
# Legal suffixes that no column holds; the raw frame keeps them.
_KEPT_RAW = {"ZsMin", "ZsMax", "EFlag", "SampleTime", "NightData", "Info", "SN"}


@dataclass(slots=True)
class FactorValues:
    """One factor's values in a frame, in the factor's unit; NaN is absent or no number."""

    code: str
    value: float = nan
    min: float = nan
    max: float = nan
    cou: float = nan
    converted: float = nan
    flag: str = ""
    odd: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set, repr=False)


@dataclass(frozen=True, slots=True)
class Upload:
    """监测数据上传: what a logger says about one point in time or one period."""

    cn: str
    mn: str
    qn: str
    st: str
    password: str
    flag: int
    pno: int
    pnum: int
    data_time: datetime  # aware UTC; the start of the period, or the moment for 2011
    factors: tuple[FactorValues, ...]
    notes: tuple[str, ...] = ()

    @property
    def wants_reply(self) -> bool:
        """Flag bit 0: the logger waits for 9014."""
        return bool(self.flag & 1)


def read_upload(segment: Segment) -> Upload:
    """The upload in a segment; `PeerProtocolError` not_upload or malformed."""
    head = segment.head
    cn = head.get("CN", "")
    if cn not in UPLOADS:
        raise PeerProtocolError("not_upload", f"CN {cn[:8]!r}")
    if not head.get("MN"):
        raise PeerProtocolError("malformed", "no MN")
    notes = list(segment.notes)
    data_time, factors = _read_area(segment.area_text, notes)
    return Upload(
        cn=cn,
        mn=head["MN"],
        qn=head.get("QN", ""),
        st=head.get("ST", ""),
        password=head.get("PW", ""),
        flag=segment.flag,
        pno=_packet_number(head, "PNO"),
        pnum=_packet_number(head, "PNUM"),
        data_time=data_time,
        factors=factors,
        notes=tuple(dict.fromkeys(notes)),
    )


def read_time(text: str) -> datetime:
    """`YYYYMMDDhhmmss`, Beijing time without a zone, as aware UTC; milliseconds are dropped."""
    if not (text.isascii() and text.isdigit() and len(text) in (14, 17)):
        raise PeerProtocolError("malformed", f"time {text[:20]!r}")
    try:
        local = datetime(
            int(text[:4]),
            int(text[4:6]),
            int(text[6:8]),
            int(text[8:10]),
            int(text[10:12]),
            int(text[12:14]),
            tzinfo=_BEIJING,
        )
        return local.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise PeerProtocolError("malformed", f"time {text[:20]!r}") from error


def _packet_number(head: dict[str, str], name: str) -> int:
    """PNO or PNUM; 0 for an unsplit frame or a number outside 1 to 9999."""
    text = head.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0


def _read_area(area: str, notes: list[str]) -> tuple[datetime, tuple[FactorValues, ...]]:
    data_time: datetime | None = None
    factors: dict[str, FactorValues] = {}
    for name, text in area_pairs(area):
        code, dash, suffix = name.rpartition("-")
        if dash and code:
            _read_field(factors, code, suffix, text, notes)
        elif name.lower() == "datatime":
            if data_time is None:
                data_time = read_time(text)
                if len(text) != 14:
                    notes.append("data_time_milliseconds")
        else:
            notes.append("unknown_item")
    if data_time is None:
        raise PeerProtocolError("malformed", "no DataTime")
    return data_time, tuple(factors.values())


def _read_field(
    factors: dict[str, FactorValues], code: str, suffix: str, text: str, notes: list[str]
) -> None:
    column = _COLUMNS.get(suffix)
    if column is None and suffix != "Flag":
        notes.append("kept_raw" if suffix in _KEPT_RAW else "unknown_field")
        return
    values = factors.get(code)
    if values is None:
        values = factors[code] = FactorValues(code)
        if not is_known(code):
            notes.append("unknown_factor")
    key = column or "flag"
    if key in values.seen:
        notes.append("repeated_field")  # the first one stays
        return
    values.seen.add(key)
    if column is None:
        _read_flag(values, text, notes)
        return
    number = read_number(text)
    if number is None:
        values.odd[column] = text
        notes.append("odd_value")
    else:
        setattr(values, column, number)


def _read_flag(values: FactorValues, text: str, notes: list[str]) -> None:
    """Data flag 数据标记: one character (table C1); anything else stays raw and is noted."""
    if len(text) == 1 and text.isascii() and text.isprintable():
        values.flag = text
    elif text:
        values.odd["flag"] = text
        notes.append("odd_flag")


def read_number(text: str) -> float | None:
    """A finite decimal number, or None (`float` takes `nan`, `1_000` and Arabic digits too)."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) and text.isascii() and "_" not in text else None
