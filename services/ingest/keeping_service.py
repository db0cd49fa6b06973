"""Entrypoints of the keeping: heads, proofs, disks, balance. A shell round `app/` for `Service`."""

from typing import Any

import eventlet
from nameko.timer import timer
from redis import Redis
from redis.exceptions import RedisError

from services.chassis.clock import utc_now
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import ledger_pb2
from services.chassis.rpc import rpc
from services.chassis.settings import ChassisSettings
from services.ingest import balance_store, log_wire
from services.ingest.app.check_balance import SPAN, check_hours
from services.ingest.app.prove_entries import consistency_proof, inclusion_proof
from services.ingest.app.retire_readings import retire_readings
from services.ingest.app.sign_heads import sign_closed_hours
from services.ingest.metrics import CLOCK_SYNCHRONISED, IMBALANCED
from services.ingest.settings import IngestSettings

log = get_logger(__name__)

SIGN_EVERY_S = 60
LOOK_EVERY_S = 5
CHECK_EVERY_S = 300
RETIRE_EVERY_S = 3600
#: The gate polls this key and stops reading while it is there.
STOP_KEY = "farsight:ingest:stop"
STOP_LIFE_S = 30


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

    @timer(interval=LOOK_EVERY_S, eager=True)  # type: ignore[untyped-decorator] # same
    def look_at_disks(self) -> None:
        """Measure free space; tell the gate while there is too little, and when there is again."""
        guard = self.settling.guard
        before, reason = guard.stopped, guard.look()
        url = ChassisSettings.from_env().redis_url
        if not url or not (before or reason):
            return
        try:
            with Redis.from_url(url, socket_timeout=2) as redis:
                if reason:
                    redis.set(STOP_KEY, reason, ex=STOP_LIFE_S)
                else:
                    redis.delete(STOP_KEY)
        except RedisError as error:  # the batches wait all the same, in their queues
            log.warning("stop_signal_not_sent", error=str(error))

    @timer(interval=RETIRE_EVERY_S)  # type: ignore[untyped-decorator] # same
    def retire_readings(self) -> None:
        """Put tables that are old enough into Parquet, then drop them."""
        keep_days = IngestSettings.from_env().keep_days
        dropped = retire_readings(
            self.db, self.settling.files, keep_days, pause=lambda: eventlet.sleep(0)
        )
        for child in dropped:
            log.info("readings_retired", table=child.name, path=child.path)

    @timer(interval=CHECK_EVERY_S, eager=True)  # type: ignore[untyped-decorator] # same
    def check_balance(self) -> None:
        """Count the closed hours; an hour that does not close is an error to look into."""
        for check in check_hours(self.db):
            if not check.closed:
                log.error(
                    "balance_open",
                    hour=str(check.hour),
                    received=check.received,
                    accounted=check.accounted,
                    leaves=check.leaves,
                )
        with self.db.transaction() as session:
            IMBALANCED.set(len(balance_store.open_checks(session, utc_now() - SPAN)))

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
