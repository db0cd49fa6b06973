"""The desk under any order of events: every order gets its last word, and nothing leaks."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.chassis.clock import to_timestamp
from services.chassis.pb.ingest.v1 import command_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.ingest.gate.commands_desk import Desk
from services.ingest.gate.commands_settings import CommandSettings
from services.ingest.gate.connections import Connections, Link
from services.ingest.gate.directory import Directory
from services.ingest.hj212.encode import encode_frame
from services.ingest.hj212.session import Session

START = datetime(2026, 6, 21, tzinfo=UTC)
MNS = [f"{number:024X}" for number in range(3)]
PERIOD = {"BeginTime": "20260621080000", "EndTime": "20260621085900"}
ENDS = {
    pb.COMMAND_STATE_DONE,
    pb.COMMAND_STATE_FAILED,
    pb.COMMAND_STATE_EXPIRED,
    pb.COMMAND_STATE_QUEUED,  # back to ingest
}
AREAS = {
    "9011": ["QnRtn=1", "QnRtn=2"],
    "9012": ["ExeRtn=1", "ExeRtn=100"],
    "9013": [""],
    "2061": ["DataTime=20260621083000;a21026-Avg=1", "DataTime=20260622000000;a21026-Avg=1"],
}
KINDS = {"3012": {"PolId": "a21026"}, "2061": PERIOD, "2012": {}, "1062": {"RtdInterval": "1"}}


class Wire:
    """A connection that remembers the number of the last request."""

    peer = host = certificate = ""

    def __init__(self) -> None:
        self.alive = True
        self.qn = "20260101000000000"

    def send(self, data: bytes) -> bool:
        self.qn = data[9:26].decode() if self.alive else self.qn
        return self.alive

    def close(self, reason: str) -> None:
        self.alive = False


class AnyOrder(RuleBasedStateMachine):
    """Three loggers, two back-fills at once."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.busy = self.paused = False
        self.count = 0
        self.told: dict[str, list[pb.CommandProgress]] = defaultdict(list)
        self.ordered: set[str] = set()
        self.connections, self.directory = Connections(), Directory()
        for mn in MNS:
            body = registry.Logger(mn=mn, outlet_id=mn, password="123456", st="31", enabled=True)
            kind = registry.RECORD_KIND_LOGGER
            self.directory.apply([registry.Record(kind=kind, key=mn, revision=1, logger=body)])
        self.desk = Desk(
            self.connections.by_mn,
            lambda progress: self.told[progress.command_id].append(progress),
            gate_id="g",
            settings=CommandSettings(backfills=2, waiting=6),
            clock=lambda: self.seconds,
            now=self._now,
            busy=lambda: self.busy,
            paused=lambda: self.paused,
        )

    def _now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    @rule(mn=strategies.sampled_from(MNS))
    def connect(self, mn: str):
        if len(self.connections.links(mn)) < 2:
            link = Link(mn, Wire(), "s", self.directory)
            link.version = 2017
            self.connections.add(link)

    @rule(mn=strategies.sampled_from(MNS), polite=strategies.booleans())
    def hang_up(self, mn: str, polite: bool):
        link = self.connections.by_mn(mn)
        if link is None:
            return
        link.wire.close("peer")
        if polite:
            self.connections.remove(link)
            self.desk.closed(link)

    @rule(
        mn=strategies.sampled_from(MNS),
        cn=strategies.sampled_from(sorted(KINDS)),
        background=strategies.booleans(),
        soon=strategies.booleans(),
    )
    def order(self, mn: str, cn: str, background: bool, soon: bool):
        self.count += 1
        deadline = to_timestamp(self._now() + timedelta(seconds=5 if soon else 600))
        name = f"c{self.count}"
        self.ordered.add(name)
        for _ in range(2):  # a repeated order is carried out once, or given back twice
            self.desk.order(
                pb.CommandOrder(
                    command_id=name,
                    mn=mn,
                    cn=cn,
                    parameters=KINDS[cn],
                    background=background,
                    deadline=deadline,
                )
            )

    @rule(
        mn=strategies.sampled_from(MNS),
        said=strategies.sampled_from([(cn, area) for cn, areas in AREAS.items() for area in areas]),
        own=strategies.booleans(),
    )
    def hear(self, mn: str, said: tuple[str, str], own: bool):
        link = self.connections.by_mn(mn)
        if link is None:
            return
        qn = link.wire.qn if own else "20260101000000001"
        text = f"QN={qn};ST=91;CN={said[0]};PW=123456;MN={mn};Flag=4;CP=&&{said[1]}&&"
        (received,) = Session(0.0).receive(encode_frame(text.encode()), 0.0)
        name = self.desk.take(link, received)
        assert not name or name in self.ordered

    @rule(seconds=strategies.sampled_from([1.0, 10.0, 70.0, 1000.0]))
    def wait(self, seconds: float):
        self.seconds += seconds
        self.desk.tick()

    @rule(busy=strategies.booleans(), paused=strategies.booleans())
    def press(self, busy: bool, paused: bool):
        self.busy, self.paused = busy, paused

    @precondition(lambda self: self.ordered)
    @rule()
    def close_the_gate(self):
        """Everything that was ever ordered has its last word, and the next life begins empty."""
        self.desk.shut()
        self.desk.abandon()
        assert self.desk.active == self.desk.waiting == self.desk.background == 0
        for name in self.ordered:
            assert self.told[name][-1].state in ENDS
        self.ordered.clear()
        self.told.clear()
        self.desk._lines.clear()
        self.desk._open = True

    @invariant()
    def nothing_leaks(self):
        """The counts agree with what is there; what a person asked never waits behind nothing."""
        lines = self.desk._lines.values()
        assert self.desk.waiting == sum(len(x.foreground) + len(x.background) for x in lines)
        running = [x.active.order.background for x in lines if x.active]
        assert self.desk.background == sum(running) <= 2
        for line in lines:
            assert line.active is None or not line.active.ended
            assert line.active or not line.foreground

    @invariant()
    def every_execution_has_one_end(self):
        """Numbers count from 1 without a gap, and after an end only a new execution follows."""
        for events in self.told.values():
            number = 0
            for place, event in enumerate(events):
                begins = event.number == 1
                assert begins or event.number == number + 1
                number = event.number
                last_of_run = place + 1 == len(events) or events[place + 1].number == 1
                if event.kind != pb.COMMAND_STEP_KIND_WRITTEN and event.state in ENDS:
                    assert last_of_run
                if event.state in {pb.COMMAND_STATE_DONE, pb.COMMAND_STATE_FAILED}:
                    assert place + 1 == len(events)  # carried out once


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
