"""Values to frames: every message of every version, requests, replies and uploads.

What cannot be said in HJ 212 (a segment over 1024 bytes, a character that ends a field, a parameter
outside its range) is a `LocalProtocolError`: our code asked for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from services.ingest.hj212.commands import area_text, check_request, spec
from services.ingest.hj212.crc import crc16
from services.ingest.hj212.errors import LocalProtocolError
from services.ingest.hj212.framing import SEGMENT_LIMIT
from services.ingest.hj212.messages import AnyMessage, Head, Message, Upload
from services.ingest.hj212.messages.shapes import written
from services.ingest.hj212.messages.values import BEIJING, beijing
from services.ingest.hj212.version import Version

_RESERVED = frozenset(";,=&#\r\n")
_REPLY_ST = "91"  # system interaction, table 5
_VERSION_FLAG = {Version.V2005: 0, Version.V2017: 4, Version.V2025: 8}
_CP_LIMIT = {Version.V2005: 960, Version.V2017: 950, Version.V2025: 950}  # hj212.md 1.2
_RESULTS = {"9011": "QnRtn", "9012": "ExeRtn"}
_REPLIES = frozenset({"9011", "9012", "9013", "9014"})

Values = Mapping[str, Mapping[str, float | str]]


def encode_frame(segment: bytes) -> bytes:
    """Header, length, segment, CRC and tail."""
    if len(segment) > SEGMENT_LIMIT:
        raise LocalProtocolError(f"segment of {len(segment)} bytes, at most {SEGMENT_LIMIT}")
    return b"##%04d%b%04X\r\n" % (len(segment), segment, crc16(segment))


def encode_message(message: AnyMessage) -> bytes:
    """The frame of any message: what `read_message` read comes out with the text it came with.

    Fields stand in the order of the shape, items that the shape does not know at the end.
    """
    if not isinstance(message, Message):
        return _frame(message.head, message.area_text)
    area = ""
    for piece, joined in written(message):
        area += ("," if joined else ";") * bool(area) + piece
    return _frame(message.head, area)


def encode_request(
    cn: str,
    *,
    mn: str,
    password: str,
    st: str,
    qn: str,
    version: Version,
    fields: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    flag: int | None = None,
) -> bytes:
    r"""A request or notice of the centre, checked by `commands.check_request`.

    `flag` None = the version's number with a reply wanted: 1 (2005, whose examples print 3 on
    unsplit commands), 5 or 9.

    >>> encode_request("1062", mn="010000A8900016F000169DC0", password="100000", st="32",
    ...                qn="20160801085857223", version=Version.V2017, fields={"RtdInterval": "30"})
    b'##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&1C80\r\n'
    """
    items = check_request(cn, version, _parameters(fields), st)
    number = _VERSION_FLAG[version] | 1 if flag is None else flag
    head = Head.of(cn=cn, mn=mn, password=password, st=st, qn=qn, flag=number)
    return _frame(head, area_text(spec(cn, version, st), items))


def encode_reply(cn: str, to: Head, version: Version, code: int = 1) -> bytes:
    """9011 (`code` = QnRtn), 9012 (ExeRtn), 9013 or 9014 to the message with this head.

    Since 2017: QN, PW and MN copied, ST=91, Flag=4 or 8, so that nobody acknowledges an
    acknowledgement (table C.43). 2005: QN inside CP; 9011 and 9012 with Flag=0, 9013 without Flag;
    9014 without PW and MN, with CN and packet number of the upload inside CP (annex C, examples 1,
    4 and 6).
    """
    if cn not in _REPLIES:
        raise LocalProtocolError(f"{cn} is no reply")
    result = f"{_RESULTS[cn]}={code}" if cn in _RESULTS else ""
    if version is Version.V2005:
        return _reply_2005(cn, to, result)
    head = f"QN={to.qn};ST={_REPLY_ST};CN={cn};PW={to.pw};MN={to.mn};Flag={_VERSION_FLAG[version]}"
    return encode_frame(f"{head};CP=&&{result}&&".encode())


def encode_data_reply(upload: Upload) -> bytes:
    """9014 数据应答 to an upload, as its version has it."""
    return encode_reply("9014", upload.head, upload.version)


def encode_upload(  # noqa: PLR0917 - the order of the head fields
    cn: str,
    mn: str,
    password: str,
    st: str,
    qn: str,
    data_time: datetime,
    values: Values,
    flag: int | None = None,
    *,
    pnum: int = 0,
    pno: int = 0,
    version: Version = Version.V2017,
    rf: bool = False,
) -> bytes:
    r"""One upload frame (2011, 2051, 2061, 2031).

    `values` maps a factor code to its fields by the standard's suffix, for example
    `{"a21026": {"Avg": 31.2, "ZsAvg": "35.0", "Flag": "N"}}`; a text is sent as it is, so a
    simulator can print an instrument's resolution. `data_time` is aware and sent as Beijing time.
    With `pnum` the frame is packet `pno` of `pnum`; `flag` None = the version's number, a reply
    wanted, packet numbers where they are. `rf` marks a filled-in frame (2025).

    >>> from datetime import UTC, datetime
    >>> at = datetime(2016, 8, 1, 0, 58, 57, tzinfo=UTC)
    >>> encode_upload("2011", "010000A8900016F000169DC0", "123456", "32", "20160801085857223", at,
    ...               {"w01018": {"Rtd": 40.1, "Flag": "N"}, "w21003": {"Rtd": 1.803, "Flag": "N"}})
    b'##0171QN=20160801085857223;ST=32;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801085857;w01018-Rtd=40.1,w01018-Flag=N;w21003-Rtd=1.803,w21003-Flag=N&&4DC0\r\n'
    """
    if flag is None:
        flag = _VERSION_FLAG[version] | 1 | (2 if pnum else 0)
    head = Head.of(
        cn=cn,
        mn=mn,
        password=password,
        st=st,
        qn=qn,
        flag=flag,
        pnum=pnum,
        pno=pno,
        rf=rf,
    )
    return _frame(head, ";".join([f"DataTime={beijing(data_time)}", *_items(values)]))


def split_upload(
    cn: str,
    *,
    mn: str,
    password: str,
    st: str,
    at: datetime,
    data_time: datetime,
    values: Values,
    version: Version = Version.V2017,
    wants_reply: bool = True,
    rf: bool = False,
) -> list[bytes]:
    """An upload as as many frames as it needs, one where it fits in 1024 bytes.

    Tables C.49 and C.50: each part has its own QN (`at`, then a millisecond later each; the parts
    of 2005 share one), the same PNUM and DataTime, and whole items; `LocalProtocolError` when one
    factor alone is too long.
    """
    stamp = f"DataTime={beijing(data_time)}"
    ack = int(wants_reply)
    step = timedelta(milliseconds=version is not Version.V2005)

    def head(number: int, pnum: int) -> Head:
        return Head.of(
            cn=cn,
            mn=mn,
            password=password,
            st=st,
            qn=request_number(at + number * step),
            flag=_VERSION_FLAG[version] | ack | (2 if pnum else 0),
            pnum=pnum,
            pno=number + 1 if pnum else 0,
            rf=rf,
        )

    items = _items(values)
    whole = ";".join([stamp, *items])
    if len(whole.encode()) - len(stamp) <= _room(head(0, 0), stamp, version):
        return [_frame(head(0, 0), whole)]
    room = _room(head(8, 9), stamp, version)
    areas = list(_packed(stamp, items, room))
    if len(areas) > 9:  # PNUM and PNO of one digit hold in every version
        raise LocalProtocolError(f"{len(areas)} parts, at most 9")
    return [_frame(head(number, len(areas)), area) for number, area in enumerate(areas)]


def request_number(moment: datetime) -> str:
    """QN 请求编码 for a moment: Beijing time to the millisecond, 17 digits."""
    return f"{beijing(moment)}{moment.astimezone(BEIJING).microsecond // 1000:03d}"


def _room(head: Head, stamp: str, version: Version) -> int:
    """Bytes left for items behind the stamp, by the limits of the segment and of CP."""
    segment = _segment(head, stamp)
    area = len(segment) - segment.index(b"CP=")
    return min(SEGMENT_LIMIT - len(segment), _CP_LIMIT[version] - area)


def _packed(stamp: str, items: Sequence[str], room: int) -> Iterator[str]:
    """Areas that each begin with the stamp and hold whole items within `room` bytes."""
    area, left = stamp, room
    for item in items:
        size = len(item.encode()) + 1
        if size > left and area != stamp:
            yield area
            area, left = stamp, room
        area, left = f"{area};{item}", left - size
    yield area


def _reply_2005(cn: str, to: Head, result: str) -> bytes:
    items = [f"QN={to.qn}"] if to.qn else []
    fields = {"ST": _REPLY_ST, "CN": cn}
    if cn == "9014":
        items.append(f"CN={to.cn}")
        items += [f"{name}={to.fields[name]}" for name in ("PNO", "PNUM") if name in to.fields]
    else:
        fields |= {"PW": to.pw, "MN": to.mn}
        if result:
            fields["Flag"] = "0"
            items.append(result)
    return _frame(Head(fields), ";".join(items))


def _frame(head: Head, area: str) -> bytes:
    return encode_frame(_segment(head, area))


def _segment(head: Head, area: str) -> bytes:
    fields = "".join(f"{name}={text};" for name, text in head.fields.items())
    return f"{fields}CP=&&{area}&&".encode()


def _parameters(fields: Mapping[str, str] | Sequence[tuple[str, str]]) -> dict[str, str]:
    """Parameters by name; values of a repeated name are joined as `check_request` takes them."""
    if isinstance(fields, Mapping):
        return dict(fields)
    joined: dict[str, str] = {}
    for name, text in fields:
        joined[name] = f"{joined[name]},{text}" if name in joined else text
    return joined


def _items(values: Values) -> list[str]:
    return [
        ",".join(f"{code}-{suffix}={_text(value)}" for suffix, value in fields.items())
        for code, fields in values.items()
    ]


def _text(value: float | str) -> str:
    """A value as the wire has it: no exponent, no character that would end the field."""
    text = value if isinstance(value, str) else _decimal(value)
    if not _RESERVED.isdisjoint(text):
        raise LocalProtocolError(f"value {text!r} holds a reserved character")
    return text


def _decimal(value: float) -> str:
    text = repr(float(value)) if isinstance(value, float) else str(value)
    return f"{value:.12f}".rstrip("0").rstrip(".") if "e" in text else text
