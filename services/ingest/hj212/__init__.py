"""HJ 212, 污染物在线监控(监测)系统数据传输标准: the protocol without input or output.

Bytes in, values out, bytes back: `Framer` -> `parse_segment` -> `read_message`, and the `encode_*`
functions; `Session` does the first three for one connection and keeps what it must remember. No
socket, clock or environment: time is an argument. Who is to blame is the type of the error:
`PeerProtocolError` is theirs, `LocalProtocolError` is ours. Guide: docs/hj212.md.
"""

from services.ingest.hj212.cipher import decrypt_area, encrypt_area, encrypt_frame
from services.ingest.hj212.commands import CommandSpec, check_request, spec
from services.ingest.hj212.crc import crc16
from services.ingest.hj212.dialogue import Dialogue
from services.ingest.hj212.encode import (
    encode_data_reply,
    encode_frame,
    encode_message,
    encode_reply,
    encode_request,
    encode_upload,
    request_number,
)
from services.ingest.hj212.errors import LocalProtocolError, PeerProtocolError, ProtocolError
from services.ingest.hj212.framing import REPAIRS, Fault, Filler, Frame, Framer
from services.ingest.hj212.messages import FactorValues, Message, Unknown, Upload, read_message
from services.ingest.hj212.policy import LoggerPolicy, PolicyOf, default_policy
from services.ingest.hj212.segment import Segment, parse_segment
from services.ingest.hj212.session import Received, Session, reply_due
from services.ingest.hj212.version import Version, version_of

__all__ = [
    "REPAIRS",
    "CommandSpec",
    "Dialogue",
    "FactorValues",
    "Fault",
    "Filler",
    "Frame",
    "Framer",
    "LocalProtocolError",
    "LoggerPolicy",
    "Message",
    "PeerProtocolError",
    "PolicyOf",
    "ProtocolError",
    "Received",
    "Segment",
    "Session",
    "Unknown",
    "Upload",
    "Version",
    "check_request",
    "crc16",
    "decrypt_area",
    "default_policy",
    "encode_data_reply",
    "encode_frame",
    "encode_message",
    "encode_reply",
    "encode_request",
    "encode_upload",
    "encrypt_area",
    "encrypt_frame",
    "parse_segment",
    "read_message",
    "reply_due",
    "request_number",
    "spec",
    "version_of",
]
