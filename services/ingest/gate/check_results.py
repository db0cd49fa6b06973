"""标样核查结果: what a 2062 of HJ 212-2025 says of each factor (hj212.md 2.2, tables C.59 to C.61).

Read at the gate, which has the key of an encrypted frame. It comes by itself, after a 3024, or as
the answer to a request for a period: always as 2062.
"""

from datetime import datetime
from math import nan
from typing import TypeAlias

from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest.hj212.factors import reported
from services.ingest.hj212.messages.shapes import Checks
from services.ingest.hj212.messages.values import read_number
from services.ingest.hj212.session import Received

Word: TypeAlias = "pb.CheckWord.ValueType"  # a name of the stubs, not of the module

_WORDS: dict[str, Word] = {"1": pb.CHECK_WORD_PASSED, "0": pb.CHECK_WORD_FAILED}


def check_results(received: Received, latest: datetime) -> list[pb.CheckResult]:
    """标样核查结果 by factor, values in the factor's unit; none of any other message.

    A check that says it was after `latest` is left out, as an upload of the future is refused: it
    would reach back over hours that nobody has checked.
    """
    message = received.message
    if not isinstance(message, Checks) or message.data_time.utc > latest:
        return []
    time_s = int(message.data_time.utc.timestamp())
    st = message.head.st
    found = []
    for code in dict.fromkeys(group.code for group in message.groups):
        factor, texts = reported(code, st, message.version), message.of(code)
        found.append(
            pb.CheckResult(
                factor=factor.code,
                time_s=time_s,
                measured=_number(texts.get("SampleRd", ""), factor.scale),
                standard=_number(texts.get("StandardValue", ""), factor.scale),
                said=_WORDS.get(texts.get("ResultType", ""), pb.CHECK_WORD_UNSPECIFIED),
            )
        )
    return found


def _number(text: str, scale: float) -> float:
    number = read_number(text)
    return nan if number is None else number * scale
