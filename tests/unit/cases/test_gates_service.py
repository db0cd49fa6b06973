"""Service of papers 送达: what each way asks for before it counts."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from services.cases import rules
from services.cases.domain import steps
from services.cases.domain.matter import SYSTEM, Doer, Kind, Matter
from services.cases.domain.papers import Attachment
from services.chassis.clock import BEIJING
from services.chassis.errors import FarsightError, Forbidden, InputRejected, RuleViolated
from tests.unit.cases.region import NOW, PEOPLE, attempt, blank, doer

LIFE, TERMS = rules.life_cycle(Kind.SERVICE), rules.terms()
OPENING = {
    "paper": "decision",
    "paper_id": "p-1",
    "paper_number": "邯山环罚字〔2026〕3号",
    "paper_title": "行政处罚决定书",
    "officer_1": "o-1",
    "officer_2": "o-2",
}
BY_HAND = {"officer_2": "o-2", "served_on": "2026-11-02", "receiver": "张某", "capacity": "party"}
LEFT = {
    "officer_2": "o-2",
    "served_on": "2026-11-02",
    "refused_by": "办公室主任李某",
    "refusal": "称无权签收",
    "place": "厂区门卫室",
}
CONSENT = {
    "signed_on": "2026-11-02",
    "signed_by": "张某",
    "channel": "email",
    "address": "hb@example.test",
    "consent_record": "确认书〔2026〕1号",
}
E_SERVICE = {"served_on": "2026-11-02", "address": "hb@example.test", "arrival": "已到达 10:31"}
TRY = {"tried_on": "2026-11-02", "why": "absent", "account": "厂区无人"}
ANNOUNCED = {"announced_on": "2026-11-02", "medium": "website", "where": "本机关网站"}


def file(key: str, purpose: str) -> Attachment:
    """A file that was handed in on the matter."""
    return Attachment(key, "m-1", 2, key, purpose, "video/mp4", 9, b"s", b"m", "o-1", NOW)


def begun(paper: str = "decision", now: dt.datetime = NOW) -> Matter:
    """A paper that waits to be served."""
    fields = {**OPENING, "paper": paper}
    tried = attempt(blank(Kind.SERVICE), SYSTEM, fields, now=now)
    return steps.take(LIFE, "begin", tried, TERMS).matter


def act(
    matter: Matter,
    key: str,
    fields: dict[str, str] | None = None,
    who: Doer | None = None,
    reason: str = "",
    **more: object,
) -> Matter:
    """The matter after an act of officer 1, or of somebody else."""
    now = more.pop("now", NOW)
    tried = attempt(matter, who or doer("o-1"), fields, reason, now=now)
    return steps.take(LIFE, key, replace(tried, **more), TERMS).matter


def refusal(matter: Matter, key: str, fields: dict[str, str], **more: object) -> str:
    """Article and what is missing, of an act that is refused."""
    with pytest.raises(RuleViolated) as caught:
        act(matter, key, fields, **more)
    return f"{caught.value.facts['article']}: {caught.value.facts['missing']}"


@pytest.mark.parametrize("paper", ["decision", "no_penalty_decision", "daily_penalty_decision"])
def test_a_penalty_decision_is_served_within_seven_working_days(paper: str):
    """PL art 61: from Monday 2 November, the last day is Wednesday the 11th."""
    clock = begun(paper).open_clock("service")

    assert clock is not None
    assert clock.statutory
    assert clock.due_at == dt.datetime(2026, 11, 12, tzinfo=BEIJING)


def test_every_paper_that_any_table_has_served_has_a_clock():
    """A row that opens a service names a paper that `begin` starts a clock for."""
    papers = {
        opens.fields["paper"]
        for kind in Kind
        for row in rules.life_cycle(kind).acts
        for opens in row.opens
        if opens.kind is Kind.SERVICE
    }

    assert papers
    assert {paper for paper in papers if not begun(paper).clocks} == set()


def test_by_hand_needs_two_certified_officers_and_a_receiver():
    """Served, with method and day in the line."""
    served = act(begun(), "serve_by_hand", BY_HAND)

    assert served.state == "served"
    assert served.events[-1].fields["method"] == "by_hand"
    assert not served.confidential
    assert "另一人" in refusal(begun(), "serve_by_hand", {**BY_HAND, "officer_2": "o-1"})
    assert "签收人" in refusal(begun(), "serve_by_hand", {**BY_HAND, "receiver": ""})


@pytest.mark.parametrize("day", ["2026-11-01", "2026-11-03"])
def test_nothing_is_served_before_it_was_issued_or_tomorrow(day: str):
    """The day of service lies between the paper's and today."""
    assert refusal(begun(), "serve_by_hand", {**BY_HAND, "served_on": day})


