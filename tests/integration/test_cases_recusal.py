"""Recusal, handing over and moving in bulk, on a real PostgreSQL and over the real door."""

import asyncio
import datetime as dt
import threading
from collections.abc import Iterator

import grpc
import pytest

from services.cases import queries, rules, store
from services.cases.app.attempts import system_attempt
from services.cases.app.handle_clue import handle_clue
from services.cases.app.people_timers import sweep_all
from services.cases.app.perform import perform
from services.cases.domain.matter import Kind, Matter
from services.cases.door import register
from services.cases.door_views import view_of
from services.chassis import grpc_host
from services.chassis.clock import BEIJING, utc_now
from services.chassis.errors import Forbidden, InputRejected, NotFound, RuleViolated
from services.chassis.identity import Actor, Role, Tokens, create_token_key
from services.chassis.pb.cases.v1 import cases_pb2
from services.chassis.pb.cases.v1 import people_pb2 as pb
from services.chassis.pb.cases.v1.people_pb2_grpc import PeopleServiceStub
from services.chassis.settings import ChassisSettings
from tests.integration.cases_rig import (
    CITY,
    COUNTY,
    LEADER,
    LI,
    MANAGER,
    NEIGHBOUR,
    VISIT,
    WANG,
    Region,
    actor,
    bottle,
    region,
)
from tests.integration.people_rig import (
    CITY_LEADER,
    CITY_OFFICER,
    allowed_names,
    away,
    gone,
    keep,
    orders,
    person,
    said,
    swept,
    told,
)

NOW = utc_now()
TODAY = NOW.astimezone(BEIJING).date()
DEPUTY = actor(Role.LEADER, "o-deputy")
NEIGHBOUR_LEADER = actor(Role.LEADER, "l-neighbour", "130403")


@pytest.fixture
def place(migrated_db):
    """A fresh region with a city above it."""
    with region(migrated_db("cases"), NOW) as fresh:
        keep(
            fresh,
            person("cl-1", division=CITY, role="leader"),
            person("c-1", division=CITY, team_id="t-city"),
            person("c-2", division=CITY, team_id="t-city"),
            person("o-deputy", role="leader"),
        )
        yield fresh


def test_the_plant_applies_and_the_leader_replaces_the_officer_at_once(place: Region):
    """Applied, granted with reasons, replaced in the same transaction."""
    (order,) = orders(place)
    place.act(MANAGER, order, "apply_recusal", person="o-li", grounds="系本单位环保负责人的近亲属")
    assert [one.level for one in told(place, "recusal_applied")] == [1]

    after = place.act(
        LEADER, order, "answer_recusal", verdict="granted", officer="o-li", opinion="情况属实"
    )

    assert after.assignee_id == "o-wang"
    assert said(after, "substitute")[0].fields["why"] == "recused"
    with pytest.raises(RuleViolated, match="已回避本案"):
        place.act(LI, order, "declare_recusal", "再次")
    with pytest.raises(RuleViolated, match="已回避本案"):
        place.act(LEADER, order, "reassign", "改回", officer="o-li")
    assert "answer_recusal" not in allowed_names(place, LEADER, after)


def test_an_application_may_be_refused_with_reasons(place: Region):
    """The officer goes on, and the application is answered."""
    (order,) = orders(place)
    place.act(MANAGER, order, "apply_recusal", person="李某", grounds="态度不好")

    after = place.act(LEADER, order, "answer_recusal", verdict="refused", opinion="不属于回避情形")

    assert after.assignee_id == "o-li"
    with pytest.raises(RuleViolated, match="当事人的回避申请"):
        place.act(LEADER, order, "answer_recusal", verdict="refused", opinion="再次")


def test_nobody_decides_on_himself(place: Region):
    """A leader who is named leaves it to the city, or to a decision of several."""
    (order,) = orders(place)
    place.act(MANAGER, order, "apply_recusal", person="局长 o-leader", grounds="持有本公司股份")

    with pytest.raises(RuleViolated, match="本人的回避"):
        place.act(LEADER, order, "answer_recusal", verdict="refused", opinion="无此事")
    with pytest.raises(RuleViolated, match="本人的回避"):
        place.act(LEADER, order, "recuse", "主动", officer="o-leader")
    with pytest.raises(RuleViolated, match="上级机关负责人决定，或者集体讨论决定"):
        place.act(DEPUTY, order, "recuse", "持股", officer="o-leader")
    place.act(
        CITY_LEADER, order, "answer_recusal", verdict="granted", officer="o-leader", opinion="属实"
    )

    with pytest.raises(RuleViolated, match="已回避本案"):
        place.act(LEADER, order, "reassign", "改派", officer="o-zhao")


