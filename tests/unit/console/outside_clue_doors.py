"""A door of outside clues that shows the demo's, as the engine finds them."""

from typing import Any

from services.chassis.clock import to_timestamp
from services.chassis.errors import InputRejected, NotFound
from services.chassis.grpc_host import actor_of
from services.chassis.identity import can, require, scope_of
from services.chassis.pb.detect.v1 import detect_pb2, outside_clue_pb2_grpc
from services.chassis.pb.detect.v1 import outside_clue_pb2 as pb
from services.detect.app.draw_maps import mark, picture_of
from services.detect.outside.hot_grid import hot_cells
from services.detect.outside.look import look, since
from services.detect.outside.rule import shipped_rule
from services.detect.outside.township import day_start_s, rank_townships
from services.detect.outside.winds import Winds
from services.detect.outside_door import _township
from services.detect.outside_wire import clue_message
from tests import outside_demo
from tests.unit.console.world import World


class OutsideClues(outside_clue_pb2_grpc.OutsideClueServiceServicer):
    """Clues with the ids c-1, c-2, ... by rank."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: list[Any] = []
        self._clues: dict[str, pb.OutsideClue] = {}

    def clues(self) -> dict[str, pb.OutsideClue]:
        """The demo's clues."""
        if not self._clues:
            records, rule = outside_demo.records(), shipped_rule()
            names = {one.credit_code: one.name for one in records.plants}
            for number, place in enumerate(look(records, rule), 1):
                one = clue_message(place, names)
                one.clue_id, one.revision = f"c-{number}", 1
                one.state = detect_pb2.FINDING_STATE_OPEN
                one.judged_at.CopyFrom(to_timestamp(self.world.now))
                self._clues[one.clue_id] = one
        return self._clues

    def ListOutsideClues(self, request: Any, context: Any) -> pb.ListOutsideCluesResponse:  # noqa: N802
        scope = scope_of(actor_of(context), "clues.read", request.division)
        self.asked.append(request)
        found = [one for one in self.clues().values() if scope.has(one.division, "")]
        return pb.ListOutsideCluesResponse(
            clues=[
                one
                for one in found
                if not request.kind or request.kind in {sign.kind for sign in one.signs}
            ]
        )

    def GetOutsideClue(self, request: Any, context: Any) -> pb.GetOutsideClueResponse:  # noqa: N802
        actor = actor_of(context)
        require(actor, "clues.read")
        one = self.clues().get(request.clue_id)
        if one is None or not can(actor, "clues.read", division=one.division):
            raise NotFound("no such clue in your jurisdiction")
        return pb.GetOutsideClueResponse(clue=one)

    def DecideOutsideClue(self, request: Any, context: Any) -> pb.DecideOutsideClueResponse:  # noqa: N802
        one = self.GetOutsideClue(request, context).clue
        self.asked.append(request)
        if not request.reason.strip():
            raise InputRejected("reason: 1 to 500 characters are needed", field="reason")
        one.verdict, one.verdict_reason = request.verdict, request.reason
        one.verdict_by, one.state = "甲", detect_pb2.FINDING_STATE_CLOSED
        one.verdict_at.CopyFrom(to_timestamp(self.world.now))
        self._clues[one.clue_id] = one
        return pb.DecideOutsideClueResponse(clue=one)

    def GetOutsideMap(self, request: Any, context: Any) -> pb.GetOutsideMapResponse:  # noqa: N802
        actor = actor_of(context)
        scope_of(actor, "outside.read", request.division)
        records, rule = outside_demo.records(), shipped_rule()
        series = tuple(since(one, records.begin_s) for one in records.series)
        winds = Winds(series, rule)
        answer = picture_of(hot_cells(series, winds, rule), series, winds, records)
        answer.division, answer.divisions[:], answer.pollutants[:] = (
            "130400",
            ["130400"],
            ["a34004"],
        )
        if can(actor, "clues.read"):
            for place in look(records, rule):
                one = mark("clue", "c-1", place.reason, place.point, place.score, place.division)
                answer.marks.extend([one] if one is not None else [])
        return answer

    def RankTownships(self, request: Any, context: Any) -> pb.RankTownshipsResponse:  # noqa: N802
        scope_of(actor_of(context), "outside.read", request.division)
        self.asked.append(request)
        records = outside_demo.records()
        end_s = day_start_s(records.end_s)
        found = rank_townships(records.series, end_s - request.days * 86_400, end_s, shipped_rule())
        return pb.RankTownshipsResponse(
            start="2025-11-19", end="2025-11-21", townships=[_township(one) for one in found]
        )
