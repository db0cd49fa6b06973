"""Test doors: the real servicer interfaces on a real gRPC server, answering from an invented world.

Tokens, jurisdiction and error details are the chassis' own, so the console meets what it will meet.
"""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.chassis.clock import to_timestamp
from services.chassis.errors import (
    Conflict,
    NotFound,
    RuleViolated,
    Unauthenticated,
    Unavailable,
)
from services.chassis.grpc_host import actor_of, add_health_and_reflection, build_server
from services.chassis.identity import (
    Actor,
    Role,
    Tokens,
    create_token_key,
    require,
    require_visible,
    scope_of,
)
from services.chassis.pb.cases.v1 import cases_pb2 as cases
from services.chassis.pb.cases.v1 import (
    cases_pb2_grpc,
    paper_pb2_grpc,
    people_pb2_grpc,
    sheet_pb2_grpc,
    work_pb2_grpc,
)
from services.chassis.pb.detect.v1 import detect_pb2 as detect
from services.chassis.pb.detect.v1 import (
    detect_pb2_grpc,
    judgement_pb2_grpc,
    outside_clue_pb2_grpc,
    power_pb2_grpc,
    screening_pb2_grpc,
)
from services.chassis.pb.ingest.v1 import (
    callback_pb2_grpc,
    ingest_pb2_grpc,
    logger_pb2_grpc,
    mark_pb2_grpc,
    outside_pb2_grpc,
    transmission_pb2_grpc,
)
from services.chassis.pb.ingest.v1 import ingest_pb2 as ingest
from services.chassis.pb.notify.v1 import notify_pb2 as notify
from services.chassis.pb.notify.v1 import notify_pb2_grpc
from services.chassis.pb.referral.v1 import referral_pb2 as referral
from services.chassis.pb.referral.v1 import referral_pb2_grpc
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.pb.registry.v1 import registry_pb2_grpc
from tests.unit.console.call_doors import Commands, Loggers
from tests.unit.console.case_doors import FileAnswers, Papers
from tests.unit.console.judgement_doors import Judgement
from tests.unit.console.mark_doors import Marks
from tests.unit.console.outside_clue_doors import OutsideClues
from tests.unit.console.outside_doors import Outside
from tests.unit.console.power_doors import Power
from tests.unit.console.screening_doors import Screening
from tests.unit.console.transmission_doors import Transmission
from tests.unit.console.work_doors import People, Sheets, Work
from tests.unit.console.world import BUNDLE, PASSWORD, PEOPLE, World

RULE = {
    registry.RECORD_KIND_DIVISION: lambda r: (r.division.code, ""),
    registry.RECORD_KIND_ENTERPRISE: lambda r: (r.enterprise.division, r.enterprise.credit_code),
    registry.RECORD_KIND_OUTLET: lambda r: (r.outlet.division, r.outlet.credit_code),
    registry.RECORD_KIND_LOGGER: lambda r: ("", r.logger.outlet_id[:18]),
    registry.RECORD_KIND_LIMIT: lambda r: ("", r.limit.outlet_id[:18]),
    registry.RECORD_KIND_OFFICER: lambda r: (r.officer.division, ""),
}


