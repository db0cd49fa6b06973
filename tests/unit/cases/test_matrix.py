"""The role x region x act matrix: what docs/matrix.md says is what the code answers, cell by cell.

Expected values come from the document and from `may_know`/`may_act` below, which are written from
the policy's words and not from its code. Asked are the functions that the door asks, in its order:
readable, policy of the kind, life-cycle table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from services.cases import rules
from services.cases.app.act_on_matter import action_of, doer_of, may_read, require_readable
from services.cases.app.open_by_person import openings
from services.cases.domain import steps
from services.cases.domain.attempt import Attempt
from services.cases.domain.lifecycle import Act
from services.cases.domain.matter import Kind, Level, Matter
from services.chassis.errors import Forbidden, InputRejected, NotFound, RuleViolated
from services.chassis.identity import Actor, Role, require, scope_of
from tests.unit.cases.region import NOW, PEOPLE, blank
from tools import draw_matrix

DOC = Path(__file__).parents[3] / "docs" / "matrix.md"
COUNTY, NEIGHBOUR, CITY, OTHER_CITY = "130402", "130403", "130400", "130500"
PROVINCE, OTHER_PROVINCE, PLANT = "130000", "140000", "x"
REGIONS = (COUNTY, NEIGHBOUR, CITY, OTHER_CITY, PROVINCE, OTHER_PROVINCE, "")
AUTHORITY = {Role.OFFICER, Role.LEADER}
#: Decisions that the law keeps for the head of the organ (PL art 57, coercion law art 18, ...).
HEADS = {
    "case": {
        "file_case", "no_filing", "decide", "approve_referral", "refuse_referral", "issue_notice",
        "extend_decision", "apply_court", "close_case", "suspend", "terminate",
    },
    "seizure": {"approve", "refuse", "extend_seizure", "release"},
    "restriction": {"decide_restriction"},
    "rectification": {"decide_daily", "withdraw"},
    "preservation": {"approve", "refuse"},
    "detention": {"approve", "refuse"},
    "inspection": {"approve", "refuse"},
    "listed": {"list_plant", "lift", "revoke"},
    "service": {"approve_announcement", "annul"},
    "order": {"extend_report", "reopen"},
}  # fmt: skip
#: What a plant may ever do: answer, state, ask, hand in. Nothing that decides.
PLANTS = {
    "confirm", "answer", "request_time", "attach", "apply_recusal", "state_defence",
    "request_hearing", "withdraw_hearing", "waive", "waive_rights", "file_remedy", "state_progress",
    "report_correction", "apply_release", "file_plan", "declare_finished", "file_completion",
}  # fmt: skip


def callers() -> list[Actor]:
    """Every role in every region, two plants, and somebody without any."""
    people = [
        Actor("u", role, division, "", "u", "o-1" if role in AUTHORITY else "")
        for role in Role
        if role is not Role.ENTERPRISE
        for division in REGIONS
    ]
    plants = [Actor("u", Role.ENTERPRISE, "", code, "u") for code in (PLANT, "y", "")]
    return [*people, *plants]


def may_know(who: Actor, matter: Matter) -> bool:
    """Whether the caller may learn that the matter exists, by the words of docs/matrix.md."""
    if who.role is Role.ENTERPRISE:
        return who.enterprise_id == matter.credit_code and not matter.confidential
    if who.role not in AUTHORITY | {Role.PLATFORM}:
        return False
    return who.division in {COUNTY, CITY, PROVINCE}


def may_act(who: Actor) -> bool:
    """Whether the role acts on matters at all."""
    return who.role in AUTHORITY | {Role.ENTERPRISE}


@cache
def documented() -> dict[tuple[str, str], frozenset[str]]:
    """Roles by (kind, act) as the document marks them; kind `` = in every life cycle."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    kind = ""
    for line in DOC.read_text(encoding="utf-8").splitlines():
        if line.startswith("### "):
            named = re.search(r"`(\w+)`", line)
            kind = named[1] if named else ""
        elif line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            marks = cells[-len(draw_matrix.ROLES) :]
            roles = {role for role, mark in zip(draw_matrix.ROLES, marks, strict=True) if mark}
            found[kind, cells[0].strip("`")] = frozenset(roles)
    return found


def cells() -> Iterator[tuple[Kind, Act, str, Level]]:
    """Every row of every table in every state that it is about."""
    for kind in Kind:
        for act in rules.life_cycle(kind).acts:
            level = max(act.levels, default=Level.SUPERVISION)
            for state in sorted(act.from_states):
                yield kind, act, state, level


