"""One request to one logger and what it comes to (通讯流程, HJ 212-2017 6.4; hj212.md 2.4, 2.5).

Sans-IO: replies and clock readings in, steps out. The request is written, and written again with
the **same** QN while no 9011 comes; after a 9011 that says ready, answers, and 9012 ends it. Which
moves are legal stands in `MOVES`; what a reply means for this request is decided in `_signal`.

Real loggers are looser than the text, and what they say is still a fact: an answer or a 9012 counts
without its 9011, a reply without any QN belongs to the only request under way, a second 9011 or a
9012 after the end changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from services.ingest.hj212.segment import Segment

TIMEOUT_S = 10.0  # GPRS to LTE; 5 for ADSL (hj212.md 2.5)
SENDINGS = 3  # ReCount
EXECUTION_S = 60.0  # the text gives no number [?]; a setting of the gate

Answers = Literal["nothing", "value", "series", "notice"]

# Return codes by name, hj212.md 2.3. 2005 knows QnRtn 1-3 and ExeRtn 1, 2, 100.
QN_RETURNS = {
    1: "ready",
    2: "refused",
    3: "wrong password",
    4: "wrong MN",
    5: "wrong ST",
    6: "wrong Flag",
    7: "wrong QN",
    8: "wrong CN",
    9: "CRC error",
    100: "unknown error",
}
EXE_RETURNS = {
    1: "success",
    2: "failed, cause unknown",
    3: "wrong condition in the request",
    4: "communication timeout",
    5: "system busy",
    6: "system fault",
    100: "no data",
}


class State(StrEnum):
    """Where a dialogue stands."""

    NEW = "new"  # nothing written yet
    ASKED = "asked"  # written, no 9011 yet
    EXECUTING = "executing"  # the logger is at it
    DONE = "done"  # carried out
    FAILED = "failed"  # refused, failed, silent or cut off; the last step says which


class Signal(StrEnum):
    """What can happen to a dialogue."""

    BEGUN = "begun"  # our turn to write
    OVERDUE = "overdue"  # the timeout passed and there is a sending left
    SILENT = "silent"  # the timeout passed for the last time
    READY = "ready"  # 9011, QnRtn=1
    REFUSED = "refused"  # 9011, another QnRtn
    ANSWER = "answer"  # a frame with the answer, or one of a series
    SUCCESS = "success"  # 9012, ExeRtn=1
    FAILURE = "failure"  # 9012, another ExeRtn
    NOTED = "noted"  # 9013, to a notice
    GONE = "gone"  # the connection ended


class StepKind(StrEnum):
    """What is worth telling."""

    WRITTEN = "written"  # write the request's bytes now
    ACKNOWLEDGED = "acknowledged"
    ANSWER = "answer"
    RESULT = "result"
    TIMED_OUT = "timed_out"
    DISCONNECTED = "disconnected"


#: (state, signal) -> (next state, what is told). A pair that is missing changes nothing.
MOVES: Mapping[tuple[State, Signal], tuple[State, StepKind]] = {
    (State.NEW, Signal.BEGUN): (State.ASKED, StepKind.WRITTEN),
    (State.NEW, Signal.GONE): (State.FAILED, StepKind.DISCONNECTED),
    (State.ASKED, Signal.OVERDUE): (State.ASKED, StepKind.WRITTEN),
    (State.ASKED, Signal.SILENT): (State.FAILED, StepKind.TIMED_OUT),
    (State.ASKED, Signal.READY): (State.EXECUTING, StepKind.ACKNOWLEDGED),
    (State.ASKED, Signal.REFUSED): (State.FAILED, StepKind.ACKNOWLEDGED),
    (State.ASKED, Signal.ANSWER): (State.EXECUTING, StepKind.ANSWER),
    (State.ASKED, Signal.SUCCESS): (State.DONE, StepKind.RESULT),
    (State.ASKED, Signal.FAILURE): (State.FAILED, StepKind.RESULT),
    (State.ASKED, Signal.NOTED): (State.DONE, StepKind.RESULT),
    (State.ASKED, Signal.GONE): (State.FAILED, StepKind.DISCONNECTED),
    (State.EXECUTING, Signal.ANSWER): (State.EXECUTING, StepKind.ANSWER),
    (State.EXECUTING, Signal.SUCCESS): (State.DONE, StepKind.RESULT),
    (State.EXECUTING, Signal.FAILURE): (State.FAILED, StepKind.RESULT),
    (State.EXECUTING, Signal.NOTED): (State.DONE, StepKind.RESULT),
    (State.EXECUTING, Signal.SILENT): (State.FAILED, StepKind.TIMED_OUT),
    (State.EXECUTING, Signal.GONE): (State.FAILED, StepKind.DISCONNECTED),
}
ENDED = frozenset({State.DONE, State.FAILED})


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a logger. Times in seconds."""

    cn: str
    qn: str
    data: bytes  # the frame that is written, every time the same
    answers: Answers
    begin: str = ""  # of a series: BeginTime and EndTime as on the wire, inclusive
    end: str = ""
    timeout_s: float = TIMEOUT_S
    sendings: int = SENDINGS
    execution_s: float = EXECUTION_S


