"""Bytes that installations already hold stay readable and mean the same."""

import json
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message

from tools.make_golden import GOLDEN, as_hex, as_json, events

EVENTS = {kind.DESCRIPTOR.full_name: kind for kind in events()}


def golden(name: str) -> tuple[dict[str, object], str]:
    """The stored JSON and bytes of an event."""
    text = (GOLDEN / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text), (GOLDEN / f"{name}.hex").read_text(encoding="ascii")


def test_every_event_has_golden_bytes() -> None:
    """A new event is not finished before its bytes are written down."""
    stored = {path.stem for path in Path(GOLDEN).glob("*.hex")}

    assert stored == set(EVENTS)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_stored_bytes_read_as_the_stored_json(name: str) -> None:
    """A dead letter of last year says today what it said then."""
    facts, digits = golden(name)
    message: Message = EVENTS[name]()

    message.ParseFromString(bytes.fromhex(digits))

    assert as_json(message) == facts


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_stored_json_writes_the_stored_bytes(name: str) -> None:
    """Field numbers and types have not moved: same facts, same bytes."""
    facts, digits = golden(name)
    message = json_format.ParseDict(facts, EVENTS[name]())

    assert as_hex(message) == digits
