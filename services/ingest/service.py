"""The ingest service: settles batches, answers for history. A shell round `app/`."""

import os
import socket
from datetime import timedelta
from typing import Any

import eventlet
from eventlet import tpool
from nameko.extensions import DependencyProvider
from nameko.timer import timer
from sqlalchemy.orm import Session

from services.chassis.bus.delivery import Envelope
from services.chassis.bus.entrypoints import consume_partition, on_event
from services.chassis.clock import from_timestamp, utc_now
from services.chassis.db import Database, database_from_env
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.providers import DatabaseProvider, OutboxRelay
from services.chassis.replica import apply_records
from services.chassis.rpc import rpc
from services.chassis.signing import load_or_create
from services.ingest import log_wire, store, wire
from services.ingest.anomaly_service import AnomalyEntrypoints
from services.ingest.app.freeze_frames import freeze_frames
from services.ingest.app.get_balance import get_balance
from services.ingest.app.read_series import read_series
from services.ingest.app.settle_batch import SettleBatch
from services.ingest.app.sign_heads import Notary
from services.ingest.archive import Archive
from services.ingest.command_service import CommandEntrypoints
from services.ingest.completeness_service import CompletenessEntrypoints
from services.ingest.disk_guard import MB, DiskGuard, Limits
from services.ingest.keeping_service import KeepingEntrypoints
from services.ingest.mark_service import MarkEntrypoints
from services.ingest.outside_service import OutsideEntrypoints
from services.ingest.parquet_files import ParquetFiles
from services.ingest.server_clock import read_clock
from services.ingest.settings import IngestSettings

log = get_logger(__name__)

TABLES_EVERY_S = 60
FRAMES = 20_000
#: What doors and call-backs need to know of the registry: whose an outlet is, its logger, and the
#: industry, which decides what may be marked.
KINDS = frozenset(
    map(
        int,
        (
            registry_pb2.RECORD_KIND_OUTLET,
            registry_pb2.RECORD_KIND_LOGGER,
            registry_pb2.RECORD_KIND_ENTERPRISE,
        ),
    )
)


class Settling(DependencyProvider):  # type: ignore[misc]
    """nameko dependency: archive and settling, one a process; the disk waits in a native thread."""

    def setup(self) -> None:
        """Name this process's segments and open the pool that settling uses."""
        writer = f"{socket.gethostname()}-{os.getpid()}"
        settings = IngestSettings.from_env()
        self.database: Database = database_from_env(self.container.service_name)
        self.archive = Archive(settings.archive, writer, run=tpool.execute)
        limits = Limits(settings.disk_warn_mb * MB, settings.disk_stop_mb * MB)
        volumes = {"archive": settings.archive, "database": settings.database_volume}
        self.guard = DiskGuard(volumes, limits)
        self.notary = Notary(
            self.database,
            load_or_create(settings.keys, "ledger_sm2"),
            lambda: read_clock(settings.ntp_servers),
        )
        self.files = ParquetFiles(settings.parquet)
        self.settle = SettleBatch(self.database, self.archive, files=self.files)

    def stop(self) -> None:
        """Close segments and pool."""
        self.archive.close()
        self.database.engine.dispose()

    def get_dependency(self, worker_ctx: Any) -> "Settling":
        """Give itself."""
        del worker_ctx
        return self


class Service(
    AnomalyEntrypoints,
    CommandEntrypoints,
    CompletenessEntrypoints,
    KeepingEntrypoints,
    MarkEntrypoints,
    OutsideEntrypoints,
):
    """采集入库."""

    name = "ingest"
    db = DatabaseProvider()
    outbox = OutboxRelay()
    settling = Settling()

    @consume_partition(pb.ReadingBatch)
    def batch(self, batch: pb.ReadingBatch, envelope: Envelope) -> None:
        """Settle one batch of readings."""
        settled = self.settling.guard.hold(
            lambda: self.settling.settle(batch, envelope.queue), eventlet.sleep
        )
        log.info(
            "batch_settled",
            batch_id=batch.batch_id,
            partition=batch.partition,
            repeated=settled.repeated,
            conflicts=settled.conflicts,
            **settled.frames,
        )

    @on_event(registry_pb2.RecordsChanged)
    def records_changed(self, session: Session, event: registry_pb2.RecordsChanged) -> None:
        """Keep the copy by which the door knows whose an outlet is."""
        apply_records(session, event.records, KINDS)

    @timer(interval=TABLES_EVERY_S)  # type: ignore[untyped-decorator] # nameko has no types
    def tables(self) -> None:
        """Make the tables of today and tomorrow."""
        now = utc_now()
        for parent in (*store.TABLES.values(), "ledger"):
            store.Days(self.db).ensure(parent, (now, now + timedelta(days=1)), now)

    @rpc(pb.GetReadingsRequest)
    def readings(self, request: pb.GetReadingsRequest) -> pb.GetReadingsResponse:
        """Stored values for another service (detect's refill, referral's evidence)."""
        with self.db.transaction() as session:
            return read_series(
                session,
                request.outlet_id,
                request.kind,
                from_timestamp(request.start),
                from_timestamp(request.end),
                factors=request.factors,
                with_versions=request.with_versions,
                files=self.settling.files,
            )

    @rpc(pb.RawFramesRequest)
    def raw_frames(self, request: pb.RawFramesRequest) -> pb.RawFramesResponse:
        """Raw frames with digests and proofs, for a referral's bundle."""
        span = freeze_frames(
            self.settling.notary,
            self.settling.archive,
            request.outlet_id,
            from_timestamp(request.start),
            from_timestamp(request.end),
            cns=[wire.cn_of(kind) for kind in request.kinds],
            limit=request.limit or FRAMES,
        )
        return log_wire.span_message(span)

    @rpc(pb.GetBalanceRequest)
    def balance(self, request: pb.GetBalanceRequest) -> pb.GetBalanceResponse:
        """The balance of all owners, or of one outlet."""
        owners = [request.outlet_id] if request.outlet_id else None
        with self.db.transaction() as session:
            found = get_balance(
                session,
                from_timestamp(request.start),
                from_timestamp(request.end),
                owners,
                page=request.page_token,
            )
        return wire.balance_answer(found.rows, found.total, found.next_page)