def test_a_head_is_recused_by_a_collective_decision_with_its_record(place: Region):
    """The record of the meeting is asked for."""
    (order,) = orders(place)

    with pytest.raises(RuleViolated, match="集体讨论记录编号"):
        place.act(DEPUTY, order, "recuse", "持股", officer="o-leader", collective="yes")
    after = place.act(
        DEPUTY,
        order,
        "recuse",
        "持股",
        officer="o-leader",
        collective="yes",
        minutes="纪要〔2026〕3号",
    )

    assert said(after, "recuse")


def test_an_officer_withdraws_by_himself_and_at_once(place: Region):
    """No decision is waited for; the leader is told, the matter has another officer."""
    (order,) = orders(place)

    after = place.act(LI, order, "declare_recusal", "与当事人有亲属关系")

    assert after.assignee_id == "o-wang"
    assert allowed_names(place, LI, after) == set()
    assert len(told(place, "recusal_declared")) == 1


def test_the_plant_applies_in_no_matter_that_it_must_not_know_of(place: Region):
    """A confidential case does not exist for it."""
    place.run(handle_clue, bottle(NOW))

    with pytest.raises(NotFound):
        place.act(MANAGER, place.only(), "apply_recusal", person="某", grounds="某")


def with_child(place: Region) -> tuple[Matter, Matter]:
    """A case with an open matter below it, as `perform` makes them."""
    place.run(handle_clue, bottle(NOW))
    case = place.only()
    with place.database.transaction() as session:
        matter = store.load(session, case.matter_id, lock=True)
        below = {
            **vars(matter),
            "matter_id": "m-below",
            "number": "检〔2026〕130402-0001",
            "kind": Kind.INSPECTION,
            "state": "",
            "parent_matter_id": matter.matter_id,
            "version": 0,
            "clocks": (),
            "events": (),
            "rows": (),
        }
        child = Matter(**below)
        store.add(session, child)
        session.flush()
    return case, child


def test_the_city_takes_over_and_gives_back(place: Region):
    """Office, rights and notices follow; the clocks run on; the county reads and does not act."""
    place.run(handle_clue, bottle(NOW))
    case = place.only()

    with pytest.raises(RuleViolated, match="上级机关负责人"):
        place.act(LEADER, case, "take_over", "重大", officer="c-1")
    with pytest.raises(RuleViolated, match="上级机关的执法人员"):
        place.act(CITY_LEADER, case, "take_over", "重大", officer="o-zhao")
    taken = place.act(CITY_LEADER, case, "take_over", "案情重大", officer="c-1")

    assert (taken.in_charge, taken.assignee_id, taken.team_id) == (CITY, "c-1", "t-city")
    assert taken.clocks == case.clocks
    line = said(taken, "take_over")[0]
    assert (line.fields["from"], line.fields["from_office"]) == ("o-li", COUNTY)
    assert told(place, "matter_handed_over")[-1].recipients[0].key == CITY
    assert allowed_names(place, LI, taken) == set()
    with pytest.raises(Forbidden):
        place.act(WANG, case, "verify", **VISIT)
    place.act(CITY_OFFICER, case, "verify", **{**VISIT, "officer_2": "o-wang"})
    assert swept(place) == 0

    back = place.act(CITY_LEADER, case, "hand_down", "事实已查清", officer="o-zhao")

    assert (back.in_charge, back.assignee_id) == (COUNTY, "o-zhao")
    assert "hand_down" not in allowed_names(place, CITY_LEADER, back)


def queue(place: Region, who: Actor) -> list[str]:
    """Ids of what somebody finds in the queue."""
    with place.database.transaction() as session:
        page = queries.list_matters(session, view_of(who), queries.Wanted(), 50, "")
    return [matter.matter_id for matter in page.matters]


def test_another_county_is_designated_by_the_city(place: Region):
    """Its people see the case and act; the county of the place still reads it."""
    place.run(handle_clue, bottle(NOW))
    case = place.only()
    keep(place, person("n-2", division="130403"))
    assert allowed_names(place, LEADER, case)

    with pytest.raises(RuleViolated, match="双方共同的上级机关"):
        place.act(LEADER, case, "designate", "回避", officer="o-neighbour")
    moved = place.act(CITY_LEADER, case, "designate", "本县整体回避", officer="o-neighbour")

    assert (moved.division, moved.in_charge) == (COUNTY, "130403")
    assert queue(place, NEIGHBOUR) == queue(place, LEADER) == [case.matter_id]
    assert queue(place, actor(Role.OFFICER, "x", "130404")) == []
    visited = {**VISIT, "officer_2": "n-2", "visited_on": TODAY.isoformat()}
    assert place.act(NEIGHBOUR, case, "verify", **visited).state == "verified"
    with pytest.raises(Forbidden):
        place.act(LEADER, case, "no_filing", "不符合条件")
    assert "no_filing" in allowed_names(place, NEIGHBOUR_LEADER, place.only())


