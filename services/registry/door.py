# ruff: noqa: N802, ARG002 - methods and their arguments are those of the proto
"""The registry's gRPC door. Each method is a few lines that call a use case."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import grpc.aio

from services.chassis.clock import to_timestamp, utc_now
from services.chassis.db import Database
from services.chassis.errors import InputRejected
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Actor, Tokens, jurisdiction_prefix, require
from services.chassis.log import get_logger
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2_grpc as grpc_pb
from services.chassis.settings import ChassisSettings
from services.registry import wire
from services.registry.app import list_records as reading
from services.registry.app.bulk_sync import BulkSync
from services.registry.app.change_records import Origin
from services.registry.app.create_first_operator import create_first_operator
from services.registry.app.renew_logger_key import renew_logger_key
from services.registry.app.sign_in import refresh, sign_in
from services.registry.app.upsert_record import upsert_record
from services.registry.domain.csv_rows import csv_line, header_line, read_csv
from services.registry.domain.outcome import Entry, Outcome
from services.registry.domain.records import Fault, Kind
from services.registry.settings import RegistrySettings

SERVICES = ("farsight.registry.v1.RegistryService",)
log = get_logger(__name__)


def register(server: grpc.aio.Server, settings: ChassisSettings) -> None:
    """Add the servicer; on the very first start create the first operator."""
    database = Database(settings.database_url, "registry")
    password = RegistrySettings.from_env().bootstrap_password
    if password and create_first_operator(database, password):
        log.info("first_operator_created")
    servicer = RegistryDoor(database, Tokens(settings.token_key))
    grpc_pb.add_RegistryServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call,unused-ignore]


class RegistryDoor(grpc_pb.RegistryServiceServicer):
    """档案服务: sign in, bulk sync, CSV import, list, edit, copy."""

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self._database = database
        self._tokens = tokens

    def SignIn(self, request: pb.SignInRequest, context: Any) -> pb.SignInResponse:
        """Give a token for a password."""
        done = sign_in(self._database, self._tokens, request.user_name, request.password, utc_now())
        return pb.SignInResponse(
            token=done.token,
            expires_at=to_timestamp(done.expires_at),
            account=wire.account_message(done.account),
        )

    def RefreshToken(
        self, request: pb.RefreshTokenRequest, context: Any
    ) -> pb.RefreshTokenResponse:
        """Give a fresh token for one that is still good."""
        with self._database.transaction() as session:
            done = refresh(session, self._tokens, actor_of(context), utc_now())
        return pb.RefreshTokenResponse(token=done.token, expires_at=to_timestamp(done.expires_at))

    def Sync(self, request_iterator: Iterator[pb.SyncRequest], context: Any) -> pb.SyncResponse:
        """Keep a stream of records and accounts, or tell what would differ."""
        actor = actor_of(context)
        require(actor, "registry.write")
        sync, row = None, 0
        for request in request_iterator:
            sync = sync or self._bulk(actor, "sync", request, wire.kinds_from(request.complete))
            if request.accounts:
                require(actor, "registry.secrets")
            entries = [_entry(record, row + n) for n, record in enumerate(request.records)]
            row += len(entries)
            accounts = [
                (row + n, wire.account_from(account)) for n, account in enumerate(request.accounts)
            ]
            row += len(accounts)
            sync.take(entries, accounts)
        outcome = sync.finish() if sync else Outcome()
        return wire.sync_response(outcome, secrets=reading.may_see_secrets(actor))

    def ImportCsv(self, request: pb.ImportCsvRequest, context: Any) -> pb.ImportCsvResponse:
        """Keep, or with dry_run only judge, the rows of a CSV text."""
        actor = actor_of(context)
        require(actor, "registry.write")
        kind = wire.kind_from(request.kind)
        entries = [
            Entry(row.line, row.body, faults=row.faults) for row in read_csv(kind, request.csv)
        ]
        sync = self._bulk(actor, "csv", request, frozenset({kind}))
        sync.take(entries)
        response = wire.sync_response(sync.finish(), secrets=reading.may_see_secrets(actor))
        return pb.ImportCsvResponse(result=response)

    def _bulk(
        self,
        actor: Actor,
        channel: str,
        request: pb.SyncRequest | pb.ImportCsvRequest,
        kinds: frozenset[Kind],
    ) -> BulkSync:
        """What the first request of a stream, or a file, asks for."""
        scope = None
        if request.HasField("complete"):
            division = request.complete.division or actor.division
            require(actor, "registry.write", division=division)
            scope = (kinds, jurisdiction_prefix(division))
        origin = _origin(actor, channel)
        return BulkSync(self._database, origin, dry_run=request.dry_run, scope=scope)

    def ExportCsv(
        self, request: pb.ExportCsvRequest, context: Any
    ) -> Iterator[pb.ExportCsvResponse]:
        """Stream a table of what the caller may see."""
        actor = actor_of(context)
        kind = wire.kind_from(request.kind)
        secrets = reading.may_see_secrets(actor)
        yield pb.ExportCsvResponse(csv=header_line(kind))
        for rows in reading.all_records(self._database, actor, kind, request.division):
            lines = [csv_line(wire.shown(row, secrets=secrets)) for row in rows]
            yield pb.ExportCsvResponse(csv="".join(lines))

    def ListRecords(self, request: pb.ListRecordsRequest, context: Any) -> pb.ListRecordsResponse:
        """Give a page of what the caller may see."""
        actor = actor_of(context)
        rows, token = reading.list_records(
            self._database,
            actor,
            wire.kind_from(request.kind),
            division=request.division,
            credit_code=request.credit_code,
            search=request.search,
            size=request.page_size,
            after=request.page_token,
        )
        secrets = reading.may_see_secrets(actor)
        records = [wire.record_of(row, secrets=secrets) for row in rows]
        return pb.ListRecordsResponse(records=records, next_page_token=token)

    def GetRecord(self, request: pb.GetRecordRequest, context: Any) -> pb.GetRecordResponse:
        """Give one record."""
        actor = actor_of(context)
        kind = wire.kind_from(request.kind)
        row = reading.get_record(self._database, actor, kind, request.key)
        secrets = reading.may_see_secrets(actor)
        return pb.GetRecordResponse(record=wire.record_of(row, secrets=secrets))

    def UpsertRecord(
        self, request: pb.UpsertRecordRequest, context: Any
    ) -> pb.UpsertRecordResponse:
        """Keep one record if nobody else was first."""
        actor = actor_of(context)
        require(actor, "registry.write")
        with self._database.transaction() as session:
            row = upsert_record(
                session,
                wire.body_from(request.record),
                _origin(actor, "upsert"),
                deleted=request.record.deleted,
                expected_revision=request.expected_revision,
            )
        secrets = reading.may_see_secrets(actor)
        return pb.UpsertRecordResponse(record=wire.record_of(row, secrets=secrets))

    def Snapshot(self, request: pb.SnapshotRequest, context: Any) -> Iterator[pb.SnapshotResponse]:
        """Stream all records of the asked kinds."""
        actor = actor_of(context)
        secrets = reading.may_see_secrets(actor)
        pages = reading.copy_records(self._database, request.kinds, request.after_revision, actor)
        for rows in pages:
            records = [wire.record_of(row, secrets=secrets) for row in rows]
            yield pb.SnapshotResponse(records=records)

    def RenewLoggerKey(
        self, request: pb.RenewLoggerKeyRequest, context: Any
    ) -> pb.RenewLoggerKeyResponse:
        """Make, keep and give a logger's next SM4 key."""
        actor = actor_of(context)
        require(actor, "registry.secrets")
        with self._database.transaction() as session:
            origin = _origin(actor, "renewal")
            logger = renew_logger_key(session, request.mn, request.in_use, origin, utc_now())
        since = logger.sm4_key_since
        return pb.RenewLoggerKeyResponse(
            sm4_key=logger.sm4_key,
            since=to_timestamp(datetime.fromisoformat(since)) if since else None,
        )


def _origin(actor: Actor, channel: str) -> Origin:
    return Origin(actor.user_id, channel, jurisdiction_prefix(actor.division))


def _entry(record: pb.Record, row: int) -> Entry:
    """Return a record as an entry; one that cannot be read is the row's fault, not the stream's."""
    try:
        return Entry(row, wire.body_from(record), record.deleted)
    except InputRejected as error:
        return Entry(row, None, faults=(Fault(error.facts.get("field", ""), error.message),))
