"""The life-cycle tables: sound by themselves, and never left by any walk through them."""

from __future__ import annotations

import copy
import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.cases import rules
from services.cases.domain import history, steps
from services.cases.domain.gates import GATES
from services.cases.domain.lifecycle import LifeCycle
from services.cases.domain.lifecycle_reader import read_lifecycle
from services.cases.domain.matter import SYSTEM, ClockState, Kind, Level, Matter
from services.chassis.errors import FarsightError
from tests.unit.cases.region import NOW, PEOPLE, PLANT, attempt, blank, doer

BOTH = pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.value)
TERMS = rules.terms()


def life(kind: Kind) -> LifeCycle:
    """The table of a kind."""
    return rules.life_cycle(kind)


@BOTH
def test_every_state_is_reached_and_every_open_one_can_be_left(kind: Kind):
    """No state is dead text, and no matter gets stuck in one."""
    table = life(kind)
    moves = {
        (source, to)
        for act in table.acts
        for to in act.targets - {"same"}
        for source in act.from_states or {""}
    }
    reached, frontier = {""}, {""}
    while frontier:
        frontier = {to for source, to in moves if source in frontier} - reached
        reached |= frontier

    assert reached - {""} == set(table.states)
    stuck = {key for key, state in table.states.items() if not state.final} - {a for a, _ in moves}
    assert stuck == set()


@BOTH
def test_final_states_are_left_by_nothing(kind: Kind):
    """A closed matter may be followed up and noted on; only a row that says so opens it again."""
    table = life(kind)
    final = {key for key, state in table.states.items() if state.final}
    rows = [act for act in table.acts if not act.reopens]

    moving = [act.key for act in rows if act.targets - {"same"} and act.from_states & final]

    assert moving == []


@BOTH
def test_a_state_and_level_have_one_row_for_an_act(kind: Kind):
    """Which row applies never depends on the order of the file."""
    table = life(kind)
    for state in table.states:
        for level in Level:
            keys = [act.key for act in table.from_state(state, level)]
            assert len(keys) == len(set(keys)), (state, level)


@BOTH
def test_every_clock_that_is_started_can_be_met(kind: Kind):
    """For each clock some act stops it, or it belongs to a state that ends."""
    table = life(kind)
    started = {one.clock for act in table.acts for one in act.start}
    stopped = {key for act in table.acts for key in (*act.stop, *act.stop_first)}

    assert started - stopped == set()


def undisclosed(table: LifeCycle) -> set[str]:
    """States that a matter can be in while its plant was told nothing."""
    hidden, frontier = {""}, {""}
    while frontier:
        rows = [
            (act, source)
            for act in table.acts
            if not act.discloses
            for source in act.from_states or {""}
            if source in frontier
        ]
        frontier = {act.to if act.to != "same" else at for act, at in rows} | {
            to for act, _ in rows for _, to in act.to_when
        }
        frontier -= hidden
        hidden |= frontier
    return hidden


def test_a_case_tells_the_enterprise_nothing_before_its_notice():
    """Until a paper was served the plant may do nothing and hears of nothing."""
    table = life(Kind.CASE)
    hidden = undisclosed(table)
    there = {"notice_issued", "decided", "no_penalty_decided"}
    early = [act for act in table.acts if (act.from_states or {""}) <= hidden]
    silent = [act for act in early if not act.discloses]

    assert {"clue", "investigating", "with_police", "notice_issued"} <= hidden
    assert not {"notice_served", "executing", "no_penalty_served"} & hidden
    assert not [act.key for act in early if "enterprise" in act.by]
    assert not [act.key for act in silent for tell in act.tell if tell.to == "enterprise"]
    assert {at for act in table.acts if act.discloses for at in act.from_states} >= there


@BOTH
def test_what_a_clock_sets_off_asks_nothing(kind: Kind):
    """The end of a term is handled without loading people, papers and kin: no row needs them."""
    rows = [a for a in life(kind).acts if a.on_breach or a.key in {"overdue", "lapsed"}]

    assert rows
    for row in rows:
        assert (row.gates, row.papers, row.opens, row.assigns) == ((), (), (), ""), row.key


