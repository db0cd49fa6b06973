"""The gRPC door of `cases` over a real port: queue, one matter, acts, watching, counts."""

import asyncio
import datetime as dt
import threading

import grpc
import pytest

from services.cases.app.handle_clue import handle_clue
from services.cases.app.handle_finding import handle_finding
from services.cases.door import register
from services.chassis import grpc_host
from services.chassis.clock import beijing, utc_now
from services.chassis.errors import Forbidden, InputRejected, NotFound, RuleViolated
from services.chassis.identity import Role, Tokens, create_token_key
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.chassis.pb.cases.v1.cases_pb2_grpc import CaseServiceStub
from services.chassis.settings import ChassisSettings
from tests.integration.cases_rig import (
    ANSWER,
    CITY,
    LEADER,
    LI,
    MANAGER,
    NEIGHBOUR,
    OTHER_PLANT,
    OUTLET,
    WANG,
    actor,
    bottle,
    finding,
    region,
)

NOW = utc_now()
CITY_LEADER = actor(Role.LEADER, "o-city", CITY)
PLATFORM = actor(Role.PLATFORM, "p-1", "130000")
POLICE = actor(Role.POLICE, "po-1", CITY)


class Door:
    """A client of the door that can speak as anybody."""

    def __init__(self, stub: CaseServiceStub, tokens: Tokens) -> None:
        self.stub = stub
        self._tokens = tokens

    def call(self, who, method: str, request):
        """Call as `who`; errors come back typed."""
        try:
            return getattr(self.stub, method)(request, metadata=self.token(who), timeout=10)
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error

    def token(self, who):
        """The metadata of somebody who is signed in."""
        return grpc_host.bearer(self._tokens.issue(who)[0])

    def queue(self, who, **wishes: object) -> list[pb.Matter]:
        """A page of the queue."""
        return list(self.call(who, "ListMatters", pb.ListMattersRequest(**wishes)).matters)

    def get(self, who, matter_id: str) -> pb.Matter:
        """One matter."""
        return self.call(who, "GetMatter", pb.GetMatterRequest(matter_id=matter_id)).matter

    def act(self, who, matter_id: str, act: str, reason: str = "", **fields: str) -> pb.Matter:
        """Act on one."""
        request = pb.ActRequest(matter_id=matter_id, act=act, fields=fields, reason=reason)
        return self.call(who, "Act", request).matter


@pytest.fixture(scope="module")
def door(migrated_db, tmp_path_factory):
    """The door on a free port of this machine."""
    key = tmp_path_factory.mktemp("keys") / "token.jwk"
    create_token_key(key)
    tokens = Tokens(key)
    settings = ChassisSettings.from_env({"DATABASE_URL": migrated_db("cases")})
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start():
        server = grpc_host.build_server(tokens)
        register(server, settings)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, port

    server, port = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    with grpc_host.client_channel(f"127.0.0.1:{port}") as channel:
        yield Door(CaseServiceStub(channel), tokens)
    asyncio.run_coroutine_threadsafe(server.stop(None), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


@pytest.fixture
def place(migrated_db):
    """A fresh region with an order of level dispatch and a case."""
    with region(migrated_db("cases"), NOW) as fresh:
        fresh.run(handle_finding, finding(NOW, hours=3))
        fresh.run(handle_clue, bottle(NOW))
        yield fresh


def ids(place) -> tuple[str, str]:
    """The ids of the case and of the order."""
    case, order = sorted(place.matters(), key=lambda matter: matter.kind.value)
    return case.matter_id, order.matter_id


def test_the_queue_is_in_the_order_of_the_deadlines(place, door):
    """The 24 hours of the plant come before the 3 working days of the clue."""
    listed = door.queue(WANG)

    assert [m.item for m in listed] == ["hourly_exceedance", "falsification"]
    assert listed[0].next_due_key == "order_answer"
    assert listed[0].state_name == "待企业反馈"
    assert not listed[0].timeline


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        (WANG, {"order", "case"}),
        (LEADER, {"order", "case"}),
        (CITY_LEADER, {"order", "case"}),
        (NEIGHBOUR, set()),
        (MANAGER, {"order"}),
        (OTHER_PLANT, set()),
        (PLATFORM, {"order", "case"}),
    ],
    ids=lambda value: getattr(value, "user_id", ""),
)
def test_everybody_sees_exactly_his_own(place, door, who, seen):
    """The matrix of role and region: the list, and each matter by its id."""
    case_id, order_id = ids(place)
    kinds = {pb.MATTER_KIND_ORDER: "order", pb.MATTER_KIND_CASE: "case"}

    listed = {kinds[m.kind] for m in door.queue(who)}

    assert listed == seen
    for name, matter_id in (("case", case_id), ("order", order_id)):
        if name in seen:
            assert door.get(who, matter_id).matter_id == matter_id
        else:
            with pytest.raises(NotFound):
                door.get(who, matter_id)
            with pytest.raises(NotFound):
                door.act(who, matter_id, "answer", **ANSWER)