class Registry(registry_pb2_grpc.RegistryServiceServicer):
    def __init__(self, world: World, tokens: Tokens) -> None:
        self.world, self.tokens = world, tokens

    def SignIn(self, request: Any, context: Any) -> registry.SignInResponse:  # noqa: N802
        person = PEOPLE.get(request.user_name)
        if person is None or request.password != PASSWORD:
            raise Unauthenticated("user name or password is wrong")
        role, division, credit_code, officer_id, name = person
        actor = Actor(request.user_name, Role(role), division, credit_code, name, officer_id)
        token, end = self.tokens.issue(actor)
        account = registry.Account(
            user_name=request.user_name, role=role, division=division,
            credit_code=credit_code, officer_id=officer_id, display_name=name,
        )  # fmt: skip
        return registry.SignInResponse(token=token, expires_at=to_timestamp(end), account=account)

    def RefreshToken(self, request: Any, context: Any) -> registry.RefreshTokenResponse:  # noqa: N802
        self.world.refreshes += 1
        token, end = self.tokens.issue(actor_of(context))
        return registry.RefreshTokenResponse(token=token, expires_at=to_timestamp(end))

    def ListRecords(self, request: Any, context: Any) -> registry.ListRecordsResponse:  # noqa: N802
        scope = scope_of(actor_of(context), "registry.read", request.division)
        rows = []
        for record in self.world.records:
            if record.kind != request.kind:
                continue
            division, owner = RULE[record.kind](record)
            seen = (
                record.kind == registry.RECORD_KIND_DIVISION
                or (not division and owner == request.credit_code)
                or scope.has(division, owner)
            )
            if seen and (not request.credit_code or owner == request.credit_code):
                rows.append(record)
        return registry.ListRecordsResponse(records=rows)

    def GetRecord(self, request: Any, context: Any) -> registry.GetRecordResponse:  # noqa: N802
        actor = actor_of(context)
        for record in self.world.records:
            if record.kind == request.kind and record.key == request.key:
                division, owner = RULE[record.kind](record)
                if record.kind != registry.RECORD_KIND_DIVISION:
                    require_visible(actor, "registry.read", division=division, enterprise_id=owner)
                return registry.GetRecordResponse(record=record)
        raise NotFound("no such record")


class History(ingest_pb2_grpc.HistoryServiceServicer):
    def __init__(self, world: World) -> None:
        self.world = world

    def GetReadings(self, request: Any, context: Any) -> ingest.GetReadingsResponse:  # noqa: N802
        code = request.outlet_id[:18]
        require_visible(actor_of(context), "readings.read", division=code[2:8], enterprise_id=code)
        start, end = request.start.seconds, request.end.seconds
        factors = []
        for one in self.world.readings.get((request.outlet_id, request.kind), []):
            kept = [i for i, t in enumerate(one.time_s) if start <= t < end]
            factors.append(
                ingest.FactorSeries(
                    factor=one.factor,
                    time_s=[one.time_s[i] for i in kept],
                    value=[one.value[i] for i in kept],
                    converted=[one.converted[i] for i in kept],
                    flags="".join(one.flags[i] for i in kept),
                )
            )
        return ingest.GetReadingsResponse(outlet_id=request.outlet_id, factors=factors)

    def GetBalance(self, request: Any, context: Any) -> ingest.GetBalanceResponse:  # noqa: N802
        scope = scope_of(actor_of(context), "readings.read")
        rows = [
            row
            for row in self.world.balance
            if scope.has(row.outlet_id[2:8], row.outlet_id[:18])
            and request.outlet_id in ("", row.outlet_id)
        ]
        total = ingest.BalanceRow(
            received=sum(row.received for row in rows),
            accepted=sum(row.accepted for row in rows),
            duplicate=sum(row.duplicate for row in rows),
            refused={"crc": sum(row.refused["crc"] for row in rows)},
        )
        return ingest.GetBalanceResponse(total=total, rows=rows)


