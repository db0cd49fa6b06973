"""Clocks of a matter when acts are recorded late, corrected, or run after one another."""

from __future__ import annotations

import datetime as dt

import pytest
import yaml

from services.cases import rules
from services.cases.domain import history, steps
from services.cases.domain.gates import GATES
from services.cases.domain.lifecycle_reader import read_lifecycle
from services.cases.domain.matter import SYSTEM, ClockState, Kind, Matter, Running
from services.chassis.clock import BEIJING
from services.chassis.errors import InputRejected, RuleViolated
from tests.unit.cases.region import attempt, blank, doer

TERMS = rules.terms()
TABLE = yaml.safe_load(
    """
kind: case
version: "1"
states: {open: {zh: 办理中}, closed: {zh: 已办结, final: true}}
acts:
  - {act: begin, zh: 立案, by: [officer], from: [], to: open,
     fields: [{name: filed_on, zh: 立案日, type: date}],
     gates: [{gate: not_future, field: filed_on, article: x}],
     start: [{clock: decision, at: filed_on}]}
  - {act: decide, zh: 决定, by: [officer], from: [open], to: same, hint: 处罚法第六十条,
     fields: [{name: decided_on, zh: 决定日, type: date, required: true}],
     stop: [decision], stop_at: decided_on}
  - {act: hear, zh: 听证, by: [officer], from: [open], to: same, hint: 处罚法第六十四条,
     fields: [{name: heard_on, zh: 听证日, type: date, required: true}],
     pause: {clock: decision, cause: hearing, at: heard_on}}
  - {act: heard, zh: 听证结束, by: [officer], from: [open], to: same, hint: 处罚法第六十四条,
     fields: [{name: ended_on, zh: 结束日, type: date, required: true}],
     resume: {clock: decision, cause: hearing, at: ended_on}}
  - {act: prolong, zh: 延期, by: [leader], from: [open], to: same, hint: 处罚法第六十条,
     fields: [{name: approved_on, zh: 批准日, type: date, required: true},
              {name: chief, zh: 批准人, type: text}],
     extend: {clock: decision, grant: leader, at: approved_on, by: chief}}
  - {act: agree, zh: 集体讨论延期, by: [leader], from: [open], to: same, hint: 处罚法第六十条,
     extend: {clock: decision, grant: collective}}
  - {act: put_off, zh: 暂缓缴纳, by: [leader], from: [open], to: same, hint: 处罚法第六十六条,
     fields: [{name: pay_on, zh: 缴纳日, type: date, required: true}],
     extend: {clock: pay, grant: instalment, until: pay_on}}
  - {act: serve, zh: 送达, by: [officer, system], from: [open], to: same,
     fields: [{name: served_on, zh: 送达日, type: date, required: true}],
     start: [{clock: statement, at: served_on}, {clock: lawsuit, at: served_on},
             {clock: pay, at: served_on},
             {clock: court_enforce, after: lawsuit}]}
  - {act: state, zh: 陈述, by: [officer], from: [open], to: same,
     fields: [{name: stated_on, zh: 陈述日, type: date, required: true}],
     stop: [statement], stop_at: stated_on}
  - {act: instalment, zh: 分期, by: [leader], from: [open], to: same, hint: 处罚法第六十六条,
     fields: [{name: last_part_on, zh: 末期, type: date, required: true}],
     extend: {clock: court_enforce, grant: instalment, until: last_part_on}}
  - {act: close, zh: 结案, by: [officer], from: [open], to: closed}
"""
)
LIFE = read_lifecycle(TABLE, rules.load("lifecycle_common.yaml"), rules.clock_table().keys, GATES)


def at(day: str) -> dt.datetime:
    """Ten o'clock of a Beijing day."""
    return dt.datetime.fromisoformat(f"{day}T10:00").replace(tzinfo=BEIJING)


class Story:
    """A matter that people act on."""

    def __init__(self, filed_on: str = "2026-03-02", recorded: str = "2026-03-02") -> None:
        self.matter: Matter = blank(Kind.CASE)
        self.act("begin", recorded, filed_on=filed_on)

    def act(self, key: str, recorded: str, who: str = "o-1", **fields: str) -> steps.Step:
        """One act, recorded on that day."""
        tried = attempt(self.matter, doer(who), fields, "理由", now=at(recorded))
        take = steps.correct if key == "correct" else None
        step = take(LIFE, tried, TERMS) if take else steps.take(LIFE, key, tried, TERMS)
        self.matter = step.matter
        assert history.first_break(self.matter.matter_id, self.matter.events) is None
        return step

    def correct(self, seq: int, field: str, value: str, recorded: str) -> steps.Step:
        """更正 by the leader."""
        return self.act("correct", recorded, "l-1", seq=str(seq), field=field, value=value)

    def run_out(self, key: str) -> None:
        """What the due row does."""
        clock = self.clock(key)
        tried = attempt(self.matter, SYSTEM, now=clock.due_at + dt.timedelta(seconds=1))
        self.matter = steps.end_clock(LIFE, tried, clock, TERMS).matter

    def clock(self, key: str) -> Running:
        """The latest clock of a key."""
        return [clock for clock in self.matter.clocks if clock.key == key][-1]

    def last_day(self, key: str) -> str:
        """The last day of a clock."""
        return str((self.clock(key).due_at - dt.timedelta(seconds=1)).astimezone(BEIJING).date())

    @property
    def notes(self) -> dict[str, str]:
        """Fields of the last line."""
        return dict(self.matter.events[-1].fields)


