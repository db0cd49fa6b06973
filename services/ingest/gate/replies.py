"""Which answer a logger's frame is due (hj212.md 2.4): 9014 to data, 9013 to a notice, or none."""

from functools import cache

from services.chassis.log import get_logger
from services.ingest.hj212.commands import find
from services.ingest.hj212.encode import encode_reply
from services.ingest.hj212.errors import LocalProtocolError
from services.ingest.hj212.messages import Head
from services.ingest.hj212.session import Received, reply_due
from services.ingest.hj212.version import Version

log = get_logger(__name__)

DATA_REPLY, NOTICE_REPLY = "9014", "9013"
HEARTBEAT, CALIBRATION_WISH, KEY_WISH, REGISTRATION = "9015", "1013", "1014", "1001"
#: Replies; and the wish for a key, whose answer is the key: a 9013 would end its repeating.
_NOT_ANSWERED = frozenset({"9011", "9012", "9013", "9014", KEY_WISH})


def reply_to(received: Received) -> bytes | None:
    """The frame that answers an admitted frame, or None where none is due.

    Replies are never answered. Data is answered where Flag bit 0 asks; a notice where bit 0 asks or
    where there is no Flag (HJ/T 212-2005 may leave it out). Nothing here sets bit 0 on a reply: an
    acknowledgement of an acknowledgement would be due then, as real platforms show (hj212.md 2.4).
    """
    try:
        return _reply_to(received)
    except LocalProtocolError as error:  # a head so long that no reply can repeat it
        log.warning("reply_not_possible", mn=received.mn, cn=received.cn, error=str(error))
        return None


def _reply_to(received: Received) -> bytes | None:
    upload, segment = received.upload, received.segment
    if upload is not None:
        return reply_due(upload)
    if segment is None or received.cn in _NOT_ANSWERED:
        return None
    version = received.version or Version.V2017
    notice = _is_notice(received.cn, version)
    if not segment.wants_reply and not (notice and "Flag" not in segment.head):
        return None
    return encode_reply(NOTICE_REPLY if notice else DATA_REPLY, Head(segment.head), version)


def is_empty_notice(cn: str) -> bool:
    """Whether a frame with this CN carries no data worth an answer each: heartbeat and wishes."""
    return cn in (HEARTBEAT, CALIBRATION_WISH, REGISTRATION)


@cache
def _is_notice(cn: str, version: Version) -> bool:
    row = find(cn, version) or find(cn)
    return row is not None and row.up == "notice"
