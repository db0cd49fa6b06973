"""A gate's desk with simulated loggers connected to it, without sockets; time is a number."""

from datetime import UTC, datetime, timedelta

from farsight.lab.device import Device, HangUp, Say, Series, device_of
from farsight.lab.faults import read_faults
from farsight.lab.province import demo_loggers
from services.chassis.pb.ingest.v1 import command_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.ingest.gate.commands_desk import Desk
from services.ingest.gate.commands_settings import CommandSettings
from services.ingest.gate.connections import Connections, Link
from services.ingest.gate.directory import Directory
from services.ingest.hj212.policy import LoggerPolicy
from services.ingest.hj212.session import Session

START = datetime(2026, 6, 21, 3, 1, 10, tzinfo=UTC)
LOGGERS = demo_loggers(495_000, 7, honest=True)[:4]
HOUR = {"BeginTime": "20260621080000", "EndTime": "20260621085900"}
KEY = b"0123456789abcdef"


class Line:
    """A connection to one simulated logger; what it says waits in `said` until it is delivered."""

    peer, host, certificate = "10.0.0.1:1", "10.0.0.1", ""

    def __init__(self, device: Device, world: "World") -> None:
        self.device = device
        self.world = world
        self.open = True
        self.written: list[bytes] = []
        self.said: list[bytes] = []

    def send(self, data: bytes) -> bool:
        if not self.open:
            return False
        self.written.append(data)
        for act in self.device.hear(data, self.world.moment()):
            if isinstance(act, Say):
                self.said.append(act.data)
            elif isinstance(act, Series):
                self.said += [frame.data for frame in act.frames]
            elif isinstance(act, HangUp):
                self.open = False
        return True

    def close(self, reason: str) -> None:
        self.open = False


class World:
    """A desk with loggers connected to it."""

    def __init__(self, **settings) -> None:
        self.seconds = 0.0
        self.busy = self.paused = False
        self.told: list[pb.CommandProgress] = []
        self.connections = Connections()
        self.directory = Directory()
        self.desk = Desk(
            self.connections.by_mn,
            self.told.append,
            gate_id="gate-1",
            settings=CommandSettings(**settings),
            clock=lambda: self.seconds,
            now=self.moment,
            busy=lambda: self.busy,
            paused=lambda: self.paused,
        )

    def moment(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def connect(self, number: int = 0, version: int = 2017, *faults: str, key: bytes = b"") -> Link:
        """The logger `number` dials in."""
        device = device_of(LOGGERS[number], version=version, key=key, faults=read_faults(faults))
        mn = device.speech.mn
        self.directory.apply(
            [
                registry.Record(
                    kind=registry.RECORD_KIND_LOGGER,
                    key=mn,
                    revision=1,
                    logger=registry.Logger(
                        mn=mn,
                        outlet_id=f"outlet-{number}",
                        password=device.speech.password,
                        st=device.speech.st,
                        enabled=True,
                    ),
                )
            ]
        )
        link = Link(mn, Line(device, self), f"session-{number}", self.directory)
        link.version = version
        self.connections.add(link)
        return link

    def hang_up(self, link: Link) -> None:
        """The connection ends."""
        link.wire.close("peer")
        self.connections.remove(link)
        self.desk.closed(link)

    def deliver(self, link: Link, count: int = 1000) -> list[str]:
        """Give the desk what the logger said; the command of each frame."""
        said, link.wire.said = link.wire.said[:count], link.wire.said[count:]
        key = link.wire.device.speech.key
        policy = LoggerPolicy(keys=(key,) if key else ())
        session = Session(0.0, lambda _mn: policy)
        taken = [self.desk.take(link, r) for data in said for r in session.receive(data, 0.0)]
        return taken + (self.deliver(link, count) if link.wire.said and count > 999 else [])

    def order(self, name: str, cn: str = "1011", number: int = 0, **fields) -> None:
        """An order arrives."""
        self.desk.order(pb.CommandOrder(command_id=name, mn=LOGGERS[number].mn, cn=cn, **fields))

    def pass_time(self, seconds: float) -> None:
        """Time passes, the desk ticks each second."""
        for _ in range(int(seconds)):
            self.seconds += 1
            self.desk.tick()

    def steps(self, name: str) -> list[str]:
        """What was told of a command, `KIND STATE`."""
        return [
            f"{pb.CommandStepKind.Name(p.kind).removeprefix('COMMAND_STEP_KIND_')}"
            f" {pb.CommandState.Name(p.state).removeprefix('COMMAND_STATE_')}"
            for p in self.told
            if p.command_id == name
        ]