def test_a_breach_that_a_late_record_caused_is_taken_back():
    """Decided on the last day, recorded three days later: met in time, and both lines stand."""
    story = Story()
    story.run_out("decision")
    assert story.clock("decision").state is ClockState.BREACHED

    story.act("decide", "2026-06-04", decided_on="2026-06-01")

    assert story.clock("decision").state is ClockState.SATISFIED
    assert story.clock("decision").ended_at.date() == dt.date(2026, 6, 1)
    assert [event.act for event in story.matter.events] == ["begin", "overdue", "decide"]
    assert story.notes["clocks_ended"] == "decision satisfied"
    assert story.notes["clocks_restored"] == "decision breached -> satisfied"


def test_a_day_too_late_stays_a_breach():
    """The day after the last one."""
    story = Story()

    story.act("decide", "2026-06-04", decided_on="2026-06-02")

    assert story.clock("decision").state is ClockState.BREACHED


def test_a_right_that_was_used_in_time_did_not_lapse():
    """Five working days were over when the statement came to the file, but not when it was made."""
    story = Story()
    story.act("serve", "2026-03-09", served_on="2026-03-09")
    story.run_out("statement")

    story.act("state", "2026-03-20", stated_on="2026-03-16")

    assert story.clock("statement").state is ClockState.SATISFIED
    assert story.notes["clocks_restored"] == "statement lapsed -> satisfied"


def test_a_right_that_was_used_too_late_stays_lapsed():
    """The sixth working day."""
    story = Story()
    story.act("serve", "2026-03-09", served_on="2026-03-09")
    story.run_out("statement")

    story.act("state", "2026-03-20", stated_on="2026-03-17")

    assert story.clock("statement").state is ClockState.LAPSED


@pytest.mark.parametrize(
    ("act", "field"),
    [("decide", "decided_on"), ("hear", "heard_on"), ("prolong", "approved_on")],
)
def test_nothing_happened_later_than_it_was_recorded(act: str, field: str):
    """A day in the future is refused with the article."""
    story = Story()

    with pytest.raises(RuleViolated) as caught:
        story.act(act, "2026-03-10", "l-1" if act == "prolong" else "o-1", **{field: "2026-03-11"})

    assert "处罚法" in caught.value.facts["article"]
    assert "2026-03-10" in caught.value.facts["missing"]


def test_a_pause_counts_from_the_day_of_the_hearing():
    """Ten days of April stand still although both were recorded in May."""
    story = Story()
    story.act("hear", "2026-05-04", heard_on="2026-04-01")
    assert story.clock("decision").due_at is None
    assert story.notes["clocks_moved"] == "decision 2026-06-01T16:00:00Z -> paused"

    story.act("heard", "2026-05-06", ended_on="2026-04-11")

    assert story.last_day("decision") == "2026-06-10"
    assert "2026-04-01..2026-04-10 (hearing)" in " ".join(
        line.en for line in story.clock("decision").derivation
    )


def test_a_pause_takes_back_a_breach_only_when_it_began_before_the_end():
    """Recorded late: a hearing of April moves the end; one of June is none of this term."""
    early, late = Story(), Story()
    for story in (early, late):
        story.run_out("decision")
    early.act("hear", "2026-06-04", heard_on="2026-04-01")
    early.act("heard", "2026-06-04", ended_on="2026-04-11")
    late.act("hear", "2026-06-04", heard_on="2026-06-03")

    assert (early.last_day("decision"), late.last_day("decision")) == ("2026-06-10", "2026-06-01")
    assert early.clock("decision").state is ClockState.RUNNING
    assert late.clock("decision").state is ClockState.BREACHED


def test_a_pause_cannot_end_before_it_began():
    """The officer mixed the days up."""
    story = Story()
    story.act("hear", "2026-05-04", heard_on="2026-04-11")

    with pytest.raises(RuleViolated, match="恢复早于中止"):
        story.act("heard", "2026-05-04", ended_on="2026-04-01")


