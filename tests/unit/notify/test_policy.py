"""Quiet hours, old spans, storms and who is told."""

import datetime as dt
from importlib import resources

import pytest
import yaml

from services.notify.domain.policy import decide, read_policy
from services.notify.domain.routing import Person, Wanted, masked, resolve

POLICY_FILE = resources.files("services.notify") / "data" / "policy.yaml"
DOCUMENT = yaml.safe_load(POLICY_FILE.read_text(encoding="utf-8"))
POLICY = read_policy(DOCUMENT)
NOON = dt.datetime(2026, 11, 22, 4, tzinfo=dt.UTC)  # 12:00 in Beijing
NIGHT = dt.datetime(2026, 11, 22, 15, 30, tzinfo=dt.UTC)  # 23:30 in Beijing


def choose(now, level=2, age_h=0.0, last_min=None, policy=POLICY):
    """Decide on a text whose span ended `age_h` ago."""
    last = None if last_min is None else now - dt.timedelta(minutes=last_min)
    event_time = now - dt.timedelta(hours=age_h)
    return decide(policy, level=level, event_time=event_time, now=now, last_alike=last)


def test_at_noon_every_level_goes_out():
    """Outside the quiet hours nothing is held."""
    assert [choose(NOON, level=n).action for n in (1, 2, 3)] == ["send"] * 3


def test_at_night_only_level_1_goes_out_and_the_rest_waits_for_the_morning():
    """23:30 holds until 07:00 Beijing of the next day, 06:59 until the same day."""
    held = choose(NIGHT)
    early = choose(NIGHT + dt.timedelta(hours=7, minutes=29))

    assert choose(NIGHT, level=1).action == "send"
    assert held.action == "hold"
    assert held.until == early.until == dt.datetime(2026, 11, 22, 23, tzinfo=dt.UTC)


def test_the_quiet_hours_begin_and_end_on_the_minute():
    """22:00 is quiet, 07:00 is not; an override may switch them off or name a span within a day."""
    ten = dt.datetime(2026, 11, 22, 14, tzinfo=dt.UTC)
    seven = dt.datetime(2026, 11, 22, 23, tzinfo=dt.UTC)
    midday = read_policy(DOCUMENT, "11:00-13:00")

    assert POLICY.quiet(ten)
    assert not POLICY.quiet(ten - dt.timedelta(minutes=1))
    assert not POLICY.quiet(seven)
    assert not read_policy(DOCUMENT, "none").quiet(ten)
    assert (midday.quiet(NOON), midday.quiet(ten)) == (True, False)


def test_a_span_that_ended_more_than_a_day_ago_is_muted_with_its_age():
    """24 h exactly still goes out; a minute more does not, urgent or not."""
    assert choose(NOON, age_h=24).action == "send"
    muted = choose(NOON, level=1, age_h=24 + 1 / 60)
    assert (muted.action, "24 h" in muted.reason) == ("mute", True)


def test_a_repetition_within_the_hour_is_left_to_the_summary():
    """59 minutes after the last alike: storm, with the window's end; 60 minutes after: sent."""
    storm = choose(NOON, last_min=59)

    assert (storm.action, storm.until) == ("storm", NOON + dt.timedelta(minutes=1))
    assert choose(NOON, last_min=60).action == "send"


PEOPLE = [
    Person("c1", "甲", "19900000001", "contact", "A", "environment_manager"),
    Person("c2", "乙", "19900000002", "contact", "A", "gatekeeper"),
    Person("c3", "丙", "19900000003", "contact", "B", "gatekeeper"),
    Person("o1", "丁", "19900000004", "officer", "130402", "officer"),
    Person("o2", "戊", "19900000005", "officer", "130402", "officer"),
    Person("l1", "己", "19900000006", "officer", "130402", "leader"),
]


@pytest.mark.parametrize(
    ("wanted", "duty", "ids"),
    [
        (Wanted("enterprise", "A"), (), ["c1"]),
        (Wanted("enterprise", "B"), (), ["c3"]),
        (Wanted("division", "130402", "officer"), ("o2",), ["o2"]),
        (Wanted("division", "130402"), (), ["o1", "o2"]),
        (Wanted("division", "130402", "leader"), ("o2",), ["l1"]),
        (Wanted("officer", "o1"), (), ["o1"]),
        (Wanted("officer", "c1"), (), []),
        (Wanted("division", "130403"), (), []),
        (Wanted("newspaper", "A"), (), []),
    ],
)
def test_roles_become_persons(wanted, duty, ids):
    """Manager before other contacts, duty before the whole team, and nobody from elsewhere."""
    assert [p.person_id for p in resolve([wanted], PEOPLE, frozenset(duty))] == ids


def test_a_person_named_twice_is_told_once():
    """As officer in person and as the division's officer on duty."""
    wanted = [Wanted("officer", "o2"), Wanted("division", "130402")]

    assert [p.person_id for p in resolve(wanted, PEOPLE, frozenset())] == ["o2", "o1"]


def test_numbers_are_shown_masked():
    """Short numbers give nothing away."""
    assert masked("12369") == "****"
    assert masked("19900001234") == "199****1234"
