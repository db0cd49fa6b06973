"""Service of papers 送达 on a real PostgreSQL: each way to its end, and what is told above."""

import datetime as dt

import pytest

from services.cases.domain import history
from services.cases.domain.matter import ClockState, Kind, Matter
from services.chassis.clock import BEIJING
from services.chassis.errors import RuleViolated
from tests.integration.cases_rig import MANAGER, WANG, Region
from tests.integration.supervision_rig import (
    CITY_LEADER,
    CITY_OFFICER,
    city_region,
    listed,
    of_kind,
    sweep,
    to_be_served,
)

NOW = dt.datetime(2026, 11, 2, 10, 30, tzinfo=BEIJING)
WENGNIUTE = dt.datetime(2021, 2, 9, 10, 0, tzinfo=BEIJING)
TRY = {"tried_on": "2026-11-02", "why": "refused", "account": "门卫拒绝接收"}
UNKNOWN = {"ground": "unknown", "account": "登记住所已拆除，走访无人知晓去向"}


@pytest.fixture
def place(migrated_db):
    """A region with a notice that waits to be served."""
    with city_region(migrated_db("cases"), NOW) as fresh:
        to_be_served(fresh)
        yield fresh


def service(place: Region) -> Matter:
    """The one service there is."""
    (matter,) = of_kind(place, Kind.SERVICE)
    return matter


def told(place: Region) -> dict[str, str]:
    """What the listing was told of the service last."""
    (parent,) = of_kind(place, Kind.LISTED)
    event = parent.events[-1]
    return {"act": event.act, **event.fields}


def test_the_paper_that_a_row_issues_is_what_has_to_be_served(migrated_db):
    """Key, id, number and title of the notice; the two who serve; a clock from the same day."""
    with city_region(migrated_db("cases"), NOW) as fresh:
        listed(fresh, "2027-03-31")
        matter = service(fresh)
    opening = matter.opening()
    assert opening is not None

    assert opening.fields["paper"] == "listed_notice"
    assert opening.fields["paper_id"]
    assert "挂督" in opening.fields["paper_number"]
    assert (opening.fields["officer_1"], opening.fields["officer_2"]) == ("c-leader", "c-zhou")
    assert matter.open_clock("serve_paper") is not None
    assert matter.confidential


def test_by_hand_is_told_to_the_matter_above(place: Region):
    """The listing learns day and way; the service is over and its record whole."""
    fields = {
        "officer_2": "c-zhou", "served_on": "2026-11-02", "receiver": "张某", "capacity": "party",
    }  # fmt: skip
    matter = place.act(CITY_OFFICER, service(place), "serve_by_hand", **fields)

    assert (matter.state, matter.closed_at) == ("served", NOW)
    line = told(place)
    assert (line["act"], line["served_on"], line["method"]) == (
        "listed_notice_served", "2026-11-02", "by_hand",
    )  # fmt: skip
    assert history.first_break(matter.matter_id, matter.events) is None
    (clock,) = matter.clocks
    assert clock.state is ClockState.SATISFIED


def test_a_service_that_is_recorded_late_was_in_time(place: Region):
    """Served on the fifth working day, entered on the tenth: the breach is taken back."""
    sweep(place, NOW + dt.timedelta(days=14))
    assert any(event.act == "overdue" for event in service(place).events)
    fields = {
        "officer_2": "c-zhou", "served_on": "2026-11-09", "receiver": "张某", "capacity": "party",
    }  # fmt: skip

    matter = place.act(CITY_OFFICER, service(place), "serve_by_hand", **fields)

    assert {clock.state for clock in matter.clocks} == {ClockState.SATISFIED}


def test_left_with_a_witness(place: Region):
    """Refused, a witness signed, left at the place."""
    fields = {
        "officer_2": "c-zhou", "served_on": "2026-11-02", "refused_by": "办公室李某",
        "refusal": "称无权签收", "place": "厂区门卫室", "witness": "社区王某",
    }  # fmt: skip
    place.act(CITY_OFFICER, service(place), "serve_by_leaving", **fields)

    assert told(place)["method"] == "left"


def test_a_letter_comes_back_and_the_next_way_is_taken(place: Region):
    """Returned mail serves nothing; entrusted service then does, on the day of its receipt."""
    posting = {
        "posted_on": "2026-11-02", "tracking_number": "EMS1", "address": "示范路1号",
        "recipient": "张某",
    }  # fmt: skip
    place.act(CITY_OFFICER, service(place), "post", **posting)
    place.now = NOW + dt.timedelta(days=4)
    back = {"tried_on": "2026-11-06", "why": "moved", "account": "原址查无此单位"}
    place.act(CITY_OFFICER, service(place), "post_returned", **back)
    assert service(place).state == "open"
    entrusted = {"entrusted_on": "2026-11-06", "agency": "某市生态环境局", "letter": "邯环函1号"}
    place.act(CITY_OFFICER, service(place), "entrust", **entrusted)
    place.now = NOW + dt.timedelta(days=10)
    receipt = {"served_on": "2026-11-11", "receiver": "张某", "capacity": "party"}

    place.act(CITY_OFFICER, service(place), "entrusted_served", **receipt)

    line = told(place)
    assert (line["served_on"], line["method"]) == ("2026-11-11", "entrusted")


