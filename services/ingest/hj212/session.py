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
from services.ingest.hj212.framing import Fault, Filler, Frame, Framer
from services.ingest.hj212.messages import AnyMessage, Upload, read_message
from services.ingest.hj212.policy import PolicyOf, default_policy
from services.ingest.hj212.segment import Segment, parse_segment
from services.ingest.hj212.version import Version, version_of

REMEMBERED = (
    128  # a logger waits for its answer, so a repeat follows soon; the store knows the rest
)

_CN_NAME = 8
_NAME = 64  # longest MN and QN that are written down apart from the raw frame (24 and 17 by rule)


@dataclass(frozen=True, slots=True)
class Received:
    """One frame's account: what it says, or the reason why it says nothing.

    `reason` is empty for a frame that was read, else crc, length, header, incomplete, too_long or
    malformed, with `detail` in words. `message` is the typed message of any command; `upload` is
    the same object where it holds readings.
    """

    raw: bytes
    offset: int
    upload: Upload | None = None
    reason: str = ""
    detail: str = ""
    mn: str = ""
    cn: str = ""
    qn: str = ""
    segment: Segment | None = None
    message: AnyMessage | None = None
    version: Version | None = None
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cipher: str = ""  # "", "raw" or "hex": how the data area was encrypted


class Session:
    """One connection. Times are seconds of any monotonic clock, given by the caller."""

    def __init__(self, now: float, policy_of: PolicyOf = default_policy) -> None:
        self._framer = Framer(policy_of)
        self._policy_of = policy_of
        self._versions: OrderedDict[str, Version] = OrderedDict()
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._last_bytes = now
        self.bytes_in = 0

    def receive(self, data: bytes, now: float) -> list[Received]:
        """The frames and faults that these bytes complete."""
        self._last_bytes = now
        self.bytes_in += len(data)
        return [
            self._read(item) if isinstance(item, Frame) else _refused(item)
            for item in self._framer.feed(data)
            if not isinstance(item, Filler)
        ]

    def flush(self) -> list[Received]:
        """The rest, after the end of the stream or a stall."""
        return [
            self._read(item) if isinstance(item, Frame) else _refused(item)
            for item in self._framer.flush()
            if not isinstance(item, Filler)
        ]

    def version_of(self, mn: str) -> Version | None:
        """The version this logger last spoke here, else the one it is registered with."""
        return self._versions.get(mn) or self._policy_of(mn).version

    def silent_for(self, now: float) -> float:
        """Seconds since the last byte."""
        return now - self._last_bytes

    def stalled(self, now: float, patience: float) -> bool:
        """Whether a frame was begun and nothing followed for `patience` seconds."""
        return self.silent_for(now) >= patience and self._framer.begun

    def is_repeat(self, received: Received) -> bool:
        """Whether this frame was already settled here; from now on it is."""
        if received.reason:
            return False
        key = hash(received.raw)  # the same bytes have the same MN, QN, CN and PNO
        repeated = key in self._seen
        self._seen[key] = None
        self._seen.move_to_end(key)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return repeated

    def _read(self, frame: Frame) -> Received:
        """A verified frame as a message, or refused with what could be read of its head."""
        segment: Segment | None = None
        version: Version | None = None
        message: AnyMessage | None = None
        reason = detail = ""
        notes = frame.notes
        try:
            segment = parse_segment(frame.segment)
            notes += segment.notes
            version = self._version(segment)
            message = read_message(segment, version)
            notes = frame.notes + message.notes
        except PeerProtocolError as error:
            reason, detail = error.reason, error.detail
        head = {} if segment is None else segment.head
        return Received(
            frame.raw,
            frame.offset,
            message if isinstance(message, Upload) else None,
            reason,
            detail,
            head.get("MN", "")[:_NAME],
            head.get("CN", "")[:_CN_NAME],
            head.get("QN", "")[:_NAME],
            segment,
            message,
            version,
            frame.repairs,
            notes,
            frame.cipher,
        )

    def _version(self, segment: Segment) -> Version:
        """Decide the frame's version and remember it for its logger."""
        mn = segment.mn[:_NAME]
        remembered = self._versions.get(mn) or self._policy_of(mn).version
        version = version_of(segment, remembered)
        if self._versions.get(mn) is not version:
            self._versions[mn] = version
            if len(self._versions) > REMEMBERED:
                self._versions.popitem(last=False)
        return version


def reply_due(upload: Upload) -> bytes | None:
    """The 9014 to send once the upload is safe; None when Flag bit 0 does not ask for it."""
    return encode_data_reply(upload) if upload.wants_reply else None


def _refused(fault: Fault) -> Received:
    return Received(fault.raw, fault.offset, reason=fault.kind, detail=fault.detail)
