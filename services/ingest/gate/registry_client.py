"""What the gate asks of the registry: a copy of who may send, and new SM4 keys."""

import asyncio
from collections.abc import Callable, Iterable

import grpc
import grpc.aio

from services.chassis import grpc_host
from services.chassis.identity import Actor, Role, Tokens
from services.chassis.log import get_logger
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2_grpc as rpc
from services.ingest.gate.directory import KINDS

log = get_logger(__name__)

SNAPSHOT_S = 60.0
RENEW_S = 5.0
RETRY_S = 1.0
#: The gate speaks to the registry as an operator of the whole country: it needs every logger's PW.
GATE = Actor("ingest-gate", Role.OPERATOR, division="000000", name="ingest-gate", scripted=True)

Apply = Callable[[Iterable[pb.Record]], int]


class RegistryClient:
    """The registry's door, as the gate uses it."""

    def __init__(self, grpc_addr: str, tokens: Tokens) -> None:
        self._address = grpc_host.door_address(grpc_addr, "registry")
        self._tokens = tokens

    async def copy(self, apply: Apply) -> None:
        """Hand every record of interest to `apply`; tries until the registry answers."""
        while True:
            try:
                await self._snapshot(apply)
            except grpc.aio.AioRpcError as error:
                log.warning(
                    "registry_away",
                    address=self._address,
                    setting="FARSIGHT_GRPC_ADDR",
                    error=error.details(),
                )
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def renew_key(self, mn: str, in_use: str) -> str:
        """A new SM4 key for a logger, 32 hex characters. Raises FarsightError.

        `in_use` is the key under which the logger asked: one that has not taken over the newest
        gets that one again.
        """
        async with grpc.aio.insecure_channel(self._address, options=grpc_host.OPTIONS) as channel:
            try:
                answer = await rpc.RegistryServiceStub(channel).RenewLoggerKey(
                    pb.RenewLoggerKeyRequest(mn=mn, in_use=in_use),
                    metadata=self._bearer(),
                    timeout=RENEW_S,
                )
            except grpc.aio.AioRpcError as error:
                raise grpc_host.error_from(error) from error
        return str(answer.sm4_key)

    async def _snapshot(self, apply: Apply) -> None:
        async with grpc.aio.insecure_channel(self._address, options=grpc_host.OPTIONS) as channel:
            # Events are listened to already, so a change during the copy is not missed; they may
            # have carried newer revisions than records we lack, so the copy is always whole.
            request = pb.SnapshotRequest(kinds=KINDS)
            call = rpc.RegistryServiceStub(channel).Snapshot(
                request, metadata=self._bearer(), timeout=SNAPSHOT_S
            )
            async for page in call:
                apply(page.records)

    def _bearer(self) -> list[tuple[str, str]]:
        token, _ = self._tokens.issue(GATE)
        return grpc_host.bearer(token)
