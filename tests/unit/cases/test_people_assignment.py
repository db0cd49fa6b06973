"""Who takes over: whatever happened to the people, the one chosen is able, and always the same."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.cases import rules
from services.cases.domain.assignment import (
    Staff,
    Why,
    assign,
    choose,
    hindrance,
    next_acts,
    shut_out,
    vacancy,
)
from services.cases.domain.attempt import Attempt
from services.cases.domain.four_eyes import is_recused
from services.cases.domain.leave import Leave, away_on
from services.cases.domain.matter import SYSTEM, Doer, Event, Kind, Matter, Officer
from tests.unit.cases.region import COUNTY, NOW, attempt, blank

TODAY = NOW.date()
ORDER = rules.life_cycle(Kind.ORDER)
IDS = ("a", "b", "c", "d", "e")
DAYS = st.integers(-3, 3).map(lambda days: TODAY + dt.timedelta(days=days))
LEAVES = st.builds(
    lambda first, long, who: Leave(
        "l", "", first, None if long < 0 else first + dt.timedelta(days=long), who
    ),
    DAYS,
    st.integers(-1, 3),
    st.sampled_from(["", *IDS]),
)
OFFICERS = st.fixed_dictionaries(
    {
        who: st.builds(
            Officer,
            st.just(who),
            st.just(f"名{who}"),
            st.sampled_from([COUNTY, COUNTY, "130400"]),
            st.sampled_from(["officer", "officer", "officer", "leader"]),
            st.just("t"),
            st.sampled_from([None, dt.date(2020, 1, 1), dt.date(2030, 1, 1), dt.date(2030, 1, 1)]),
            st.sets(st.sampled_from(IDS), max_size=1).map(frozenset),
            st.lists(LEAVES, max_size=1).map(tuple),
        )
        for who in IDS
    }
)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["check", "recuse", "answer", "declare_recusal"]), st.sampled_from(IDS)
    ),
    max_size=4,
)


def line(act: str, who: str, seq: int) -> Event:
    """A line of the timeline."""
    fields = {"officer": who} if act == "recuse" else {}
    doer = Doer("l-9" if act == "recuse" else who, who, "officer")
    return Event(seq, NOW, doer, act, act, "", "", "", fields)


def world(
    officers: dict[str, Officer], lines: list[tuple[str, str]], state: str, holder: str
) -> Attempt:
    """A checked order in somebody's hands."""
    events = tuple(line(act, who, seq) for seq, (act, who) in enumerate(lines, start=1))
    matter = replace(blank(Kind.ORDER), state=state, assignee_id=holder, events=events)
    wish = replace(attempt(matter, SYSTEM), officers=officers)
    return replace(wish, people=rules.people())


@settings(max_examples=150, deadline=None)
@given(
    OFFICERS,
    EVENTS,
    st.sampled_from(["answered", "checked"]),
    st.sampled_from(["", "gone", *IDS]),
    st.sampled_from(["", *IDS]),
    st.dictionaries(st.sampled_from(IDS), st.integers(0, 5).map(float)),
    st.sets(st.sampled_from(IDS)),
)
def test_who_is_chosen_is_able_and_always_the_same(
    officers, lines, state, holder, named, load, duty
):
    """Certified, there, of the office, not recused, not shut out, and in whatever order we look."""
    wish = world(officers, lines, state, holder)
    staff = Staff(duty, load)

    chosen = choose(ORDER, wish, staff, named)

    mixed = list(officers.items())
    random.Random(7).shuffle(mixed)
    assert choose(ORDER, replace(wish, officers=dict(mixed)), staff, named) == chosen
    ahead = next_acts(ORDER, wish.matter)
    able = [
        one
        for one in officers.values()
        if one.role == "officer"
        and one.division == COUNTY
        and one.certified(TODAY)
        and one.away(TODAY) is None
        and one.officer_id != holder
        and not is_recused(wish, one.officer_id)
        and shut_out(wish, one, ahead) < max(1, len(ahead))
    ]
    assert (chosen is None) == (not able)
    assert chosen is None or chosen in able


