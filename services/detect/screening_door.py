"""筛查之门: the gRPC door ScreeningService, hosted with detect's. For the authority only."""
# ruff: noqa: N802 - gRPC names its methods

from typing import Any

import grpc.aio
from sqlalchemy.orm import Session

from services.chassis.clock import from_timestamp, utc_now
from services.chassis.db import Database
from services.chassis.errors import InputRejected, NotFound
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Actor, require, require_visible, scope_of
from services.chassis.pb.detect.v1 import screening_pb2 as pb
from services.chassis.pb.detect.v1 import screening_pb2_grpc
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.replica import record_of
from services.detect import radar_store, screening_store, store
from services.detect.app.suppress import Scope, confirm, suppress, unsuppress
from services.detect.radar_wire import radar_message
from services.detect.screening_wire import STATE_NAMES, suppression_message
from services.detect.store import kept_of

SERVICE = "farsight.detect.v1.ScreeningService"
READ, SUPPRESS, CONFIRM = "screening.read", "screening.suppress", "screening.confirm"
_PAGE, _MOST = 100, 500


def register(server: grpc.aio.Server, database: Database) -> None:
    """Add the servicer to the host."""
    screening_pb2_grpc.add_ScreeningServiceServicer_to_server(ScreeningDoor(database), server)


class ScreeningDoor(screening_pb2_grpc.ScreeningServiceServicer):
    """筛查."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ListHeldBack(
        self, request: pb.ListHeldBackRequest, context: Any
    ) -> pb.ListHeldBackResponse:
        """Signs that were not raised, strongest first."""
        scope = scope_of(actor_of(context), READ, request.division)
        if request.state not in {pb.SIGN_STATE_UNSPECIFIED, *STATE_NAMES} - {pb.SIGN_STATE_RAISED}:
            raise InputRejected("held or suppressed signs can be asked for", field="state")
        state = STATE_NAMES.get(request.state, "")
        size = min(request.page_size or _PAGE, _MOST)
        with self._database.transaction() as session:
            rows = screening_store.list_held(session, scope, request.outlet_id, state, size)
            return pb.ListHeldBackResponse(signs=[_sign(row) for row in rows])

    def ListVotes(self, request: pb.ListVotesRequest, context: Any) -> pb.ListVotesResponse:
        """The signs of a clue or a finding. What the caller may not see does not exist."""
        actor = actor_of(context)
        if bool(request.clue_id) == bool(request.finding_id):
            raise InputRejected("name a clue or a finding", field="clue_id")
        with self._database.transaction() as session:
            findings = [request.finding_id]
            if request.clue_id:
                clue = session.get(store.ClueRow, request.clue_id)
                findings = list(clue.finding_ids) if clue is not None else []
            found = store.rows_by_id(session, findings)
            if not found:
                raise NotFound("no such clue or finding in your jurisdiction")
            for row in found.values():
                code = row.credit_code
                require_visible(actor, READ, division=row.division, enterprise_id=code)
            return pb.ListVotesResponse(signs=_votes(session, list(found.values())))

    def Suppress(self, request: pb.SuppressRequest, context: Any) -> pb.SuppressResponse:
        """Keep a suppression that another person has to confirm."""
        actor, now = actor_of(context), utc_now()
        require(actor, SUPPRESS)
        with self._database.transaction() as session:
            outlet = record_of(session, registry_pb2.RECORD_KIND_OUTLET, request.outlet_id)
            if outlet is None:
                raise NotFound("no such outlet in your jurisdiction")
            place = outlet.outlet
            _see(actor, SUPPRESS, place.division, place.credit_code)
            scope = Scope(
                request.outlet_id, place.division, place.credit_code, request.factor,
                request.rule_id,
            )  # fmt: skip
            until = from_timestamp(request.until)
            row = suppress(session, actor, scope, request.reason, until=until, now=now)
            return pb.SuppressResponse(suppression=suppression_message(row, now))

    def ConfirmSuppression(
        self, request: pb.ConfirmSuppressionRequest, context: Any
    ) -> pb.ConfirmSuppressionResponse:
        """Confirm another person's suppression."""
        actor, now = actor_of(context), utc_now()
        require(actor, CONFIRM)
        with self._database.transaction() as session:
            self._visible(session, actor, CONFIRM, request.suppression_id)
            row = confirm(session, actor, request.suppression_id, now)
            return pb.ConfirmSuppressionResponse(suppression=suppression_message(row, now))

    def Unsuppress(self, request: pb.UnsuppressRequest, context: Any) -> pb.UnsuppressResponse:
        """End a suppression."""
        actor, now = actor_of(context), utc_now()
        require(actor, SUPPRESS)
        with self._database.transaction() as session:
            self._visible(session, actor, SUPPRESS, request.suppression_id)
            row = unsuppress(session, actor, request.suppression_id, request.reason, now)
            return pb.UnsuppressResponse(suppression=suppression_message(row, now))

    def ListSuppressions(
        self, request: pb.ListSuppressionsRequest, context: Any
    ) -> pb.ListSuppressionsResponse:
        """Suppressions of the caller's jurisdiction, newest first."""
        scope = scope_of(actor_of(context), READ, request.division)
        now = utc_now()
        with self._database.transaction() as session:
            until = None if request.ended else now
            rows = screening_store.list_suppressions(session, scope, request.outlet_id, until)
            made = [suppression_message(row, now) for row in rows]
        return pb.ListSuppressionsResponse(suppressions=made)

    def GetRadar(self, request: pb.GetRadarRequest, context: Any) -> pb.GetRadarResponse:
        """Rings of the newest looks: edges of which the caller may see both outlets."""
        scope = scope_of(actor_of(context), READ, request.division)
        with self._database.transaction() as session:
            edges = radar_store.list_edges(session, scope, request.operator)
            looks = radar_store.list_looks(session, scope)
            return radar_message(edges, looks, _names(session, edges))

    @staticmethod
    def _visible(session: Session, actor: Actor, action: str, suppression_id: str) -> None:
        row = screening_store.suppression(session, suppression_id)
        if row is None:
            raise NotFound("no such suppression in your jurisdiction")
        _see(actor, action, row.division, row.credit_code)


def _see(actor: Actor, action: str, division: str, credit_code: str) -> None:
    require_visible(actor, action, division=division, enterprise_id=credit_code)


def _sign(row: screening_store.SignRow) -> pb.ScreenSign:
    return pb.ScreenSign.FromString(row.body)


def _votes(session: Session, findings: list[store.FindingRow]) -> list[pb.ScreenSign]:
    """Signs of findings, by begin of their windows."""
    named = [
        (row.outlet_id, row.rule_id, row.factor, kept_of(row).hits["slot"].tolist())
        for row in findings
    ]
    signs = [_sign(row) for row in screening_store.signs_of_findings(session, named)]
    return sorted(signs, key=lambda one: (one.start.seconds, one.rule_id, one.factor))


def _names(session: Session, edges: list[radar_store.RadarEdgeRow]) -> dict[str, str]:
    """Short names of plants by their codes, and with the outlet's code those of outlets."""
    names = {}
    for outlet_id in {one for row in edges for one in (row.outlet_id, row.other_id)}:
        code, _, outlet = outlet_id.partition("-")
        plant = record_of(session, registry_pb2.RECORD_KIND_ENTERPRISE, code)
        if plant is not None:
            names[code] = plant.enterprise.short_name or plant.enterprise.name
            names[outlet_id] = f"{names[code]} {outlet}"
    return names
