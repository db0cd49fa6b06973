"""研判之门: the gRPC door DetectService, hosted by `services.chassis.doors`."""

import base64
import json
from typing import Any

import grpc.aio

from services.chassis.clock import from_timestamp
from services.chassis.db import Database
from services.chassis.errors import InputRejected, NotFound
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Role, require_visible, scope_of
from services.chassis.pb.detect.v1 import detect_pb2 as pb
from services.chassis.pb.detect.v1 import detect_pb2_grpc
from services.chassis.settings import ChassisSettings
from services.detect import (
    judgement_door,
    outside_door,
    pack_door,
    power_door,
    screening_door,
    store,
)

SERVICES = (
    "farsight.detect.v1.DetectService",
    judgement_door.SERVICE,
    outside_door.SERVICE,
    pack_door.SERVICE,
    power_door.SERVICE,
    screening_door.SERVICE,
)

_PAGE, _MOST = 100, 500
_OPEN = {
    pb.FINDING_STATE_UNSPECIFIED: None,
    pb.FINDING_STATE_OPEN: True,
    pb.FINDING_STATE_CLOSED: False,
}


class DetectServicer(detect_pb2_grpc.DetectServiceServicer):
    """Findings for those whose they are; clues for the authority only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ListFindings(  # noqa: N802 - gRPC's name
        self, request: pb.ListFindingsRequest, context: Any
    ) -> pb.ListFindingsResponse:
        """Findings of the caller's part of the world, newest first, without pictures."""
        actor = actor_of(context)
        size = min(request.page_size or _PAGE, _MOST)
        wanted = store.FindingFilter(
            scope=scope_of(actor, "findings.read", request.division),
            with_confidential=_may_see_confidential(actor.role),
            outlet_id=request.outlet_id,
            rule_id=request.rule_id,
            open=_state(request.state),
            begin=_hour(request, "start"),
            end=_hour(request, "end"),
        )
        with self._database.transaction() as session:
            rows = store.list_findings(session, wanted, _place(request.page_token), size + 1)
        more = _token(rows[size - 1]) if len(rows) > size else ""
        findings = [pb.Finding.FromString(row.body) for row in rows[:size]]
        return pb.ListFindingsResponse(findings=findings, next_page_token=more)

    def GetFinding(  # noqa: N802 - gRPC's name
        self, request: pb.GetFindingRequest, context: Any
    ) -> pb.GetFindingResponse:
        """One finding with its picture. What the caller may not see does not exist."""
        actor = actor_of(context)
        with self._database.transaction() as session:
            row = store.rows_by_id(session, [request.finding_id]).get(request.finding_id)
        if row is None or (row.confidential and not _may_see_confidential(actor.role)):
            raise NotFound("no such finding in your jurisdiction")
        require_visible(
            actor, "findings.read", division=row.division, enterprise_id=row.credit_code
        )
        finding = pb.Finding.FromString(row.body)
        finding.picture.ParseFromString(row.picture)
        return pb.GetFindingResponse(finding=finding)

    def ListClues(  # noqa: N802 - gRPC's name
        self, request: pb.ListCluesRequest, context: Any
    ) -> pb.ListCluesResponse:
        """Clues of the caller's jurisdiction, newest first; officers and leaders only."""
        scope = scope_of(actor_of(context), "clues.read", request.division)
        is_open = _state(request.state)
        with self._database.transaction() as session:
            rows = store.list_clues(session, scope, request.outlet_id, is_open)
        return pb.ListCluesResponse(clues=[pb.Clue.FromString(row.body) for row in rows])

    def GetEvaluations(  # noqa: N802 - gRPC's name
        self, request: pb.GetEvaluationsRequest, context: Any
    ) -> pb.GetEvaluationsResponse:
        """What can be judged yet at an outlet; a plant must not learn when it may cheat."""
        scope = scope_of(actor_of(context), "clues.read")
        with self._database.transaction() as session:
            rows = store.list_evaluations(session, request.outlet_id)
        return pb.GetEvaluationsResponse(
            evaluations=[
                pb.Evaluation(
                    factor=row.factor,
                    rule_id=row.rule_id,
                    known_days=row.known_days,
                    needed_days=row.needed_days,
                )
                for row in rows
                if scope.has(row.division, row.credit_code)
            ]
        )


def register(server: grpc.aio.Server, settings: ChassisSettings) -> None:
    """Add the door to a host."""
    database = Database(settings.database_url, "detect")
    detect_pb2_grpc.add_DetectServiceServicer_to_server(DetectServicer(database), server)
    pack_door.register(server, database)
    outside_door.register(server, database)
    power_door.register(server, database)
    judgement_door.register(server, settings, database)
    screening_door.register(server, database)


def _may_see_confidential(role: Role) -> bool:
    """Confidential findings are the authority's; a plant or its platform must not be warned."""
    return role in {Role.OFFICER, Role.LEADER}


def _state(state: pb.FindingState.ValueType) -> bool | None:
    """The asked state, None for both. Raises InputRejected for a number that is none."""
    if state not in _OPEN:
        raise InputRejected("unknown finding state", state=str(state))
    return _OPEN[state]


def _hour(request: pb.ListFindingsRequest, name: str) -> int | None:
    """The hour slot of an asked moment, None where it was not asked."""
    if not request.HasField(name):  # type: ignore[arg-type] # the two names are fields
        return None
    moment = from_timestamp(getattr(request, name)).timestamp()
    return int(moment // 3600) if name == "start" else -int(-moment // 3600)


def _token(row: store.FindingRow) -> str:
    return base64.urlsafe_b64encode(json.dumps([row.begin_hour, row.finding_id]).encode()).decode()


def _place(token: str) -> tuple[int, str] | None:
    """The place a page token stands for. Raises InputRejected for a text that is no token."""
    if not token:
        return None
    try:
        begin, finding_id = json.loads(base64.urlsafe_b64decode(token))
        return int(begin), str(finding_id)
    except (ValueError, TypeError) as error:
        raise InputRejected("not a page token") from error