def test_what_hangs_below_goes_with_the_matter(place: Region):
    """A side path has the officer and the office of its case."""
    case, child = with_child(place)
    with place.database.transaction() as session:
        opening = next(iter(_first_acts(child)))
        perform(session, opening, system_attempt(session, child, NOW, {}))

    place.act(CITY_LEADER, case, "take_over", "案情重大", officer="c-1")

    below = next(one for one in place.matters() if one.matter_id == "m-below")
    assert (below.in_charge, below.assignee_id) == (CITY, "c-1")
    assert said(below, "substitute")[0].fields["why"] == "handed_over"


def _first_acts(matter: Matter) -> list[str]:
    return [
        act.key
        for act in rules.life_cycle(matter.kind).acts
        if not act.from_states and "system" in act.by
    ]


def test_a_leader_reassigns_inside_the_office_only(place: Region):
    """Another office is another act; nobody away, nobody without a certificate."""
    (order,) = orders(place)
    keep(place, away("o-zhao", TODAY.isoformat(), TODAY.isoformat()))

    with pytest.raises(RuleViolated, match="提级、交办或者指定管辖"):
        place.act(LEADER, order, "reassign", "x", officer="c-1")
    with pytest.raises(RuleViolated, match="o-zhao 离岗"):
        place.act(LEADER, order, "reassign", "x", officer="o-zhao")
    with pytest.raises(RuleViolated, match="在册执法人员"):
        place.act(LEADER, order, "reassign", "x", officer="o-deputy")


class Door:
    """A client of `PeopleService` that can speak as anybody."""

    def __init__(self, stub: PeopleServiceStub, tokens: Tokens) -> None:
        self._stub = stub
        self._tokens = tokens

    def call(self, who: Actor, method: str, **fields: object):
        """Call as `who`; errors come back typed."""
        metadata = grpc_host.bearer(self._tokens.issue(who)[0])
        request = getattr(pb, f"{method}Request")(**fields)
        try:
            return getattr(self._stub, method)(request, metadata=metadata, timeout=10)
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error


