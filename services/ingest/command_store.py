"""Queries on commands, their steps and logger sessions."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound
from services.ingest.command_tables import CommandRow, SessionRow, StepRow
from services.ingest.domain.commands import UNDER_WAY, Connection, State
from services.ingest.tables import ReadingRow

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Step:
    """A step before it is stored."""

    kind: str
    at: datetime
    detail: str = ""
    qn: str = ""
    gate_id: str = ""
    sending: int = 0
    gate_number: int = 0
    fields: Pairs = ()
    raw: bytes = b""


def uuid_of(command_id: str) -> uuid.UUID:
    """Read an id. Raises NotFound for what is none: nothing has such a name."""
    try:
        return uuid.UUID(command_id)
    except ValueError:
        raise NotFound("no such command") from None


def command(session: Session, command_id: str, *, lock: bool = False) -> CommandRow:
    """Give a command, locked until the transaction's end where asked. Raises NotFound."""
    query = select(CommandRow).where(CommandRow.command_id == uuid_of(command_id))
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise NotFound("no such command")
    return row


def requested_before(session: Session, requested_by: str, request_id: str) -> CommandRow | None:
    """Give the command that the same request made before."""
    mine = (CommandRow.requested_by == requested_by, CommandRow.request_id == request_id)
    return session.scalar(select(CommandRow).where(*mine)) if request_id else None


def insert_command(session: Session, row: CommandRow) -> bool:
    """Store a new command; False when the same request stored one at the same moment."""
    names = [column.name for column in CommandRow.__table__.columns]
    values = {name: getattr(row, name) for name in names}
    done = session.execute(
        insert(CommandRow)
        .values(**{**values, "outcome": "", "sendings": 0, "gate_id": "", "qn": "", "steps": 0})
        .on_conflict_do_nothing()
        .returning(CommandRow.command_id)
    )
    return done.first() is not None


def add_step(session: Session, row: CommandRow, step: Step) -> bool:
    """Add a step to a locked command; False when the gate's step is here already."""
    values = {
        "command_id": row.command_id,
        "number": row.steps + 1,
        "kind": step.kind,
        "at": step.at,
        "detail": step.detail,
        "qn": step.qn,
        "gate_id": step.gate_id,
        "sending": step.sending,
        "gate_number": step.gate_number,
        "fields": [list(pair) for pair in step.fields],
        "raw": step.raw,
    }
    new = insert(StepRow).values(**values).on_conflict_do_nothing().returning(StepRow.number)
    if session.execute(new).first() is None:
        return False
    row.steps += 1
    session.flush()
    return True


def steps_of(session: Session, command_id: uuid.UUID, after: int = 0) -> list[StepRow]:
    """Give the steps that were stored after number `after`, by time."""
    query = select(StepRow).where(StepRow.command_id == command_id, StepRow.number > after)
    return list(session.scalars(query.order_by(StepRow.at, StepRow.number)))


def is_dispatched(session: Session, row: CommandRow) -> bool:
    """Whether the broker confirmed that the present sending lies in the gate's queue."""
    mine = (StepRow.command_id == row.command_id, StepRow.sending == row.sendings)
    found = select(StepRow.number).where(*mine, StepRow.kind == "dispatched").limit(1)
    return session.scalar(found) is not None


def claim_due(session: Session, now: datetime) -> CommandRow | None:
    """Lock the command that has waited longest to be looked at, people's before background."""
    query = (
        select(CommandRow)
        .where(CommandRow.look_at <= now)
        .order_by((CommandRow.priority < 0), CommandRow.look_at)
        .limit(1)
    )
    return session.scalar(query.with_for_update(skip_locked=True))


