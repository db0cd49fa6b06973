"""The gate's account of frames without a network: sessions, clocks, devices, versions, limits."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.pb.ingest.v1 import logger_pb2
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.ingest.gate.admission import address_of
from services.ingest.gate.anomalies import Anomalies
from services.ingest.gate.connections import Connections, Link
from services.ingest.gate.directory import Directory
from services.ingest.gate.intake import Intake
from services.ingest.gate.limits import Bucket, ReplyLimit
from services.ingest.gate.metrics import Counts, TopRefused
from services.ingest.gate.notices import Notices
from services.ingest.gate.pauses import BUS, PENDING, Pauses
from services.ingest.gate.sessions import Sessions
from services.ingest.gate.sight import Sight
from services.ingest.gate.watch import Watch
from services.ingest.hj212.encode import encode_frame, encode_upload, request_number
from services.ingest.hj212.session import Session

MN = "010000A8900016F000169DC0"
OUTLET = "91130402MA0GATE12L-DA001"
KINDS = logger_pb2.AnomalyKind


class Wire:
    """A connection that remembers what was written."""

    def __init__(self, host: str = "10.1.0.1", certificate: str = "") -> None:
        self.host, self.peer, self.certificate = host, f"{host}:40001", certificate
        self.address = address_of(host)
        self.late = False
        self.links: dict[str, Link] = {}
        self.replies = ReplyLimit(12)
        self.at = 0.0
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> bool:
        """Write."""
        self.sent.append(data)
        return True

    def close(self, reason: str) -> None:
        """Hang up."""


class Gathered:
    """In the gatherer's place: frames, and answers given at once."""

    def __init__(self) -> None:
        self.frames: list[pb.Frame] = []

    def add(self, _partition: int, frame: pb.Frame, _values: Any, on_safe: Any) -> None:
        """Take a frame."""
        self.frames.append(frame)
        if on_safe is not None:
            on_safe()


class Told(list[Any]):
    """In the event sender's place."""

    put = put_session = list.append


class Asking:
    """Says that every frame answers a request, and remembers what the gate asked for itself."""

    command_id = ""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def take(self, link: Link, received: Any) -> str:
        """The request that is answered."""
        return self.command_id

    def ask(self, link: Link, cn: str, parameters: dict[str, str]) -> bool:
        """A request of the gate's own."""
        self.asked.append(cn)
        return True

    def closed(self, link: Link) -> None:
        """Nothing was under way."""


class Rig:
    """An intake with one logger known, and a clock that the test moves."""

    def __init__(self, **fields: Any) -> None:
        self.now = datetime(2026, 11, 22, 3, tzinfo=UTC)
        self.directory = Directory()
        self.gathered, self.told, self.commands = Gathered(), Told(), Asking()
        self.connections = Connections()
        self.register(**fields)
        sessions = Sessions(
            self.connections,
            self.directory,
            self.told,  # type: ignore[arg-type]
            self.commands,
            gate_id="g",
            now=lambda: self.now,
        )
        anomalies = Anomalies(self.told, gate_id="g", again_s=86400)  # type: ignore[arg-type]
        self.watch = Watch(anomalies, self.connections, drift_s=120, second_s=600)
        self.intake = Intake(
            self.directory,
            self.gathered,  # type: ignore[arg-type]
            sessions=sessions,
            commands=self.commands,
            sight=Sight(self.watch, anomalies),
            notices=Notices(
                self.commands,
                self.directory,
                self._no_key,
                now=lambda: self.now,
                again_s=600,
            ),
            partitions=2,
            future=timedelta(minutes=10),
            now=lambda: self.now,
        )
        self.sessions: dict[Wire, Session] = {}
        self.revision = 1

    def register(self, revision: int = 1, **fields: Any) -> None:
        """The logger's record."""
        body = registry.Logger(
            **{"mn": MN, "outlet_id": OUTLET, "password": "123456", "enabled": True, **fields}
        )
        record = registry.Record(
            kind=registry.RECORD_KIND_LOGGER, key=MN, revision=revision, logger=body
        )
        self.directory.apply([record])

    def send(self, data: bytes, wire: Wire) -> list[pb.Frame]:
        """Bytes arrive; gives the frames they came to."""
        wire.at = self.now.timestamp()
        session = self.sessions.setdefault(wire, Session(wire.at, self.directory.policy_of))
        before = len(self.gathered.frames)
        for received in session.receive(data, wire.at):
            self.intake.take(received, session, wire)
        return self.gathered.frames[before:]

    def live(self, wire: Wire, count: int, offset_s: float = 0.0) -> None:
        """Real-time frames each 30 s from a clock that is off by `offset_s`."""
        for _ in range(count):
            self.now += timedelta(seconds=30)
            self.send(realtime(self.now + timedelta(seconds=offset_s)), wire)

    def anomalies(self) -> list[tuple[str, str, str]]:
        """What was told, in short."""
        return [
            (KINDS.Name(each.kind).removeprefix("ANOMALY_KIND_"), each.before, each.after)
            for each in self.told
            if isinstance(each, logger_pb2.LoggerAnomaly)
        ]

    async def _no_key(self, mn: str, in_use: str) -> str:
        raise AssertionError


