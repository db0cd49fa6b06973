"""Commands on their way: each is looked at when its time has come, and handed to the right gate.

What a crash at each point leaves behind:

- before SENT is committed: a queued command, looked at again;
- after it, before the broker's confirm is stored: SENT and not dispatched. The same order is
  published to the same gate again, which carries it out once however often it comes;
- the gate is gone (its id names one life of one process): nobody can say what it did. A reading
  request is queued again, a control command is LOST;
- the broker returns the order: no such gate, so certainly nothing happened, queued again.

Redis or the bus away: queued commands wait.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy.orm import Session

from services.chassis.clock import utc_now
from services.chassis.db import Database
from services.chassis.errors import Unavailable
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import command_pb2 as pb
from services.ingest import command_store as store
from services.ingest import command_wire as wire
from services.ingest.app.settle_command import happen
from services.ingest.command_tables import CommandRow
from services.ingest.domain.commands import (
    CHECK,
    GONE,
    HEAR,
    SILENCE,
    SOON,
    WAIT,
    Event,
    State,
    sending_of,
)

log = get_logger(__name__)

#: Most looks of one call, so that a stop is noticed.
BURST = 500
#: A gate begins an order at once or leaves it: an order that waited on the bus is too old to act
#: on, since by then we may have given it up. A back-fill waits in the gate for its turn.
BEGIN = {False: timedelta(seconds=60), True: timedelta(minutes=10)}


class Orders(Protocol):
    """The way to the gates."""

    def check(self) -> None:
        """Raises Unavailable when the bus is away."""

    def send(self, order: pb.CommandOrder, gate_id: str) -> bool:
        """Hand an order over; False when there is no such gate.

        Raises Unavailable when nobody can say whether it arrived.
        """

    def is_alive(self, gate_id: str) -> bool:
        """Whether this life of a gate has its queue. Raises Unavailable."""


class Routes(Protocol):
    """Where the loggers are."""

    def gate_of(self, mn: str) -> str:
        """The gate that holds a logger, empty = none. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Errand:
    """An order to be handed to a gate once its sending is committed."""

    command_id: str
    order: pb.CommandOrder
    gate_id: str
    again: bool  # it may have been handed over before: a return proves nothing


class DispatchCommands:
    """Looks at what is due; one a process."""

    def __init__(
        self,
        database: Database,
        orders: Orders,
        routes: Routes,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._orders = orders
        self._routes = routes
        self._now = now
        self._living: dict[str, bool] = {}  # gates asked in this call
        self._missed: dict[str, datetime] = {}  # gates without a queue, since when

    def __call__(self) -> int:
        """Look at everything that is due; gives how many commands were looked at.

        Raises Unavailable when the bus is away; nothing is lost by that.
        """
        self._living.clear()
        for count in range(BURST):
            looked, errand = self._look(first=count == 0)
            if not looked:
                return count
            if errand is not None:
                self._run(errand)
        return BURST

    def _look(self, *, first: bool) -> tuple[bool, Errand | None]:
        with self._database.transaction() as session:
            row = store.claim_due(session, self._now())
            if row is None:
                return False, None
            if first:
                self._orders.check()
            queued = row.state == State.QUEUED
            return True, self._begin(session, row) if queued else self._watch(session, row)

    def _begin(self, session: Session, row: CommandRow) -> Errand | None:
        """A queued command: too late, not its turn, nowhere to go, or off it goes."""
        now = self._now()
        if now >= row.deadline:
            store.add_step(session, row, store.Step("expired", now))
            happen(session, row, Event.DEADLINE, now, "expired")
            return None
        store.lock_logger(session, row.mn)
        if store.is_taken(session, row) or not store.is_next(session, row):
            row.look_at = min(row.deadline, now + WAIT)  # woken when its turn comes
            return None
        gate_id = self._routes.gate_of(row.mn)
        if not gate_id or not self._is_alive(gate_id):
            row.look_at = min(row.deadline, now + (SOON if gate_id else WAIT))
            return None
        row.gate_id, row.sent_at, row.heard_at = gate_id, now, None
        row.sendings, row.look_at = row.sendings + 1, now + HEAR
        happen(session, row, Event.SEND, now)
        return self._errand(row, again=False)

    def _watch(self, session: Session, row: CommandRow) -> Errand | None:
        """A command at a gate: still in its hands, not heard of, or its gate is gone."""
        now = self._now()
        alive = self._is_alive(row.gate_id)
        row.look_at = now + (CHECK if row.heard_at else HEAR)
        silent = now - (row.heard_at or row.sent_at or now)
        longest = SILENCE if row.heard_at else BEGIN[row.priority < 0] + CHECK
        if silent > longest or self._is_gone(row.gate_id, now, alive=alive):
            why = "no word from the gate any more" if alive else "the gate is gone"
            step = store.Step("disconnected", now, detail=why, sending=row.sendings)
            store.add_step(session, row, step)
            happen(session, row, Event.BREAK, now, why)
            return None
        if not alive:
            row.look_at = now + SOON
            return None
        on_its_way = row.heard_at or store.is_dispatched(session, row)
        return None if on_its_way else self._errand(row, again=True)

    def _is_alive(self, gate_id: str) -> bool:
        """Ask once a call: many loggers have the same gate, and a return tells it as well."""
        if gate_id not in self._living:
            self._living[gate_id] = self._orders.is_alive(gate_id)
        return self._living[gate_id]

    def _is_gone(self, gate_id: str, now: datetime, *, alive: bool) -> bool:
        """Whether a gate has had no queue for so long that its connection did not just flicker."""
        if alive:
            self._missed.pop(gate_id, None)
            return False
        return now - self._missed.setdefault(gate_id, now) >= GONE

    def _errand(self, row: CommandRow, *, again: bool) -> Errand:
        sent_at = row.sent_at or self._now()
        begin_before = min(row.deadline, sent_at + BEGIN[row.priority < 0])
        order = wire.order_message(row, begin_before=begin_before)
        return Errand(str(row.command_id), order, row.gate_id, again)

    def _run(self, errand: Errand) -> None:
        try:
            there = self._orders.send(errand.order, errand.gate_id)
        except Unavailable as error:
            log.warning("order_unconfirmed", command_id=errand.command_id, error=str(error))
            return  # looked at again: the same order to the same gate
        with self._database.transaction() as session:
            row = store.command(session, errand.command_id, lock=True)
            sending = sending_of(errand.order.command_id)[1]
            if there:
                at = row.sent_at or self._now()
                step = store.Step("dispatched", at, errand.gate_id, sending=sending)
                store.add_step(session, row, step)
            elif not errand.again and not store.is_dispatched(session, row):
                self._take_back(session, row)

    def _take_back(self, session: Session, row: CommandRow) -> None:
        """The order was returned: that sending never was."""
        if happen(session, row, Event.RETURN, self._now()):
            row.sendings -= 1
            row.gate_id, row.sent_at = "", None
            row.look_at = min(row.deadline, self._now() + SOON)