def let_in(who: Actor, matter: Matter) -> str:
    """What the door says before it looks at the act: unknown, forbidden or the table's turn."""
    try:
        require_readable(who, matter)
        require(
            who,
            action_of(matter.kind, "act"),
            division=matter.division,
            enterprise_id=matter.credit_code,
        )
    except NotFound:
        return "unknown"
    except Forbidden:
        return "forbidden"
    return "table"


def tried(who: Actor, matter: Matter, act: str) -> bool:
    """Whether the table lets the role try: what it misses then are fields, or a gate is shut."""
    attempt = Attempt(matter, doer_of(who), {}, "", PEOPLE, NOW)
    try:
        steps.take(rules.life_cycle(matter.kind), act, attempt, rules.terms())
    except Forbidden:
        return False
    except (RuleViolated, InputRejected):
        return True
    return True


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_each_role_in_each_region_is_let_in_or_learns_nothing(kind):
    """Confidential and told; state and act play no part in this question."""
    for told in (True, False):
        matter = replace(blank(kind), confidential=not told)
        for who in callers():
            if not may_know(who, matter):
                expected = "unknown"
            else:
                expected = "table" if may_act(who) else "forbidden"
            assert let_in(who, matter) == expected, (who, told)


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_every_act_in_every_state_takes_exactly_the_roles_of_the_document(kind):
    """All acts and all states of the kind, for every role; the system's rows take no person."""
    wrong = []
    for _, act, state, level in (cell for cell in cells() if cell[0] is kind):
        marked = documented()["" if act.common else kind.value, act.key]
        matter = replace(blank(kind, level), state=state, confidential=False)
        for who in (Actor("u", role, COUNTY, PLANT, "u", "o-1") for role in Role):
            expected = who.role.value in marked & act.by
            if tried(who, matter, act.key) != expected:
                wrong.append((act.key, state, who.role, expected))

    assert wrong == []


def test_every_act_of_every_table_stands_in_the_document_and_nothing_else():
    """A new act fails here until it has a row."""
    acts = {
        ("" if act.common else kind.value, act.key)
        for kind in Kind
        for act in rules.life_cycle(kind).acts
    }

    assert acts == set(documented())


def test_the_document_is_what_the_tool_writes():
    """`python -m tools.draw_matrix` after a change of a table."""
    text = DOC.read_text(encoding="utf-8")
    inside = text.partition(draw_matrix.BEGIN)[2].partition(draw_matrix.END)[0]

    assert inside == "\n".join(draw_matrix.matrix()) + "\n"


def test_every_role_and_region_is_asked():
    """Nobody is forgotten when a role is added."""
    asked = {who.role for who in callers()}

    assert asked == set(Role)
    assert {role for roles in documented().values() for role in roles} <= {
        role.value for role in Role
    } | {"system"}


def test_the_system_never_shares_a_row_with_a_person():
    """What a clock does, nobody may pretend to be a clock for."""
    mixed = [key for key, roles in documented().items() if "system" in roles and len(roles) > 1]
    rows = {
        (kind.value, act.key)
        for kind in Kind
        for act in rules.life_cycle(kind).acts
        if "system" in act.by and len(act.by) > 1
    }

    assert {key for key in mixed if key in rows} == set()


@pytest.mark.parametrize("kind", HEADS)
def test_what_the_law_keeps_for_the_head_is_the_leaders_alone(kind):
    """Filing, deciding, seizing, applying to the court."""
    for act in HEADS[kind]:
        assert documented()[kind, act] == {"leader"}, act


def test_a_plant_only_answers_states_asks_and_hands_in():
    """No row lets a plant decide anything."""
    plants = {act for (_, act), roles in documented().items() if "enterprise" in roles}

    assert plants == PLANTS


@pytest.mark.parametrize("role", Role)
def test_only_the_authority_opens_matters_by_hand(role):
    """First rows by the tables, for those who may open at all."""
    division = "" if role is Role.ENTERPRISE else COUNTY
    who = Actor("u", role, division, PLANT if role is Role.ENTERPRISE else "", "u", "o-1")

    for kind, act in openings(who):
        assert role.value in documented()["" if act.common else kind.value, act.key]
    if role not in AUTHORITY:
        for _ in openings(who):
            with pytest.raises(Forbidden):
                require(who, "matters.open", division=COUNTY)


@pytest.mark.parametrize("who", callers(), ids=lambda who: f"{who.role}-{who.division}")
def test_a_list_holds_what_may_be_read_one_by_one(who):
    """The scope of lists and watches against the right to read, for a matter of the county."""
    for kind in Kind:
        matter = replace(blank(kind), confidential=False)
        try:
            scope = scope_of(who, action_of(kind, "read"))
            listed = scope.has(matter.division, matter.credit_code)
        except Forbidden:
            listed = False
        assert listed == may_read(who, matter) == may_know(who, matter)
