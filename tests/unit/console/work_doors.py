"""People, overdue terms, duty, reports and exports of the invented world."""

from collections.abc import Iterator
from typing import Any

from services.chassis.errors import Forbidden, RuleViolated
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Role, require
from services.chassis.pb.cases.v1 import cases_pb2 as cases
from services.chassis.pb.cases.v1 import people_pb2 as people
from services.chassis.pb.cases.v1 import people_pb2_grpc, sheet_pb2_grpc, work_pb2_grpc
from services.chassis.pb.cases.v1 import sheet_pb2 as sheets
from services.chassis.pb.cases.v1 import work_pb2 as pb


class People(people_pb2_grpc.PeopleServiceServicer):
    """Two officers: one loaded, one away with a certificate that has ended."""

    def __init__(self) -> None:
        self.asked: list[people.ReassignAllRequest] = []

    def ListWorkload(self, request: Any, context: Any) -> people.ListWorkloadResponse:  # noqa: N802
        require(actor_of(context), "people.read")
        return people.ListWorkloadResponse(
            officers=[
                people.Workload(
                    officer_id="o-1", name="丁", division="130481", role="officer",
                    open_matters=7, overdue=2, due_7_days=3, weight=9.5,
                    certificate_expires="2027-05-01", certificate_days_left=160,
                ),
                people.Workload(
                    officer_id="o-2", name="戊", division="130481", role="officer", on_leave=True,
                    on_leave_until="2026-12-01", substitute_id="o-1", hindrance="离岗",
                    certificate_expires="2026-11-01", certificate_days_left=-21,
                ),
            ]
        )  # fmt: skip

    def ListUnassigned(self, request: Any, context: Any) -> people.ListUnassignedResponse:  # noqa: N802
        if actor_of(context).role is not Role.LEADER:
            raise Forbidden("leaders only", action="people.assign")
        one = people.Unassigned(
            matter=cases.Matter(matter_id="m-9", number="督〔2026〕130481-0009", title="无数据"),
            reason="无人持有有效证件",
        )
        return people.ListUnassignedResponse(matters=[one], total=1)

    def ListPeopleEvents(self, request: Any, context: Any) -> people.ListPeopleEventsResponse:  # noqa: N802
        one = people.PeopleEvent(
            matter_id="m-1", number="督〔2026〕130481-0001", act_name="因离岗自动改派",
            to_officer_name="丁", why_name="请假", until="2026-12-01", actor_name="系统",
        )  # fmt: skip
        return people.ListPeopleEventsResponse(events=[one])

    def ReassignAll(self, request: Any, context: Any) -> people.ReassignAllResponse:  # noqa: N802
        if not request.reason:
            raise RuleViolated("“改派”缺少：理由", article="工作规则", missing="理由")
        self.asked.append(request)
        stays = people.Reassigned(number="案〔2026〕130481-0002", refusal="戊 已回避本案")
        return people.ReassignAllResponse(results=[people.Reassigned(moved=True), stays])


class Sheets(sheet_pb2_grpc.SheetServiceServicer):
    """One order that nobody checked."""

    def ListOverdue(self, request: Any, context: Any) -> sheets.ListOverdueResponse:  # noqa: N802
        one = sheets.Overdue(
            matter_id="m-1", number="督〔2026〕130481-0001", title="二氧化硫超标", steps=3,
            division="130481", action="县级核查", bound="authority", who="丁", published=True,
        )  # fmt: skip
        return sheets.ListOverdueResponse(overdue=[one], total=1)


class Work(work_pb2_grpc.WorkServiceServicer):
    """A duty day, a report, outcomes and files."""

    def ListDuty(self, request: Any, context: Any) -> pb.ListDutyResponse:  # noqa: N802
        line = pb.MatterLine(matter_id="m-1", title="二氧化硫超标", next_due_action="县级核查")
        person = pb.DutyPerson(name="丁", role="officer", certified=True, due=[line])
        team = pb.DutyTeam(day="2026-11-22", division="130481", people=[person])
        gap = pb.UnmannedDay(day="2026-11-22", division="130404", open_matters=4)
        return pb.ListDutyResponse(teams=[team], unmanned=[gap])

    def GetInactivity(self, request: Any, context: Any) -> pb.GetInactivityResponse:  # noqa: N802
        require(actor_of(context), "inactivity.read")
        item = pb.InactivityItem(
            matter=pb.MatterLine(matter_id="m-1", title="二氧化硫超标", division="130481"),
            rule_name="逾期未核查", article="行政执法监督条例第二十七条", days=12,
        )  # fmt: skip
        return pb.GetInactivityResponse(items=[item], total=1, thresholds_version="v1")

    def GetOutcomes(self, request: Any, context: Any) -> pb.GetOutcomesResponse:  # noqa: N802
        clock = pb.ClockShare(
            action="决定是否立案", statutory=True, met=9, breached=1, share_met=0.9
        )
        total = pb.OutcomeCount(opened=12, closed=8, fines_yuan=440000, clocks=[clock])
        return pb.GetOutcomesResponse(total=total, rules_version="v1", from_day="2026-11-01")

    def ExportQueue(self, request: Any, context: Any) -> Iterator[pb.ExportQueueResponse]:  # noqa: N802
        yield pb.ExportQueueResponse(rows=0, total=2)
        yield pb.ExportQueueResponse(chunk=f"{request.query.state} rows".encode())

    def ExportRecord(self, request: Any, context: Any) -> Iterator[pb.ExportRecordResponse]:  # noqa: N802
        yield pb.ExportRecordResponse(chunk=b"PK record")
