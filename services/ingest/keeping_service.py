"""Entrypoints of the keeping: signed heads, proofs. A shell round `app/`, mixed into `Service`."""

from typing import Any

from nameko.timer import timer

from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import ledger_pb2
from services.chassis.rpc import rpc
from services.ingest import log_wire
from services.ingest.app.prove_entries import consistency_proof, inclusion_proof
from services.ingest.app.sign_heads import sign_closed_hours
from services.ingest.metrics import CLOCK_SYNCHRONISED

log = get_logger(__name__)

SIGN_EVERY_S = 60


class KeepingEntrypoints:
    """保全: what is received is kept so that it can be proved."""

    db: Any
    settling: Any

    @timer(interval=SIGN_EVERY_S)  # type: ignore[untyped-decorator] # nameko has no types
    def sign_heads(self) -> None:
        """Take what was settled into the log and sign the hours that are over."""
        for head in sign_closed_hours(self.settling.notary):
            log.info("head_signed", number=head.number, hour=str(head.hour), sm3=head.sm3.hex())
            CLOCK_SYNCHRONISED.set(head.synchronised)
            if not head.synchronised:
                log.warning("clock_not_synchronised", number=head.number)

    @rpc(ledger_pb2.GetInclusionProofRequest)
    def inclusion_proof(
        self, request: ledger_pb2.GetInclusionProofRequest
    ) -> ledger_pb2.GetInclusionProofResponse:
        """The proof that an entry is in the log."""
        with self.db.transaction() as session:
            found = inclusion_proof(session, request.partition, request.leaf, request.head)
            return log_wire.inclusion_message(found)

    @rpc(ledger_pb2.GetConsistencyProofRequest)
    def consistency_proof(
        self, request: ledger_pb2.GetConsistencyProofRequest
    ) -> ledger_pb2.GetConsistencyProofResponse:
        """The proof that a later head only added."""
        with self.db.transaction() as session:
            found = consistency_proof(session, request.partition, request.first, request.second)
            return log_wire.consistency_message(found)
