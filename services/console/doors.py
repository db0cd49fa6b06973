"""The gRPC doors as the console sees them: few channels, typed stubs, errors with a meaning.

Every call carries the signed-in person's token, so each service decides itself what that person
may see; the console holds no right of its own. Deadlines are short: a page that waits is a page
that fails.
"""

from collections.abc import AsyncIterator
from typing import TypeVar

import grpc

from services.chassis.errors import FarsightError, Unavailable
from services.chassis.grpc_host import OPTIONS, bearer, door_address, error_from
from services.chassis.pb.cases.v1.cases_pb2_grpc import CaseServiceStub
from services.chassis.pb.cases.v1.inspection_pb2_grpc import InspectionServiceStub
from services.chassis.pb.cases.v1.paper_pb2_grpc import PaperServiceStub
from services.chassis.pb.cases.v1.people_pb2_grpc import PeopleServiceStub
from services.chassis.pb.cases.v1.sheet_pb2_grpc import SheetServiceStub
from services.chassis.pb.cases.v1.work_pb2_grpc import WorkServiceStub
from services.chassis.pb.detect.v1.detect_pb2_grpc import DetectServiceStub
from services.chassis.pb.detect.v1.judgement_pb2_grpc import JudgementServiceStub
from services.chassis.pb.detect.v1.outside_clue_pb2_grpc import OutsideClueServiceStub
from services.chassis.pb.detect.v1.power_pb2_grpc import PowerServiceStub
from services.chassis.pb.detect.v1.screening_pb2_grpc import ScreeningServiceStub
from services.chassis.pb.ingest.v1.callback_pb2_grpc import CommandServiceStub
from services.chassis.pb.ingest.v1.ingest_pb2_grpc import HistoryServiceStub
from services.chassis.pb.ingest.v1.logger_pb2_grpc import LoggerServiceStub
from services.chassis.pb.ingest.v1.mark_pb2_grpc import MarkServiceStub
from services.chassis.pb.ingest.v1.outside_pb2_grpc import OutsideServiceStub
from services.chassis.pb.ingest.v1.transmission_pb2_grpc import TransmissionServiceStub
from services.chassis.pb.notify.v1.notify_pb2_grpc import NotifyServiceStub
from services.chassis.pb.referral.v1.referral_pb2_grpc import ReferralServiceStub
from services.chassis.pb.registry.v1.registry_pb2_grpc import RegistryServiceStub

Q = TypeVar("Q")
A = TypeVar("A")

#: Seconds one call of a page may take.
DEADLINE_S = 8.0
#: Seconds a whole bundle may take to travel.
DOWNLOAD_DEADLINE_S = 300.0


class Doors:
    """The channels to the doors and a stub for each service behind them.

    On one machine all doors are one process and share one channel; on Kubernetes the setting holds
    `{service}` and each door has its own.
    """

    def __init__(self, grpc_addr: str) -> None:
        self.address = grpc_addr
        self.channels: dict[str, grpc.aio.Channel] = {}
        self.registry = RegistryServiceStub(self._channel("registry"))
        self.history = HistoryServiceStub(self._channel("ingest"))
        self.commands = CommandServiceStub(self._channel("ingest"))
        self.loggers = LoggerServiceStub(self._channel("ingest"))
        self.transmission = TransmissionServiceStub(self._channel("ingest"))
        self.marks = MarkServiceStub(self._channel("ingest"))
        self.outside = OutsideServiceStub(self._channel("ingest"))
        self.detect = DetectServiceStub(self._channel("detect"))
        self.judgement = JudgementServiceStub(self._channel("detect"))
        self.power = PowerServiceStub(self._channel("detect"))
        self.screening = ScreeningServiceStub(self._channel("detect"))
        self.outside_clues = OutsideClueServiceStub(self._channel("detect"))
        self.cases = CaseServiceStub(self._channel("cases"))
        self.papers = PaperServiceStub(self._channel("cases"))
        self.inspections = InspectionServiceStub(self._channel("cases"))
        self.sheets = SheetServiceStub(self._channel("cases"))
        self.people = PeopleServiceStub(self._channel("cases"))
        self.work = WorkServiceStub(self._channel("cases"))
        self.referral = ReferralServiceStub(self._channel("referral"))
        self.notify = NotifyServiceStub(self._channel("notify"))

    def _channel(self, service: str) -> grpc.aio.Channel:
        address = door_address(self.address, service)
        if address not in self.channels:
            # A door that comes back is found within two seconds, not after gRPC's two minutes.
            options = [*OPTIONS, ("grpc.max_reconnect_backoff_ms", 2_000)]
            self.channels[address] = grpc.aio.insecure_channel(address, options=options)
        return self.channels[address]

    def as_owner_of(self, token: str) -> "Caller":
        """Give a caller that carries `token` with each request."""
        return Caller(self, token)

    async def close(self) -> None:
        """End the channels."""
        for channel in self.channels.values():
            await channel.close(grace=None)


class Caller:
    """Calls the doors as one person. Raises the chassis' typed errors, never gRPC's own."""

    def __init__(self, doors: Doors, token: str = "") -> None:
        self.doors = doors
        self._metadata = bearer(token) if token else []

    async def __call__(self, method: "grpc.aio.UnaryUnaryMultiCallable[Q, A]", request: Q) -> A:
        """Send one request and wait for its answer."""
        try:
            return await method(request, timeout=DEADLINE_S, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise self._meaning(error) from error

    async def stream(
        self, method: "grpc.aio.UnaryStreamMultiCallable[Q, A]", request: Q
    ) -> AsyncIterator[A]:
        """Send one request and give its answers as they come."""
        call = method(request, timeout=DOWNLOAD_DEADLINE_S, metadata=self._metadata)
        try:
            async for answer in call:
                yield answer
        except grpc.aio.AioRpcError as error:
            raise self._meaning(error) from error

    async def upload(
        self, method: "grpc.aio.StreamUnaryMultiCallable[Q, A]", requests: AsyncIterator[Q]
    ) -> A:
        """Send a stream of requests and wait for its one answer."""
        try:
            return await method(requests, timeout=DOWNLOAD_DEADLINE_S, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise self._meaning(error) from error

    def _meaning(self, error: grpc.aio.AioRpcError) -> FarsightError:
        """Give the error a status stands for; one that nobody answered names where we knocked."""
        known = error_from(error)
        if isinstance(known, Unavailable):
            known.facts.update(
                server="gRPC doors", address=self.doors.address, setting="FARSIGHT_GRPC_ADDR"
            )
        return known
