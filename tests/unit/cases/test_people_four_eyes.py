"""The four eyes hold by person: through promotions, transfers, new numbers and the family."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.cases import rules
from services.cases.domain import steps
from services.cases.domain.attempt import Attempt
from services.cases.domain.four_eyes import did, is_recused, recused
from services.cases.domain.gates import GATES
from services.cases.domain.lifecycle import LifeCycle
from services.cases.domain.lifecycle_reader import read_lifecycle
from services.cases.domain.matter import Doer, Event, Kind, Matter, Officer
from services.cases.domain.people_rules import (
    PeopleRules,
    read_people_rules,
    with_certificates,
)
from services.chassis.errors import FarsightError, RuleViolated
from tests.unit.cases.region import COUNTY, NOW, attempt, blank

GOOD = dt.date(2030, 1, 1)
PERSONS = ("p1", "p2", "p3", "p4")


def table(kind: str) -> dict:
    """Investigate, then review: the shape of every procedure, without its law."""
    second = {"name": "officer_2", "zh": "第二名执法人员", "type": "officer", "required": True}
    both = ["officer", "leader"]
    return {
        "kind": kind,
        "version": "1",
        "states": {"open": {"zh": "调查"}, "done": {"zh": "审核"}},
        "acts": [
            {"act": "begin", "zh": "立案", "by": ["system"], "from": [], "to": "open"},
            {
                "act": "look", "zh": "调查", "by": ["officer"], "from": ["open"], "to": "done",
                "fields": [second], "gates": [{"gate": "two_certified", "article": "42"}],
            },
            {
                "act": "review", "zh": "审核", "by": both, "from": ["done"], "to": "open",
                "gates": [{"gate": "other_person", "acts": ["look"], "article": "38"}],
            },
        ],
    }  # fmt: skip


def life(kind: Kind) -> LifeCycle:
    """The table with the certificates of officers, and without the rows all kinds share."""
    read = read_lifecycle(table(kind.value), {"acts": []}, [], GATES)
    return with_certificates(read, ["review"], "处罚法第四十二条")


RULES = read_people_rules(
    rules.load("people.yaml"), {kind: table(kind.value) for kind in (Kind.CASE, Kind.INSPECTION)}
)
LIVES = {kind: life(kind) for kind in (Kind.CASE, Kind.INSPECTION)}


@dataclass
class Office:
    """People who change between acts. `who` says which person is behind a number, for the test."""

    officers: dict[str, Officer] = field(default_factory=dict)
    who: dict[str, str] = field(default_factory=dict)

    def hire(self, person: str, number: str, role: str = "officer") -> None:
        """Give a person a number; the registry knows the others of the same person."""
        self.who[number] = person
        self.officers[number] = Officer(number, person, COUNTY, role, "t", GOOD)
        for one in list(self.officers.values()):
            same = {n for n, p in self.who.items() if p == self.who[one.officer_id]}
            also = frozenset(same - {one.officer_id})
            self.officers[one.officer_id] = replace(one, also=also)

    def doer(self, number: str) -> Doer:
        """The person as who acts now."""
        one = self.officers[number]
        return Doer(number, one.name, one.role, one.division)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["look", "look_below", "review", "review", "review_below", "promote",
                         "demote", "renumber", "leave", "transfer"]),
        st.integers(0, 7),
        st.integers(0, 7),
    ),
    min_size=4,
    max_size=30,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(CHANGES)
def test_nobody_reviews_what_he_investigated_however_people_change(changes):
    """Random promotions, transfers and new numbers between random acts of parent and child."""
    office = Office()
    for person in PERSONS:
        office.hire(person, f"{person}-0")
    case = steps.take(LIVES[Kind.CASE], "begin", _system(blank(Kind.CASE)), rules.terms()).matter
    below = replace(blank(Kind.INSPECTION), matter_id="m-2", parent_matter_id="m-1")
    family = {Kind.CASE: case}
    wish = _system(below)
    family[Kind.INSPECTION] = steps.take(
        LIVES[Kind.INSPECTION], "begin", wish, rules.terms()
    ).matter

    log: list[tuple[str, set[str]]] = []
    for what, first, second in changes:
        numbers = sorted(office.officers)
        one, other = numbers[first % len(numbers)], numbers[second % len(numbers)]
        if what in {"look", "look_below", "review", "review_below"}:
            log += _try(office, family, what, one, other)
        else:
            _change(office, what, one)

    looked: set[str] = set()
    for act, real in log:  # by who they really are, over both matters
        if act == "look":
            assert len(real) == 2
            looked |= real
        else:
            assert not real & looked


def _system(matter: Matter) -> Attempt:
    return attempt(matter, Doer("system", "系统", "system"))


def _try(
    office: Office, family: dict[Kind, Matter], what: str, one: str, other: str
) -> list[tuple[str, set[str]]]:
    """Do an act; gives it with the persons behind it, nothing where it was refused."""
    act, _, where = what.partition("_")
    kind = Kind.INSPECTION if where else Kind.CASE
    matter = family[kind]
    if act == "review" and matter.state == "open":
        matter = replace(matter, state="done")  # any matter may come to be reviewed
    if act == "look" and matter.state == "done":
        matter = replace(matter, state="open")
    wish = Attempt(
        matter,
        office.doer(one),
        {"officer_2": other} if act == "look" else {},
        "",
        office.officers,
        NOW,
        family=tuple(m for k, m in family.items() if k is not kind),
        people=RULES,
    )
    try:
        family[kind] = steps.take(LIVES[kind], act, wish, rules.terms()).matter
    except FarsightError:
        return []
    numbers = {one, other} if act == "look" else {one}
    return [(act, {office.who[number] for number in numbers})]


def _change(office: Office, what: str, number: str) -> None:
    officer = office.officers[number]
    if what == "promote":
        office.officers[number] = replace(officer, role="leader")
    elif what == "demote":
        office.officers[number] = replace(officer, role="officer")
    elif what == "transfer":
        division = "130400" if officer.division == COUNTY else COUNTY
        office.officers[number] = replace(officer, division=division)
    elif what == "renumber":
        person = office.who[number]
        office.hire(person, f"{person}-{len(office.who)}")
        del office.officers[number]
    elif len(office.officers) > 1:
        del office.officers[number]


def case(*events: tuple[str, str, dict[str, str]], kind: Kind = Kind.CASE) -> Matter:
    """A case with these lines."""
    lines = tuple(
        Event(n, NOW, Doer(who, who, "officer"), act, act, "", "", "", fields)
        for n, (act, who, fields) in enumerate(events, start=1)
    )
    return replace(blank(kind), state="done", events=lines)


def wish(matter: Matter, number: str, officer: Officer, *family: Matter) -> Attempt:
    """Somebody who wants to review."""
    doer = Doer(number, officer.name, officer.role, officer.division)
    people = {number: officer}
    return Attempt(matter, doer, {}, "", people, NOW, family=family, people=RULES)


OFFICER = Officer("p1-0", "甲", COUNTY, "officer", "t", GOOD)


@pytest.mark.parametrize(
    ("number", "officer"),
    [
        ("p1-0", replace(OFFICER, role="leader")),
        ("p1-0", replace(OFFICER, division="130400", role="leader")),
        ("p1-9", replace(OFFICER, officer_id="p1-9", also=frozenset({"p1-0"}))),
    ],
    ids=["promoted", "transferred to the city", "returned under a new number"],
)
@pytest.mark.parametrize("where", ["doer", "second", "child"])
def test_an_investigator_stays_one(number, officer, where):
    """As doer, as second officer and in a matter below; promoted, transferred or renumbered."""
    parent = case(("look", "p1-0" if where == "doer" else "p2-0", {"officer_2": "p3-0"}))
    if where == "second":
        parent = case(("look", "p2-0", {"officer_2": "p1-0"}))
    child = case(("look", "p1-0", {"officer_2": "p2-0"}), kind=Kind.INSPECTION)
    family = (child,) if where == "child" else ()

    with pytest.raises(RuleViolated) as refused:
        steps.take(
            LIVES[Kind.CASE], "review", wish(parent, number, officer, *family), rules.terms()
        )

    assert refused.value.facts["article"] == "38"
    assert refused.value.facts["missing"] == "须由“look”以外的人员办理"


def test_another_person_reviews():
    """The gate shuts out investigators, not everybody."""
    parent = case(("look", "p1-0", {"officer_2": "p2-0"}))
    third = replace(OFFICER, officer_id="p3-0")

    step = steps.take(LIVES[Kind.CASE], "review", wish(parent, "p3-0", third), rules.terms())

    assert step.matter.state == "open"


def test_an_act_that_is_no_investigation_stays_with_its_matter():
    """Who issued something in a sibling may confirm another thing here."""
    parent = case(("begin", "p2-0", {}))
    child = case(("begin", "p1-0", {}), kind=Kind.INSPECTION)

    asked = wish(parent, "p1-0", OFFICER, child)

    assert did(asked, "p1-0", frozenset({"begin"})) is None


def test_a_recusal_holds_for_the_family_and_for_every_number():
    """Who withdrew from the case withdrew from its inspection, also as somebody new."""
    parent = case(("declare_recusal", "p1-0", {}), ("recuse", "l-1", {"officer": "p2-0"}))
    child = replace(case(kind=Kind.INSPECTION), matter_id="m-2", parent_matter_id="m-1")
    again = replace(OFFICER, officer_id="p1-9", also=frozenset({"p1-0"}))

    asked = wish(child, "p1-9", again, parent)

    assert recused(parent) == {"p1-0", "p2-0"}
    assert is_recused(asked, "p1-9")
    assert steps.allowed(LIVES[Kind.INSPECTION], asked) == []
    assert not is_recused(asked, "p3-0")


def test_a_refused_application_recuses_nobody():
    """Only a granted one does."""
    answer = {"verdict": "refused", "officer": "p1-0"}
    granted = {"verdict": "granted", "officer": "p1-0"}

    assert recused(case(("answer_recusal", "l-1", answer))) == frozenset()
    assert recused(case(("answer_recusal", "l-1", granted))) == {"p1-0"}


def test_every_act_of_an_officer_asks_for_a_certificate_but_the_named_ones():
    """The list of people.yaml names acts that exist, and nothing else goes without."""
    free = rules.load("people.yaml")["without_certificate"]
    acts = [act for kind in Kind for act in rules.life_cycle(kind).acts if "officer" in act.by]

    bare = {act.key for act in acts if all(gate.name != "certified" for gate in act.gates)}

    assert bare == set(free)


def test_investigations_are_what_two_certified_officers_do():
    """Each exception that people.yaml names exists in some table."""
    named = rules.load("people.yaml")
    keys = {act.key for kind in Kind for act in rules.life_cycle(kind).acts}

    assert set(named["investigation"]) <= keys
    assert set(named["no_investigation"]) <= keys
    assert "verify" in rules.people().investigates[Kind.CASE]
    assert "request_referral" not in rules.people().investigates[Kind.CASE]


@pytest.mark.parametrize(
    ("name", "value"),
    [("certificate_warn_days", [7, 30]), ("certificate_warn_days", [30, 0]), ("batch", 0)],
)
def test_a_configuration_that_makes_no_sense_is_refused(name, value):
    """Warnings descend, a batch holds something."""
    with pytest.raises(ValueError, match=name):
        read_people_rules({**rules.load("people.yaml"), name: value}, {})


def test_without_a_configuration_only_the_named_acts_count():
    """The default knows no investigation: nothing is forbidden by accident."""
    assert PeopleRules().investigates == {}
