"""Notices: template keys that exist, parameters that fill them, recipients that may know."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import services
from services.cases import rules
from services.cases.domain import notices, steps
from services.cases.domain.matter import SYSTEM, ClockState, Kind, Level
from services.chassis.clock import BEIJING
from tests.unit.cases.region import NOW, attempt, blank

TEMPLATES = {
    row["key"]: row
    for row in yaml.safe_load(
        (Path(services.__file__).parent / "notify" / "data" / "templates.yaml").read_text("utf-8")
    )["templates"]
}
NAMES = rules.factor_names()
TELLS = [(kind, tell) for kind in Kind for act in rules.life_cycle(kind).acts for tell in act.tell]


def opened(kind: Kind = Kind.ORDER, level: Level = Level.DISPATCH) -> steps.Step:
    """The first step of a matter; what people open starts as an order does."""
    first = Kind.CASE if kind is Kind.CASE else Kind.ORDER
    act = "receive_clue" if first is Kind.CASE else "issue"
    matter = blank(first, level)
    step = steps.take(rules.life_cycle(first), act, attempt(matter, SYSTEM), rules.terms())
    return replace(step, matter=replace(step.matter, kind=kind))


@pytest.mark.parametrize(("kind", "tell"), TELLS, ids=lambda x: getattr(x, "template", x))
def test_every_row_names_a_template_of_notify_with_its_audience(kind: Kind, tell):
    """The contract with the other service: the key exists and speaks to that kind of person."""
    audience = "enterprise" if tell.to == "enterprise" else "officer"

    assert TEMPLATES[tell.template]["audience"] in {audience, "any"}
    step = opened(kind)
    disclosed = tell.to == "enterprise"  # such rows come after the plant was told
    matter = replace(step.matter, confidential=step.matter.confidential and not disclosed)
    notice = notices.of_step(tell, matter, step.event, NAMES)
    assert set(TEMPLATES[tell.template]["parameters"]) <= set(notice.parameters)
    assert notice.addresses


@pytest.mark.parametrize("kind", list(Kind))
def test_reminders_and_breaches_fill_their_templates(kind: Kind):
    """Near and breached, to the plant and to officers."""
    step = opened(kind)
    for clock in step.matter.clocks:
        said = [
            notices.near(step.matter, clock, NOW, NAMES),
            *notices.breached(step.matter, clock, 1, NOW, NAMES),
            *notices.breached(step.matter, clock, 2, NOW, NAMES),
            *notices.breached(step.matter, clock, 3, NOW, NAMES),
        ]
        assert len({one.cause_id for one in said}) == len(said)
        for one in said:
            wants = TEMPLATES[one.template]["parameters"]
            assert all(one.parameters[name] for name in wants), one.template


def test_the_escalation_climbs_from_county_to_province():
    """Leader there, leader of the city, leader of the province."""
    step = opened(Kind.CASE)
    clock = step.matter.clocks[0]

    climbed = [notices.breached(step.matter, clock, n, NOW, NAMES)[-1] for n in (1, 2, 3)]

    assert [(n.addresses[0].key, n.addresses[0].role) for n in climbed] == [
        ("130402", "leader"),
        ("130400", "leader"),
        ("130000", "leader"),
    ]


def test_a_confidential_matter_cannot_be_told_to_its_enterprise():
    """Even a table that asked for it would be refused."""
    step = opened(Kind.ORDER)
    tell = next(one for one in step.told if one.to == "enterprise")

    with pytest.raises(ValueError, match="confidential"):
        notices.of_step(tell, replace(step.matter, confidential=True), step.event, NAMES)


def test_the_terms_of_the_plant_are_reminded_to_the_plant():
    """And never those of a case."""
    step = opened(Kind.ORDER)

    near = notices.near(step.matter, step.matter.clocks[0], NOW, NAMES)

    assert near.template == "clock_near_enterprise"
    assert near.addresses[0].kind == "enterprise"


def test_a_warning_tells_the_plant_alone():
    """Warning: plant. Dispatch: plant and county. Supervision: city as well."""
    told = {level: [tell.to for tell in opened(level=level).told] for level in Level}

    assert told == {
        Level.WARNING: ["enterprise"],
        Level.DISPATCH: ["enterprise", "county_officers"],
        Level.SUPERVISION: ["enterprise", "county_officers", "city_officers"],
    }


def test_the_end_of_a_day_is_its_24_hours():
    """Nobody reads a deadline of 3 November as one of the 4th at 00:00."""
    midnight = dt.datetime(2026, 11, 4, tzinfo=BEIJING)

    assert notices.due_text(midnight) == "11-03 24:00"
    assert notices.due_text(midnight + dt.timedelta(minutes=1)) == "11-04 00:01"
    assert notices.due_text(None) == "另行通知"


def test_values_have_names_and_units():
    """What the SMS says of the exceedance."""
    step = opened(level=Level.WARNING)

    said = notices.of_step(step.told[0], step.matter, step.event, NAMES).parameters

    assert (said["factor"], said["value"], said["limit"]) == ("二氧化硫", "41.25mg/m3", "35mg/m3")
    assert said["time"] == "11-02 09时"
    assert notices.factor_names(["zz"], NAMES) == "zz"


def test_a_statutory_breach_may_wake_people():
    """Level 1 for law, level 2 for our own terms."""
    order, case = opened(Kind.ORDER), opened(Kind.CASE)
    filing = next(clock for clock in case.matter.clocks if clock.key == "filing")

    assert notices.breached(case.matter, filing, 1, NOW, NAMES)[0].level == notices.URGENT
    own = notices.breached(order.matter, order.matter.clocks[0], 1, NOW, NAMES)
    assert own[0].level == notices.NORMAL
    assert filing.state is ClockState.RUNNING