def realtime(moment: datetime, **fields: Any) -> bytes:
    """A real-time frame as it is made at `moment`."""
    values = {"a21026": {"Rtd": 31.5, "Flag": "N"}}
    arguments = {"cn": "2011", "mn": MN, "password": "123456", "st": "31", "values": values}
    arguments |= {"qn": request_number(moment), "data_time": moment, **fields}
    return encode_upload(**arguments)


def other(cn: str, area: str = "", flag: str = "Flag=5;", qn: str = "20261122110000000") -> bytes:
    """A frame of the site that is no upload."""
    head = f"QN={qn};ST=31;CN={cn};PW=123456;MN={MN};{flag}"
    return encode_frame(f"{head}CP=&&{area}&&".encode())


def test_the_first_admitted_frame_opens_one_session():
    """A refused one opens none; later ones open no other."""
    rig, wire = Rig(), Wire()
    rig.send(realtime(rig.now, password="1"), wire)
    rig.live(wire, 3)

    opened = [each for each in rig.told if isinstance(each, logger_pb2.LoggerSession)]
    assert [(each.mn, each.open, each.peer) for each in opened] == [(MN, True, "10.1.0.1:40001")]
    assert rig.connections.by_mn(MN) is wire.links[MN]


def test_a_clock_that_jumps_is_told_with_the_frame_that_shows_it():
    """Six minutes forward; the correlation id leads to the raw frame."""
    rig, wire = Rig(), Wire()
    rig.live(wire, 5)
    rig.live(wire, 5, offset_s=360)

    assert rig.anomalies() == [("CLOCK_JUMP", "0", "360")]
    (jump,) = [each for each in rig.told if isinstance(each, logger_pb2.LoggerAnomaly)]
    assert jump.offset_s == pytest.approx(360)
    assert jump.correlation_id == rig.gathered.frames[5].correlation_id


def test_a_clock_so_far_ahead_that_its_frames_are_refused_is_told_too():
    """future_time refuses the data, not the sight of the clock."""
    rig, wire = Rig(), Wire()
    rig.live(wire, 5)
    rig.live(wire, 5, offset_s=3600)

    assert {frame.reason for frame in rig.gathered.frames[5:]} == {"future_time"}
    assert rig.anomalies() == [("CLOCK_JUMP", "0", "3600")]


def test_back_fill_and_answers_say_nothing_about_the_clock():
    """RF=1 and what was asked for carry old numbers, and their origin."""
    rig, wire = Rig(), Wire()
    rig.live(wire, 5)
    for minute in range(10):
        rig.now += timedelta(seconds=30)
        old = rig.now - timedelta(hours=5, minutes=minute)
        (back,) = rig.send(realtime(old, rf=True, flag=9), wire)
        rig.commands.command_id = "c-1"
        (asked,) = rig.send(realtime(old - timedelta(seconds=7)), wire)
        rig.commands.command_id = ""
        assert (back.origin, back.command_id) == (pb.ORIGIN_BACKFILL, "")
        assert (asked.origin, asked.command_id) == (pb.ORIGIN_ASKED, "c-1")

    assert rig.anomalies() == []
    assert rig.gathered.frames[0].origin == pb.ORIGIN_LIVE


