"""What one logger connection must remember (会话): the frame begun, and what was already sent.

Sans-IO: bytes and a clock reading in, `Received` values out. A logger repeats an unanswered frame
with the same QN (HJ 212-2017 6.7), so (MN, QN, CN, PNO) with the same bytes is a repeat; the same
numbers over other bytes are no repeat, for a changed value must not vanish. Every packet of a split
upload is a frame of its own and is answered by itself (tables C.49, C.50).
"""

from collections import OrderedDict
from dataclasses import dataclass

from services.ingest.hj212.encode import encode_data_reply
from services.ingest.hj212.errors import PeerProtocolError
from services.ingest.hj212.framing import Filler, Frame, Framer, Item
from services.ingest.hj212.messages import Upload, read_upload
from services.ingest.hj212.segment import parse_segment

REMEMBERED = (
    128  # a logger waits for its answer, so a repeat follows soon; the store knows the rest
)

_NAME = 64  # longest MN and QN that are written down apart from the raw frame (24 and 17 by rule)


@dataclass(frozen=True, slots=True)
class Received:
    """One frame's account: an upload, or the reason why it is none, with what the head says."""

    raw: bytes
    offset: int
    upload: Upload | None
    reason: str = ""  # crc, length, header, incomplete, too_long, malformed, not_upload
    mn: str = ""
    cn: str = ""
    qn: str = ""
    notes: tuple[str, ...] = ()


class Session:
    """One connection. Times are seconds of any monotonic clock, given by the caller."""

    def __init__(self, now: float) -> None:
        self._framer = Framer()
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._last_bytes = now

    def receive(self, data: bytes, now: float) -> list[Received]:
        """The frames and faults that these bytes complete."""
        self._last_bytes = now
        return _accounts(self._framer.feed(data))

    def flush(self) -> list[Received]:
        """The rest, after the end of the stream or a stall."""
        return _accounts(self._framer.flush())

    def silent_for(self, now: float) -> float:
        """Seconds since the last byte."""
        return now - self._last_bytes

    def stalled(self, now: float, patience: float) -> bool:
        """Whether a frame was begun and nothing followed for `patience` seconds."""
        return self.silent_for(now) >= patience and self._framer.begun

    def is_repeat(self, received: Received) -> bool:
        """Whether this upload was already settled here; from now on it is."""
        upload = received.upload
        if upload is None:
            return False
        key = hash((upload.mn, upload.qn, upload.cn, upload.pno, received.raw))
        repeated = key in self._seen
        self._seen[key] = None
        self._seen.move_to_end(key)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return repeated


def reply_due(upload: Upload) -> bytes | None:
    """The 9014 to send once the upload is safe; None when Flag bit 0 does not ask for it."""
    return encode_data_reply(upload) if upload.wants_reply else None


def _accounts(items: list[Item]) -> list[Received]:
    return [
        _read(item)
        if isinstance(item, Frame)
        else Received(item.raw, item.offset, None, reason=item.kind)
        for item in items
        if not isinstance(item, Filler)
    ]


def _read(frame: Frame) -> Received:
    """A verified frame as an upload, or refused with what could be read of its head."""
    head: dict[str, str] = {}
    try:
        segment = parse_segment(frame.segment)
        head = segment.head
        upload = read_upload(segment)
    except PeerProtocolError as error:
        return Received(
            frame.raw,
            frame.offset,
            None,
            reason=error.reason,
            mn=head.get("MN", "")[:_NAME],
            cn=head.get("CN", "")[:8],
            qn=head.get("QN", "")[:_NAME],
            notes=frame.notes,
        )
    return Received(
        frame.raw,
        frame.offset,
        upload,
        mn=upload.mn[:_NAME],
        cn=upload.cn,
        qn=upload.qn[:_NAME],
        notes=frame.notes + upload.notes,
    )
