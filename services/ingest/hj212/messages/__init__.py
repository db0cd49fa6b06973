"""Typed messages of every command, in both directions."""

from services.ingest.hj212.messages.head import Head
from services.ingest.hj212.messages.reading import AnyMessage, Unknown, read_message
from services.ingest.hj212.messages.shapes import Group, Message
from services.ingest.hj212.messages.upload import UPLOADS, FactorValues, Upload, read_upload
from services.ingest.hj212.messages.values import Moment, Number, read_number, read_time

__all__ = [
    "UPLOADS",
    "AnyMessage",
    "FactorValues",
    "Group",
    "Head",
    "Message",
    "Moment",
    "Number",
    "Unknown",
    "Upload",
    "read_message",
    "read_number",
    "read_time",
    "read_upload",
]
