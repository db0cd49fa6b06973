"""Commands between rows and protobuf; what a reader may not know is left out here."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from services.chassis.clock import from_timestamp, to_timestamp
from services.chassis.pb.ingest.v1 import callback_pb2 as pb
from services.chassis.pb.ingest.v1 import command_pb2 as command_pb
from services.ingest.command_store import Step
from services.ingest.command_tables import CommandRow, SessionRow, StepRow
from services.ingest.domain.commands import (
    LIVING,
    MASK,
    SECRETS,
    State,
    mask_value,
    order_id,
)
from services.ingest.domain.field_names import FieldName, detail_zh, name_of_field
from services.ingest.hj212.commands import find
from services.ingest.wire import clean

StateValue: TypeAlias = "command_pb.CommandState.ValueType"
KindValue: TypeAlias = "command_pb.CommandStepKind.ValueType"

STATES: Mapping[State, StateValue] = {
    State.QUEUED: command_pb.COMMAND_STATE_QUEUED,
    State.SENT: command_pb.COMMAND_STATE_SENT,
    State.RUNNING: command_pb.COMMAND_STATE_RUNNING,
    State.DONE: command_pb.COMMAND_STATE_DONE,
    State.FAILED: command_pb.COMMAND_STATE_FAILED,
    State.LOST: command_pb.COMMAND_STATE_FAILED,
    State.EXPIRED: command_pb.COMMAND_STATE_EXPIRED,
    State.CANCELLED: command_pb.COMMAND_STATE_CANCELLED,
}
KIND_UNKNOWN = command_pb.COMMAND_STEP_KIND_UNSPECIFIED
#: Steps whose detail names a person, a reason or a gate.
_OF_PEOPLE = frozenset({"dispatched", "cancelled"})
_PREFIX = "COMMAND_STEP_KIND_"
_SECRET = re.compile(rb"(?<![A-Za-z])((?:%s)=)[^;,&]*" % "|".join(sorted(SECRETS)).encode())


@dataclass(frozen=True, slots=True)
class Sight:
    """What a reader may know besides the command itself."""

    people: bool = True  # who asked and why, gates and peers: not for the enterprise
    secrets: bool = False  # passwords and keys


EVERYTHING = Sight(people=True, secrets=True)


def kind_word(kind: int) -> str:
    """The word that a step's kind is stored as; an unknown one is its number."""
    if kind in command_pb.CommandStepKind.values():
        return command_pb.CommandStepKind.Name(kind).removeprefix(_PREFIX).lower()  # type: ignore[arg-type]
    return str(kind)


def kind_of(kind: str) -> KindValue:
    """The kind of a stored word."""
    name = f"{_PREFIX}{kind.upper()}"
    known = name in command_pb.CommandStepKind.keys()  # noqa: SIM118 - not a dict
    return command_pb.CommandStepKind.Value(name) if known else KIND_UNKNOWN


def states_of(state: int) -> tuple[State, ...]:
    """The states that a query means; empty = any."""
    return tuple(one for one, value in STATES.items() if value == state)


def step_from(event: command_pb.CommandProgress, sending: int) -> Step:
    """A gate's word as a step."""
    return Step(
        kind=kind_word(event.kind),
        at=from_timestamp(event.at),
        detail=clean(event.detail),
        qn=clean(event.qn),
        gate_id=event.gate_id,
        sending=sending,
        gate_number=event.number,
        fields=[(clean(one.name), clean(one.value)) for one in event.fields],
        raw=event.raw,
    )


def order_message(row: CommandRow, *, begin_before: datetime) -> command_pb.CommandOrder:
    """What the gate is told."""
    return command_pb.CommandOrder(
        command_id=order_id(str(row.command_id), row.sendings),
        mn=row.mn,
        cn=row.cn,
        parameters=dict(joined(row.parameters)),
        deadline=to_timestamp(begin_before),
        background=row.priority < 0,
    )