def test_every_gate_names_its_article():
    """A refusal without its basis would be worth nothing in a hearing."""
    gates = [gate for kind in Kind for act in life(kind).acts for gate in act.gates]

    assert gates
    assert all(gate.article for gate in gates)
    assert {gate.name for gate in gates} == set(GATES)


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (("from",), ["nowhere"], "unknown state"),
        (("to",), "nowhere", "unknown state"),
        (("stop",), ["no_clock"], "unknown clock"),
        (("gates",), [{"gate": "magic", "article": "x"}], "unknown gate"),
    ],
)
def test_a_table_that_names_something_unknown_is_refused(where, value, message):
    """A typo in the table is found when it is read, with the act it stands in."""
    document = copy.deepcopy(rules.load("lifecycle_case.yaml"))
    row = next(row for row in document["acts"] if row["act"] == "verify")
    row[where[0]] = value

    with pytest.raises(ValueError, match=f"case.verify: {message}"):
        read_lifecycle(
            document, rules.load("lifecycle_common.yaml"), rules.clock_table().keys, GATES
        )


VALUES = {"text": st.just("文"), "date": st.sampled_from(["2026-11-01", "2099-01-01", "x"])}


def anything(act, draw) -> dict[str, str]:
    """Something for each field, sometimes nothing, sometimes nonsense."""
    filled = {}
    for field in act.fields:
        if field.kind == "choice":
            value = draw(st.sampled_from([*sorted(field.values), "nonsense"]))
        elif field.kind == "officer":
            value = draw(st.sampled_from([*PEOPLE, "nobody"]))
        else:
            value = draw(VALUES.get(field.kind, st.just("1")))
        if draw(st.integers(0, 9)):
            filled[field.name] = value
    return filled


def careful(act, second: str) -> dict[str, str]:
    """The fields as somebody fills them in who wants to succeed."""
    values = {"text": "文", "date": "2026-11-01", "number": "1", "officer": second}
    return {
        f.name: f.choices[0].partition("|")[0] if f.choices else values.get(f.kind, "1")
        for f in act.fields
    }


#: Notes of the system that leave the state as it is: a walk has enough of them by itself.
NOTES = {
    "notice_failed", "reckon", "overdue", "add_finding", "add_clue", "raise_level",
    "note_withdrawn",
}  # fmt: skip


#: States that the walks of this run came through, so that a walk that goes nowhere is noticed.
REACHED: dict[Kind, set[str]] = {kind: set() for kind in Kind}


