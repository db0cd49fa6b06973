"""Electronic and listed supervision 督办 on a real PostgreSQL: confirmed, reopened, listed."""

import datetime as dt

import pytest

from services.cases.app.handle_finding import handle_finding
from services.cases.app.open_by_person import Wish, open_by_person
from services.cases.app.propose_listing import Threshold, propose_listing
from services.cases.domain.matter import Kind, Level, Matter
from services.cases.sheet_door import SheetServicer
from services.chassis import grpc_host
from services.chassis.clock import BEIJING, to_timestamp, utc_now
from services.chassis.errors import Forbidden, InputRejected, NotFound, RuleViolated
from services.chassis.identity import Tokens, create_token_key
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.chassis.pb.cases.v1 import sheet_pb2
from tests.integration.cases_rig import (
    ANSWER,
    FOUR,
    LEADER,
    LI,
    MANAGER,
    NEIGHBOUR,
    OTHER_PLANT,
    VERDICT,
    WANG,
    ZHAO,
    Region,
    finding,
)
from tests.integration.supervision_rig import (
    CITY_LEADER,
    CITY_OFFICER,
    CITY_SECOND,
    PLATFORM,
    city_region,
    listed,
    of_kind,
    open_one,
    sweep,
    to_be_served,
)

NOW = dt.datetime(2026, 11, 2, 10, 30, tzinfo=BEIJING)
HAND = {"subject": "夜间异味", "content": "多次投诉夜间异味，请排查", "item": "complaint"}


@pytest.fixture
def place(migrated_db):
    """A fresh region with a city above."""
    with city_region(migrated_db("cases"), NOW) as fresh:
        yield fresh


def by_hand(place: Region, level: Level = Level.DISPATCH, **changes: str) -> Matter:
    """An order that the county's leader opened."""
    return open_one(place, LEADER, Kind.ORDER, "issue_by_hand", {**HAND, **changes}, level)


def closed(place: Region, order: Matter) -> Matter:
    """Answered, checked, closed by a second person."""
    place.act(MANAGER, order, "answer", **ANSWER)
    place.act(WANG, order, "check", **VERDICT)
    return place.act(LI, order, "close", opinion="同意")


def test_a_leader_opens_an_order_and_only_one_about_a_thing(place: Region):
    """Numbered, assigned, the plant told; a second of the same item is refused by number."""
    order = by_hand(place)

    assert (order.state, order.item, order.title) == ("issued", "complaint", "夜间异味")
    assert order.open_clock("order_answer") is not None
    assert place.sent(pb.NoticeRequested)[0].template == "order_issued"
    with pytest.raises(RuleViolated, match=order.number):
        by_hand(place)
    cancelled = place.act(LEADER, order, "cancel", "重复交办")
    assert cancelled.state == "cancelled"
    assert place.sent(pb.NoticeRequested)[-1].template == "order_cancelled"
    assert by_hand(place).number != order.number
    plant = Wish(Kind.ORDER, "issue_by_hand", "", order.credit_code, Level.DISPATCH, fields=HAND)
    with pytest.raises(InputRejected):
        place.run(lambda session, now: open_by_person(session, LEADER, plant, now))


def test_an_order_without_findings_is_not_settled_by_data(place: Region):
    """A hand-made warning that the plant confirmed waits for a person."""
    order = by_hand(place, Level.WARNING)

    assert place.act(MANAGER, order, "confirm", cause="检修").state == "confirmed"


def test_supervision_goes_through_county_and_city(place: Region):
    """County closes to the city, the city confirms, its clock is the city's to keep."""
    order = by_hand(place, Level.SUPERVISION)
    reported = closed(place, order)
    assert reported.state == "reported"
    assert place.sent(pb.NoticeRequested)[-1].template == "order_reported"

    sweep(place, NOW + dt.timedelta(days=3))
    told = [n.recipients[0] for n in place.sent(pb.NoticeRequested)[-2:]]
    assert {(one.key, one.role) for one in told} == {("130400", "officer"), ("130400", "leader")}
    with pytest.raises(RuleViolated, match="市级"):
        place.act(ZHAO, order, "confirm_report", opinion="同意")

    assert place.act(CITY_OFFICER, order, "confirm_report", opinion="同意").state == "closed"


def test_bad_news_open_an_order_again_with_new_clocks(place: Region):
    """A follow-up that finds it again, then a sampled check: each counts."""
    order = by_hand(place)
    closed(place, order)
    again = place.act(ZHAO, order, "follow_up", result="recurred", opinion="异味又起")
    assert (again.state, again.closed_at) == ("answered", None)
    assert again.open_clock("order_check") is not None
    assert again.open_clock("followup_30") is None
    place.act(WANG, order, "check", **VERDICT)
    place.act(LI, order, "close", opinion="同意")

    sampled = place.act(
        CITY_SECOND, order, "spot_check", result="bad", opinion="台账缺失", evidence="照片"
    )

    assert sampled.state == "answered"
    assert [e.act for e in sampled.events].count("reopen_recurred") == 2


