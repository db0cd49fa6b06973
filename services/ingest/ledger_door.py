"""`LedgerService`: signed heads and proofs for whoever checks the log.

Heads and consistency proofs hold nobody's data: everyone who is signed in may see them, so that a
court, an agency or a plant can compare what each was shown. An entry names an outlet and a logger:
only who may see that outlet gets its proof.
"""

from typing import Any

import grpc.aio

from services.chassis.clock import to_timestamp, utc_now
from services.chassis.db import Database
from services.chassis.errors import NotFound
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Actor, Role, require, require_visible
from services.chassis.pb.ingest.v1 import ledger_pb2 as pb
from services.chassis.pb.ingest.v1 import ledger_pb2_grpc as grpc_pb
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.replica import record_of
from services.ingest import balance_store, log_store, log_wire
from services.ingest.app.check_balance import HOUR, SPAN
from services.ingest.app.prove_entries import consistency_proof, head_of, inclusion_proof

SERVICE = "farsight.ingest.v1.LedgerService"
READ = "ledger.read"
ENTRY = "readings.read"
KEEPING = "keeping.read"
HEADS = 100
MOST_HEADS = 1000


def register(server: grpc.aio.Server, database: Database) -> None:
    """Add the servicer to the host."""
    grpc_pb.add_LedgerServiceServicer_to_server(LedgerDoor(database), server)


class LedgerDoor(grpc_pb.LedgerServiceServicer):
    """证据台账."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def GetHead(  # noqa: N802 - gRPC's name
        self, request: pb.GetHeadRequest, context: Any
    ) -> pb.GetHeadResponse:
        """A signed head."""
        require(actor_of(context), READ)
        with self._database.transaction() as session:
            return pb.GetHeadResponse(head=log_wire.head_message(head_of(session, request.number)))

    def ListHeads(  # noqa: N802 - gRPC's name
        self, request: pb.ListHeadsRequest, context: Any
    ) -> pb.ListHeadsResponse:
        """Heads in order."""
        require(actor_of(context), READ)
        limit = min(request.limit or HEADS, MOST_HEADS)
        with self._database.transaction() as session:
            found = log_store.heads(session, request.after, limit)
        return pb.ListHeadsResponse(heads=[log_wire.head_message(head) for head in found])

    def GetInclusionProof(  # noqa: N802 - gRPC's name
        self, request: pb.GetInclusionProofRequest, context: Any
    ) -> pb.GetInclusionProofResponse:
        """The proof of an entry of an outlet that the caller may see."""
        actor = actor_of(context)
        require(actor, READ)
        with self._database.transaction() as session:
            found = inclusion_proof(session, request.partition, request.leaf, request.head)
            if actor.role != Role.OPERATOR:
                record = record_of(session, registry_pb2.RECORD_KIND_OUTLET, found.entry.outlet_id)
                _require_outlet(actor, record)
            return log_wire.inclusion_message(found)

    def GetConsistencyProof(  # noqa: N802 - gRPC's name
        self, request: pb.GetConsistencyProofRequest, context: Any
    ) -> pb.GetConsistencyProofResponse:
        """The proof that a later head only added."""
        require(actor_of(context), READ)
        with self._database.transaction() as session:
            found = consistency_proof(session, request.partition, request.first, request.second)
            return log_wire.consistency_message(found)

    def GetKeeping(  # noqa: N802 - gRPC's name
        self, request: pb.GetKeepingRequest, context: Any
    ) -> pb.GetKeepingResponse:
        """How the log and the balance stand."""
        del request
        require(actor_of(context), KEEPING)
        with self._database.transaction() as session:
            head = log_store.last_head(session)
            open_hours = balance_store.open_checks(session, utc_now() - SPAN)
            last = balance_store.last_checked(session)
        return pb.GetKeepingResponse(
            head=log_wire.head_message(head) if head else None,
            clock_synchronised=head.synchronised if head else False,
            imbalances=[
                pb.Imbalance(
                    hour=to_timestamp(row.hour),
                    received=row.received,
                    accounted=row.accounted,
                    leaves=row.leaves,
                )
                for row in open_hours
            ],
            balance_checked_until=to_timestamp(last + HOUR) if last else None,
        )


def _require_outlet(actor: Actor, record: registry_pb2.Record | None) -> None:
    """Nobody learns of an entry that is none of theirs. Raises NotFound."""
    if record is None:
        raise NotFound("no such thing in your jurisdiction")
    outlet = record.outlet
    require_visible(actor, ENTRY, division=outlet.division, enterprise_id=outlet.credit_code)
