"""反控: what the gate asks of the part that carries out requests to loggers."""

from typing import Protocol

from services.chassis.pb.ingest.v1 import command_pb2 as pb
from services.ingest.gate.connections import Link
from services.ingest.hj212.session import Received


class Commands(Protocol):
    """Requests under way, by logger. All calls but `start` and `stop` return without waiting."""

    async def start(self) -> None:
        """Begin: timeouts run from now."""

    async def stop(self) -> None:
        """End: every request under way gets its last step."""

    def order(self, order: pb.CommandOrder) -> None:
        """Carry an order out; a repeated one is carried out once."""

    def take(self, link: Link, received: Received) -> str:
        """The command_id that this admitted frame belongs to, or an empty text.

        Called in the order of arrival for every frame of a known logger, uploads too (the answers
        to a request for a period are uploads). The 9014 of an upload is the gate's business.
        """

    def ask(self, link: Link, cn: str, parameters: dict[str, str]) -> bool:
        """Begin a request of the gate's own (1012 after 1013); False when one is under way."""

    def closed(self, link: Link) -> None:
        """The link ended; what was under way on it gets DISCONNECTED."""
