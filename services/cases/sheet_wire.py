"""Sheets to protobuf: a message has the fields of the domain value of the same name."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from services.cases.domain.sheet import Sheet
from services.cases.wire import KINDS, LEVELS
from services.chassis.clock import to_timestamp
from services.chassis.pb.cases.v1 import sheet_pb2 as pb

if TYPE_CHECKING:
    from services.cases.app.read_sheets import OverdueTerm

#: Message of each domain value, by its name.
_MESSAGES: dict[str, Any] = {
    "Head": pb.SheetHead,
    "SheetRow": pb.SheetRow,
    "Feedback": pb.SheetFeedback,
    "Check": pb.SheetCheck,
    "Proposal": pb.SheetProposal,
    "CaseFile": pb.SheetFile,
    "CaseStart": pb.SheetCase,
    "Measure": pb.SheetMeasure,
    "Closing": pb.SheetClosing,
    "SheetTerm": pb.SheetTerm,
    "Sheet": pb.Sheet,
}


def sheet_message(sheet: Sheet) -> pb.Sheet:
    """The sheet in the interface's shape."""
    message: pb.Sheet = _converted(sheet)
    return message


def _converted(value: Any) -> Any:
    kind = _MESSAGES.get(type(value).__name__)
    if kind is not None:
        return kind(**{one.name: _converted(getattr(value, one.name)) for one in fields(value)})
    if isinstance(value, dt.datetime):
        return to_timestamp(value)
    return [_converted(one) for one in value] if isinstance(value, tuple) else value


def overdue_message(one: OverdueTerm) -> pb.Overdue:
    """A line of the overdue list."""
    matter, clock = one.matter, one.clock
    assert clock.due_at is not None
    return pb.Overdue(
        matter_id=matter.matter_id,
        number=matter.number,
        kind=KINDS[matter.kind],
        level=LEVELS[matter.level],
        title=matter.title,
        enterprise_name=matter.enterprise_name,
        division=matter.division,
        clock_key=clock.key,
        action=clock.action_zh,
        due_at=to_timestamp(clock.due_at),
        overdue_minutes=one.minutes,
        steps=one.steps,
        bound=clock.bound,
        who=one.who,
        told_division=one.told_division,
        published=one.published,
    )
