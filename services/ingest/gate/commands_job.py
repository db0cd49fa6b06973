"""One order while it is here: its request on the wire, and what is told of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from services.chassis.clock import to_timestamp
from services.chassis.pb.ingest.v1 import command_pb2 as pb
from services.ingest.gate.commands_settings import CommandSettings
from services.ingest.gate.connections import Link
from services.ingest.hj212.commands import check_request, find
from services.ingest.hj212.dialogue import (
    ENDED,
    SENDINGS,
    TIMEOUT_S,
    Answers,
    Dialogue,
    Request,
    State,
    Step,
    StepKind,
)
from services.ingest.hj212.encode import encode_request
from services.ingest.hj212.version import Version

CommandState: TypeAlias = "pb.CommandState.ValueType"  # names of the stubs, not of the module
Kind: TypeAlias = "pb.CommandStepKind.ValueType"
Tell = Callable[[pb.CommandProgress], None]

ANSWERS_TOLD = 20  # frames of one answer told one by one; the rest is counted (they are uploads)
FIELDS_TOLD = 200  # fields of one frame; a segment of 2 KB hardly holds more
FIELD_SIZE = 1024  # characters of one field
_RETAINS = "3015"  # gives a value back, yet fills a bottle (hj212.md 2.2)

_KINDS = {
    StepKind.WRITTEN: pb.COMMAND_STEP_KIND_WRITTEN,
    StepKind.ACKNOWLEDGED: pb.COMMAND_STEP_KIND_ACKNOWLEDGED,
    StepKind.ANSWER: pb.COMMAND_STEP_KIND_ANSWER,
    StepKind.RESULT: pb.COMMAND_STEP_KIND_RESULT,
    StepKind.TIMED_OUT: pb.COMMAND_STEP_KIND_TIMED_OUT,
    StepKind.DISCONNECTED: pb.COMMAND_STEP_KIND_DISCONNECTED,
}
_STATES = {
    State.NEW: pb.COMMAND_STATE_QUEUED,
    State.ASKED: pb.COMMAND_STATE_SENT,
    State.EXECUTING: pb.COMMAND_STATE_RUNNING,
    State.DONE: pb.COMMAND_STATE_DONE,
    State.FAILED: pb.COMMAND_STATE_FAILED,
}
UNKNOWN_FATE = "the connection ended after the request was written; its fate is not known"


@dataclass(slots=True)
class Job:
    """An order and, once its turn has come, its dialogue over one link."""

    order: pb.CommandOrder
    gate_id: str
    steps: int = 0
    dialogue: Dialogue | None = None
    link: Link | None = None
    ended_at: float = field(default=0.0)  # seconds of the desk's clock

    @property
    def repeatable(self) -> bool:
        """Whether it may be asked again though it was written: it only reads."""
        if self.dialogue is None:
            return True
        reads = self.dialogue.request.answers in {"value", "series"}
        return reads and self.order.cn != _RETAINS

    def begin(self, link: Link, qn: str, settings: CommandSettings) -> Dialogue:
        """Make the dialogue; `LocalProtocolError` when HJ 212 cannot say what is ordered."""
        order, entry = self.order, link.entry
        assert entry is not None
        version = Version(link.version or entry.policy.version or Version.V2017)
        fields = check_request(order.cn, version, dict(order.parameters), entry.st)
        values = dict(fields)
        data = encode_request(
            order.cn,
            mn=order.mn,
            password=entry.password,
            st=entry.st,
            qn=qn,
            version=version,
            fields=fields,
        )
        answers = _answers(order.cn, version, entry.st)
        at_work = order.cn.startswith("3") and answers == "nothing"
        request = Request(
            cn=order.cn,
            qn=qn,
            data=data,
            answers=answers,
            begin=values.get("BeginTime", ""),
            end=values.get("EndTime", ""),
            timeout_s=order.timeout_s or TIMEOUT_S,
            sendings=order.retries or SENDINGS,
            execution_s=settings.work_s if at_work else settings.execution_s,
        )
        self.link = link
        self.dialogue = Dialogue(request)
        return self.dialogue

    def tell_step(self, step: Step, at: datetime, tell: Tell) -> None:
        """Tell what the dialogue did; of a long answer only its beginning, then its number."""
        dialogue = self.dialogue
        assert dialogue is not None
        if step.kind is StepKind.ANSWER and dialogue.answers > self._answers_told():
            return
        detail, state = step.detail, _STATES[step.state]
        if step.kind is StepKind.RESULT and dialogue.answers:
            detail = f"{detail}, {dialogue.answers} frames"
        if step.kind is StepKind.DISCONNECTED:
            state = pb.COMMAND_STATE_QUEUED if self.repeatable else pb.COMMAND_STATE_FAILED
            detail = detail or ("the connection ended" if self.repeatable else UNKNOWN_FATE)
        event = self._event(_KINDS[step.kind], at, state, detail)
        if step.kind is StepKind.WRITTEN:
            event.raw = dialogue.request.data
        elif step.reply is not None:
            event.raw = step.reply.raw
            event.fields.extend(
                pb.CommandField(name=name[:FIELD_SIZE], value=value[:FIELD_SIZE])
                for name, value in step.reply.fields[:FIELDS_TOLD]
            )
        self._tell(event, tell)

    def tell(self, kind: Kind, at: datetime, state: CommandState, detail: str, tell: Tell) -> None:
        """Tell what happened outside of a dialogue."""
        self._tell(self._event(kind, at, state, detail), tell)

    def _tell(self, event: pb.CommandProgress, tell: Tell) -> None:
        if self.order.command_id:  # the gate's own requests are nobody's order
            tell(event)

    def _answers_told(self) -> int:
        """Back-fill is seen in the readings; its answers would only be written down twice."""
        return 0 if self.order.background else ANSWERS_TOLD

    def _event(
        self, kind: Kind, at: datetime, state: CommandState, detail: str
    ) -> pb.CommandProgress:
        self.steps += 1
        return pb.CommandProgress(
            command_id=self.order.command_id,
            number=self.steps,
            kind=kind,
            at=to_timestamp(at),
            detail=detail,
            qn=self.dialogue.request.qn if self.dialogue else "",
            state=state,
            gate_id=self.gate_id,
            mn=self.order.mn,
        )

    @property
    def ended(self) -> bool:
        """Whether its dialogue is over."""
        return self.dialogue is not None and self.dialogue.state in ENDED


def _answers(cn: str, version: Version, st: str) -> Answers:
    row = find(cn, version, st)
    assert row is not None  # check_request found it
    for known in ("value", "series", "notice"):
        if row.answers == known:
            return known
    return "nothing"