def joined(pairs: Iterable[list[str]]) -> Iterable[tuple[str, str]]:
    """Pairs with the values of a repeated name in one text, as the command table takes them."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return ((name, ",".join(texts)) for name, texts in values.items())


def command_message(row: CommandRow, sight: Sight) -> pb.Command:
    """A command as a reader may see it."""
    spec = find(row.cn)
    message = pb.Command(
        command_id=str(row.command_id),
        mn=row.mn,
        outlet_id=row.outlet_id,
        cn=row.cn,
        title_zh=spec.title_zh if spec else row.cn,
        title_en=spec.title_en if spec else row.cn,
        control=row.control,
        parameters=[
            command_pb.CommandField(
                name=name, value=value if sight.secrets else mask_value(name, value)
            )
            for name, value in row.parameters
        ],
        purpose=row.purpose,
        state=STATES[State(row.state)],
        fate_unknown=row.state == State.LOST,
        requested_role=row.requested_role,
        requested_at=to_timestamp(row.requested_at),
        deadline=to_timestamp(row.deadline),
        background=row.priority < 0,
        sendings=row.sendings,
        qn=row.qn,
    )
    if sight.people:
        message.requested_by, message.requested_name = row.requested_by, row.requested_name
        message.reason, message.gate_id = row.reason, row.gate_id
    if sight.people or row.state != State.CANCELLED:  # who withdraws says why
        message.outcome, message.outcome_zh = row.outcome, detail_zh(row.outcome)
    if row.sent_at is not None:
        message.sent_at.CopyFrom(to_timestamp(row.sent_at))
    if row.ended_at is not None:
        message.ended_at.CopyFrom(to_timestamp(row.ended_at))
    return message


def is_living(row: CommandRow) -> bool:
    """Whether a command may still change."""
    return State(row.state) in LIVING


def step_message(step: StepRow, command: CommandRow, sight: Sight) -> pb.CommandStep:
    """A step as a reader may see it."""
    elapsed = (step.at - command.requested_at).total_seconds() * 1000
    detail = step.detail if sight.people or step.kind not in _OF_PEOPLE else ""
    return pb.CommandStep(
        number=step.number,
        kind=kind_of(step.kind),
        at=to_timestamp(step.at),
        elapsed_ms=min(max(0, round(elapsed)), 2**32 - 1),
        detail=detail,
        detail_zh=detail_zh(detail),
        qn=step.qn,
        gate_id=step.gate_id if sight.people else "",
        fields=[field_message(name, value, sight) for name, value in step.fields],
        raw=step.raw if sight.secrets else mask_frame(step.raw),
    )


def field_message(name: str, value: str, sight: Sight) -> pb.AnswerField:
    """A field of a request or an answer with its name in words."""
    words: FieldName = name_of_field(name)
    return pb.AnswerField(
        name=name,
        value=value if sight.secrets else mask_value(name, value),
        title_zh=words.zh,
        title_en=words.en,
        unit=words.unit,
    )


def mask_frame(raw: bytes) -> bytes:
    """A frame without its secrets; other bytes as they were, so its CRC no longer fits.

    >>> mask_frame(b"##0035ST=31;CN=1072;PW=123456;CP=&&NewPW=654321&&")
    b'##0035ST=31;CN=1072;PW=******;CP=&&NewPW=******&&'
    """
    return _SECRET.sub(rb"\1" + MASK.encode(), raw)


def logger_message(row: SessionRow, last_at: datetime | None, sight: Sight) -> pb.LoggerState:
    """A logger's connection as a reader may see it."""
    message = pb.LoggerState(
        mn=row.mn,
        outlet_id=row.outlet_id,
        open=row.closed_at is None,
        version=row.version,
        certificate_sha256=row.certificate_sha256,
        reason=row.reason,
    )
    if sight.people:
        message.gate_id, message.peer = row.gate_id, row.peer
    if row.opened_at is not None:
        message.since.CopyFrom(to_timestamp(row.opened_at))
    if row.closed_at is not None:
        message.until.CopyFrom(to_timestamp(row.closed_at))
    if last_at is not None:
        message.last_frame_at.CopyFrom(to_timestamp(last_at))
    return message
