"""Who is asked what, and when: one request at a time a logger, people before back-fill.

No socket, no task, no sleeping: links to write to, a clock to read and somebody to tell come from
outside. Orders wait by logger; back-fill runs only so many at once over the gate, in turn, and none
begins while live frames pile up.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from services.chassis.clock import Now, from_timestamp
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import command_pb2 as pb
from services.ingest.gate.commands_job import Job, Tell
from services.ingest.gate.commands_settings import CommandSettings
from services.ingest.gate.connections import Link
from services.ingest.hj212.dialogue import Dialogue, Step, StepKind, reply_of
from services.ingest.hj212.encode import request_number
from services.ingest.hj212.errors import LocalProtocolError
from services.ingest.hj212.session import Received

log = get_logger(__name__)

REMEMBERED = 10_000  # orders that were carried out, so that a repeated one is not
LATE_S = 60.0  # how long frames that come after the end are still known as an answer
_REPLIES = frozenset({"9011", "9012", "9013"})


@dataclass(slots=True)
class Line:
    """What waits for one logger, what is under way with it, and what was last."""

    foreground: deque[Job] = field(default_factory=deque)
    background: deque[Job] = field(default_factory=deque)
    active: Job | None = None
    last: Job | None = None

    @property
    def idle(self) -> bool:
        """Nothing is under way and nothing waits."""
        return self.active is None and not self.foreground and not self.background

    def waiting(self) -> list[Job]:
        """What has not begun, in the order in which it would."""
        return [*self.foreground, *self.background]


class Desk:
    """Orders in, requests out, progress told. `clock` is seconds of any monotonic clock."""

    def __init__(
        self,
        by_mn: Callable[[str], Link | None],
        tell: Tell,
        *,
        gate_id: str,
        settings: CommandSettings,
        clock: Callable[[], float],
        now: Now,
        busy: Callable[[], bool],
        paused: Callable[[], bool],
    ) -> None:
        self._by_mn = by_mn
        self._tell = tell
        self._gate_id = gate_id
        self._settings = settings
        self._clock = clock
        self._now = now
        self._busy = busy  # live frames pile up: back-fill waits
        self._paused = paused  # nothing is read: a silent logger may have answered long ago
        self._ticked = clock()
        self._lines: dict[str, Line] = {}
        self._known: OrderedDict[str, None] = OrderedDict()
        self._turns: dict[str, None] = {}  # loggers with back-fill waiting, next first
        self._last_qn = datetime.min.replace(tzinfo=UTC)
        self._open = True
        self.background = 0  # background dialogues under way
        self.waiting = 0  # orders that have not begun

    @property
    def active(self) -> int:
        """Dialogues under way."""
        return sum(line.active is not None for line in self._lines.values())

    def order(self, order: pb.CommandOrder) -> None:
        """Take an order; the same one again changes nothing."""
        if order.command_id in self._known:
            return
        self._known[order.command_id] = None
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        job = Job(order, self._gate_id)
        if not self._open or self.waiting >= self._settings.waiting:
            self._give_back(job, "the gate is stopping" if not self._open else "the gate is full")
        elif self._by_mn(order.mn) is None:
            self._give_back(job, "the logger is not connected here")
        else:
            self._enqueue(job)

    def ask(self, link: Link, cn: str, parameters: dict[str, str]) -> bool:
        """Begin a request of the gate's own; False when that logger has something before it."""
        line = self._lines.get(link.mn)
        if not self._open or (line is not None and (line.active or line.foreground)):
            return False
        order = pb.CommandOrder(mn=link.mn, cn=cn, parameters=parameters)
        self._enqueue(Job(order, self._gate_id))
        return True

    def take(self, link: Link, received: Received) -> str:
        """The command_id of the order that this frame answers, empty = none."""
        line = self._lines.get(link.mn)
        if line is None or received.segment is None:
            return ""
        for job in (line.active, line.last):
            if job is None or job.link is not link or job.dialogue is None:
                continue
            if received.cn not in _REPLIES and received.cn != job.order.cn:
                continue
            reply = reply_of(received.segment, received.raw)
            if job.dialogue.owns(reply):
                self._advance(line, job, job.dialogue.receive(reply, self._clock()))
                self._begin_next(line)
                return str(job.order.command_id)
        return ""

    def closed(self, link: Link) -> None:
        """A connection ended: its request ends, and what waits goes back if it was the only one."""
        line = self._lines.get(link.mn)
        if line is None:
            return
        other = self._by_mn(link.mn)
        if other is None or other is link:
            self._give_back_all(line, "the connection ended")
        job = line.active
        if job is not None and job.link is link and job.dialogue is not None:
            self._advance(line, job, job.dialogue.gone(self._clock()))
            self._begin_next(line)

    def tick(self) -> None:
        """What the time alone brings: resends, timeouts, deadlines, the next back-fill."""
        now, paused = self._clock(), self._paused()
        lost, self._ticked = now - self._ticked if paused else 0.0, now
        for mn, line in list(self._lines.items()):
            job = line.active
            if job is not None and job.dialogue is not None:
                job.dialogue.postpone(lost)
                self._advance(line, job, job.dialogue.tick(now))
            self._expire(line)
            self._begin_foreground(line)
            if line.last is not None and now - line.last.ended_at > LATE_S:
                line.last = None
            if line.idle and line.last is None:
                del self._lines[mn]
        self._begin_background()

    def shut(self) -> None:
        """Begin nothing more: what waits goes back to ingest."""
        self._open = False
        for line in list(self._lines.values()):
            self._give_back_all(line, "the gate is stopping")

    def abandon(self) -> None:
        """End what is under way: the gate cannot wait any longer."""
        for line in list(self._lines.values()):
            job = line.active
            if job is not None and job.dialogue is not None:
                self._advance(line, job, job.dialogue.gone(self._clock()))

    def _enqueue(self, job: Job) -> None:
        mn = job.order.mn
        line = self._lines.setdefault(mn, Line())
        self.waiting += 1
        if job.order.background:
            line.background.append(job)
            self._turns[mn] = None
            self._begin_background()
        else:
            line.foreground.append(job)
            self._begin_foreground(line)

    def _begin_next(self, line: Line) -> None:
        """A request may have ended: the next one of this logger, then back-fill of any."""
        if line.active is None:
            self._begin_foreground(line)
            self._begin_background()

    def _begin_foreground(self, line: Line) -> None:
        while line.active is None and line.foreground:
            self._begin(line, line.foreground.popleft())

    def _begin_background(self) -> None:
        """Loggers in turn, those that are asked something else are passed over."""
        for _ in range(len(self._turns)):
            if self.background >= self._settings.backfills or self._busy() or self._paused():
                return
            mn = next(iter(self._turns))
            del self._turns[mn]
            line = self._lines.get(mn)
            if line is None or not line.background:
                continue
            if line.active is None:
                self._begin(line, line.background.popleft())
            if line.background:
                self._turns[mn] = None

    def _begin(self, line: Line, job: Job) -> None:
        self.waiting -= 1
        if self._too_late(job):
            self._tell_expired(job)
            return
        link = self._by_mn(job.order.mn)
        if link is None or link.entry is None:
            self._give_back(job, "the logger is not connected here")
            return
        try:
            dialogue = job.begin(link, self._next_qn(), self._settings)
        except LocalProtocolError as error:
            failed, kind = pb.COMMAND_STATE_FAILED, pb.COMMAND_STEP_KIND_RESULT
            job.tell(kind, self._now(), failed, f"not sent: {error}", self._tell)
            return
        line.active = job
        self.background += job.order.background
        self._advance(line, job, dialogue.begin(self._clock()))

    def _advance(self, line: Line, job: Job, steps: list[Step]) -> None:
        """Write and tell what a dialogue did."""
        for step in steps:
            job.tell_step(step, self._now(), self._tell)
            if step.kind is StepKind.WRITTEN and not _write(job):
                assert job.dialogue is not None
                self._advance(line, job, job.dialogue.gone(self._clock()))
            if step.kind is StepKind.DISCONNECTED and job.repeatable:
                self._known.pop(job.order.command_id, None)
        if job.ended and line.active is job:
            self._finish(line, job)

    def _finish(self, line: Line, job: Job) -> None:
        line.active, line.last = None, job
        job.ended_at = self._clock()
        self.background -= job.order.background
        assert isinstance(job.dialogue, Dialogue)
        log.info(
            "command_ended",
            command_id=job.order.command_id,
            mn=job.order.mn,
            cn=job.order.cn,
            state=str(job.dialogue.state),
            answers=job.dialogue.answers,
        )

    def _expire(self, line: Line) -> None:
        """Deadlines of what still waits."""
        for queue in (line.foreground, line.background):
            for job in [job for job in queue if self._too_late(job)]:
                queue.remove(job)
                self.waiting -= 1
                self._tell_expired(job)

    def _too_late(self, job: Job) -> bool:
        order = job.order
        return order.HasField("deadline") and self._now() > from_timestamp(order.deadline)

    def _tell_expired(self, job: Job) -> None:
        kind, state = pb.COMMAND_STEP_KIND_EXPIRED, pb.COMMAND_STATE_EXPIRED
        job.tell(kind, self._now(), state, "its turn came after its deadline", self._tell)

    def _give_back_all(self, line: Line, why: str) -> None:
        jobs = line.waiting()
        line.foreground.clear()
        line.background.clear()
        self.waiting -= len(jobs)
        for job in jobs:
            self._give_back(job, why)

    def _give_back(self, job: Job, why: str) -> None:
        """Not begun: ingest may order it again, here or elsewhere."""
        self._known.pop(job.order.command_id, None)
        kind, state = pb.COMMAND_STEP_KIND_DISCONNECTED, pb.COMMAND_STATE_QUEUED
        job.tell(kind, self._now(), state, why, self._tell)

    def _next_qn(self) -> str:
        """The present moment, never the same millisecond twice: QN tells requests apart."""
        self._last_qn = max(self._now(), self._last_qn + timedelta(milliseconds=1))
        return request_number(self._last_qn)


def _write(job: Job) -> bool:
    assert job.link is not None
    assert job.dialogue is not None
    return job.link.send(job.dialogue.request.data)