def test_a_platform_that_may_read_may_not_act(place, door):
    """It watches orders; it answers none."""
    _, order_id = ids(place)

    assert door.get(PLATFORM, order_id).allowed == []
    with pytest.raises(Forbidden):
        door.act(PLATFORM, order_id, "answer", **ANSWER)


def test_the_police_have_no_queue_here(place, door):
    """Their door is the referral's."""
    with pytest.raises(Forbidden):
        door.queue(POLICE)


def test_a_list_beyond_the_own_jurisdiction_is_refused(place, door):
    """Asking for the city as a county officer is not an empty list but a refusal."""
    with pytest.raises(Forbidden):
        door.queue(WANG, division="130100")


def test_wishes_cut_the_list_down(place, door):
    """Kind, state, level, outlet, words and one's own work."""
    assert len(door.queue(WANG, kind=pb.MATTER_KIND_CASE)) == 1
    assert len(door.queue(WANG, state="open")) == 2
    assert len(door.queue(WANG, state="issued")) == 1
    assert len(door.queue(WANG, level=pb.LEVEL_DISPATCH)) == 1
    assert len(door.queue(WANG, outlet_id=OUTLET)) == 2
    assert len(door.queue(WANG, search="示范")) == 2
    assert door.queue(WANG, search="100%") == []
    assert len(door.queue(LI, mine=True)) == 2
    assert door.queue(WANG, mine=True) == []


def test_pages_follow_each_other_without_gap_or_repetition(place, door):
    """Three more orders, read one by one."""
    for factor in ("a21002", "a34013", "a21005"):
        place.run(handle_finding, finding(NOW, hours=3, factors=[factor]))
    seen, token = [], ""
    for _ in range(5):
        page = door.call(WANG, "ListMatters", pb.ListMattersRequest(page_size=1, page_token=token))
        seen += [m.matter_id for m in page.matters]
        token = page.next_page_token
        assert page.total == 5

    assert token == ""
    assert len(set(seen)) == 5


def test_a_page_token_of_somebody_else_is_refused(place, door):
    """Not a crash, not the first page."""
    with pytest.raises(InputRejected):
        door.queue(WANG, page_token="!!")


def test_a_matter_shows_its_clocks_with_derivation_and_the_acts_of_the_caller(place, door):
    """The plant may answer; the officer may not act before it did or its term passed."""
    _, order_id = ids(place)

    plant, officer = door.get(MANAGER, order_id), door.get(WANG, order_id)

    assert [act.act for act in plant.allowed] == ["answer", "request_time", "apply_recusal"]
    assert [field.name for field in plant.allowed[0].fields] == [
        "cause", "measure", "evidence", "source",
    ]  # fmt: skip
    assert [act.act for act in officer.allowed if not act.aside] == []
    (clock,) = plant.clocks
    assert (clock.key, clock.statutory, clock.state) == ("order_answer", False, "running")
    assert any("小时" in line for line in clock.derivation)


def test_an_act_moves_the_matter_and_a_refusal_names_article_and_lack(place, door):
    """FAILED_PRECONDITION carries both as facts of the rich status."""
    case_id, order_id = ids(place)

    moved = door.act(MANAGER, order_id, "answer", **ANSWER)
    with pytest.raises(RuleViolated) as caught:
        door.act(WANG, case_id, "verify", officer_2="o-li", found="confirmed", record="1")

    assert moved.state == "answered"
    assert moved.version == 2
    assert caught.value.facts["missing"] == "检查日期"
    assert "第四十二条" in caught.value.facts["article"]


