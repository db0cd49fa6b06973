"""Nobody sees another jurisdiction, agency or enterprise: the matrix, generated from the policy."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from services.chassis.errors import Forbidden, NotFound, Unauthenticated
from services.chassis.identity import (
    POLICY,
    TOKEN_LIFE,
    Actor,
    Role,
    Tokens,
    can,
    covers,
    create_token_key,
    require_visible,
    scope_of,
)

PLANT = "91130400MA000T014P"
OTHER = "91120000MA000T014Y"
COUNTY, NEIGHBOUR, CITY, PROVINCE = "130402", "130502", "130400", "130000"


def actor(role: Role, division: str = "", enterprise: str = "") -> Actor:
    return Actor("u", role, division=division, enterprise_id=enterprise)


@pytest.mark.parametrize(("role", "action"), list(itertools.product(Role, POLICY)))
def test_every_role_and_action_is_decided_by_the_table(role, action):
    """Inside the jurisdiction the table decides; outside it nobody may."""
    allowed = role in POLICY[action]
    if role == Role.ENTERPRISE:
        me = actor(role, enterprise=PLANT)
        assert can(me, action, division=COUNTY, enterprise_id=PLANT) == allowed
        assert not can(me, action, division=COUNTY, enterprise_id=OTHER)
        assert not can(me, action, division=COUNTY)
    else:
        for own in (COUNTY, CITY, PROVINCE):
            me = actor(role, own)
            assert can(me, action, division=COUNTY, enterprise_id=PLANT) == allowed
        assert not can(actor(role, COUNTY), action, division=NEIGHBOUR)
        assert not can(actor(role, "120000"), action, division=COUNTY)
        assert not can(actor(role, ""), action, division=COUNTY)


@pytest.mark.parametrize("role", Role)
def test_an_unknown_action_is_refused(role):
    """Default deny."""
    assert not can(actor(role, PROVINCE, PLANT), "everything")


def test_falsification_is_hidden_from_the_enterprise():
    """The rows that must never change by accident.

    A plant may read a case only from its notice on: `cases` itself hides a confidential one.
    """
    mine = [action for action in POLICY if action.startswith("screening.")]
    for action in ("clues.read", "matters.open", "referrals.read", "sendings.read", *mine):
        assert Role.ENTERPRISE not in POLICY[action]


@pytest.mark.parametrize(
    ("division", "other", "want"),
    [
        (PROVINCE, COUNTY, True),
        (CITY, COUNTY, True),
        (COUNTY, COUNTY, True),
        (COUNTY, CITY, False),
        (CITY, PROVINCE, False),
        ("", COUNTY, False),
        (COUNTY, NEIGHBOUR, False),
    ],
)
def test_a_jurisdiction_covers_what_lies_below_it(division, other, want):
    """GB/T 2260: two digits a level."""
    assert covers(division, other) is want


def test_a_hidden_thing_does_not_exist():
    """A foreign case is NOT_FOUND, not FORBIDDEN: its existence is nobody's business."""
    with pytest.raises(NotFound):
        require_visible(
            actor(Role.OFFICER, NEIGHBOUR), "cases.read", division=COUNTY, enterprise_id=PLANT
        )


def test_a_list_is_cut_down_to_the_own_jurisdiction():
    """An officer's list has its prefix; asking beyond it is refused."""
    assert scope_of(actor(Role.OFFICER, CITY), "orders.read").has(COUNTY, PLANT)
    assert not scope_of(actor(Role.OFFICER, CITY), "orders.read").has(NEIGHBOUR, PLANT)
    assert scope_of(actor(Role.ENTERPRISE, "", PLANT), "orders.read").has(COUNTY, PLANT)
    assert not scope_of(actor(Role.ENTERPRISE, "", PLANT), "orders.read").has(COUNTY, OTHER)
    with pytest.raises(Forbidden):
        scope_of(actor(Role.OFFICER, COUNTY), "orders.read", NEIGHBOUR)
    with pytest.raises(Forbidden):
        scope_of(actor(Role.ENTERPRISE), "orders.read")


@pytest.fixture
def tokens(tmp_path):
    create_token_key(tmp_path / "keys" / "token.jwk")
    return Tokens(tmp_path / "keys" / "token.jwk")


def test_a_token_carries_the_actor_until_it_is_over(tokens):
    """All fields come back; a second after its end it is refused."""
    me = Actor("u1", Role.LEADER, CITY, "", "张", "o1", scripted=True)
    start = datetime(2026, 11, 22, tzinfo=UTC)

    token, end = tokens.issue(me, now=start)

    assert tokens.read(token, now=end - timedelta(seconds=1)) == me
    assert end - start == TOKEN_LIFE
    with pytest.raises(Unauthenticated):
        tokens.read(token, now=end + timedelta(seconds=1))


def test_a_changed_or_foreign_token_is_refused(tokens, tmp_path):
    """Any other key, any changed part: not ours."""
    token, _ = tokens.issue(actor(Role.OFFICER, COUNTY))
    create_token_key(tmp_path / "other.jwk")
    foreign, _ = Tokens(tmp_path / "other.jwk").issue(actor(Role.OPERATOR, PROVINCE))
    head, body, signature = token.split(".")

    for bad in (foreign, "", "x", f"{head}.{body}.", f"{head}.{body[:-2]}AA.{signature}"):
        with pytest.raises(Unauthenticated):
            tokens.read(bad)
