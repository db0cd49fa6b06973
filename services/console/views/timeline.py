"""办理经过: what a line of a timeline says, in words, apart from what it keeps for the record.

A line's fields are evidence: ids, digests, versions of tables. People read the answers and the
clocks; the rest is shown folded, nothing is left out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from google.protobuf.json_format import MessageToDict

from services.chassis.pb.cases.v1.cases_pb2 import Clock, MatterEvent
from services.console.language import catalogue, word
from services.console.views.moments import in_beijing

#: Fields for the record only.
RECORD = frozenset(
    {
        "bundle", "bundle_sm3", "cause_id", "clue", "finding", "findings", "limit_id", "pattern",
        "recipient", "referral", "sm3", "source", "trigger", "triggers", "triggers_version",
        "from_act", "from_id", "paper", "paper_id", "papers", "request_id", "content_sm3",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """A field with its label, in words."""

    label: str
    text: str


@dataclass(frozen=True)
class Line:
    """One line of the timeline. `record` is what is folded away."""

    event: MatterEvent
    said: tuple[Said, ...]
    record: tuple[Said, ...]


def timeline_lines(
    events: Iterable[MatterEvent],
    clocks: Iterable[Clock],
    people: Mapping[str, str],
    language: str,
) -> list[Line]:
    """Write a timeline, newest first."""
    names = {clock.key: clock.action for clock in clocks}
    return [
        timeline_line(event, names, people, language)
        for event in sorted(events, key=lambda one: one.seq, reverse=True)
    ]


def timeline_line(
    event: MatterEvent, clocks: Mapping[str, str], people: Mapping[str, str], language: str
) -> Line:
    """Write one line; its fields in the order of the catalogue, unknown ones last."""
    fields = {key: str(value) for key, value in MessageToDict(event.fields).items() if value}
    order = {key: place for place, key in enumerate(catalogue(language))}
    said: list[Said] = []
    record: list[Said] = []
    for key in sorted(fields, key=lambda name: (order.get(f"field.{name}", len(order)), name)):
        label = event.field_names.get(key) or word(language, "field", key)
        text = event.value_names.get(key) or field_text(key, fields[key], clocks, people, language)
        (record if key in RECORD else said).append(Said(label, text))
    return Line(event, tuple(said), tuple(record))


def field_text(
    key: str, value: str, clocks: Mapping[str, str], people: Mapping[str, str], language: str
) -> str:
    """Write a value: a clock by its action and date, a person by name, a choice by label."""
    if key in ("clocks_started", "clocks_ended"):
        return "；".join(clock_text(part, clocks, language) for part in value.split("; ") if part)
    if key == "clock":
        return clocks.get(value, value)
    return people.get(value) or moment_text(value) or word(language, "value", value)


def clock_text(part: str, clocks: Mapping[str, str], language: str) -> str:
    """Write "key due" or "key state" with the clock's own action."""
    key, _, rest = part.partition(" ")
    what = moment_text(rest) or word(language, "clock_state", rest)
    return f"{clocks.get(key, key)} {what}".strip()


def moment_text(text: str) -> str:
    """Write an ISO moment in Beijing time; empty for anything else (a bare date stays a date)."""
    if "T" not in text:
        return ""
    try:
        return in_beijing(datetime.fromisoformat(text))
    except ValueError:
        return ""
