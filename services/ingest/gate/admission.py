"""Whether a frame may come in (准入): the first reason against it, by name."""

from datetime import datetime, timedelta

from services.ingest.gate.directory import LoggerEntry
from services.ingest.hj212.session import Received


def refusal(
    received: Received, logger: LoggerEntry | None, now: datetime, future: timedelta
) -> str:
    """The reason to refuse, or an empty text.

    A fault of the bytes comes first; then who sends: unknown_mn, disabled, wrong_password; then
    what: a DataTime more than `future` ahead of `now` is future_time (a clock that runs ahead would
    otherwise fill hours that have not happened). A DataTime in the past is late, not wrong.
    """
    if received.reason:
        return received.reason
    if logger is None:
        return "unknown_mn"
    if not logger.enabled:
        return "disabled"
    segment, upload = received.segment, received.upload
    if segment is None or segment.pw != logger.password:
        return "wrong_password"
    if upload is not None and upload.data_time - now > future:
        return "future_time"
    return ""
