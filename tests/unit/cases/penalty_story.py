"""A case told step by step on the pure engine, for the tests of the penalty procedure."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from services.cases import rules
from services.cases.domain import steps
from services.cases.domain.attempt import Attempt
from services.cases.domain.matter import SYSTEM, Doer, Kind, Matter
from services.cases.domain.papers import Paper
from services.cases.domain.priors import Prior
from services.chassis.clock import BEIJING
from tests.unit.cases.region import NOW, PEOPLE, PLANT, blank, doer

INVESTIGATOR, PARTNER, REVIEWER, LEADER = (doer(one) for one in ("o-1", "o-2", "o-3", "l-1"))
LIFE = rules.life_cycle(Kind.CASE)
YES = "yes"

#: Fields of each act, as somebody fills them in who wants it to succeed.
FORMS: dict[str, dict[str, str]] = {
    "verify": {
        "officer_2": "o-2", "visited_on": "2026-11-02", "found": "confirmed", "record": "笔录",
    },
    "file_case": dict.fromkeys(
        ("facts_suspected", "punishable", "own_jurisdiction", "within_limitation"), YES
    ),
    "finish_investigation": {
        "officer_2": "o-2", "facts": "超标", "violation": "exceed_air",
        "party_told_on": "2026-11-02",
    },
    "review_technical": {"equipment_ok": YES, "record_ok": YES, "opinion": "合格"},
    "review_legal": {"place_published": YES, "party_can_query": YES, "opinion": "合格"},
    "propose_penalty": {
        "officer_2": "o-2", "act_date": "2026-10-30", "harm": "no", "violation": "exceed_air",
        "facts": "超标", "evidence": "监测数据", "outcome": "penalty", "amount": "220000",
        "other_measures": "none", "discretion": "一般", "complex": "no", "public_interest": "no",
    },
    "review_case": {
        **dict.fromkeys(
            ("facts_clear", "evidence_sufficient", "law_right", "procedure_lawful",
             "discretion_right"), YES,
        ),
        "opinion": "同意",
    },
    "issue_notice": {"amount": "220000", "other_measures": "none", "hearing": YES},
    "penalty_notice_served": {"served_on": "2026-11-03", "method": "by_hand"},
    "hearing_rights_notice_served": {"served_on": "2026-11-03", "method": "by_hand"},
    "waive": {"statement_of": "放弃"},
    "review_defence": {"result": "none", "opinion": "未提出"},
    "review_decision": {"qualified": YES, "passed": YES, "opinion": "同意"},
    "discuss": {
        "held_on": "2026-11-02", "participants": "张某、李某、王某", "opinions": "一致同意",
        "conclusion": "agree",
    },
    "decide": {
        "outcome": "penalty", "amount": "220000", "other_measures": "none", "facts": "超标",
        "defence_answer": "未提出",
    },
    "decision_served": {"served_on": "2026-11-03", "method": "by_hand"},
    "record_payment": {"amount": "220000", "paid_on": "2026-11-03", "receipt": "票1"},
    "confirm_fulfilled": {"last_paid_on": "2026-11-03", "surcharge": "none"},
    "publish_decision": {"published_on": "2026-11-03", "place": "官网"},
    "close_case": {"summary": "履行完毕"},
    "archive": {"archive_number": "1", "keep": "30", "pages": "80"},
    "request_hearing": {"reasons": "事实有误"},
    "plan_hearing": {
        "hearing_on": "2026-11-20", "hearing_time": "9时", "place": "会议室", "chair": "o-3",
        "public_hearing": YES,
    },
    "hearing_notice_served": {"served_on": "2026-11-05", "method": "by_hand"},
    "hold_hearing": {
        "held_on": "2026-11-20", "attendance": "attended", "record": "笔录", "opinion": "意见",
    },
    "issue_demand": {"perform_by": "2099-01-01", "manner": "代收银行"},
    "apply_court": {"court": "人民法院", "claim": "罚款"},
    "file_remedy": {"route": "lawsuit", "authority": "人民法院"},
}  # fmt: skip
#: The straight path: who does which act.
STRAIGHT: tuple[tuple[Doer, str], ...] = (
    (SYSTEM, "receive_clue"),
    (INVESTIGATOR, "verify"),
    (LEADER, "file_case"),
    (INVESTIGATOR, "finish_investigation"),
    (REVIEWER, "review_technical"),
    (LEADER, "review_legal"),
    (INVESTIGATOR, "propose_penalty"),
    (REVIEWER, "review_case"),
    (LEADER, "issue_notice"),
    (SYSTEM, "penalty_notice_served"),
    (SYSTEM, "hearing_rights_notice_served"),
    (PLANT, "waive"),
    (REVIEWER, "review_defence"),
    (LEADER, "decide"),
    (SYSTEM, "decision_served"),
    (INVESTIGATOR, "record_payment"),
    (INVESTIGATOR, "confirm_fulfilled"),
    (INVESTIGATOR, "publish_decision"),
    (LEADER, "close_case"),
    (INVESTIGATOR, "archive"),
)


class Story:
    """One case and its present moment; `do` is the only way on."""

    def __init__(self, **forms: dict[str, str]) -> None:
        self.matter: Matter = replace(blank(Kind.CASE), root_id="m-1")
        self.now = NOW
        self.forms = {act: {**form, **forms.get(act, {})} for act, form in FORMS.items()}
        self.priors: tuple[Prior, ...] = ()
        self.family: tuple[Matter, ...] = ()
        self.papers: tuple[Paper, ...] = ()

    def at(self, day: str) -> Story:
        """Go to the morning of a day."""
        self.now = dt.datetime.fromisoformat(day).replace(hour=10, tzinfo=BEIJING)
        return self

    def attempt(self, who: Doer, fields: dict[str, str], reason: str = "") -> Attempt:
        """What somebody wants to do now."""
        return Attempt(
            self.matter, who, fields, reason, PEOPLE, self.now,
            family=self.family, papers=self.papers, law=rules.law(), people=rules.people(),
            priors=self.priors,
        )  # fmt: skip

    def do(self, who: Doer, act: str, reason: str = "", **fields: str) -> steps.Step:
        """Do an act with its form, changed by these fields; an empty one is left out."""
        form = {k: v for k, v in {**self.forms.get(act, {}), **fields}.items() if v}
        step = steps.take(LIFE, act, self.attempt(who, form, reason), rules.terms())
        self.matter = step.matter
        return step

    def do_served(self, day: str) -> Story:
        """The decision was served on that day."""
        self.do(SYSTEM, "decision_served", served_on=day)
        return self

    def until(self, last: str) -> Story:
        """Walk the straight path to this act, that one included."""
        for who, act in STRAIGHT:
            if act == "penalty_notice_served":
                self.at("2026-11-03")
            self.do(who, act)
            if act == last:
                return self
        raise AssertionError(last)

    def end(self, key: str) -> Story:
        """The end of a clock comes."""
        clock = self.matter.open_clock(key)
        assert clock is not None, key
        assert clock.due_at is not None, key
        self.now = max(self.now, clock.due_at)
        step = steps.end_clock(LIFE, self.attempt(SYSTEM, {}), clock, rules.terms())
        assert step is not None, key
        self.matter = step.matter
        return self

    def last_day(self, key: str) -> str:
        """The last day of the newest clock of that key."""
        clock = [one for one in self.matter.clocks if one.key == key][-1]
        assert clock.due_at is not None
        return str((clock.due_at - dt.timedelta(seconds=1)).astimezone(BEIJING).date())

    @property
    def open(self) -> set[str]:
        """Keys of the clocks that run."""
        return {clock.key for clock in self.matter.clocks if clock.open}