def test_the_plant_sees_neither_internal_work_nor_names(place, door):
    """What the county does between the answer and the closing stays there."""
    _, order_id = ids(place)
    door.act(MANAGER, order_id, "answer", **ANSWER)
    verdict = {"verdict": "violation", "opinion": "拟立案", "evidence": "照片"}
    door.act(WANG, order_id, "check", **verdict)

    shown = door.get(MANAGER, order_id)

    assert (shown.state, shown.state_name) == ("answered", "待核查")
    assert [event.act for event in shown.timeline] == ["issue", "answer"]
    assert "order_review" not in {clock.key for clock in shown.clocks}
    assert shown.assignee_name == ""
    assert "o-wang" not in str(shown)
    assert "拟立案" not in str(shown)


def test_watch_resumes_where_it_ended_and_shows_only_ones_own(place, door):
    """A token, a break, more changes: each is told once, to those who may know."""
    case_id, order_id = ids(place)

    def watch(who, token: str):
        call = door.stub.Watch(
            pb.WatchRequest(resume_token=token), metadata=door.token(who), timeout=20
        )
        return call, iter(call)

    call, stream = watch(WANG, "")
    token = next(stream).resume_token
    door.act(MANAGER, order_id, "answer", **ANSWER)
    first = next(stream)
    call.cancel()
    visit = {"officer_2": "o-li", "visited_on": "2026-01-05", "found": "confirmed", "record": "1"}
    door.act(WANG, case_id, "verify", **visit)

    call, stream = watch(WANG, first.resume_token)
    second = next(stream)
    call.cancel()
    plant_call, plant_stream = watch(MANAGER, token)
    plant_first = next(plant_stream)
    door.act(WANG, order_id, "return_answer", "缺少照片")
    plant_second = next(plant_stream)
    plant_call.cancel()

    assert first.change.last_event.act == "answer"
    assert second.change.last_event.act == "verify"
    assert plant_first.change.last_event.act == "answer"
    assert plant_second.change.last_event.act == "return_answer"
    assert plant_second.change.last_event.actor_name == ""


def test_counts_for_the_overview(place, door):
    """By county and in all; a neighbour counts nothing; the plant has no statistics."""
    counted = door.call(CITY_LEADER, "GetStatistics", pb.GetStatisticsRequest())

    assert (counted.total.open_orders, counted.total.open_cases) == (1, 1)
    assert counted.total.due_24_h == 1
    assert [count.division for count in counted.by_division] == ["130402"]
    empty = door.call(NEIGHBOUR, "GetStatistics", pb.GetStatisticsRequest())
    assert empty.total.open_orders == 0
    with pytest.raises(Forbidden):
        door.call(MANAGER, "GetStatistics", pb.GetStatisticsRequest())


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        (LEADER, 1),
        (CITY_LEADER, 1),
        (PLATFORM, 1),
        (actor(Role.OPERATOR, "op", "130000"), 1),
        (actor(Role.LEADER, "o-far", "130500"), 0),
        (WANG, None),
        (MANAGER, None),
        (POLICE, None),
    ],
    ids=lambda value: getattr(value, "user_id", ""),
)
def test_monitor_counts_are_for_those_who_decide_about_triggers(place, door, who, seen):
    """The matrix of role and region; live items stand beside monitored ones, with hours."""
    place.run(handle_finding, finding(NOW, rule_id="treatment_idle"))
    start = beijing(NOW).date() - dt.timedelta(days=2)
    request = pb.ListMonitorCountsRequest(
        from_day=start.isoformat(), to_day=beijing(NOW).date().isoformat()
    )
    if seen is None:
        with pytest.raises(Forbidden):
            door.call(who, "ListMonitorCounts", request)
        return

    answer = door.call(who, "ListMonitorCounts", request)

    monitored = [one for one in answer.counts if not one.live]
    assert [one.trigger for one in monitored] == ["treatment_idle"] * seen
    assert len([one for one in answer.counts if one.live]) == seen
    assert all(one.officer_hours == pytest.approx(0.1 * one.items) for one in monitored)


@pytest.mark.parametrize(("first", "last"), [("x", "2026-01-01"), ("2026-01-02", "2026-01-01")])
def test_days_that_are_none_are_refused(door, first, last):
    """Naming the field."""
    request = pb.ListMonitorCountsRequest(from_day=first, to_day=last)

    with pytest.raises(InputRejected):
        door.call(LEADER, "ListMonitorCounts", request)
