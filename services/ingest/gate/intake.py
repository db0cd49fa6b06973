"""One account for everything that arrives: accepted, duplicate, or refused with its reason."""

import secrets
from datetime import timedelta
from functools import partial
from typing import Protocol, TypeAlias

from gmssl_pyx import sm3_hash

from services.chassis.clock import Now
from services.chassis.log import get_logger
from services.chassis.partition import partition_of
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest.gate import metrics
from services.ingest.gate.admission import refusal
from services.ingest.gate.callback import Commands
from services.ingest.gate.columns import OnSafe
from services.ingest.gate.connections import Link, Wire
from services.ingest.gate.directory import Directory
from services.ingest.gate.gathering import Gatherer
from services.ingest.gate.sessions import Sessions
from services.ingest.hj212.messages import FactorValues
from services.ingest.hj212.session import Received, Session, reply_due

log = get_logger(__name__)

Outcome: TypeAlias = "pb.Outcome.ValueType"  # a name of the stubs, not of the module

OUTCOME_WORDS = {
    pb.OUTCOME_ACCEPTED: "accepted",
    pb.OUTCOME_DUPLICATE: "duplicate",
    pb.OUTCOME_REFUSED: "refused",
}


class Sender(Wire, Protocol):
    """The connection that a frame came over, with the loggers that proved themselves on it."""

    links: dict[str, Link]


class Intake:
    """Decides about frames and hands them to the gatherer."""

    def __init__(
        self,
        directory: Directory,
        gatherer: Gatherer,
        sessions: Sessions,
        commands: Commands,
        *,
        partitions: int,
        future: timedelta,
        now: Now,
    ) -> None:
        self._directory = directory
        self._gatherer = gatherer
        self._sessions = sessions
        self._commands = commands
        self._partitions = partitions
        self._future = future
        self._now = now
        # Unique over replicas and restarts, and cheaper than a uuid a frame.
        self._prefix = secrets.token_hex(6)
        self._count = 0

    def take(self, received: Received, session: Session, sender: Sender) -> Outcome:
        """Account one HJ 212 frame; gives its outcome. `sender` gets the 9014 once it is due."""
        now = self._now()
        logger = self._directory.logger(received.mn) if received.mn else None
        reason = refusal(received, logger, now, self._future)
        outcome = self._outcome(reason, received, session)
        upload = received.upload
        command_id = ""
        if not reason:
            link = self._link(received.mn, sender)
            command_id = self._commands.take(link, received)
        frame = pb.Frame(
            mn=received.mn,
            outlet_id=logger.outlet_id if logger else "",
            cn=received.cn,
            qn=received.qn,
            data_time_s=int(upload.data_time.timestamp()) if upload else 0,
            outcome=outcome,
            reason=reason,
            raw=received.raw,
            sm3=sm3_hash(received.raw),
            received_at_us=int(now.timestamp() * 1e6),
            peer=sender.peer,
            correlation_id=self._correlation(),
            notes=received.notes,
            raw_size=len(received.raw),
            command_id=command_id,
        )
        values: tuple[FactorValues, ...] = ()
        on_safe: OnSafe | None = None
        if upload is not None and not reason:
            reply = reply_due(upload)
            if reply is not None:
                on_safe = partial(sender.send, reply)
            if outcome == pb.OUTCOME_ACCEPTED:
                values = upload.factors
        self.account(frame, values, on_safe)
        return outcome

    def account(
        self, frame: pb.Frame, values: tuple[FactorValues, ...], on_safe: OnSafe | None
    ) -> None:
        """Count a frame and put it on its way; frames of no outlet go by their peer's address."""
        metrics.FRAMES.labels(OUTCOME_WORDS[frame.outcome], frame.reason).inc()
        if frame.reason:
            log.warning(
                "frame_refused",
                reason=frame.reason,
                mn=frame.mn,
                peer=frame.peer,
                size=frame.raw_size,
                correlation_id=frame.correlation_id,
            )
        key = frame.outlet_id or frame.peer.rpartition(":")[0]
        self._gatherer.add(partition_of(key, self._partitions), frame, values, on_safe)

    def pushed_frame(self, *, raw: bytes, peer: str) -> pb.Frame:
        """A frame for a pushed reading, with digest, time and correlation id filled in."""
        return pb.Frame(
            raw=raw,
            sm3=sm3_hash(raw),
            received_at_us=int(self._now().timestamp() * 1e6),
            peer=peer,
            correlation_id=self._correlation(),
            raw_size=len(raw),
        )

    def _link(self, mn: str, sender: Sender) -> Link:
        """The logger on this connection; its first admitted frame opens the session."""
        link = sender.links.get(mn)
        if link is None:
            link = sender.links[mn] = self._sessions.open(mn, sender)
        else:
            self._sessions.connections.prefer(link)
        return link

    def _outcome(self, reason: str, received: Received, session: Session) -> Outcome:
        if reason:
            return pb.OUTCOME_REFUSED
        return pb.OUTCOME_DUPLICATE if session.is_repeat(received) else pb.OUTCOME_ACCEPTED

    def _correlation(self) -> str:
        self._count += 1
        return f"{self._prefix}{self._count:012x}"