def test_what_another_open_order_deals_with_is_only_noted(place: Region):
    """The data opened a new order already: the old one stays closed and names it."""
    place.run(handle_finding, finding(NOW, hours=3))
    (order,) = of_kind(place, Kind.ORDER)
    closed(place, order)
    place.run(handle_finding, finding(NOW, hours=3))
    _, fresh = of_kind(place, Kind.ORDER)

    old = place.act(ZHAO, order, "follow_up", result="recurred", opinion="又超标")

    assert (old.state, old.events[-1].act) == ("closed", "note_recurred")
    assert old.events[-1].fields["order"] == fresh.number
    with pytest.raises(RuleViolated, match=fresh.number):
        place.act(LEADER, order, "reopen", "又超标", whom="county")


def test_orders_that_reach_a_count_propose_the_plant(place: Region):
    """The third in the span; once; a decline is not asked again."""
    limit = Threshold(count=3, days=90, level=Level.DISPATCH)
    for item in ("complaint", "inspection", "other"):
        order = by_hand(place, item=item)
        with place.database.transaction() as session:
            propose_listing(session, order, place.now, limit)
    (proposal,) = of_kind(place, Kind.LISTED)

    assert proposal.state == "proposed"
    assert proposal.events[0].fields["count"] == "3"
    assert proposal.confidential
    with pytest.raises(RuleViolated, match="市级"):
        place.act(LEADER, proposal, "decline", "已整改")
    place.act(CITY_LEADER, proposal, "decline", "已整改")
    with place.database.transaction() as session:
        assert propose_listing(session, order, place.now, limit) is None


def test_a_listing_walks_to_its_lifting(place: Region):
    """Listed with a notice to serve, progress, check by two of the city, lifted, published."""
    matter = listed(place, "2027-03-31")
    assert len(of_kind(place, Kind.SERVICE)) == 1
    assert "listed_notice" in matter.events[0].fields["papers"]
    published = {"published_on": "2026-11-02", "where": "市局网站"}
    place.act(CITY_OFFICER, matter, "publish_listing", **published)
    place.act(WANG, matter, "report_progress", done="设备到货", remaining="安装")
    visit = {
        "officer_2": "c-zhou", "purpose": "核查改造进度", "place": "1号炉脱硫塔", "covert": "no",
        "planned_from": "2026-11-03T09:00+08:00", "planned_until": "2026-11-03T12:00+08:00",
    }  # fmt: skip
    place.act(CITY_OFFICER, matter, "open_inspection", **visit)
    assert [one.parent_matter_id for one in of_kind(place, Kind.INSPECTION)] == [matter.matter_id]
    place.act(WANG, matter, "apply_lifting", done="完成改造", report="验收 3 号")
    check = {"officer_2": "c-zhou", "visited_on": "2026-11-02", "found": "met", "record": "笔录"}
    place.act(CITY_OFFICER, matter, "check_on_site", **check)

    lifted = place.act(CITY_LEADER, matter, "lift", opinion="同意", number="邯环督〔2027〕1号")
    after = place.act(CITY_OFFICER, matter, "publish_lifting", **published)

    assert lifted.state == "lifted"
    assert not [clock.key for clock in after.clocks if clock.open]


class Caller:
    """Who calls a servicer: what it reads of a gRPC context."""

    def __init__(self, metadata) -> None:
        self._metadata = metadata

    def invocation_metadata(self):
        """The token."""
        return self._metadata


@pytest.fixture
def ask(place, tmp_path):
    """Call `SheetService` as somebody."""
    create_token_key(tmp_path / "token.jwk")
    tokens = Tokens(tmp_path / "token.jwk")
    grpc_host.use_tokens(tokens)
    servicer = SheetServicer(place.database)

    def call(who, method: str, request):
        context = Caller(grpc_host.bearer(tokens.issue(who)[0]))
        return getattr(servicer, method)(request, context)

    return call


def sheet(ask, who, order: Matter) -> sheet_pb2.Sheet:
    """The sheet as somebody sees it."""
    return ask(who, "GetSheet", sheet_pb2.GetSheetRequest(matter_id=order.matter_id)).sheet


def test_a_sheet_has_the_sections_of_its_case(place: Region, ask):
    """Feedback, check, proposal, and the case that the leader filed, for the province."""
    place.run(handle_finding, finding(NOW, hours=3))
    (order,) = of_kind(place, Kind.ORDER)
    place.act(MANAGER, order, "answer", **ANSWER, source="wechat")
    place.act(WANG, order, "check", **{**VERDICT, "verdict": "violation"})
    place.act(WANG, order, "propose_filing", facts="三小时超标", violation="exceed_air")
    (case,) = of_kind(place, Kind.CASE)
    place.act(LEADER, case, "file_case", **FOUR)

    whole = sheet(ask, PLATFORM, order)

    assert (whole.is_feedback, whole.is_check) == (1, 1)
    assert whole.feedbacks[0].source == sheet_pb2.FEEDBACK_SOURCE_WECHAT
    assert whole.rows[0].pollutant_name == "二氧化硫"
    assert whole.head.signature.endswith("分局")
    assert whole.proposal.violation == "exceed_air"
    assert whole.case_start.number == case.number
    assert whole.case_start.filed_at.ToDatetime(dt.UTC) == NOW
    assert "filing_approval" not in whole.case_start.filing_number
    assert [one.kind for one in whole.case_start.files] == ["case"]
    mine = sheet(ask, MANAGER, order)
    assert (mine.head.state_name, len(mine.checks), mine.HasField("case_start")) == (
        "已销号", 0, False,
    )  # fmt: skip