@settings(max_examples=100, deadline=None)
@given(OFFICERS, EVENTS, st.sampled_from(["", "gone", *IDS]))
def test_a_matter_is_vacant_exactly_when_its_officer_could_not_be_chosen(officers, lines, holder):
    """The sweep never takes a matter from somebody to whom it would give it back."""
    wish = world(officers, lines, "answered", holder)

    empty = vacancy(wish)

    officer = officers.get(holder)
    fit = (
        officer is not None
        and not hindrance(officer, TODAY)
        and officer.division == COUNTY
        and not is_recused(wish, holder)
    )
    assert (empty is None) == fit


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (None, Why.GONE),
        ({"role": "leader"}, Why.MOVED),
        ({"division": "130400"}, Why.MOVED),
        ({"expires": TODAY - dt.timedelta(days=1)}, Why.CERTIFICATE),
        ({"expires": None}, Why.CERTIFICATE),
        ({"leaves": (Leave("v", "a", TODAY, TODAY),)}, Why.LEAVE),
        ({"leaves": (Leave("v", "a", TODAY + dt.timedelta(days=1)),)}, None),
        ({"expires": TODAY}, None),
    ],
)
def test_each_reason_to_take_a_matter_away(changes, why):
    """Gone, moved, expired, away: from the first day to the last, both of them included."""
    officer = Officer("a", "甲", COUNTY, "officer", "t", dt.date(2030, 1, 1))
    people = {} if changes is None else {"a": replace(officer, **changes)}

    empty = vacancy(world(people, [], "answered", "a"))

    assert (empty.why if empty else None) == why


def test_the_named_substitute_goes_first_then_duty_then_the_lightest_load():
    """The order in which able people are asked."""
    people = {who: Officer(who, who, COUNTY, "officer", "t", dt.date(2030, 1, 1)) for who in "abcd"}
    wish = world(people, [], "answered", "a")
    staff = Staff({"c"}, {"b": 1.0, "c": 9.0, "d": 0.5})

    assert _id(choose(ORDER, wish, staff, "b")) == "b"
    assert _id(choose(ORDER, wish, staff)) == "c"
    assert _id(choose(ORDER, wish, replace(staff, on_duty=()))) == "d"
    assert _id(choose(ORDER, wish, staff, only={"b", "d"})) == "d"


def test_who_checked_does_not_get_what_somebody_else_has_to_confirm():
    """The named substitute is passed over where the four eyes would stop him."""
    people = {who: Officer(who, who, COUNTY, "officer", "t", dt.date(2030, 1, 1)) for who in "abc"}
    wish = world(people, [("check", "b")], "checked", "a")

    assert _id(choose(ORDER, wish, Staff(), "b")) == "c"


def test_a_new_matter_passes_people_on_leave_and_stays_in_its_office():
    """Who is away is given nothing; a holiday does not move a matter to the city."""
    here = Officer("a", "甲", COUNTY, "officer", "t", dt.date(2030, 1, 1))
    other, city = replace(here, officer_id="b"), replace(here, officer_id="c", division="130400")
    away = replace(here, leaves=(Leave("v", "a", TODAY),))

    assert assign(COUNTY, [away, other, city], {"a"}, TODAY).officer_id == "b"
    alone = assign(COUNTY, [away, city], set(), TODAY)
    assert (alone.division, alone.officer_id, alone.team_id) == (COUNTY, "", "t")


def test_of_two_absences_the_longer_one_counts():
    """Who is on leave while he is suspended does not come back with the leave's end."""
    short, long = Leave("1", "a", TODAY, TODAY), Leave("2", "a", TODAY, None, kind="suspended")

    assert away_on((short, long), TODAY) == long
    assert away_on((short,), TODAY + dt.timedelta(days=1)) is None


def _id(officer: Officer | None) -> str:
    return officer.officer_id if officer else ""


def test_a_matter_without_acts_of_officers_goes_to_anybody_able():
    """Where only a leader acts next, the one in charge just watches."""
    matter = replace(blank(Kind.ORDER), state="closed")
    assert isinstance(matter, Matter)
    people = {"b": Officer("b", "b", COUNTY, "officer", "t", dt.date(2030, 1, 1))}
    wish = replace(attempt(matter, SYSTEM), officers=people, people=rules.people())

    assert _id(choose(ORDER, wish, Staff())) == "b"
