"""Commands, their steps and answers as lines of text for people (反控过程)."""

from collections.abc import Iterable

from services.chassis.clock import beijing, from_timestamp
from services.chassis.pb.ingest.v1 import callback_pb2 as pb
from services.chassis.pb.ingest.v1 import command_pb2

_DEFAULT_WIDTH = 12
_SERIES_SHOWN = 8  # fields of one answer on the screen; --json has all


def state_word(command: pb.Command) -> str:
    """The state in a word; a fate that nobody knows is said."""
    word = command_pb2.CommandState.Name(command.state).removeprefix("COMMAND_STATE_").lower()
    return f"{word}, fate unknown" if command.fate_unknown else word


def command_line(command: pb.Command) -> str:
    """One command in one line."""
    at = beijing(from_timestamp(command.requested_at))
    fields = " ".join(f"{one.name}={one.value}" for one in command.parameters)
    return (
        f"{command.command_id}  {at:%m-%d %H:%M:%S}  {state_word(command):<10} "
        f"{command.cn} {command.title_zh} ({command.title_en})  {command.outlet_id} {fields}"
    ).rstrip()


def step_lines(steps: Iterable[pb.CommandStep]) -> list[str]:
    """Steps with their time, what has passed since the request, and what an answer holds."""
    lines = []
    for step in steps:
        kind = command_pb2.CommandStepKind.Name(step.kind).removeprefix("COMMAND_STEP_KIND_")
        at = beijing(from_timestamp(step.at))
        words = f" {without_code(step.detail_zh)}" if step.detail_zh else ""
        lines.append(
            f"  {at:%H:%M:%S}.{at.microsecond // 1000:03d} {step.elapsed_ms / 1000:>8.3f} s  "
            f"{kind.lower():<{_DEFAULT_WIDTH}} {step.detail}{words}".rstrip()
        )
        if step.kind == command_pb2.COMMAND_STEP_KIND_ANSWER:
            lines += [f"      {field_text(one)}" for one in step.fields[:_SERIES_SHOWN]]
            more = len(step.fields) - _SERIES_SHOWN
            lines += [f"      and {more} more"] if more > 0 else []
    return lines


def without_code(words: str) -> str:
    """The Chinese words alone: the return code stands in the English ones already.

    >>> without_code("1 执行成功")
    '执行成功'
    """
    code, space, rest = words.partition(" ")
    return rest if space and code.isdigit() else words


def field_text(field: pb.AnswerField) -> str:
    """One field with its name in words and its unit."""
    name = f"{field.title_zh} " if field.title_zh else ""
    unit = f" {field.unit}" if field.unit else ""
    return f"{name}{field.name} = {field.value}{unit}"


def summary(answer: pb.GetCommandResponse) -> str:
    """How it ended."""
    command = answer.command
    answers = sum(one.kind == command_pb2.COMMAND_STEP_KIND_ANSWER for one in answer.steps)
    took = answer.steps[-1].elapsed_ms / 1000 if answer.steps else 0.0
    outcome = f": {command.outcome}" if command.outcome else ""
    return f"{state_word(command)}{outcome}; {answers} answers in {took:.1f} s"


def kind_line(kind: pb.CommandKind) -> str:
    """What may be asked, in one line."""
    fields = " ".join(
        f"{one.name}={one.limits or one.type}" if one.required else f"[{one.name}={one.type}]"
        for one in kind.parameters
    )
    mark = "! " if kind.control else "  "
    return f"{mark}{kind.cn} {kind.word:<18} {kind.title_zh} ({kind.title_en})  {fields}".rstrip()