def test_sheets_stay_inside_the_jurisdiction(place: Region, ask):
    """A neighbour, another plant: not found; a county does not list the city."""
    order = by_hand(place)

    for who in (NEIGHBOUR, OTHER_PLANT):
        with pytest.raises(NotFound):
            sheet(ask, who, order)
        listing = ask(who, "ListSheets", sheet_pb2.ListSheetsRequest())
        assert listing.total == 0
    with pytest.raises(Forbidden):
        ask(WANG, "ListSheets", sheet_pb2.ListSheetsRequest(division="130000"))
    with pytest.raises(Forbidden):
        ask(MANAGER, "ListOverdue", sheet_pb2.ListOverdueRequest())
    with pytest.raises(NotFound):
        sheet(ask, WANG, to_be_served(place))


def test_a_province_reads_what_changed_page_by_page(place: Region, ask):
    """Oldest change first; level, state and overdue narrow; a change of the case is a change."""
    orders = []
    for number, item in enumerate(("complaint", "inspection", "other")):
        place.now = NOW + dt.timedelta(minutes=number)
        orders.append(by_hand(place, item=item))

    def page(**wishes):
        request = sheet_pb2.ListSheetsRequest(**wishes)
        found = ask(PLATFORM, "ListSheets", request)
        return [one.head.supervise_id for one in found.sheets], found.next_page_token, found.total

    ids = [one.matter_id for one in orders]
    first, token, total = page(page_size=2)
    rest, end, _ = page(page_size=2, page_token=token)
    assert (first + rest, end, total) == (ids, "", 3)
    place.now = NOW + dt.timedelta(minutes=3)
    place.act(MANAGER, orders[0], "answer", **ANSWER)
    assert page()[0] == [ids[1], ids[2], ids[0]]
    assert page(since=to_timestamp(place.now))[0] == [ids[0]]
    assert page(level=pb.LEVEL_SUPERVISION)[2] == 0
    assert page(state="answered")[0] == [ids[0]]
    place.act(WANG, orders[0], "check", **{**VERDICT, "verdict": "violation"})
    place.act(WANG, orders[0], "propose_filing", facts="f", violation="exceed_air")
    place.now = NOW + dt.timedelta(hours=5)
    (case,) = of_kind(place, Kind.CASE)
    place.act(LEADER, case, "no_filing", "情节轻微")
    assert page(since=to_timestamp(place.now))[0] == [ids[0]]
    with pytest.raises(InputRejected):
        page(page_token="nonsense")


def test_the_overdue_list_says_how_far_a_breach_has_climbed(place: Region, ask):
    """Two terms in breach, longest first, with who answers and who was told."""
    place.now = utc_now() - dt.timedelta(hours=24 + 30)
    order = by_hand(place)
    place.now = utc_now() - dt.timedelta(hours=24 + 1)
    other = by_hand(place, item="other")
    sweep(place, utc_now())

    found = ask(PLATFORM, "ListOverdue", sheet_pb2.ListOverdueRequest())

    late = [one for one in found.overdue if one.clock_key == "order_answer"]
    assert [one.matter_id for one in late] == [order.matter_id, other.matter_id]
    assert [(one.steps, one.told_division, one.published) for one in late] == [
        (2, "130400", False), (1, "130402", False),
    ]  # fmt: skip
    assert late[0].who == "示范热电有限公司"
    assert 30 * 60 - 2 <= late[0].overdue_minutes <= 30 * 60 + 2
    narrowed = ask(PLATFORM, "ListOverdue", sheet_pb2.ListOverdueRequest(steps_from=2))
    assert [one.matter_id for one in narrowed.overdue] == [order.matter_id]
    assert ask(PLATFORM, "ListOverdue", sheet_pb2.ListOverdueRequest(steps_from=3)).total == 0


def test_the_terms_in_force_are_listed_with_their_source(place: Region, ask):
    """Every clock of orders and listings, from the general table here."""
    found = ask(WANG, "ListTerms", sheet_pb2.ListTermsRequest()).terms

    terms = {one.key: one for one in found}
    assert (terms["order_answer"].length, terms["order_answer"].unit) == (24, "hour")
    assert terms["order_confirm_city"].working
    assert {"listed_term", "followup_30"} <= set(terms)
    assert {one.override for one in found} == {""}
