"""外部线索之门: the gRPC door OutsideClueService, hosted with detect's."""

import datetime as dt
import math
from typing import Any

import grpc.aio

from services.chassis.clock import beijing, from_unix, utc_now
from services.chassis.db import Database
from services.chassis.errors import InputRejected, NotFound, RuleViolated
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Actor, can, require, require_visible, scope_of
from services.chassis.pb.detect.v1 import detect_pb2, outside_clue_pb2_grpc
from services.chassis.pb.detect.v1 import outside_clue_pb2 as pb
from services.detect import outside_store as store
from services.detect.app.save_outside import decide
from services.detect.app.show_outside import city_map, township_ranks

SERVICE = "farsight.detect.v1.OutsideClueService"
#: Clues are the authority's: nobody at a plant or an operator is warned by them.
CLUES, SEEN = "clues.read", "outside.read"
_PAGE, _MOST = 100, 500
_DAYS, _MOST_DAYS = 7, 20
_REASON = 500
_OPEN = {
    detect_pb2.FINDING_STATE_UNSPECIFIED: None,
    detect_pb2.FINDING_STATE_OPEN: True,
    detect_pb2.FINDING_STATE_CLOSED: False,
}


def register(server: grpc.aio.Server, database: Database) -> None:
    """Add the door to a host."""
    outside_clue_pb2_grpc.add_OutsideClueServiceServicer_to_server(OutsideDoor(database), server)


class OutsideDoor(outside_clue_pb2_grpc.OutsideClueServiceServicer):
    """外部线索 of one's own jurisdiction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ListOutsideClues(  # noqa: N802 - gRPC's name
        self, request: pb.ListOutsideCluesRequest, context: Any
    ) -> pb.ListOutsideCluesResponse:
        """Open ones first, highest score first."""
        scope = scope_of(actor_of(context), CLUES, request.division)
        if request.state not in _OPEN:
            raise InputRejected("unknown state", field="state")
        with self._database.transaction() as session:
            rows = store.list_clues(
                session, scope, is_open=_OPEN[request.state], kind=request.kind,
                credit_code=request.credit_code, size=min(request.page_size or _PAGE, _MOST),
            )  # fmt: skip
        return pb.ListOutsideCluesResponse(
            clues=[pb.OutsideClue.FromString(row.body) for row in rows]
        )

    def GetOutsideClue(  # noqa: N802 - gRPC's name
        self, request: pb.GetOutsideClueRequest, context: Any
    ) -> pb.GetOutsideClueResponse:
        """One clue. What the caller may not see does not exist."""
        actor = actor_of(context)
        with self._database.transaction() as session:
            row = store.clue_by_id(session, request.clue_id)
            _visible(actor, row)
            assert row is not None
            return pb.GetOutsideClueResponse(clue=pb.OutsideClue.FromString(row.body))

    def DecideOutsideClue(  # noqa: N802 - gRPC's name
        self, request: pb.DecideOutsideClueRequest, context: Any
    ) -> pb.DecideOutsideClueResponse:
        """处理结果 by a person of the place, with a reason; once."""
        actor = actor_of(context)
        reason = request.reason.strip()
        if not request.verdict or request.verdict not in pb.OutsideVerdict.values():
            raise InputRejected("verdict: unspecified or unknown", field="verdict")
        if not reason or len(reason) > _REASON:
            raise InputRejected(f"reason: 1 to {_REASON} characters are needed", field="reason")
        with self._database.transaction() as session:
            row = store.clue_by_id(session, request.clue_id, lock=True)
            _visible(actor, row)
            assert row is not None
            if row.verdict:
                raise RuleViolated("decided already", clue_id=row.clue_id)
            if row.revision != request.revision:
                raise RuleViolated("changed since it was read", revision=str(row.revision))
            name = actor.name or actor.user_id
            clue = decide(row, request.verdict, reason, name, utc_now().timestamp())
        return pb.DecideOutsideClueResponse(clue=clue)

    def GetOutsideMap(  # noqa: N802 - gRPC's name
        self, request: pb.GetOutsideMapRequest, context: Any
    ) -> pb.GetOutsideMapResponse:
        """热点网格图 of a city; plants and clues on it for the authority only."""
        actor = actor_of(context)
        scope = scope_of(actor, SEEN, request.division)
        with self._database.transaction() as session:
            found = city_map(session, scope, request.pollutant, request.product)
            if not can(actor, CLUES):
                kept = [one for one in found.marks if one.kind not in ("plant", "clue")]
                del found.marks[:]
                found.marks.extend(kept)
        return found

    def RankTownships(  # noqa: N802 - gRPC's name
        self, request: pb.RankTownshipsRequest, context: Any
    ) -> pb.RankTownshipsResponse:
        """乡镇排名 of whole Beijing days before the newest value's day."""
        scope = scope_of(actor_of(context), SEEN, request.division)
        days = min(request.days or _DAYS, _MOST_DAYS)
        with self._database.transaction() as session:
            begin_s, end_s, found = township_ranks(session, scope, days)
        answer = pb.RankTownshipsResponse(townships=[_township(one) for one in found])
        if found:
            answer.start = beijing(from_unix(begin_s)).date().isoformat()
            answer.end = (beijing(from_unix(end_s)).date() - dt.timedelta(days=1)).isoformat()
        return answer


def _visible(actor: Actor, row: store.OutsideClueRow | None) -> None:
    require(actor, CLUES)
    if row is None:
        raise NotFound("no such clue in your jurisdiction")
    require_visible(actor, CLUES, division=row.division, enterprise_id=row.credit_code)


def _township(one: Any) -> pb.Township:
    return pb.Township(
        station_id=one.station_id, name=one.name, division=one.division, rank=one.rank,
        index=one.index, before=one.before, so2_rank=one.so2_rank, days=one.days,
        value={code: value for code, value in one.value.items() if math.isfinite(value)},
        missing=one.missing,
    )  # fmt: skip