class Detect(detect_pb2_grpc.DetectServiceServicer):
    def __init__(self, world: World) -> None:
        self.world = world

    def visible(self, actor: Actor, one: detect.Finding) -> bool:
        scope = scope_of(actor, "findings.read")
        hidden = one.confidential and actor.role == Role.ENTERPRISE
        return scope.has(one.division, one.outlet_id[:18]) and not hidden

    def GetEvaluations(self, request: Any, context: Any) -> detect.GetEvaluationsResponse:  # noqa: N802
        scope_of(actor_of(context), "clues.read")
        return detect.GetEvaluationsResponse(evaluations=self.world.evaluations)

    def ListFindings(self, request: Any, context: Any) -> detect.ListFindingsResponse:  # noqa: N802
        actor = actor_of(context)
        rows = [
            one
            for one in self.world.findings.values()
            if self.visible(actor, one) and request.outlet_id in ("", one.outlet_id)
        ]
        return detect.ListFindingsResponse(findings=rows)

    def ListClues(self, request: Any, context: Any) -> detect.ListCluesResponse:  # noqa: N802
        scope = scope_of(actor_of(context), "clues.read", request.division)
        secret = self.world.findings["f-2"]
        clue = detect.Clue(
            clue_id="k-1", revision=1, outlet_id=secret.outlet_id, pattern="D01",
            finding_ids=["f-2"], factors=secret.factors, start=secret.start, end=secret.end,
            reason="离散与复制两类信息同时指向", state=detect.FINDING_STATE_OPEN, findings=[secret],
        )  # fmt: skip
        seen = scope.has(secret.division, "") and request.state in (0, clue.state)
        return detect.ListCluesResponse(clues=[clue] if seen else [])

    def GetFinding(self, request: Any, context: Any) -> detect.GetFindingResponse:  # noqa: N802
        one = self.world.findings.get(request.finding_id)
        if one is None or not self.visible(actor_of(context), one):
            raise NotFound("no such finding")
        return detect.GetFindingResponse(finding=one)