def lock_logger(session: Session, mn: str) -> None:
    """Let one transaction at a time decide whose turn it is at a logger."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"command {mn}"})


def is_taken(session: Session, row: CommandRow) -> bool:
    """Whether another command of the same lane (people's, background) is under way there."""
    others = select(CommandRow.command_id).where(
        CommandRow.mn == row.mn,
        CommandRow.look_at.is_not(None),
        CommandRow.state.in_(UNDER_WAY),
        (CommandRow.priority < 0) == (row.priority < 0),
        CommandRow.command_id != row.command_id,
    )
    return session.scalar(others.limit(1)) is not None


def is_next(session: Session, row: CommandRow) -> bool:
    """Whether nothing that goes first waits for the same logger: higher priority, then older."""
    before = or_(
        CommandRow.priority > row.priority,
        (CommandRow.priority == row.priority)
        & (
            tuple_(CommandRow.requested_at, CommandRow.command_id)
            < tuple_(row.requested_at, row.command_id)
        ),
    )
    others = select(CommandRow.command_id).where(
        CommandRow.mn == row.mn,
        CommandRow.look_at.is_not(None),
        CommandRow.state == State.QUEUED,
        (CommandRow.priority < 0) == (row.priority < 0),
        before,
    )
    return session.scalar(others.limit(1)) is None


def wake(
    session: Session, mns: Collection[str], now: datetime, *, but: CommandRow | None = None
) -> None:
    """Let the commands of loggers be looked at now; `but` one stays as it is."""
    mine = select(CommandRow.command_id).where(CommandRow.mn.in_(mns), CommandRow.look_at > now)
    if but is not None:
        mine = mine.where(CommandRow.command_id != but.command_id)
    free = mine.with_for_update(skip_locked=True)  # a locked row is being looked at already
    session.execute(
        update(CommandRow)
        .where(CommandRow.command_id.in_(free.scalar_subquery()))
        .values(look_at=now)
        .execution_options(synchronize_session=False)
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which commands a list is about; `outlets` None = all."""

    outlets: Collection[str] | None = None
    mn: str = ""
    states: Collection[State] = ()
    with_background: bool = False


def list_commands(
    session: Session, wanted: Wanted, limit: int, after: tuple[datetime, str] | None = None
) -> list[CommandRow]:
    """Give commands newest first, from behind the place `after`."""
    query = select(CommandRow)
    if wanted.outlets is not None:
        query = query.where(CommandRow.outlet_id.in_(wanted.outlets))
    if wanted.mn:
        query = query.where(CommandRow.mn == wanted.mn)
    if wanted.states:
        query = query.where(CommandRow.state.in_(wanted.states))
    if not wanted.with_background:
        query = query.where(CommandRow.priority >= 0)
    if after is not None:
        moment, command_id = after
        query = query.where(
            (CommandRow.requested_at < moment)
            | ((CommandRow.requested_at == moment) & (CommandRow.command_id > uuid_of(command_id)))
        )
    newest = query.order_by(CommandRow.requested_at.desc(), CommandRow.command_id)
    return list(session.scalars(newest.limit(limit)))


def session_of(session: Session, mn: str) -> SessionRow | None:
    """Give a logger's connection as last heard of."""
    return session.scalar(select(SessionRow).where(SessionRow.mn == mn))


def lock_sessions(session: Session, mns: Collection[str]) -> dict[str, SessionRow]:
    """Give the connections of loggers as last heard of, locked in one order."""
    query = select(SessionRow).where(SessionRow.mn.in_(mns)).order_by(SessionRow.mn)
    return {row.mn: row for row in session.scalars(query.with_for_update())}


def connection_of(row: SessionRow) -> Connection:
    """Give the part of a row that is decided about."""
    return Connection(row.session_id, row.opened_at, row.closed_at)


def list_sessions(
    session: Session,
    outlets: Collection[str],
    limit: int,
    *,
    mn: str = "",
    open_only: bool = False,
    after: str = "",
) -> list[SessionRow]:
    """Give loggers of the named outlets by MN, from behind `after`."""
    query = select(SessionRow).where(SessionRow.outlet_id.in_(outlets), SessionRow.mn > after)
    if mn:
        query = query.where(SessionRow.mn == mn)
    if open_only:
        query = query.where(SessionRow.closed_at.is_(None))
    return list(session.scalars(query.order_by(SessionRow.mn).limit(limit)))


def open_sessions(session: Session) -> dict[str, str]:
    """Give the gate of every logger whose connection is open, by MN."""
    query = select(SessionRow.mn, SessionRow.gate_id).where(SessionRow.closed_at.is_(None))
    return {row.mn: row.gate_id for row in session.execute(query)}


def close_sessions(session: Session, gates: Iterable[tuple[str, str]], now: datetime) -> None:
    """Close the connections of (mn, gate) that no gate holds any more."""
    for mn, gate_id in gates:
        session.execute(
            update(SessionRow)
            .where(SessionRow.mn == mn, SessionRow.gate_id == gate_id)
            .where(SessionRow.closed_at.is_(None))
            .values(closed_at=now, reason="gate gone")
        )


def last_reading_at(session: Session, outlet_id: str, since: datetime) -> datetime | None:
    """Tell when the newest reading of an outlet came, of those measured after `since`."""
    newest = select(func.max(ReadingRow.received_at)).where(
        ReadingRow.outlet_id == outlet_id, ReadingRow.data_time >= since
    )
    return session.scalar(newest)