@pytest.mark.parametrize(
    ("proof", "passes"),
    [
        ({}, False),
        ({"witness": "社区工作人员王某"}, True),
        ({"video": "v-1"}, True),
        ({"video": "v-9"}, False),
        ({"video": "r-1"}, False),
    ],
)
def test_leaving_it_needs_a_witness_or_pictures(proof: dict[str, str], passes: bool):
    """CPL art 89: a witness, or photographs or a video that is attached; a scan is neither."""
    files = (file("v-1", "video"), file("r-1", "record"))
    fields = {**LEFT, **proof}

    if passes:
        assert act(begun(), "serve_by_leaving", fields, attachments=files).state == "served"
    else:
        assert "八十九" in refusal(begun(), "serve_by_leaving", fields, attachments=files)


def test_e_service_needs_a_signed_consent_and_its_address():
    """PL art 61(2): no consent, another address, or a day before the signature: refused."""
    bare = begun()
    assert "第六十一条" in refusal(bare, "serve_electronically", E_SERVICE)
    agreed = act(bare, "record_consent", CONSENT)

    assert "hb@example.test" in refusal(
        agreed, "serve_electronically", {**E_SERVICE, "address": "other@example.test"}
    )
    assert act(agreed, "serve_electronically", E_SERVICE).events[-1].fields["method"] == (
        "electronic"
    )
    withdrawn = act(agreed, "withdraw_consent", reason="当事人书面撤回")
    assert "确认书" in refusal(withdrawn, "serve_electronically", E_SERVICE)


def test_a_consent_without_proof_is_none():
    """Neither a scan nor a number of the paper; a scan that nobody handed in."""
    nothing = {**CONSENT, "consent_record": ""}

    assert "确认书" in refusal(begun(), "record_consent", nothing)
    assert "f-9" in refusal(begun(), "record_consent", {**nothing, "consent_files": "f-9"})


def test_a_consent_counts_for_every_paper_of_the_case():
    """The party agreed once, on the service of the notice beside this one."""
    sibling = replace(act(begun(), "record_consent", CONSENT), matter_id="m-2", root_id="c-1")
    mine = replace(begun(), root_id="c-1")

    served = act(mine, "serve_electronically", E_SERVICE, family=(sibling,))
    stranger = replace(sibling, root_id="c-2")

    assert served.state == "served"
    assert refusal(mine, "serve_electronically", E_SERVICE, family=(stranger,))


def test_an_sms_is_no_way_of_service():
    """domain.md I: a message reminds; no channel and no way of the table is one."""
    choices = {
        value
        for row in LIFE.acts
        for field in row.fields
        if field.name in {"channel", "way", "medium", "capacity"}
        for value in field.values
    }

    assert "sms" not in choices
    assert not [row.key for row in LIFE.acts if "sms" in row.key]
    with pytest.raises(InputRejected):
        act(begun(), "record_consent", {**CONSENT, "channel": "sms"})


def test_a_letter_is_served_on_the_day_of_its_receipt_or_comes_back():
    """Posted, received; or returned, which is no service but a try on record."""
    posting = {
        "posted_on": "2026-11-02",
        "tracking_number": "EMS1",
        "address": "邯山路1号",
        "recipient": "张某",
    }
    posted = act(begun(), "post", posting)
    later = NOW + dt.timedelta(days=3)
    received = {"served_on": "2026-11-04", "receiver": "张某"}

    assert posted.open_clock("post_receipt") is not None
    assert act(posted, "post_received", received, now=later).events[-1].fields["method"] == "post"
    early = {**received, "served_on": "2026-11-01"}
    assert refusal(posted, "post_received", early, now=later)
    back = act(posted, "post_returned", {**TRY, "why": "moved"})
    assert (back.state, back.events[-1].fields["way"]) == ("open", "post")
    assert back.open_clock("service") is not None


