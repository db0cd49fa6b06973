"""The door of marks of the invented world: a sheet, a mark of each state, what was asked."""

from datetime import datetime, timedelta
from typing import Any

from services.chassis.clock import BEIJING, to_timestamp, utc_now
from services.chassis.errors import Conflict, InputRejected, RuleViolated
from services.chassis.grpc_host import actor_of
from services.chassis.identity import require, require_visible, scope_of
from services.chassis.pb.ingest.v1 import mark_pb2 as pb
from services.chassis.pb.ingest.v1 import mark_pb2_grpc, outside_pb2
from tests.unit.console.world import HOSTILE, OUTLET

FLAGS = "NNMMMNNNNNDDNNNNNNNNNNN "


def at(hour: float, days: int = 0) -> Any:
    """A Beijing hour of today, or of another day."""
    midnight = datetime.now(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    return to_timestamp(midnight + timedelta(days=days, hours=hour))


def record(mark_id: str, revision: int = 1, **fields: Any) -> pb.MarkRecord:
    """A revision as the door keeps it; `fields` of the record, or of its mark after `mark_`."""
    mine = {k.removeprefix("mark_"): v for k, v in fields.items() if k.startswith("mark_")}
    own = {k: v for k, v in fields.items() if not k.startswith("mark_")}
    mark: dict[str, Any] = {
        "mark_id": mark_id, "revision": revision, "family": 2, "status": 1, "start": at(2),
        "end": at(6), "factors": ["a21026"], "reason": "校准", "made_by": "泽垚热电 环保负责人",
    }  # fmt: skip
    return pb.MarkRecord(
        mark=outside_pb2.Mark(**{**mark, **mine}), outlet_id=OUTLET, division="130481",
        credit_code=OUTLET[:18], received_at=to_timestamp(utc_now()), sm3=bytes(range(32)),
        **{"channel": "console", **own},
    )  # fmt: skip


def kept() -> list[pb.MarkRecord]:
    """One that counts with an earlier revision, one that waits with a proof, one rejected."""
    proof = outside_pb2.Media(
        media_id="p-1", type="image/jpeg", size=2048, sm3=bytes(32), sha256=bytes(32)
    )
    return [
        record("m-waits", late=True, mark_start=at(3, -3), mark_end=at(5, -3), mark_reason=HOSTILE,
               mark_proofs=[proof], mark_proof_ids=["p-1"]),
        record("m-1", 2),
        record("m-1", 1, mark_end=at(4), channel="csv"),
        record("m-no", 2, mark_status=2, decided_by="王执法", decision_reason="与工单不符",
               decided_at=at(9), mark_condition="tp_gz", mark_family=7),
    ]  # fmt: skip


KINDS = [
    pb.MarkKindOption(key="dev_maint", family=2, name_zh="监测设备维护", name_en="maintenance",
                      meaning_zh="期间监测数据无效", source="公告21号"),
    pb.MarkKindOption(key="tp_ty", family=7, condition="tp_ty", name_zh="停运",
                      name_en="not running", cap_zh="须与用电数据一致"),
]  # fmt: skip


class Marks(mark_pb2_grpc.MarkServiceServicer):
    """Answers for one plant; refuses what a test asks it to refuse."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.refuse: Exception | None = None

    def _plant(self, context: Any, outlet_id: str) -> None:
        require_visible(
            actor_of(context), "marks.read", division="130481", enterprise_id=outlet_id[:18]
        )

    def _act(self, context: Any, action: str, request: Any) -> None:
        actor = actor_of(context)
        require(actor, action, division="130481", enterprise_id=request.outlet_id[:18])
        self.asked.append(request)
        if self.refuse is not None:
            raise self.refuse

    def ListMarkKinds(self, request: Any, context: Any) -> pb.ListMarkKindsResponse:  # noqa: N802
        self._plant(context, request.outlet_id)
        return pb.ListMarkKindsResponse(kinds=KINDS)

    def ListMarks(self, request: Any, context: Any) -> pb.ListMarksResponse:  # noqa: N802
        scope = scope_of(actor_of(context), "marks.read")
        found = [one for one in kept() if scope.has(one.division, one.credit_code)]
        if request.waiting:
            found = [one for one in found if one.late and not one.decision]
        if request.mark_id:
            found = [one for one in found if one.mark.mark_id == request.mark_id]
        return pb.ListMarksResponse(records=found)

    def GetMarkDay(self, request: Any, context: Any) -> pb.GetMarkDayResponse:  # noqa: N802
        self._plant(context, request.outlet_id)
        day = datetime.fromisoformat(request.day).replace(tzinfo=BEIJING)
        freezes = day + timedelta(hours=36)
        hours = [
            pb.MarkHour(
                flag=flag.strip(), received=flag != " ", value=30.5,
                mark_ids=["m-1"] if 2 <= n < 6 else [], conflict=n == 5,
            )
            for n, flag in enumerate(FLAGS)
        ]  # fmt: skip
        start, end = (to_timestamp(day + timedelta(hours=n)) for n in (10, 12))
        mark = outside_pb2.Mark(
            family=2, start=start, end=end, factors=["a21026"], reason="仪器标记为故障"
        )
        conflict = pb.MarkConflict(
            mark_id="m-1", factor="a21026", flag="N",
            start=to_timestamp(day + timedelta(hours=5)),
            end=to_timestamp(day + timedelta(hours=6)),
        )  # fmt: skip
        return pb.GetMarkDayResponse(
            outlet_id=request.outlet_id, day=request.day, freezes_at=to_timestamp(freezes),
            frozen=freezes <= utc_now(),
            factors=[pb.MarkFactorDay(factor=f, hours=hours) for f in ("a21026", "a34013")],
            suggestions=[pb.MarkSuggestion(mark=mark, flag="D", kind="dev_maint")],
            conflicts=[conflict],
        )  # fmt: skip

    def SubmitMark(self, request: Any, context: Any) -> pb.SubmitMarkResponse:  # noqa: N802
        self._act(context, "marks.submit", request)
        if not request.mark.reason.strip():
            raise InputRejected("reason: is missing", field="reason")
        return pb.SubmitMarkResponse(record=record("m-new"))

    def SubmitMarks(self, request: Any, context: Any) -> pb.SubmitMarksResponse:  # noqa: N802
        self._act(context, "marks.submit", request)
        if b"bad" in request.csv:
            fault = pb.MarkRowFault(row=3, field="start", reason="overlap", detail="overlaps m-1")
            return pb.SubmitMarksResponse(faults=[fault])
        return pb.SubmitMarksResponse(records=[record("m-t1"), record("m-t2")])

    def WithdrawMark(self, request: Any, context: Any) -> pb.WithdrawMarkResponse:  # noqa: N802
        self._act(context, "marks.submit", request)
        return pb.WithdrawMarkResponse(record=record("m-1", 3, mark_status=3))

    def DecideMark(self, request: Any, context: Any) -> pb.DecideMarkResponse:  # noqa: N802
        self._act(context, "marks.decide", request)
        return pb.DecideMarkResponse(record=record(request.mark_id, request.revision))

    def KeepProof(self, request: Any, context: Any) -> pb.KeepProofResponse:  # noqa: N802
        self._act(context, "marks.submit", request)
        return pb.KeepProofResponse(proof=outside_pb2.Media(media_id="p-kept"))

    def GetProof(self, request: Any, context: Any) -> pb.GetProofResponse:  # noqa: N802
        self._plant(context, request.outlet_id)
        return pb.GetProofResponse(name='<工单>".jpg', content=b"<script>alert(1)</script>")


FIRST = Conflict("revision 2 came first", revision="2", by="刘工")
OVERLAP = RuleViolated("overlaps", other="m-9")