def test_another_device_is_told_once_a_device():
    """i23005 against the registry; an instrument's serial against the one before."""
    rig, wire = Rig(hardware_id="HW-1"), Wire()
    frames = [
        other("3020", "DataTime=20261122110000;i23005-Info=HW-1"),
        other("3019", "PolId=a21026;a21026-SN=AAAA"),
        other("3020", "DataTime=20261122110001;i23005-Info=HW-2"),
        other("3020", "DataTime=20261122110002;i23005-Info=HW-2"),
        other("3019", "PolId=a21026;a21026-SN=BBBB", qn="20261122110000001"),
    ]
    for frame in frames:
        rig.send(frame, wire)

    assert rig.anomalies() == [
        ("HARDWARE_CHANGED", "i23005-Info=HW-1", "i23005-Info=HW-2"),
        ("HARDWARE_CHANGED", "a21026-SN=AAAA", "a21026-SN=BBBB"),
    ]


def test_a_reconnect_is_no_second_logger_and_two_senders_are():
    """The old connection's last frame may be read late; three changes are no accident."""
    rig, old, new = Rig(), Wire("10.1.0.1"), Wire("10.2.0.1")
    rig.live(old, 2)
    rig.live(new, 1)
    rig.live(old, 1)
    rig.live(new, 3)
    assert rig.anomalies() == []

    for _ in range(4):
        rig.live(old, 1)
        rig.live(new, 1)
    assert rig.anomalies() == [("SECOND_LOGGER", "10.1.0.1", "10.2.0.1")]


def test_a_logger_at_two_gates_is_told_when_it_goes_on_here():
    """It may have moved; then it sends here no more."""
    rig, wire = Rig(), Wire()
    rig.live(wire, 1)

    def elsewhere() -> bool:
        rig.now += timedelta(seconds=30)
        return rig.watch.elsewhere(MN, rig.now.timestamp(), rig.now)

    assert [elsewhere(), elsewhere()] == [False, False]
    rig.live(wire, 1)
    assert elsewhere()
    assert rig.anomalies() == [("SECOND_LOGGER", "10.1.0.1", "another gate")]


def test_an_address_is_looked_at_again_when_the_record_changes():
    """What was let in under the old record is not let in for ever."""
    rig, wire = Rig(), Wire("::ffff:10.1.0.1")
    rig.live(wire, 1)
    rig.register(2, addresses=["10.1.0.0/24"])
    rig.live(wire, 1)
    rig.register(3, addresses=["10.9.0.0/24"])
    rig.live(wire, 1)

    assert [frame.reason for frame in rig.gathered.frames] == ["", "", "wrong_address"]


def test_what_was_learned_of_a_version_holds_on_the_next_connection():
    """A code of 2025 says it once; a frame that could be of either issue is read by it."""
    rig, wire = Rig(), Wire()
    rig.send(other("9015", flag="Flag=9;"), wire)
    (frame,) = rig.send(other("2081", "DataTime=20261122110000;RestartTime=20261122105900"), Wire())

    assert frame.version == 2025
    assert rig.directory.policy_of(MN).version == 2025


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (other("9015", flag="Flag=9;"), "9013"),
        (other("1013"), "9013"),
        (other("2072", "AlarmTime=20261122110000;101-Ala=1;AlarmType=1", flag=""), "9013"),
        (other("2081", "DataTime=20261122110000;RestartTime=20261122105900"), "9014"),
        (other("3020", "DataTime=20261122110000;PolId=a21026;i13001-Info=1"), "9014"),
        (other("3020", "DataTime=20261122110000;PolId=a21026;i13001-Info=1", "Flag=4;"), ""),
        (other("9013"), ""),
        (other("9012", "ExeRtn=1"), ""),
        (other("9021"), "9014"),
    ],
)
def test_who_is_answered_what(frame: bytes, expected: str):
    """Table 2.4: 9013 to a notice, 9014 to data that asks, nothing to a reply; never with bit 0."""
    rig, wire = Rig(), Wire()
    rig.send(frame, wire)

    fields = [dict(f.split(b"=", 1) for f in sent[6:].split(b";")[:-1]) for sent in wire.sent]
    assert [each[b"CN"].decode() for each in fields] == ([expected] if expected else [])
    assert not any(int(each.get(b"Flag", b"0")) & 1 for each in fields)