def test_an_announcement_comes_last():
    """CPL art 95: only after the other ways failed, or when nobody knows where the party is."""
    leader = doer("l-1")
    other = {"ground": "other_ways", "account": "直接、邮寄均未成"}
    bare = begun()
    assert "直接送达" in refusal(bare, "approve_announcement", other, who=leader)
    once = act(bare, "note_try", {**TRY, "way": "by_hand"})
    assert "邮寄送达或者委托送达" in refusal(once, "approve_announcement", other, who=leader)
    twice = act(once, "note_try", {**TRY, "way": "entrusted"})

    assert act(twice, "approve_announcement", other, leader).state == "to_announce"
    unknown = {"ground": "unknown", "account": "登记住所已拆除"}
    assert "下落" in refusal(twice, "approve_announcement", unknown, who=leader)
    gone = act(bare, "note_try", {**TRY, "way": "inquiry", "why": "unknown"})
    assert act(gone, "approve_announcement", unknown, leader).state == "to_announce"
    with pytest.raises(Forbidden):
        act(gone, "approve_announcement", unknown)


@pytest.mark.parametrize(
    ("day", "last"), [("2021-02-09", "2021-04-10"), ("2026-11-02", "2026-12-02")]
)
def test_an_announcement_that_ran_out_has_served_on_its_last_day(day: str, last: str):
    """60 days before 2022, 30 since; the Wengniute notice of 9 February 2021 on 10 April."""
    now = dt.datetime.fromisoformat(f"{day}T10:00+08:00")
    people = {key: replace(one, expires=dt.date(2030, 1, 1)) for key, one in PEOPLE.items()}
    gone = {**TRY, "tried_on": day, "way": "inquiry", "why": "unknown"}
    matter = act(begun(now=now), "note_try", gone, now=now, officers=people)
    ground = {"ground": "unknown", "account": "查无此人"}
    matter = act(matter, "approve_announcement", ground, doer("l-1"), now=now)
    matter = act(matter, "announce", {**ANNOUNCED, "announced_on": day}, now=now)
    clock = matter.open_clock("public_service")
    assert clock is not None
    assert clock.due_at is not None

    step = steps.end_clock(LIFE, attempt(matter, SYSTEM, now=clock.due_at), clock, TERMS)

    assert step is not None
    assert step.matter.state == "served"
    assert step.event.fields["served_on"] == last
    assert step.event.fields["method"] == "announcement"
    assert step.parent is not None


def test_who_turns_up_during_the_announcement_is_served_by_hand():
    """The announcement's clock ends without effect."""
    matter = act(begun(), "note_try", {**TRY, "way": "inquiry", "why": "unknown"})
    ground = {"ground": "unknown", "account": "查无此人"}
    matter = act(matter, "approve_announcement", ground, doer("l-1"))
    matter = act(matter, "announce", ANNOUNCED)

    served = act(matter, "serve_by_hand", BY_HAND)

    assert served.state == "served"
    assert not [clock.key for clock in served.clocks if clock.open]


def test_a_service_is_revoked_replaced_or_found_void_by_a_leader():
    """Another revision is served instead; a void service stays on record."""
    leader = doer("l-1")
    matter = begun()
    same = {"paper_id": "p-1", "paper_number": "x"}
    assert "另一版本" in refusal(matter, "replace_paper", same, who=leader, reason="更正")
    other = {"paper_id": "p-2", "paper_number": "x"}
    assert act(matter, "replace_paper", other, leader, "更正").state == "open"
    assert act(matter, "revoke", {}, leader, "决定书撤回").state == "revoked"
    served = act(matter, "serve_by_hand", BY_HAND)
    void = act(served, "annul", {"found_on": "2026-11-02", "basis": "复议决定1号"}, leader, "程序")
    assert (void.state, void.events[-1].act) == ("served", "annul")
    with pytest.raises(FarsightError):
        act(served, "revoke", {}, leader, "晚了")
