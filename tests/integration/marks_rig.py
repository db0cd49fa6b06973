"""What tests of marks share: who calls, a client of the door, sample marks, a spy on the bus."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import grpc
from kombu.connection import Connection
from kombu.entity import Queue

from services.chassis import grpc_host
from services.chassis.bus.topology import EVENTS, declare_topology
from services.chassis.clock import BEIJING, to_timestamp
from services.chassis.identity import Actor, Role
from services.chassis.pb.ingest.v1 import mark_pb2 as pb
from services.chassis.pb.ingest.v1 import mark_pb2_grpc as rpc
from services.chassis.pb.ingest.v1 import outside_pb2
from tests.integration.gate_rig import CREDIT, PARTITIONS, House

PLANT = Actor("u-plant", Role.ENTERPRISE, enterprise_id=CREDIT, name="刘工")
OTHER_PLANT = Actor("u-other", Role.ENTERPRISE, enterprise_id="91130403MA0OTHER2B", name="别厂")
OFFICER = Actor("u-county", Role.OFFICER, division="130402", name="王执法")
LEADER = Actor("u-city", Role.LEADER, division="130400", name="赵队长")
NEIGHBOUR = Actor("u-far", Role.OFFICER, division="130500", name="远方")
PLATFORM = Actor("u-platform", Role.PLATFORM, division="130000", name="省平台")
OPERATOR = Actor("u-operator", Role.OPERATOR, division="130000", name="运维")
POLICE = Actor("u-police", Role.POLICE, division="130400", name="警")
PROCURATOR = Actor("u-procurator", Role.PROCURATOR, division="130400", name="检")
EVERYONE = (
    PLANT, OTHER_PLANT, OFFICER, LEADER, NEIGHBOUR, PLATFORM, OPERATOR, POLICE, PROCURATOR,
)  # fmt: skip


def today(hour: float = 0, days: int = 0) -> datetime:
    """An hour of the Beijing day that is `days` from now."""
    midnight = datetime.now(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=days, hours=hour)


def maintenance(start: datetime, hours: float = 2, **fields: Any) -> outside_pb2.Mark:
    """A monitor that is being maintained."""
    values: dict[str, Any] = {
        "family": outside_pb2.MARK_FAMILY_MAINTENANCE,
        "start": to_timestamp(start),
        "end": to_timestamp(start + timedelta(hours=hours)),
        "reason": "校准",
        "factors": ["a21026"],
    }
    return outside_pb2.Mark(**{**values, **fields})


class Door:
    """A client of the door that can speak as anybody; errors come back typed."""

    def __init__(self, site: House) -> None:
        self.site = site
        self.channel = grpc_host.client_channel(site.environment["FARSIGHT_GRPC_ADDR"])
        self._stub = rpc.MarkServiceStub(self.channel)

    def call(self, who: Actor, method: str, request: Any) -> Any:
        """Call a method."""
        try:
            return getattr(self._stub, method)(request, metadata=self.site.bearer(who), timeout=20)
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error

    def submit(
        self,
        mark: outside_pb2.Mark,
        expected: int = 0,
        *,
        who: Actor = PLANT,
        outlet: int = 0,
        channel: str = "",
    ) -> pb.MarkRecord:
        """Submit a mark of an outlet by its number."""
        request = pb.SubmitMarkRequest(
            outlet_id=self.site.outlets[outlet],
            mark=mark,
            expected_revision=expected,
            channel=channel,
        )
        return self.call(who, "SubmitMark", request).record

    def decide(
        self, record: pb.MarkRecord, verdict: int, *, who: Actor = OFFICER, reason: str = "经核实"
    ) -> pb.MarkRecord:
        """Decide about a revision."""
        request = pb.DecideMarkRequest(
            outlet_id=record.outlet_id,
            mark_id=record.mark.mark_id,
            revision=record.mark.revision,
            verdict=pb.MarkVerdict.ValueType(verdict),
            reason=reason,
        )
        return self.call(who, "DecideMark", request).record

    def list(self, who: Actor = PLANT, **asked: Any) -> list[pb.MarkRecord]:
        """The first page of a list."""
        return list(self.call(who, "ListMarks", pb.ListMarksRequest(**asked)).records)

    def proof(self, content: bytes = b"photo", *, outlet: int = 0) -> str:
        """Keep a proof; gives its id."""
        request = pb.KeepProofRequest(
            outlet_id=self.site.outlets[outlet],
            name="工单.jpg",
            type="image/jpeg",
            content=content,
        )
        return str(self.call(PLANT, "KeepProof", request).proof.media_id)


class Spy:
    """Hears events of one type from the moment it is made."""

    def __init__(self, bus: Connection, kind: type[Any]) -> None:
        self._kind = kind
        self._channel = bus.channel()
        self._queue = Queue(exclusive=True, auto_delete=True, channel=self._channel)
        self._name = self._queue.queue_declare().queue
        self._channel.queue_bind(self._name, EVENTS.name, kind.DESCRIPTOR.full_name)
        self.heard: list[Any] = []

    def look(self) -> list[Any]:
        """Everything heard so far."""
        while message := self._channel.basic_get(self._name, no_ack=True):
            body = message.body
            data = body.encode() if isinstance(body, str) else bytes(body)
            self.heard.append(self._kind.FromString(data))
        return self.heard

    def revisions(self) -> list[tuple[str, int, int]]:
        """Mark, revision and decision of every record told."""
        return [
            (record.mark.mark_id, record.mark.revision, record.decision)
            for event in self.look()
            for record in event.records
        ]


@contextmanager
def spies(amqp_uri: str) -> Iterator[tuple[Spy, Spy]]:
    """Spies on `MarksChanged` and `DayFrozen`."""
    with Connection(amqp_uri) as bus:
        declare_topology(bus, PARTITIONS)
        yield Spy(bus, pb.MarksChanged), Spy(bus, pb.DayFrozen)