def test_a_reply_of_2005_without_an_mn_belongs_to_the_connection():
    """Its 9014 has neither MN nor PW; it is kept with its logger and not held against it."""
    rig, wire = Rig(password=""), Wire()
    rig.send(realtime(rig.now, password=""), wire)
    (frame,) = rig.send(encode_frame(b"ST=91;CN=9014;CP=&&QN=20261122110000000;CN=1011&&"), wire)

    assert (frame.mn, frame.outlet_id) == (MN, OUTLET)


def test_a_logger_is_given_the_patience_of_its_own_cadence():
    """An hourly logger is not idle after the setting; a heart that stopped is missed sooner."""
    rig, wire = Rig(realtime_interval_s=3600, minute_interval_min=10), Wire()
    rig.live(wire, 1)
    link = wire.links[MN]
    assert link.patience_s(3900, 300) == 3 * 3600

    for _ in range(3):
        rig.now += timedelta(seconds=150)
        rig.send(other("9015", flag="Flag=9;", qn=request_number(rig.now)), wire)
    assert link.patience_s(3900, 300) == 450


def test_a_share_is_burst_and_rate():
    """Ten at once and ten a second: the eleventh waits a tenth of a second, the twelfth two."""
    bucket = Bucket()
    waits = [bucket.take(5.0, 0.1, 1.0) for _ in range(12)]

    assert waits[:10] == [0.0] * 10
    assert waits[10:] == pytest.approx([0.1, 0.2])
    assert bucket.take(60.0, 0.1, 1.0) == 0.0


def test_replies_are_counted_by_the_minute_and_the_memory_is_bounded():
    """Two a minute to a thing; the next minute two more."""
    limit = ReplyLimit(2)
    allowed = [limit.allows("x", at) for at in (0.0, 1.0, 2.0, 59.0, 61.0, 62.0, 63.0)]
    for number in range(10_000):
        limit.allows(number, 70.0)

    assert allowed == [True, True, False, False, True, True, False]
    assert len(limit._counts) == 256


def test_who_is_refused_most_is_shown_whoever_sends_what():
    """Ten thousand invented MNs cost a thousand counters and twenty lines."""
    top = TopRefused()
    for number in range(10_000):
        top.inc(f"{number:024X}", "unknown_mn")
        top.inc("BAD", "wrong_password")
    (family,) = top.collect()

    assert len(top._counts) == 1000
    assert len(family.samples) == 20
    assert family.samples[0].labels == {"mn": "BAD", "reason": "wrong_password"}
    assert family.samples[0].value == 10_000


def test_a_count_is_scraped_as_a_counter():
    """Plain additions come out as samples with their labels."""
    counts = Counts("test_frames_total", "Frames", ["outcome", "reason"])
    counts.counts["refused", "crc"] += 2
    (family,) = counts.collect()

    (sample,) = family.samples
    assert (sample.name, sample.value) == ("test_frames_total", 2)
    assert sample.labels == {"outcome": "refused", "reason": "crc"}


def test_reading_goes_on_when_the_last_reason_is_gone():
    """Two reasons at once; one of them alone still holds."""
    said: list[bool] = []
    pauses = Pauses(said.append)
    pauses.set(BUS, "")
    pauses.set(BUS, "away")
    pauses.set(PENDING, "many")
    pauses.set(PENDING, "more")
    pauses.set(BUS, "")
    pauses.set(PENDING, "")

    assert said == [False, True, True, True, False]