class Cases(FileAnswers, cases_pb2_grpc.CaseServiceServicer):
    def check_here(self) -> None:
        if self.world.away == "cases":
            raise Unavailable("the database does not answer")

    def visible(self, actor: Actor, one: cases.Matter) -> bool:
        if one.confidential and actor.role == Role.ENTERPRISE:
            return False
        return scope_of(actor, "orders.read").has(one.division, one.credit_code)

    def ListMatters(self, request: Any, context: Any) -> cases.ListMattersResponse:  # noqa: N802
        self.check_here()
        actor = actor_of(context)
        rows = [one for one in self.world.matters.values() if self.visible(actor, one)]
        if request.kind:
            rows = [one for one in rows if one.kind == request.kind]
        if request.level:
            rows = [one for one in rows if one.level == request.level]
        if request.state == "open":
            rows = [one for one in rows if one.state != "closed"]
        elif request.state:
            rows = [one for one in rows if one.state == request.state]
        if request.search:
            rows = [
                one
                for one in rows
                if request.search in f"{one.enterprise_name}{one.credit_code}{one.number}"
            ]
        rows.sort(key=lambda one: one.next_due_at.seconds or 1 << 40)
        first = int(request.page_token or 0)
        size = request.page_size or 100
        more = str(first + size) if first + size < len(rows) else ""
        return cases.ListMattersResponse(
            matters=rows[first : first + size], total=len(rows), next_page_token=more
        )

    def one(self, request: Any, context: Any) -> cases.Matter:
        self.check_here()
        found = self.world.matters.get(request.matter_id)
        if found is None or not self.visible(actor_of(context), found):
            raise NotFound("no such matter")
        return found

    def GetMatter(self, request: Any, context: Any) -> cases.GetMatterResponse:  # noqa: N802
        one = cases.Matter()
        one.CopyFrom(self.one(request, context))
        role = actor_of(context).role
        if one.state == "issued" and role == Role.ENTERPRISE:
            one.allowed.append(
                cases.AllowedAct(
                    act="answer",
                    name="反馈",
                    hint="说明原因、已采取的措施",
                    fields=[
                        cases.ActField(name="cause", label="原因", type="text", required=True),
                        cases.ActField(name="measure", label="措施", type="text", required=True),
                    ],
                )
            )
        if one.state == "clue" and role == Role.OFFICER:
            one.allowed.append(
                cases.AllowedAct(
                    act="verify",
                    name="现场核实",
                    hint="两名以上持证执法人员(处罚法第四十二条)",
                    fields=[
                        cases.ActField(name="officer_2", label="第二名", type="officer"),
                        cases.ActField(name="visited_on", label="检查日期", type="date"),
                        cases.ActField(
                            name="found", label="核实结果", type="choice", required=True,
                            choices=["confirmed|属实", "device|设备故障"],
                        ),
                    ],
                )
            )  # fmt: skip
        if one.matter_id == "m-2" and role == Role.LEADER:
            one.allowed.append(
                cases.AllowedAct(
                    act="decide", name="作出处罚决定", papers=["decision"],
                    fields=[cases.ActField(name="amount", label="罚款金额", type="money")],
                )
            )  # fmt: skip
            one.allowed.append(cases.AllowedAct(act="reassign", name="改派", aside=True))
        kin = [self.world.matters["m-1"]] if one.matter_id == "m-2" else []
        return cases.GetMatterResponse(matter=one, kin=kin)

    def Act(self, request: Any, context: Any) -> cases.ActResponse:  # noqa: N802
        one = self.one(request, context)
        if request.expected_version not in (0, one.version):
            raise Conflict("the matter changed meanwhile")
        if request.act == "verify" and request.fields.get("officer_2") == "o-1":
            raise RuleViolated(
                "两名执法人员不能是同一人",
                article="行政处罚法第四十二条",
                missing="第二名持证执法人员",
            )
        self.world.acts.append(request)
        one.version += 1
        one.state, one.state_name = "answered", "待核查"
        one.timeline.add(seq=len(one.timeline) + 1, act=request.act, act_name="反馈")
        one.timeline[-1].at.GetCurrentTime()
        return cases.ActResponse(matter=one)

    def GetStatistics(self, request: Any, context: Any) -> cases.GetStatisticsResponse:  # noqa: N802
        self.check_here()
        scope = scope_of(actor_of(context), "statistics.read")
        rows = [
            cases.DivisionCount(division="130404", open_orders=1, due_24_h=1),
            cases.DivisionCount(division="130481", open_orders=1, open_cases=1, overdue=1),
        ]
        rows = [row for row in rows if scope.has(row.division, "")]
        total = cases.DivisionCount(
            open_orders=sum(row.open_orders for row in rows),
            open_cases=sum(row.open_cases for row in rows),
            overdue=sum(row.overdue for row in rows),
            due_24_h=sum(row.due_24_h for row in rows),
        )
        return cases.GetStatisticsResponse(total=total, by_division=rows)

    def ListMonitorCounts(self, request: Any, context: Any) -> cases.ListMonitorCountsResponse:  # noqa: N802
        scope = scope_of(actor_of(context), "monitor.read", request.division)
        day = request.to_day
        rows = [
            cases.MonitorCount(
                division=division, day=day, trigger="hour_mismatch", item_name="小时值与分钟值不符",
                level="dispatch", items=4, officer_hours=6.0, finding_ids=["f-1"],
            )
            for division in ("130404", "130481")
        ]  # fmt: skip
        rows.append(
            cases.MonitorCount(
                division="130481", day=day, trigger="exceed_1h", item_name="小时均值超标",
                level="warning", live=True, items=2, officer_hours=0.2,
            )
        )  # fmt: skip
        counts = [row for row in rows if scope.has(row.division, "")]
        return cases.ListMonitorCountsResponse(counts=counts, table_version="2026-11-22")


class Notify(notify_pb2_grpc.NotifyServiceServicer):
    def __init__(self, world: World) -> None:
        self.world = world

    def ListSendings(self, request: Any, context: Any) -> notify.ListSendingsResponse:  # noqa: N802
        require(actor_of(context), "sendings.read")
        rows = [one for one in self.world.sendings if one.matter_id == request.matter_id]
        return notify.ListSendingsResponse(sendings=rows)


