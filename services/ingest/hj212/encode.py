"""Values to frames: uploads (for simulators and tests) and the centre's replies.

What cannot be said in HJ 212-2017 (a segment over 1024 bytes, a character that ends a field) is a
`LocalProtocolError`: our code asked for it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from services.ingest.hj212.crc import crc16
from services.ingest.hj212.errors import LocalProtocolError
from services.ingest.hj212.framing import SEGMENT_LIMIT
from services.ingest.hj212.messages import Upload

_BEIJING = timezone(timedelta(hours=8))
_RESERVED = frozenset(";,=&#\r\n")
_REPLY_ST = "91"  # system interaction, table 5
_REPLY_FLAG = 4  # 2017, no reply wanted: an acknowledgement is never acknowledged

Values = Mapping[str, Mapping[str, float | str]]


def encode_frame(segment: bytes) -> bytes:
    """Header, length, segment, CRC and tail."""
    if len(segment) > SEGMENT_LIMIT:
        raise LocalProtocolError(f"segment of {len(segment)} bytes, at most {SEGMENT_LIMIT}")
    return b"##%04d%b%04X\r\n" % (len(segment), segment, crc16(segment))


def encode_upload(  # noqa: PLR0917 - the order of the head fields
    cn: str,
    mn: str,
    password: str,
    st: str,
    qn: str,
    data_time: datetime,
    values: Values,
    flag: int = 5,
    *,
    pnum: int = 0,
    pno: int = 0,
) -> bytes:
    r"""One upload frame (2011, 2051, 2061, 2031).

    `values` maps a factor code to its fields by the standard's suffix, for example
    `{"a21026": {"Avg": 31.2, "ZsAvg": "35.0", "Flag": "N"}}`; a text is sent as it is, so a
    simulator can print an instrument's resolution. `data_time` is aware and sent as Beijing time.
    With `pnum` the frame is packet `pno` of `pnum` and `flag` needs bit 1.

    >>> from datetime import UTC, datetime
    >>> at = datetime(2016, 8, 1, 0, 58, 57, tzinfo=UTC)
    >>> encode_upload("2011", "010000A8900016F000169DC0", "123456", "32", "20160801085857223", at,
    ...               {"w01018": {"Rtd": 40.1, "Flag": "N"}, "w21003": {"Rtd": 1.803, "Flag": "N"}})
    b'##0171QN=20160801085857223;ST=32;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801085857;w01018-Rtd=40.1,w01018-Flag=N;w21003-Rtd=1.803,w21003-Flag=N&&4DC0\r\n'
    """
    items = [f"DataTime={_beijing(data_time)}"]
    items += [
        ",".join(f"{code}-{suffix}={_text(value)}" for suffix, value in fields.items())
        for code, fields in values.items()
    ]
    split = f"PNUM={pnum};PNO={pno};" if pnum else ""
    head = f"QN={qn};ST={st};CN={cn};PW={password};MN={mn};Flag={flag};{split}"
    return encode_frame(f"{head}CP=&&{';'.join(items)}&&".encode())


def encode_data_reply(upload: Upload) -> bytes:
    """9014 数据应答 to an upload: QN, PW and MN copied, ST=91, Flag=4 (HJ 212-2017 table C.43)."""
    return encode_frame(
        f"QN={upload.qn};ST={_REPLY_ST};CN=9014;PW={upload.password};MN={upload.mn};"
        f"Flag={_REPLY_FLAG};CP=&&&&".encode()
    )


def request_number(moment: datetime) -> str:
    """QN 请求编码 for a moment: Beijing time to the millisecond, 17 digits."""
    return f"{_beijing(moment)}{moment.microsecond // 1000:03d}"


def _beijing(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise LocalProtocolError("a time without a zone")
    return moment.astimezone(_BEIJING).strftime("%Y%m%d%H%M%S")


def _text(value: float | str) -> str:
    """A value as the wire has it: no exponent, no character that would end the field."""
    text = value if isinstance(value, str) else _decimal(value)
    if not _RESERVED.isdisjoint(text):
        raise LocalProtocolError(f"value {text!r} holds a reserved character")
    return text


def _decimal(value: float) -> str:
    text = repr(float(value)) if isinstance(value, float) else str(value)
    return f"{value:.12f}".rstrip("0").rstrip(".") if "e" in text else text
