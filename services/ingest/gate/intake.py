"""One account for everything that arrives: accepted, duplicate, or refused with its reason."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol, TypeAlias

from gmssl_pyx import sm3_hash

from services.chassis.clock import Now
from services.chassis.log import get_logger
from services.chassis.partition import partition_of
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest.gate import metrics
from services.ingest.gate.admission import refusal
from services.ingest.gate.callback import Commands
from services.ingest.gate.check_results import check_results
from services.ingest.gate.columns import OnSafe
from services.ingest.gate.connections import Link, Wire
from services.ingest.gate.directory import Directory, LoggerEntry
from services.ingest.gate.gathering import Gatherer
from services.ingest.gate.limits import ReplyLimit
from services.ingest.gate.notices import Notices
from services.ingest.gate.replies import KEY_WISH, REGISTRATION, is_empty_notice, reply_to
from services.ingest.gate.sessions import Sessions
from services.ingest.gate.sight import Sight
from services.ingest.gate.turns import is_late
from services.ingest.hj212.messages import FactorValues
from services.ingest.hj212.session import Received, Session

log = get_logger(__name__)

Outcome: TypeAlias = "pb.Outcome.ValueType"  # a name of the stubs, not of the module

OUTCOME_WORDS = {
    pb.OUTCOME_ACCEPTED: "accepted",
    pb.OUTCOME_DUPLICATE: "duplicate",
    pb.OUTCOME_REFUSED: "refused",
}


class Sender(Wire, Protocol):
    """The connection that a frame came over, with the loggers that proved themselves on it."""

    address: IPv4Address | IPv6Address | None
    late: bool  # its last upload filled a gap
    links: dict[str, Link]
    replies: ReplyLimit


class Intake:
    """Decides about frames and hands them to the gatherer."""

    def __init__(
        self,
        directory: Directory,
        gatherer: Gatherer,
        *,
        sessions: Sessions,
        commands: Commands,
        sight: Sight,
        notices: Notices,
        partitions: int,
        future: timedelta,
        now: Now,
    ) -> None:
        self._directory = directory
        self._gatherer = gatherer
        self._sessions = sessions
        self._commands = commands
        self._sight = sight
        self._notices = notices
        self._partitions = partitions
        self._future = future
        self._now = now
        # Unique over replicas and restarts, and cheaper than a uuid a frame.
        self._prefix = secrets.token_hex(6)
        self._count = 0

    def take(self, received: Received, session: Session, sender: Sender) -> Outcome:
        """Account one HJ 212 frame; gives its outcome. `sender` gets the reply once it is due."""
        now = self._now()
        entry = self._entry(received, sender)
        link = sender.links.get(entry.mn) if entry is not None else None
        reason = refusal(
            received,
            entry,
            sender,
            now,
            self._future,
            peer_known=link is not None and link.checked is entry,
            next_password=self._directory.next_password(received.mn),
        )
        frame = self._frame(received, entry, sender, now)
        if entry is None and reason == "unknown_mn" and _registers(received):
            reason = ""  # a logger that has no MN yet says who it is; it is nobody's outlet
        if reason:
            frame.outcome, frame.reason = pb.OUTCOME_REFUSED, reason
            if entry is not None:
                self._sight.refused(entry, received, frame, sender)
            self.account(frame, (), None)
            return pb.OUTCOME_REFUSED
        if session.is_repeat(received):
            frame.outcome = pb.OUTCOME_DUPLICATE
        if entry is not None:
            link = self._admit(link or self._open(entry, received, sender), entry, received, frame)
        upload = received.upload
        values: tuple[FactorValues, ...] = ()
        if upload is not None:
            sender.late = is_late(upload.cn, (now - upload.data_time).total_seconds())
        if upload is not None and frame.outcome == pb.OUTCOME_ACCEPTED:
            values = upload.factors
        self.account(frame, values, self._answer(received, link, sender, frame))
        return frame.outcome

    def account(
        self, frame: pb.Frame, values: tuple[FactorValues, ...], on_safe: OnSafe | None
    ) -> None:
        """Count a frame and put it on its way; frames of no outlet go by their peer's address."""
        reason = frame.reason
        metrics.FRAMES.counts[OUTCOME_WORDS[frame.outcome], reason] += 1
        if reason:
            metrics.REFUSED_TOP.inc(frame.mn, reason)
            log.warning(
                "frame_refused",
                reason=reason,
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

    def _entry(self, received: Received, sender: Sender) -> LoggerEntry | None:
        """The logger that a frame names.

        Two frames name none by an MN: a registration before activation (its device id does), and a
        reply of HJ/T 212-2005, which belongs to the one logger of its connection.
        """
        if received.mn:
            return self._directory.logger(received.mn)
        if received.segment is None:
            return None
        if received.cn == REGISTRATION:
            return self._directory.by_hardware(self._notices.hardware_in(received.segment))
        if received.cn.startswith("901") and len(sender.links) == 1:
            return self._directory.logger(next(iter(sender.links)))
        return None

    def _frame(
        self, received: Received, entry: LoggerEntry | None, sender: Sender, now: datetime
    ) -> pb.Frame:
        upload = received.upload
        raw = received.raw
        return pb.Frame(
            mn=entry.mn if entry is not None else received.mn,
            outlet_id=entry.outlet_id if entry is not None else "",
            cn=received.cn,
            qn=received.qn,
            data_time_s=int(upload.data_time.timestamp()) if upload is not None else 0,
            outcome=pb.OUTCOME_ACCEPTED,
            raw=raw,
            sm3=sm3_hash(raw),
            received_at_us=int(now.timestamp() * 1e6),
            peer=sender.peer,
            correlation_id=self._correlation(),
            notes=received.notes,
            raw_size=len(raw),
            version=received.version or 0,
            repairs=received.repairs,
            checks=check_results(received, now + self._future),
        )

    def _open(self, entry: LoggerEntry, received: Received, sender: Sender) -> Link:
        """The logger's first admitted frame on this connection opens its session."""
        link = self._sessions.open(entry.mn, sender, received.version or 0)
        sender.links[entry.mn] = link
        if received.version is not None:
            self._directory.learn_version(entry.mn, received.version)
        return link

    def _admit(self, link: Link, entry: LoggerEntry, received: Received, frame: pb.Frame) -> Link:
        """Bind the frame to its logger's session."""
        other = self._sessions.connections.prefer(link)
        link.checked = entry
        link.last_at = link.wire.at
        if received.version is not None and received.version != link.version:
            link.version = received.version
            self._directory.learn_version(entry.mn, received.version)
        frame.command_id = self._commands.take(link, received)
        if received.upload is not None:
            frame.origin = _origin(received, frame.command_id)
        self._sight.admitted(link, entry, other, received, frame)
        return link

    def _answer(
        self, received: Received, link: Link | None, sender: Sender, frame: pb.Frame
    ) -> OnSafe | None:
        """What to do once the frame is safe; None = nothing.

        A repeated frame and a notice without data are answered only so often: real loggers repeated
        one 299 times, and each answer provoked the next (hj212.md 7).
        """
        repeated = frame.outcome == pb.OUTCOME_DUPLICATE
        reply = reply_to(received)
        if repeated or is_empty_notice(received.cn):
            key = hash(received.raw) if repeated else (frame.mn, received.cn)
            if reply is not None and not sender.replies.allows(key, sender.at):
                metrics.WITHHELD.inc()
                return None
        follow_up: Callable[[], None] | None = None
        if link is not None and (received.cn == KEY_WISH if repeated else received.upload is None):
            follow_up = self._notices.follow_up(link, received)
        if follow_up is not None:
            return partial(_reply_and_go_on, sender, reply, follow_up)
        return partial(sender.send, reply) if reply is not None else None

    def _correlation(self) -> str:
        self._count += 1
        return f"{self._prefix}{self._count:012x}"


def _origin(received: Received, command_id: str) -> "pb.Origin.ValueType":
    if command_id:
        return pb.ORIGIN_ASKED
    segment = received.segment
    return pb.ORIGIN_BACKFILL if segment is not None and segment.rf else pb.ORIGIN_LIVE


def _registers(received: Received) -> bool:
    return received.cn == REGISTRATION and not received.mn


def _reply_and_go_on(sender: Sender, reply: bytes | None, follow_up: Callable[[], None]) -> None:
    if reply is not None:
        sender.send(reply)
    follow_up()
