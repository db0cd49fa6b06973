"""What may be handed in 证据材料: name, purpose, kind of file, and who may see it.

A file is what its first bytes say, not what its name says: a photo that is none would be found out
only in the hearing. What a camera states of time and place is kept as a statement, never as fact.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

from services.cases.domain.lifecycle import LifeCycle
from services.cases.domain.matter import Matter
from services.cases.domain.papers import Attachment
from services.chassis.errors import InputRejected

PURPOSES = frozenset({"photo", "video", "record", "before", "after", "proof", "other"})
#: Bytes that `sniff` wants to see.
HEAD_BYTES = 32
_LONGEST = {"name": 200, "device": 100, "note": 1000, "request_id": 100}
_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,90}")
#: A page or a drawing that runs program code is no evidence; it is refused whatever it shows.
_ACTIVE = frozenset(
    {"text/html", "application/xhtml+xml", "image/svg+xml", "text/javascript",
     "application/javascript", "application/x-msdownload"}
)  # fmt: skip
_STARTS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
)
_BRANDS = {
    b"qt  ": "video/quicktime", b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heic",
    b"3gp4": "video/3gpp", b"3gp5": "video/3gpp", b"3gp6": "video/3gpp", b"M4A ": "audio/mp4",
}  # fmt: skip
#: Two letters are too few to contradict a stated type.
_WEAK = frozenset({"image/bmp"})
#: Types whose beginning is known: a file that says it is one must begin like one.
_KNOWN = frozenset(
    {kind for _, kind in _STARTS} | set(_BRANDS.values()) | {"image/webp", "video/mp4"}
)


@dataclass(frozen=True)
class Handed:
    """What is said of a file before its bytes; `sha256` empty = not stated."""

    matter_id: str
    name: str
    purpose: str
    media_type: str = ""
    sha256: bytes = b""
    taken_at: dt.datetime | None = None
    longitude: float | None = None
    latitude: float | None = None
    device: str = ""
    note: str = ""
    request_id: str = ""


def check_handed(one: Handed) -> None:
    """Raise `InputRejected` naming the field that cannot be accepted, before any byte is read."""
    for field, longest in _LONGEST.items():
        if len(getattr(one, field)) > longest:
            raise InputRejected(f"{field} is longer than {longest} characters", field=field)
    if not one.name.strip() or one.name in {".", ".."} or _unfit(one.name):
        raise InputRejected("a file name without folders is needed", field="name")
    if one.purpose not in PURPOSES:
        raise InputRejected(f"purpose is one of {', '.join(sorted(PURPOSES))}", field="purpose")
    if one.sha256 and len(one.sha256) != 32:
        raise InputRejected("sha256 has 32 bytes", field="sha256")
    if one.media_type and not _TYPE.fullmatch(one.media_type):
        raise InputRejected(f"{one.media_type!r} is no media type", field="media_type")
    if one.media_type in _ACTIVE:
        raise InputRejected(f"{one.media_type} may hold programs", field="media_type")
    _check_place(one)


def _unfit(name: str) -> bool:
    return any(sign in "/\\" or not sign.isprintable() for sign in name)


def _check_place(one: Handed) -> None:
    if (one.longitude is None) != (one.latitude is None):
        raise InputRejected("longitude and latitude belong together", field="longitude")
    if one.longitude is None or one.latitude is None:
        return
    if not (-180 <= one.longitude <= 180 and -90 <= one.latitude <= 90):
        raise InputRejected("longitude or latitude is out of range", field="longitude")


def sniff(head: bytes) -> str:
    """The media type that the first bytes tell, empty where they tell none.

    >>> sniff(bytes.fromhex("ffd8ffe000104a464946")), sniff(b"plain words")
    ('image/jpeg', '')
    """
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    return ""


def media_type_of(stated: str, head: bytes) -> str:
    """The type to keep. Raises `InputRejected` with both where the bytes say something else."""
    seen = sniff(head)
    if not stated:
        return seen or "application/octet-stream"
    if (seen and seen not in _WEAK and seen != stated) or (stated in _KNOWN and not seen):
        raise InputRejected(
            f"the file says it is {stated}, its bytes say {seen or 'something else'}",
            field="media_type",
            stated=stated,
            found=seen or "unknown",
        )
    return stated


def outward(matter: Matter, life: LifeCycle, files: Iterable[Attachment]) -> list[Attachment]:
    """Files that the plant may see: what it handed in, and what lines that it sees speak of."""
    named = {
        one
        for event in matter.events
        for act in life.acts
        if act.key == event.act and not act.internal
        for field in act.fields
        if field.kind == "files"
        for one in event.fields.get(field.name, "").split()
    }
    return [one for one in files if one.uploader_role == "enterprise" or one.attachment_id in named]