class Referrals(referral_pb2_grpc.ReferralServiceServicer):
    def __init__(self, world: World) -> None:
        self.world = world

    def ListReferrals(self, request: Any, context: Any) -> referral.ListReferralsResponse:  # noqa: N802
        scope = scope_of(actor_of(context), "referrals.read")
        rows = [one for one in self.world.referrals.values() if scope.has(one.division, "")]
        return referral.ListReferralsResponse(referrals=rows)

    def GetReferral(self, request: Any, context: Any) -> referral.GetReferralResponse:  # noqa: N802
        actor = actor_of(context)
        require(actor, "referrals.read")
        one = referral.Referral()
        if request.referral_id not in self.world.referrals:
            raise NotFound("no such referral")
        one.CopyFrom(self.world.referrals[request.referral_id])
        if actor.role == Role.POLICE and one.state == "handed_over":
            one.allowed.append(cases.AllowedAct(act="accept", name="受理", hint="当场出具回执"))
        return referral.GetReferralResponse(referral=one)

    def Act(self, request: Any, context: Any) -> referral.ReferralServiceActResponse:  # noqa: N802
        require(actor_of(context), "referrals.act")
        one = self.world.referrals[request.referral_id]
        self.world.referral_acts.append(request)
        one.state, one.state_name = "accepted", "公安已受理"
        return referral.ReferralServiceActResponse(referral=one)

    def DownloadBundle(  # noqa: N802
        self, request: Any, context: Any
    ) -> Iterator[referral.DownloadBundleResponse]:
        require(actor_of(context), "referrals.read")
        for first in range(0, len(BUNDLE), 200_000):
            yield referral.DownloadBundleResponse(chunk=BUNDLE[first : first + 200_000])


class TestDoors:
    """A grpc.aio server with these servicers, in a thread with a loop of its own."""

    __test__ = False

    def __init__(self, world: World, folder: Path) -> None:
        create_token_key(folder / "token.jwk")
        self.world = world
        self.transmission = Transmission(world)
        self.outside = Outside(world)
        self.outside_clues = OutsideClues(world)
        self.screening = Screening(world)
        self.marks = Marks()
        self.people = People()
        self.tokens = Tokens(folder / "token.jwk")
        self.address = ""
        self.commands = Commands(world.now)
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="test-doors")
        self._thread.start()
        assert self._started.wait(20)

    def close(self) -> None:
        """Stop the server and end its thread."""
        asyncio.run_coroutine_threadsafe(self._server.stop(grace=None), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._started.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        world = self.world
        self._server = server = build_server(self.tokens, workers=8)
        registry_pb2_grpc.add_RegistryServiceServicer_to_server(
            Registry(world, self.tokens), server
        )
        ingest_pb2_grpc.add_HistoryServiceServicer_to_server(History(world), server)
        callback_pb2_grpc.add_CommandServiceServicer_to_server(self.commands, server)
        logger_pb2_grpc.add_LoggerServiceServicer_to_server(Loggers(world.now), server)
        transmission_pb2_grpc.add_TransmissionServiceServicer_to_server(self.transmission, server)
        outside_pb2_grpc.add_OutsideServiceServicer_to_server(self.outside, server)
        mark_pb2_grpc.add_MarkServiceServicer_to_server(self.marks, server)
        detect_pb2_grpc.add_DetectServiceServicer_to_server(Detect(world), server)
        judgement_pb2_grpc.add_JudgementServiceServicer_to_server(Judgement(world), server)
        power_pb2_grpc.add_PowerServiceServicer_to_server(Power(), server)
        outside_clue_pb2_grpc.add_OutsideClueServiceServicer_to_server(self.outside_clues, server)
        screening_pb2_grpc.add_ScreeningServiceServicer_to_server(self.screening, server)
        cases_pb2_grpc.add_CaseServiceServicer_to_server(Cases(world), server)
        paper_pb2_grpc.add_PaperServiceServicer_to_server(Papers(), server)
        people_pb2_grpc.add_PeopleServiceServicer_to_server(self.people, server)
        sheet_pb2_grpc.add_SheetServiceServicer_to_server(Sheets(), server)
        work_pb2_grpc.add_WorkServiceServicer_to_server(Work(), server)
        notify_pb2_grpc.add_NotifyServiceServicer_to_server(Notify(world), server)
        referral_pb2_grpc.add_ReferralServiceServicer_to_server(Referrals(world), server)
        await add_health_and_reflection(server, [])
        self.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        await server.start()
