"""发送器 The one loop that holds the gateway session: claim, submit, hear, note.

It runs as a green thread of the nameko process while this replica has the lease. Everything it
learns is in the database before the gateway is told; when the line or the database goes away the
loop starts over, and what was on the wire then is closed as lost.
"""

import os
import socket
import time
from datetime import datetime
from typing import Any

import eventlet
from eventlet.event import Event
from nameko.extensions import DependencyProvider
from prometheus_client import Counter

from services.chassis.clock import utc_now
from services.chassis.db import Database, database_from_env
from services.chassis.errors import Unavailable
from services.chassis.log import get_logger
from services.notify.app.hand_over import (
    busy_wait_s,
    claim_texts,
    give_back,
    note_answer,
    note_lost,
)
from services.notify.app.take_receipt import take_receipt
from services.notify.gateway import Answer, Gateway, GatewayLost
from services.notify.lease import Lease
from services.notify.settings import SenderSettings
from services.notify.smpp import SmppSession

log = get_logger(__name__)

SUBMITTED = Counter("farsight_sms_submitted_total", "SMS parts handed to the gateway", ["outcome"])
_POLL_S = 0.1
#: Between looks for waiting texts while there are none; a busy queue is looked at every turn.
_LOOK_S = 0.25
_RETRY_S = 2.0
#: A stopping replica waits this long for answers; after that they count as lost.
_DRAIN_S = 5.0
_LONGEST_BACKOFF_S = 30


class Line:
    """One session's worth of work: what waits for an answer and when the gateway wants quiet."""

    def __init__(
        self, gateway: Gateway, database: Database, lease: Lease, settings: SenderSettings
    ) -> None:
        self._gateway, self._database, self._lease = gateway, database, lease
        self._window = settings.window
        self._patience_s = settings.answer_timeout.total_seconds()
        self._on_wire: dict[int, float] = {}
        self._quiet_until, self._busy_answers = 0.0, 0
        self._look_at = 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing on the wire waits for its answer."""
        return not self._on_wire

    def turn(self, now: datetime, *, submit: bool) -> None:
        """Submit what there is room for, then hear what came. Raises GatewayLost, Unavailable."""
        if submit and time.monotonic() >= max(self._quiet_until, self._look_at):
            self._submit(now)
        heard = self._gateway.poll(_POLL_S)
        while heard is not None:
            if isinstance(heard, Answer):
                self._take_answer(heard, now)
            else:
                with self._database.transaction() as session:
                    take_receipt(session, self._lease.name, heard, now)
                self._gateway.acknowledge(heard)
            heard = self._gateway.poll(0)
        if any(time.monotonic() - at > self._patience_s for at in self._on_wire.values()):
            raise GatewayLost(f"no answer within {self._patience_s:.0f} s")

    def _submit(self, now: datetime) -> None:
        with self._database.transaction() as session:
            parts = claim_texts(session, self._lease, now, self._window - len(self._on_wire))
        self._look_at = time.monotonic() + (0 if parts else _LOOK_S)
        for number, part in enumerate(parts):
            self._on_wire[part.submission_id] = time.monotonic()
            try:
                self._gateway.submit(part)
            except GatewayLost:
                unsent = [later.submission_id for later in parts[number + 1 :]]
                with self._database.transaction() as session:
                    give_back(session, unsent, now)
                raise

    def _take_answer(self, answer: Answer, now: datetime) -> None:
        self._on_wire.pop(answer.submission_id, None)
        with self._database.transaction() as session:
            note_answer(session, answer, now)
        self._busy_answers = self._busy_answers + 1 if answer.throttled else 0
        if answer.throttled:
            self._quiet_until = time.monotonic() + busy_wait_s(self._busy_answers)
        outcome = "taken" if answer.status == 0 else "busy" if answer.throttled else "refused"
        SUBMITTED.labels(outcome).inc()


class SmsSender(DependencyProvider):  # type: ignore[misc]
    """nameko dependency that sends; the service class needs only to name it."""

    def setup(self) -> None:
        """Read the account; without one texts stay queued, and the log says so."""
        self._settings = SenderSettings.from_env()
        self._database = database_from_env(self.container.service_name)
        self._stopping = False
        self._ended = Event()

    def start(self) -> None:
        """Start the loop."""
        if self._settings.account is None:
            log.warning("no_sms_gateway", setting="FARSIGHT_SMPP_URI")
            return
        holder = f"{socket.gethostname()}:{os.getpid()}"
        life = self._settings.lease
        self._lease = Lease(self._database, self._settings.account.name, holder, life)
        self._thread = self.container.spawn_managed_thread(self._run, identifier="sms_sender")

    def stop(self) -> None:
        """Take no more texts, hear the answers that are due, free the lease."""
        self._stopping = True
        if self._settings.account is not None:
            with eventlet.Timeout(_DRAIN_S, exception=False):
                self._ended.wait()

    def get_dependency(self, worker_ctx: Any) -> "SmsSender":
        """Give the sender itself; nobody needs it but tests."""
        del worker_ctx
        return self

    def _run(self) -> None:
        failures = 0
        while not self._stopping:
            try:
                if self._lease.hold():
                    self._serve()
                    failures = 0
            except (GatewayLost, Unavailable) as error:
                failures += 1
                log.warning("sms_line_lost", gateway=self._lease.name, error=str(error))
            eventlet.sleep(min(_RETRY_S * failures, _LONGEST_BACKOFF_S) or 1)
        self._release()
        self._ended.send()

    def _serve(self) -> None:
        """Hold one session until it or the lease is over. Raises GatewayLost, Unavailable."""
        account = self._settings.account
        assert account is not None
        self._close_wire()
        gateway = SmppSession(account)
        log.info("sms_line_open", gateway=account.name, epoch=self._lease.epoch)
        try:
            line = Line(gateway, self._database, self._lease, self._settings)
            while self._lease.hold() and not (self._stopping and line.idle):
                line.turn(utc_now(), submit=not self._stopping)
        finally:
            gateway.close()

    def _close_wire(self) -> None:
        """Close as lost what an earlier session or holder left unanswered."""
        with self._database.transaction() as session:
            lost = note_lost(session, self._lease.name, self._lease.epoch, utc_now())
        if lost:
            log.warning("sms_answers_lost", gateway=self._lease.name, parts=lost)

    def _release(self) -> None:
        try:
            self._close_wire()
            self._lease.release()
        except Unavailable:
            log.info("lease_left_to_expire", gateway=self._lease.name)