def test_e_service_with_and_without_consent(place: Region):
    """Refused with the article; with the signed consent it counts from the day of arrival."""
    fields = {"served_on": "2026-11-02", "address": "hb@example.test", "arrival": "10:31 已到达"}
    with pytest.raises(RuleViolated, match="行政处罚法第六十一条第二款"):
        place.act(CITY_OFFICER, service(place), "serve_electronically", **fields)
    consent = {
        "signed_on": "2026-11-02", "signed_by": "张某", "channel": "email",
        "address": "hb@example.test", "consent_record": "确认书1号",
    }  # fmt: skip
    place.act(CITY_OFFICER, service(place), "record_consent", **consent)

    matter = place.act(CITY_OFFICER, service(place), "serve_electronically", **fields)

    assert told(place)["method"] == "electronic"
    assert not matter.confidential


def test_an_announcement_serves_by_itself_and_only_after_other_ways(place: Region):
    """Refused first; then 30 days, the sweep, and the listing knows."""
    matter = service(place)
    ground = {"ground": "other_ways", "account": "直接、邮寄均未成"}
    with pytest.raises(RuleViolated, match="直接送达"):
        place.act(CITY_LEADER, matter, "approve_announcement", **ground)
    place.act(CITY_OFFICER, matter, "note_try", **TRY, way="by_hand")
    place.act(CITY_OFFICER, matter, "note_try", **TRY, way="post")
    approved = place.act(CITY_LEADER, matter, "approve_announcement", **ground)
    assert "announcement" in approved.events[-1].fields["papers"]
    announced = {"announced_on": "2026-11-02", "medium": "website", "where": "本机关网站"}
    place.act(CITY_OFFICER, matter, "announce", **announced)
    assert told(place)["announced_on"] == "2026-11-02"

    sweep(place, dt.datetime(2026, 12, 2, 23, 59, tzinfo=BEIJING))
    assert service(place).state == "announced"
    sweep(place, dt.datetime(2026, 12, 3, 0, 1, tzinfo=BEIJING))

    assert service(place).state == "served"
    line = told(place)
    assert (line["served_on"], line["method"]) == ("2026-12-02", "announcement")


def test_the_wengniute_announcement_is_deemed_served_after_sixty_days(migrated_db):
    """vectors.json: announced on 9 February 2021, deemed served on 10 April 2021.

    The record is made in August: our wordings cite the Penalty Law of July 2021.
    """
    with city_region(migrated_db("cases"), WENGNIUTE) as place:
        matter = to_be_served(place)
        gone = {"tried_on": "2021-02-09", "why": "unknown", "account": "去向不明", "way": "inquiry"}
        place.act(CITY_OFFICER, matter, "note_try", **gone)
        place.now = dt.datetime(2021, 8, 2, 9, 0, tzinfo=BEIJING)
        place.act(CITY_LEADER, matter, "approve_announcement", **UNKNOWN)
        announced = {"announced_on": "2021-02-09", "medium": "newspaper", "where": "日报二版"}
        place.act(CITY_OFFICER, matter, "announce", **announced)

        sweep(place, place.now)

        assert service(place).events[-1].fields["served_on"] == "2021-04-10"
        assert told(place)["served_on"] == "2021-04-10"


def test_a_revoked_or_void_service_is_told_above(place: Region):
    """The listing may issue and serve again; nothing is erased."""
    fields = {
        "officer_2": "c-zhou", "served_on": "2026-11-02", "receiver": "张某", "capacity": "party",
    }  # fmt: skip
    matter = place.act(CITY_OFFICER, service(place), "serve_by_hand", **fields)

    void = {"found_on": "2026-11-02", "basis": "复议决定〔2026〕1号"}
    matter = place.act(CITY_LEADER, matter, "annul", "签收人不适格", **void)

    assert matter.state == "served"
    line = told(place)
    assert (line["act"], line["from_act"], line["found_on"]) == (
        "note_below", "annul", "2026-11-02",
    )  # fmt: skip


def test_a_blank_receipt_is_printed_before_and_a_full_one_after(place: Region):
    """送达回证: the same document twice, the second with day and receiver."""
    matter = service(place)
    place.act(CITY_OFFICER, matter, "prepare_receipt", officer_2="c-zhou")
    fields = {
        "officer_2": "c-zhou", "served_on": "2026-11-02", "receiver": "张某", "capacity": "party",
    }  # fmt: skip
    place.act(CITY_OFFICER, matter, "serve_by_hand", **fields)

    matter = place.act(CITY_OFFICER, matter, "prepare_receipt", officer_2="c-zhou")

    printed = [e.fields["papers"] for e in matter.events if e.act == "prepare_receipt"]
    assert len(printed) == 2
    assert all("service_receipt" in one for one in printed)


def test_only_those_in_charge_serve(place: Region):
    """The plant does nothing to a service; before it is served it does not know of it."""
    with pytest.raises(Exception, match="no such thing"):
        place.act(MANAGER, service(place), "serve_by_hand")
    with pytest.raises(RuleViolated):
        place.act(WANG, service(place), "serve_by_hand", officer_2="o-expired",
                  served_on="2026-11-02", receiver="张某", capacity="party")  # fmt: skip