def test_an_extension_names_who_approved_it_and_when():
    """And the derivation says so; who is not named was the one who recorded it."""
    named, bare = Story(), Story()
    named.act("prolong", "2026-05-20", "l-1", approved_on="2026-05-18", chief="局长 王某")
    bare.act("prolong", "2026-05-20", "l-1", approved_on="2026-05-18")

    lines = [line.zh for line in named.clock("decision").derivation]
    assert "批准人：局长 王某 2026-05-18。" in lines
    assert "批准延长（负责人批准）：+30。" in lines
    assert "Approved by 丁 on 2026-05-18." in [x.en for x in bare.clock("decision").derivation]
    assert named.last_day("decision") == "2026-06-30"


def test_an_extension_is_approved_before_the_end():
    """Recorded after the end it counts by its day; approved after the end it is refused."""
    story = Story()
    story.run_out("decision")

    with pytest.raises(RuleViolated, match="期限已过"):
        story.act("prolong", "2026-06-05", "l-1", approved_on="2026-06-02")
    story.act("prolong", "2026-06-05", "l-1", approved_on="2026-06-01")

    assert story.clock("decision").state is ClockState.RUNNING
    assert story.last_day("decision") == "2026-06-30"


def test_what_the_article_does_not_allow_is_refused_in_the_officers_words():
    """Out of order, twice, and to a day before the end: each says what is missing."""
    story = Story()
    story.act("serve", "2026-03-09", served_on="2026-03-09")

    refusals = []
    for act, fields in (
        ("agree", {}),
        ("put_off", {"pay_on": "2026-03-24"}),
        ("prolong", {"approved_on": "2026-03-09"}),
    ):
        if act == "prolong":
            story.act(act, "2026-03-09", "l-1", **fields)
        with pytest.raises(RuleViolated) as caught:
            story.act(act, "2026-03-09", "l-1", **fields)
        refusals.append(caught.value.facts["missing"])

    assert refusals == ["先经负责人批准", "不早于 2026-03-25 的日期", "未曾批准过的延长"]
    story.act("agree", "2026-03-09", "l-1")
    assert story.last_day("decision") == "2026-07-30"


def test_the_wengniute_chain_runs_after_each_other():
    """Served on 2021-04-10: suit until 11 October, then the court until 11 January."""
    story = Story("2021-02-01", "2021-02-01")

    story.act("serve", "2021-04-12", served_on="2021-04-10")

    assert story.last_day("lawsuit") == "2021-10-11"
    assert story.last_day("court_enforce") == "2022-01-11"


def test_a_corrected_service_moves_its_clocks_and_what_runs_after_them():
    """Served on the 8th, not the 10th: the statement was late, suit and court end earlier."""
    story = Story("2026-03-02", "2026-03-02")
    story.act("serve", "2026-03-12", served_on="2026-03-10")
    story.act("state", "2026-03-17", stated_on="2026-03-17")
    assert story.clock("statement").state is ClockState.SATISFIED

    step = story.correct(2, "served_on", "2026-03-06", "2026-03-20")

    assert story.clock("statement").state is ClockState.LAPSED
    assert story.last_day("lawsuit") == "2026-09-07"
    assert story.last_day("court_enforce") == "2026-12-07"
    assert {clock.key for clock in step.moved} == {"pay", "lawsuit", "court_enforce"}
    assert story.notes["old"] == "2026-03-10"
    assert story.notes["clocks_restored"] == "statement satisfied -> lapsed"
    assert "lawsuit 2026-09-10T16:00:00Z -> 2026-09-07T16:00:00Z" in story.notes["clocks_moved"]
    assert story.matter.events[1].fields["served_on"] == "2026-03-10"


def test_a_correction_of_a_correction_starts_from_the_last_value():
    """What held until now is the old value, not what the line said first."""
    story = Story()
    story.act("serve", "2026-03-12", served_on="2026-03-10")
    story.correct(2, "served_on", "2026-03-06", "2026-03-13")

    story.correct(2, "served_on", "2026-03-09", "2026-03-14")

    assert story.notes["old"] == "2026-03-06"
    assert story.last_day("statement") == "2026-03-16"


def test_a_lapsed_right_runs_again_and_a_breach_is_taken_back():
    """Served four days later than recorded; filed a month later than recorded."""
    story = Story("2026-03-02", "2026-03-02")
    story.act("serve", "2026-03-12", served_on="2026-03-10")
    story.run_out("statement")
    story.run_out("decision")

    story.correct(2, "served_on", "2026-03-12", "2026-03-18")
    assert story.clock("statement").state is ClockState.RUNNING
    assert story.last_day("statement") == "2026-03-19"
    assert story.notes["clocks_restored"] == "statement lapsed -> running"

    story.correct(1, "filed_on", "2026-04-01", "2026-06-02")
    assert story.clock("decision").state is ClockState.RUNNING
    assert story.last_day("decision") == "2026-06-30"


