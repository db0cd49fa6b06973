"""The referral's table and clocks: what each side may do when, and until when."""

import datetime as dt

import pytest

from services.chassis.calendar import Calendar
from services.chassis.errors import Forbidden, InputRejected, RuleViolated
from services.referral.domain.clocks import due, read_terms
from services.referral.domain.lifecycle import check_act, read_lifecycle
from services.referral.rules import lifecycle, terms

LIFE = lifecycle()
CALENDAR = Calendar.published()
FIELDS = {
    "request_supplement": {"missing": "视频"},
    "supplement": {"material": "视频"},
    "extend_decision": {"kind": "major"},
    "file": {"decision_number": "立1"},
    "refuse": {"decision_number": "不1"},
}


def walk(*steps: tuple[str, str]) -> str:
    """Take acts one after the other from `prepared`; the state they end in."""
    state = "prepared"
    for role, key in steps:
        act = check_act(
            LIFE, key, state=state, role=role, running=(), fields=FIELDS.get(key, {}), reason="因"
        )
        state = state if act.to == "same" else act.to
    return state


@pytest.mark.parametrize(
    ("steps", "end"),
    [
        ("officer:hand_over police:receive police:accept police:file", "filed"),
        (
            (
                "officer:hand_over police:receive police:request_supplement officer:supplement "
                "police:request_supplement leader:supplement police:accept police:file"
            ),
            "filed",
        ),
        ("leader:hand_over police:receive police:return_file", "returned"),
        ("leader:hand_over police:receive police:accept police:refuse", "refused"),
        (
            (
                "leader:hand_over police:receive police:accept police:extend_decision "
                "police:refuse leader:ask_reconsideration police:uphold leader:ask_supervision "
                "procurator:urge_filing police:file"
            ),
            "filed",
        ),
        (
            "leader:hand_over police:receive police:accept police:refuse leader:accept_refusal",
            "not_filed",
        ),
    ],
)
def test_the_ways_of_the_rules_are_walkable(steps, end):
    """Acceptance, supplements, return, refusal with reconsideration and supervision."""
    assert walk(*[tuple(step.split(":")) for step in steps.split()]) == end


def test_every_state_but_the_final_ones_has_a_way_on_and_is_reachable():
    """No dead end and no orphan in the table."""
    reached = {act.to for act in LIFE.acts.values()}
    for key, state in LIFE.states.items():
        onward = [
            a for a in LIFE.acts.values() if key in a.from_states and a.to not in ("same", key)
        ]
        assert key in reached
        assert bool(onward) != state.final


@pytest.mark.parametrize(
    ("key", "state", "role", "error"),
    [
        ("file", "accepted", "officer", Forbidden),
        ("hand_over", "prepared", "police", Forbidden),
        ("file", "received", "police", RuleViolated),
        ("refuse", "filed", "police", RuleViolated),
        ("freeze", "freezing", "leader", InputRejected),
        ("nonsense", "freezing", "leader", InputRejected),
    ],
)
def test_acts_of_another_role_state_or_of_the_system_are_refused(key, state, role, error):
    """Police cannot hand over, officers cannot file, nobody plays the system."""
    with pytest.raises(error):
        check_act(
            LIFE, key, state=state, role=role, running=(), fields=FIELDS.get(key, {}), reason="因"
        )


@pytest.mark.parametrize(
    ("key", "state", "fields", "reason", "error"),
    [
        ("refuse", "accepted", {"decision_number": "不1"}, " ", RuleViolated),
        ("refuse", "accepted", {}, "因", RuleViolated),
        ("extend_decision", "accepted", {"kind": "year"}, "因", InputRejected),
        ("file", "accepted", {"decision_number": "立1", "x": "1"}, "", InputRejected),
        ("file", "accepted", {"decision_number": "长" * 2001}, "", InputRejected),
    ],
)
def test_missing_reasons_and_wrong_fields_are_refused(key, state, fields, reason, error):
    """What the article asks for has to be there, and only that."""
    with pytest.raises(error):
        check_act(LIFE, key, state=state, role="police", running=(), fields=fields, reason=reason)


def test_a_notice_is_only_given_while_its_clock_runs():
    """The written notice ends the clock; a second one is not offered."""
    assert [a.key for a in LIFE.allowed("filed", "police", ["crime_notify"])] == ["give_notice"]
    assert LIFE.allowed("filed", "police", []) == []


def test_a_clock_that_runs_out_lapses_the_right_or_is_noted():
    """An unused reconsideration makes the refusal final; a late decision is only recorded."""
    assert LIFE.on_breach("crime_reconsider", "refused").key == "lapse"
    assert LIFE.on_breach("crime_decide", "accepted").key == "overdue"


def beijing(text: str) -> dt.datetime:
    """A Beijing wall-clock time."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.timezone(dt.timedelta(hours=8)))


@pytest.mark.parametrize(
    ("key", "start", "end"),
    [
        # Hours run through the weekend.
        ("crime_hand_over", "2026-11-20 17:30", "2026-11-21 17:30"),
        # Natural days: Friday + 3 = Monday.
        ("crime_decide", "2026-11-20 10:00", "2026-11-24 00:00"),
        # Wednesday + 3 = Saturday, a rest day: rolls to Monday.
        ("crime_decide", "2026-11-18 10:00", "2026-11-24 00:00"),
        # Working days: Friday + 3 = Wednesday.
        ("crime_reconsider", "2026-11-20 10:00", "2026-11-26 00:00"),
        # National Day 2026 (1-7 October) rolls; 10 October is a Saturday that is worked.
        ("crime_supplement", "2026-09-30 09:00", "2026-10-09 00:00"),
        ("crime_reconsider", "2026-09-30 09:00", "2026-10-11 00:00"),
    ],
)
def test_terms_are_counted_as_the_rules_say(key, start, end):
    """Art 38 of 2017-17: start day not counted, last rest day rolls, hours run through."""
    assert due(terms()[key], beijing(start), CALENDAR).at == beijing(end)


def test_an_extension_replaces_the_length_from_the_same_start():
    """30 days for a major case, counted from the acceptance."""
    longer = due(terms()["crime_decide"], beijing("2026-11-20 10:00"), CALENDAR, "major")

    assert longer.at == beijing("2026-12-22 00:00")  # 20 December is a Sunday
    with pytest.raises(KeyError):
        due(terms()["crime_notify"], beijing("2026-11-20 10:00"), CALENDAR, "major")


def test_a_day_beyond_the_published_holidays_is_provisional():
    """A term that ends in a year without a State Council notice says so."""
    assert due(terms()["crime_decide"], beijing("2026-12-31 10:00"), CALENDAR).provisional
    assert not due(terms()["crime_decide"], beijing("2026-11-20 10:00"), CALENDAR).provisional


def test_tables_with_a_fault_are_refused():
    """An unknown clock, an unknown state, days without a kind."""
    good = {"version": "1", "states": {"a": {"zh": "甲"}}}
    row = {"act": "x", "zh": "x", "by": ["police"], "from": ["a"], "to": "a"}
    for fault in ({"start": ["none"]}, {"to": "b"}, {"from": ["b"]}):
        with pytest.raises(ValueError, match="act x"):
            read_lifecycle({**good, "acts": [{**row, **fault}]}, [])
    clock = {"key": "k", "who": "police", "action": "a", "length": 1, "unit": "day", "source": "s"}
    with pytest.raises(ValueError, match="clock k"):
        read_terms({"clocks": [clock]})
