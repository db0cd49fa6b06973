"""不作为: from which day a matter that lies is reported, and why."""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cases.domain import inactivity
from services.cases.domain.inactivity import Lying, Overdue
from services.cases.rules import load
from services.cases.work_inactivity import thresholds
from tests.unit.cases.region import NOW

TABLE = thresholds()
TODAY = Lying("case", NOW, NOW, assigned=True, owes=True, overdue=())


def keys(one: Lying, now: dt.datetime = NOW) -> dict[str, int]:
    """Rules that report it, with days."""
    return {why.rule.key: why.days for why in inactivity.reasons(one, now, TABLE)}


def ago(days: float) -> dt.datetime:
    """So many days before now."""
    return NOW - dt.timedelta(days=days)


def test_what_was_handled_today_is_not_reported():
    """Nothing lies."""
    assert keys(TODAY) == {}


@pytest.mark.parametrize(("days", "reported"), [(14, False), (15, True)])
def test_a_case_with_something_due_is_reported_from_its_threshold_on(days, reported):
    """15 Beijing days without an act of a person."""
    one = replace(TODAY, opened_at=ago(90), last_act_at=ago(days))

    assert keys(one) == ({"idle_while_due": days} if reported else {})


def test_a_case_that_waits_for_somebody_else_is_not_reported():
    """Nothing of ours is due, however long nobody acted."""
    assert keys(replace(TODAY, opened_at=ago(90), last_act_at=ago(80), owes=False)) == {}


def test_an_anomaly_that_nobody_touched_is_a_fault_of_its_own():
    """Code art 184: orders only, from the third day on."""
    order = Lying("order", ago(3), None, assigned=True, owes=False, overdue=())

    assert keys(order) == {"unhandled_anomaly": 3}
    assert keys(replace(order, kind="case")) == {}


def test_an_end_that_passed_is_counted_from_that_end():
    """Statutory at once, operational from the next day."""
    law = Overdue("filing", ago(0.1), statutory=True)
    ours = Overdue("order_check", ago(0.1), statutory=False)

    assert keys(replace(TODAY, overdue=(law, ours))) == {"overdue_statutory": 0}
    assert keys(replace(TODAY, overdue=(replace(ours, due_at=ago(4)),))) == {
        "overdue_operational": 4
    }


@given(st.integers(0, 400), st.integers(0, 400), st.booleans(), st.booleans(), st.booleans())
def test_waiting_longer_never_takes_a_reason_away(days, more, owes, acted, assigned):
    """Reports only grow until somebody acts."""
    one = Lying("order", ago(days), ago(days) if acted else None, assigned, owes, ())

    later = keys(one, NOW + dt.timedelta(days=more))

    assert {key: later[key] for key in keys(one)} == {
        key: found + more for key, found in keys(one).items()
    }


def test_days_are_beijing_dates():
    """A minute before and a minute after midnight are a day apart."""
    midnight = dt.datetime(2026, 11, 2, 16, tzinfo=dt.UTC)

    assert inactivity.days_between(midnight - dt.timedelta(minutes=1), midnight) == 1


def test_a_table_without_a_rule_or_with_negative_days_is_refused():
    """A region's own table is read as strictly as ours."""
    document = copy.deepcopy(load("inactivity.yaml"))
    document["rules"][0]["days"] = -1
    with pytest.raises(ValueError, match="negative"):
        inactivity.read_thresholds(document)

    del document["rules"][0]
    with pytest.raises(ValueError, match="rules are"):
        inactivity.read_thresholds(document)