@dataclass(frozen=True, slots=True)
class Reply:
    """A frame of the logger as a dialogue sees it."""

    cn: str
    qn: str  # of the head, or inside CP as 2005 has it in 9011 to 9013; empty = none
    fields: tuple[tuple[str, str], ...] = ()
    wants_reply: bool = False
    raw: bytes = b""

    def field(self, name: str) -> str:
        """The first field of this name, any case; empty when absent."""
        wanted = name.lower()
        return next((text for key, text in self.fields if key.lower() == wanted), "")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened; `state` is where the dialogue stands after it."""

    kind: StepKind
    at: float  # seconds, the clock of the caller
    state: State
    detail: str = ""
    reply: Reply | None = None  # the frame that caused it


def reply_of(segment: Segment, raw: bytes = b"") -> Reply:
    """A parsed segment as a reply; QN is taken from CP where the head has none (2005)."""
    fields = tuple(segment.pairs())
    qn = segment.qn or next((text for name, text in fields if name == "QN"), "")
    return Reply(segment.cn, qn, fields, segment.wants_reply, raw)


class Dialogue:
    """One request under way. `now` is seconds of any monotonic clock."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.state = State.NEW
        self.sent = 0  # how often the request was written
        self.answers = 0  # frames of the answer so far
        self.due: float | None = None  # when `tick` has something to do

    @property
    def ended(self) -> bool:
        """Whether nothing can change any more."""
        return self.state in ENDED

    def begin(self, now: float) -> list[Step]:
        """Write the request."""
        return self._move(Signal.BEGUN, now)

    def receive(self, reply: Reply, now: float) -> list[Step]:
        """What a frame of the logger means here; nothing when it is not `owns` or comes again."""
        signal = self._signal(reply)
        return self._move(signal, now, reply) if signal else []

    def owns(self, reply: Reply) -> bool:
        """Whether a frame belongs to this request, in time, again or late."""
        return self._signal(reply) is not None

    def tick(self, now: float) -> list[Step]:
        """What the time alone brings: the request again, or the end of waiting."""
        if self.due is None or now < self.due:
            return []
        again = self.state is State.ASKED and self.sent < self.request.sendings
        return self._move(Signal.OVERDUE if again else Signal.SILENT, now)

    def postpone(self, seconds: float) -> None:
        """We did not listen for so long: that time is not the logger's."""
        if self.due is not None:
            self.due += seconds

    def gone(self, now: float) -> list[Step]:
        """The connection ended."""
        return self._move(Signal.GONE, now)

    def _signal(self, reply: Reply) -> Signal | None:
        """What a frame says to this request, None when it says nothing to it."""
        request = self.request
        if reply.cn == request.cn:
            return Signal.ANSWER if self._is_answer(reply) else None
        if reply.qn and reply.qn != request.qn:
            return None  # of another dialogue
        if reply.cn == "9011":
            return Signal.READY if _code(reply, "QnRtn") == 1 else Signal.REFUSED
        if reply.cn == "9012":
            return Signal.SUCCESS if _code(reply, "ExeRtn") == 1 else Signal.FAILURE
        if reply.cn == "9013" and request.answers == "notice":
            return Signal.NOTED
        return None

    def _is_answer(self, reply: Reply) -> bool:
        """Frames of a series have a QN of their own, as uploads do; the period tells them apart."""
        request = self.request
        if request.answers == "series":
            return request.begin <= reply.field("DataTime")[:14] <= request.end
        return reply.qn == request.qn or (not reply.qn and request.answers == "value")

    def _move(self, signal: Signal, now: float, reply: Reply | None = None) -> list[Step]:
        move = MOVES.get((self.state, signal))
        if move is None:
            return []
        before = self.state
        self.state, kind = move
        self.sent += kind is StepKind.WRITTEN
        self.answers += kind is StepKind.ANSWER
        self.due = self._next_due(now)
        return [Step(kind, now, self.state, self._detail(kind, before, reply), reply)]

    def _next_due(self, now: float) -> float | None:
        if self.state is State.ASKED:
            return now + self.request.timeout_s
        return now + self.request.execution_s if self.state is State.EXECUTING else None

    def _detail(self, kind: StepKind, before: State, reply: Reply | None) -> str:
        request = self.request
        if kind is StepKind.WRITTEN:
            return f"{self.sent} of {request.sendings}"
        if kind is StepKind.ACKNOWLEDGED and reply:
            return _named(reply, "QnRtn", QN_RETURNS)
        if kind is StepKind.RESULT and reply:
            return "noted" if reply.cn == "9013" else _named(reply, "ExeRtn", EXE_RETURNS)
        if kind is StepKind.TIMED_OUT:
            if before is State.ASKED:
                return f"no 9011 in {self.sent} x {request.timeout_s:g} s"
            return f"nothing for {request.execution_s:g} s after {self.answers} answers"
        return ""


def _code(reply: Reply, name: str) -> int:
    """A return code; 0 when absent or no number."""
    text = reply.field(name)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0


def _named(reply: Reply, name: str, names: Mapping[int, str]) -> str:
    """`2 refused`; a code that no table has stays as it was received."""
    word = names.get(_code(reply, name))
    text = reply.field(name)[:16]
    return f"{text} {word}" if word else f"{text or 'no ' + name} (not in the tables)"