def test_an_end_that_lies_behind_after_a_correction_is_noted_by_its_due_row():
    """The clock runs on a new schedule whose end has come: the sweep notes the breach, once."""
    story = Story("2026-03-02", "2026-03-02")

    step = story.correct(1, "filed_on", "2026-02-01", "2026-05-20")

    assert story.clock("decision").state is ClockState.RUNNING
    assert [(clock.key, clock.schedule) for clock in step.moved] == [("decision", 2)]
    assert story.clock("decision").due_at < at("2026-05-20")


def test_the_day_on_which_a_term_was_met_can_be_corrected():
    """Decided in time after all, and then not."""
    story = Story()
    story.act("decide", "2026-06-04", decided_on="2026-06-03")
    assert story.clock("decision").state is ClockState.BREACHED

    story.correct(2, "decided_on", "2026-05-29", "2026-06-05")
    assert story.clock("decision").state is ClockState.SATISFIED
    assert story.clock("decision").ended_at.date() == dt.date(2026, 5, 29)

    story.correct(2, "decided_on", "2026-06-02", "2026-06-06")
    assert story.clock("decision").state is ClockState.BREACHED
    assert story.notes["clocks_restored"] == "decision satisfied -> breached"


def test_a_right_that_seemed_used_too_late_was_used_in_time():
    """The statement was dated wrongly: it did not lapse after all."""
    story = Story()
    story.act("serve", "2026-03-09", served_on="2026-03-09")
    story.run_out("statement")
    story.act("state", "2026-03-20", stated_on="2026-03-17")

    story.correct(4, "stated_on", "2026-03-16", "2026-03-23")
    assert story.clock("statement").state is ClockState.SATISFIED
    assert story.notes["clocks_restored"] == "statement lapsed -> satisfied"


def test_the_days_of_a_pause_can_be_corrected():
    """From the 1st, not the 3rd; to the 21st, not the 11th: twenty days."""
    story = Story()
    story.act("hear", "2026-05-04", heard_on="2026-04-03")
    story.act("heard", "2026-05-06", ended_on="2026-04-11")

    story.correct(2, "heard_on", "2026-04-01", "2026-05-07")
    story.correct(3, "ended_on", "2026-04-21", "2026-05-08")

    assert story.last_day("decision") == "2026-06-22"
    with pytest.raises(RuleViolated, match="恢复早于中止"):
        story.correct(3, "ended_on", "2026-03-21", "2026-05-08")


def test_who_approved_an_extension_and_when_can_be_corrected():
    """The derivation names the right person afterwards; the end stays."""
    story = Story()
    story.act("prolong", "2026-05-20", "l-1", approved_on="2026-05-18", chief="王某")

    story.correct(2, "approved_on", "2026-05-19", "2026-05-21")
    story.correct(2, "chief", "李某", "2026-05-21")

    assert "批准人：李某 2026-05-19。" in [x.zh for x in story.clock("decision").derivation]
    assert story.last_day("decision") == "2026-06-30"


def test_instalments_count_the_courts_term_again_and_it_no_longer_follows_the_suit():
    """PL 72: three months from the end of the instalments; a wrong last part can be corrected."""
    story = Story("2026-03-02", "2026-03-02")
    story.act("serve", "2026-03-12", served_on="2026-03-10")
    story.act("instalment", "2026-04-01", "l-1", last_part_on="2026-12-01")
    assert story.last_day("court_enforce") == "2027-03-01"

    story.correct(3, "last_part_on", "2026-11-02", "2026-04-02")

    assert story.last_day("court_enforce") == "2027-02-02"


def test_a_correction_that_starts_no_clock_moves_none():
    """Any field of any line can be corrected; most have nothing to do with days."""
    story = Story()
    story.act("prolong", "2026-05-20", "l-1", approved_on="2026-05-18", chief="王某")
    before = story.clock("decision").due_at

    step = story.correct(2, "chief", "李某", "2026-05-21")

    assert "clocks_moved" not in story.notes
    assert story.clock("decision").due_at == before
    assert step.event.act == "correct"


@pytest.mark.parametrize("value", ["soon", "2026-02-30", "10"])
def test_a_corrected_day_is_a_day(value: str):
    """The form of the corrected line holds for the correction."""
    story = Story()

    with pytest.raises(InputRejected, match="filed_on is no date"):
        story.correct(1, "filed_on", value, "2026-03-05")


def test_a_closed_matter_does_not_run_again():
    """A right that the correction would give back was over with the matter."""
    story = Story()
    story.act("serve", "2026-03-12", served_on="2026-03-10")
    story.run_out("statement")
    story.act("close", "2026-03-18")

    story.correct(2, "served_on", "2026-03-17", "2026-03-19")

    assert story.clock("statement").state is ClockState.CANCELLED
    assert not story.clock("statement").open