class Walk(RuleBasedStateMachine):
    """Everybody tries everything at any time; the invariants must hold after each try."""

    kind: Kind

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.life = life(self.kind)
        self.matter: Matter | None = None
        self.breached: list[str] = []

    @initialize(level=st.sampled_from(Level), first=st.integers(0, 1))
    def open(self, level: Level, first: int) -> None:
        """The first row of the table."""
        acts = self.life.acts
        starts = [one.key for one in acts if not one.from_states and "system" in one.by]
        matter = blank(self.kind, level)
        act = starts[first % len(starts)]
        fields = {"officer_2": "o-1"} if act == "open_from_order" else {}
        self.matter = steps.take(self.life, act, attempt(matter, SYSTEM, fields), TERMS).matter

    @rule(data=st.data(), minutes=st.integers(1, 60 * 30))
    def somebody_tries_anything(self, data, minutes: int) -> None:
        """Any person or the system tries any act of the table, legal here or not."""
        act = data.draw(st.sampled_from(self.life.acts))
        people = [doer(one) for one in PEOPLE] + [PLANT]
        who = SYSTEM if "system" in act.by else data.draw(st.sampled_from(people))
        reason = data.draw(st.sampled_from(["", "理由"]))
        self._try(act.key, who, anything(act, data.draw), reason, minutes)

    @rule(data=st.data(), minutes=st.integers(1, 60 * 10))
    def the_work_goes_on(self, data, minutes: int) -> None:
        """Somebody who may do something that is asked for here does it."""
        possible = [
            (act.key, who, fields)
            for act in self.life.from_state(self.matter.state, self.matter.level)
            if act.key not in NOTES
            for who in (SYSTEM, PLANT, *map(doer, PEOPLE))
            for fields in (careful(act, "o-1"), careful(act, "o-2"))
            if who.role in act.by and self._would_succeed(act.key, who, fields)
        ]
        if possible:
            act, who, fields = data.draw(st.sampled_from(possible))
            self._try(act, who, fields, "理由", minutes)

    def _would_succeed(self, act: str, who, fields: dict[str, str]) -> bool:
        tried = attempt(self.matter, who, fields, "理由", now=self.now)
        try:
            steps.take(self.life, act, tried, TERMS)
        except FarsightError:
            return False
        return True

    def _try(self, act: str, who, fields: dict[str, str], reason: str, minutes: int) -> None:
        self.now += dt.timedelta(minutes=minutes)
        before = self.matter
        try:
            step = steps.take(
                self.life, act, attempt(before, who, fields, reason, now=self.now), TERMS
            )
        except FarsightError:
            return
        row = self.life.row(act, before.state, before.level)
        assert row is not None
        assert who.role in row.by
        assert step.matter.state == row.target(before.state, step.event.fields)
        REACHED[self.kind].add(step.matter.state)
        self.matter = step.matter

    @precondition(lambda self: self.matter.next_due() is not None)
    @rule()
    def time_passes_to_the_next_deadline(self) -> None:
        """What the due row does at its time."""
        clock = self.matter.next_due()
        if clock.state is not ClockState.RUNNING:
            return
        self.now = max(self.now, clock.due_at)
        tried = attempt(self.matter, SYSTEM, now=self.now)
        step = steps.end_clock(self.life, tried, clock, TERMS)
        assert step is not None, f"a running clock {clock.key} whose breach nobody notes"
        self.breached.append(clock.clock_id)
        self.matter = step.matter

    @invariant()
    def the_state_is_one_of_the_table(self) -> None:
        """No walk leaves the table."""
        assert self.matter is None or self.matter.state in self.life.states

    @invariant()
    def every_clock_ends_or_is_due(self) -> None:
        """Open and unbreached means an end in the future, or a pause; ended means when and how."""
        for clock in self.matter.clocks if self.matter else ():
            if not clock.open:
                assert clock.state is not ClockState.RUNNING
            elif clock.due_at is None:
                assert clock.pauses[-1].end is None
            else:
                assert clock.state in {ClockState.RUNNING, ClockState.BREACHED}
        assert len(self.breached) == len(set(self.breached))

    @invariant()
    def an_ended_matter_has_only_what_its_end_started(self) -> None:
        """Nothing chases people for a matter that is over, but the follow-up."""
        if self.matter and self.life.states[self.matter.state].final:
            left = {clock.key for clock in self.matter.clocks if clock.open}
            assert left <= {"followup_7", "followup_30", "file_archive"}
            assert self.matter.closed_at is not None

    @invariant()
    def the_history_is_whole(self) -> None:
        """Lines are numbered without gap, chained, and end in the present state."""
        if self.matter:
            events = self.matter.events
            assert history.first_break(self.matter.matter_id, events) is None
            assert [event.seq for event in events] == list(range(1, self.matter.version + 1))
            assert events[-1].to_state == self.matter.state
            assert all(a.to_state == b.from_state for a, b in pairwise(events))

    @invariant()
    def nobody_confirmed_his_own_work(self) -> None:
        """Four eyes, whatever way the walk took."""
        if not self.matter:
            return
        for reviewing, worked in (
            ({"close", "send_back"}, {"check"}),
            ({"review_technical", "review_legal"}, {"finish_investigation", "verify"}),
            ({"approve_referral"}, {"request_referral"}),
            ({"file_case", "no_filing"}, {"verify", "open_from_order"}),
        ):
            self._check_four_eyes(reviewing, worked)

    def _check_four_eyes(self, reviewing: set[str], worked: set[str]) -> None:
        hands: set[str] = set()
        for event in self.matter.events:
            if event.act in worked:
                hands |= {event.doer.person_id, event.fields.get("officer_2", "")}
            if event.act in reviewing:
                assert event.doer.person_id not in hands


class OrderWalk(Walk):
    """Walks of orders."""

    kind = Kind.ORDER


#: The other kinds are walked on PostgreSQL by `tests/walks`, cases besides by `test_penalty_paths`.
WALKS = settings(max_examples=120, stateful_step_count=50, deadline=None)
#: Rounds of walks, each with its own seed. Hypothesis takes constants from whatever modules are
#: loaded, so the same seed walks elsewhere beside other tests; nearly always one round is enough.
ROUNDS = 8


def test_walks_through_the_table_of_orders_keep_its_promises():
    """The model test; together its walks have come through every state of the table."""
    REACHED[Kind.ORDER].clear()
    wanted = set(life(Kind.ORDER).states) - {"issued"}

    for number in range(ROUNDS):
        run_state_machine_as_test(seed(number)(OrderWalk), settings=WALKS)
        if REACHED[Kind.ORDER] >= wanted:
            break

    assert REACHED[Kind.ORDER] >= wanted