@pytest.fixture(scope="module")
def door(migrated_db, tmp_path_factory) -> Iterator[Door]:
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
        yield Door(PeopleServiceStub(channel), tokens)
    asyncio.run_coroutine_threadsafe(server.stop(None), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def test_a_leader_sees_what_everybody_has_and_an_officer_himself(place: Region, door: Door):
    """Open, late, near, points, certificate, absence, and why nothing can be given."""
    orders(place, 2)
    until = TODAY + dt.timedelta(days=3)
    keep(place, away("o-zhao", TODAY.isoformat(), until.isoformat(), "o-wang"))

    lines = {one.officer_id: one for one in door.call(LEADER, "ListWorkload").officers}

    assert set(lines) == {
        "o-wang", "o-li", "o-zhao", "o-expired", "o-leader", "o-deputy",
    }  # fmt: skip
    li, zhao = lines["o-li"], lines["o-zhao"]
    assert (li.open_matters, li.overdue, li.due_7_days, li.weight) == (2, 0, 2, 4.0)
    assert li.certificate_days_left == (dt.date(2030, 1, 1) - TODAY).days
    assert (zhao.on_leave, zhao.on_leave_until) == (True, until.isoformat())
    assert (zhao.substitute_id, zhao.hindrance) == ("o-wang", f"请假至{until}")
    assert lines["o-expired"].hindrance == "没有有效执法证件"
    assert [one.officer_id for one in door.call(LI, "ListWorkload").officers] == ["o-li"]
    with pytest.raises(Forbidden):
        door.call(LEADER, "ListWorkload", division=CITY)
    with pytest.raises(Forbidden):
        door.call(MANAGER, "ListWorkload")


def test_certificates_are_listed_by_their_end(place: Region, door: Door):
    """Those that end before a day; an officer sees the own one."""
    soon = TODAY + dt.timedelta(days=20)
    keep(place, person("o-wang", certificate_expires=soon.isoformat()))

    listed = door.call(LEADER, "ListCertificates", expiring_before="2029-01-01").certificates

    assert [one.officer_id for one in listed] == ["o-expired", "o-wang"]
    assert listed[1].days_left == 20
    own = door.call(WANG, "ListCertificates").certificates
    assert [one.officer_id for one in own] == ["o-wang"]
    with pytest.raises(InputRejected):
        door.call(LEADER, "ListCertificates", expiring_before="soon")


def test_a_leader_moves_all_that_one_has(place: Region, door: Door):
    """To those named, by load; one that cannot be moved says why and hinders no other."""
    made = orders(place, 3)
    place.act(LEADER, made[0], "recuse", "亲属", officer="o-zhao")

    answer = door.call(
        LEADER, "ReassignAll", from_officer_id="o-li", to_officer_ids=["o-zhao"], reason="调整分工"
    )

    results = {one.number: one for one in answer.results}
    assert not answer.more
    assert [one.moved for one in answer.results].count(True) == 2
    assert results[made[0].number].refusal.startswith("承办单位没有在岗")
    assert {m.assignee_id for m in place.matters()} == {"o-li", "o-zhao"}
    rest = door.call(LEADER, "ReassignAll", from_officer_id="o-li", reason="调整分工").results
    assert [(one.moved, one.officer_id) for one in rest] == [(True, "o-wang")]
    assert said(place.matters()[0], "reassign")[0].reason == "调整分工"


def test_only_a_leader_moves_matters_and_only_own_ones(place: Region, door: Door):
    """An officer may not, a neighbour finds nothing, a reason is needed."""
    orders(place)

    with pytest.raises(Forbidden):
        door.call(LI, "ReassignAll", from_officer_id="o-li", reason="x")
    with pytest.raises(Forbidden):
        door.call(NEIGHBOUR_LEADER, "ReassignAll", from_officer_id="o-li", reason="x")
    with pytest.raises(InputRejected):
        door.call(LEADER, "ReassignAll", from_officer_id="o-li")
    with pytest.raises(InputRejected):
        door.call(LEADER, "ReassignAll", from_officer_id="o-li", to_officer_ids=["x"], reason="x")
    assert place.only().assignee_id == "o-li"


def test_what_nobody_has_is_listed_and_given_away(place: Region, door: Door):
    """The leader's list; the same call gives it to whoever is able again."""
    orders(place, 2)
    keep(place, gone("o-li"), gone("o-wang"), gone("o-zhao"))
    sweep_all(place.database, NOW)
    listed = door.call(LEADER, "ListUnassigned")
    assert (listed.total, len(listed.matters)) == (2, 2)
    assert listed.matters[0].reason.startswith("承办人已离职或者注销")
    assert listed.matters[0].matter.kind == cases_pb2.MATTER_KIND_ORDER
    with pytest.raises(Forbidden):
        door.call(LI, "ListUnassigned")

    keep(place, person("o-new"))
    results = door.call(LEADER, "ReassignAll", reason="新同志到岗").results

    assert [one.officer_id for one in results] == ["o-new", "o-new"]
    assert door.call(LEADER, "ListUnassigned").total == 0


def test_who_was_put_in_for_whom_is_listed_newest_first(place: Region, door: Door):
    """By page, by person; an officer sees what concerns him."""
    made = orders(place, 2)
    keep(place, away("o-li", TODAY.isoformat(), "", "o-zhao", "secondment"))
    sweep_all(place.database, NOW)
    place.act(LEADER, made[0], "reassign", "调整分工", officer="o-wang")

    first = door.call(LEADER, "ListPeopleEvents", page_size=2)
    second = door.call(LEADER, "ListPeopleEvents", page_token=first.next_page_token)

    acts = [(e.act, e.from_officer_id, e.to_officer_id, e.why) for e in first.events]
    assert acts[0] == ("reassign", "o-zhao", "o-wang", "")
    assert acts[1] == ("substitute", "o-li", "o-zhao", "leave")
    assert first.events[0].reason == "调整分工"
    assert first.events[1].why_name == "承办人离岗"
    assert [e.act for e in second.events] == ["substitute"]
    assert not second.next_page_token
    mine = door.call(WANG, "ListPeopleEvents", officer_id="o-li").events
    assert [(e.act, e.to_officer_name) for e in mine] == [("reassign", "o-wang")]
    assert len(door.call(LEADER, "ListPeopleEvents", matter_id=made[1].matter_id).events) == 1
    assert not door.call(NEIGHBOUR_LEADER, "ListPeopleEvents").events
    with pytest.raises(InputRejected):
        door.call(LEADER, "ListPeopleEvents", page_token="x")
