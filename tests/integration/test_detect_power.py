"""Electricity from pushed readings to findings, rows and events on a real PostgreSQL."""

import random

import pytest
from sqlalchemy import text

from services.detect.judgement.meter_day import day_start_s
from tests.integration.power_rig import (
    DAY,
    FAN,
    KILN,
    OUTLET,
    PowerRig,
    curve,
    history,
    item,
    order_record,
    outlet_record,
    pair_record,
)

TABLES = "meter", "meter_day", "power_due", "finding", "outbox", "registry_copy"


@pytest.fixture
def rig(migrated_db):
    """A detect process without anything known."""
    made = PowerRig(migrated_db("detect"))
    with made.database.transaction() as session:
        for table in TABLES:
            session.execute(text(f"DELETE FROM {table}"))
    yield made
    made.close()


def today(off=(600, 640), *, step=5, last=1440, idle=()):
    """The judged day: the fan is off in one span, production in the others."""

    def stopped(span, m):
        return bool(span) and span[0] <= m < span[1]

    return [
        *curve(KILN, DAY, lambda m: 0.0 if stopped(idle, m) else 900.0, step=step, last=last),
        *curve(FAN, DAY, lambda m: 2.0 if stopped(off, m) else 90.0, step=step, use=2, last=last),
    ]


def facts(findings):
    """Fields that come from event time and data."""
    return [
        (f.rule_id, f.outlet_id, f.start.seconds, f.end.seconds, f.count, f.count_today,
         tuple(f.hours_s), f.seen, f.state, f.statistic)
        for f in findings if not f.facts.fields["withdrawn"].bool_value
    ]  # fmt: skip


def test_a_treatment_that_stops_becomes_one_finding_with_its_minutes(rig) -> None:
    """Forty minutes: span to the minute, minutes today, thresholds, both curves, one event."""
    rig.know(outlet_record(), pair_record())
    rig.push(history())
    before = rig.findings()

    rig.push(today())
    (found,) = rig.findings()
    (event,) = rig.events()
    (picture,) = rig.pictures()

    start = day_start_s(DAY) + 600 * 60
    assert before == []
    assert (found.rule_id, found.outlet_id, list(found.factors)) == ("treatment_off", OUTLET, [])
    assert (found.start.seconds, found.end.seconds) == (start, start + 2400)
    assert (found.count, found.count_today, found.statistic, found.unit) == (40, 40, 40.0, "分钟")
    assert found.facts["minutes_today"] == 40
    assert found.facts["treatment_meters"] == FAN
    assert "累计40分钟" in found.seen
    assert "fan低于" in found.seen
    assert found.division == "130481"
    assert (event.finding_id, event.picture) == (found.finding_id, picture)
    at = list(picture.time_s).index(start)
    assert (picture.value[at], picture.second[at]) == (900.0, 2.0)
    assert picture.value_name == "生产设施用电"


def test_the_same_readings_again_change_nothing(rig) -> None:
    """Redelivery and a second push: no revision, no event."""
    rig.know(outlet_record(), pair_record())
    entries = history() + today()
    rig.push(entries)
    events = len(rig.events())

    rig.push(entries)
    rig.push(entries[100:300])

    assert len(rig.events()) == events


@pytest.mark.parametrize("seed", range(4))
def test_any_order_and_repetition_of_parts_gives_the_same_findings(rig, seed: int) -> None:
    """Parts shuffled, repeated and judged in between; the registry may come last."""
    deal = random.Random(seed)
    records = [outlet_record(), pair_record(), order_record(first=8, hours=6)]
    entries = (
        history(9)
        + today((600, 640), idle=(900, 1100))
        + [item(KILN, day_start_s(DAY + 1) // 60 + m, 900.0) for m in range(0, 120, 5)]
        + [item(FAN, day_start_s(DAY + 1) // 60 + m, 1.0, use=2) for m in range(0, 120, 5)]
    )
    rig.know(*records)
    rig.push(entries)
    wanted = facts(rig.findings())
    with rig.database.transaction() as session:
        for table in TABLES:
            session.execute(text(f"DELETE FROM {table}"))
    fresh = PowerRig(str(rig.database.engine.url.render_as_string(hide_password=False)))
    deal.shuffle(entries)
    parts = [entries[at : at + 400] for at in range(0, len(entries), 400)]

    for part in parts + deal.sample(parts, 2):
        fresh.take(part)
        if deal.random() < 0.4:
            fresh.judge()
        if records and deal.random() < 0.3:
            fresh.know(records.pop(deal.randrange(len(records))))
    fresh.know(*records)
    fresh.judge()
    found = facts(fresh.findings())
    fresh.close()

    assert {one[0] for one in wanted} == {"treatment_off", "treatment_idle", "order_not_met"}
    assert found == wanted


def test_a_finding_grows_closes_and_is_withdrawn_when_readings_fill_the_gap(rig) -> None:
    """Event time decides: it grows with the data, ends with it, and falls with a correction."""
    rig.know(outlet_record(), pair_record())
    rig.push(history())
    minute = day_start_s(DAY) // 60

    rig.push(today((600, 9999), last=640))
    grown = rig.findings()[0]
    rig.push(today((600, 640), last=1000))
    ended = rig.findings()[0]
    rig.push([item(FAN, minute + m, 90.0, use=2, received=1) for m in range(600, 640)])
    gone = rig.findings()[0]

    assert (grown.count, grown.state, ended.count, ended.state) == (35, 1, 40, 2)
    assert (gone.finding_id, gone.state, gone.count) == (ended.finding_id, 2, 0)
    assert gone.facts["withdrawn"] is True
    assert gone.revision == ended.revision + 1


def test_too_short_a_history_raises_nothing(rig) -> None:
    """Six days are not seven: not evaluated is not a finding, and not clean either."""
    rig.know(outlet_record(), pair_record())

    rig.push(history(6) + today())

    assert rig.findings() == []


def test_an_order_not_met_is_one_finding_whose_hours_grow(rig) -> None:
    """Half the baseline allowed from 8 to 14; two hours at full load."""
    rig.know(outlet_record(), pair_record(), order_record(first=8, hours=6))
    rig.push(history())
    load = lambda m: 900.0 if 600 <= m < 720 else 400.0  # noqa: E731 - a curve

    rig.push(curve(KILN, DAY, load, step=5, last=665))
    first = [f for f in rig.findings() if f.rule_id == "order_not_met"]
    rig.push(curve(KILN, DAY, load, step=5, last=900))
    (found,) = [f for f in rig.findings() if f.rule_id == "order_not_met"]

    assert [f.count for f in first] == [1]
    assert (found.count, found.finding_id) == (2, first[0].finding_id)
    assert found.start.seconds == day_start_s(DAY) + 10 * 3600
    assert found.facts["hours_over"] == 2
    assert found.statistic == pytest.approx(900.0, rel=1e-3)
    assert "冀气指办〔2026〕1号" in found.seen


def test_what_is_no_longer_registered_is_withdrawn_and_a_new_pair_judges_the_past(rig) -> None:
    """A pair registered late finds what was there; deleted, its finding closes with a revision."""
    rig.know(outlet_record())
    rig.push(history() + today())
    nothing = rig.findings()

    rig.know(pair_record())
    rig.judge()
    (found,) = rig.findings()
    gone = pair_record()
    gone.deleted = True
    rig.know(gone)
    rig.judge()
    (withdrawn,) = rig.findings()

    assert nothing == []
    assert (found.count, withdrawn.count, withdrawn.state) == (40, 0, 2)


def test_readings_of_nobody_s_plant_are_left_to_ingest(rig) -> None:
    """A meter without a plant is in no pair; nothing is kept of it here."""
    rig.push([item(KILN, day_start_s(DAY) // 60, 1.0, code="")])

    with rig.database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM meter_day")) == 0


def test_a_finding_over_two_days_shows_its_worst_day(rig) -> None:
    """Seventy minutes, then twenty on the next day: one finding, 90 minutes, 70 in a day."""
    rig.know(outlet_record(), pair_record())
    rig.push(history())
    late = curve(FAN, DAY, lambda m: 2.0 if 1300 <= m < 1370 else 90.0, step=5, use=2)
    early = curve(FAN, DAY + 1, lambda m: 2.0 if 100 <= m < 120 else 90.0, step=5, use=2)
    kiln = [one for day in (DAY, DAY + 1) for one in curve(KILN, day, lambda _: 900.0, step=5)]

    rig.push(late + early + kiln)
    (found,) = rig.findings()

    assert (found.count, found.count_today, found.count_7_days) == (90, 70, 90)
    assert "70分钟" in found.seen


def test_readings_of_each_minute_revise_a_finding_only_when_it_grows(rig) -> None:
    """An hour minute by minute, off for forty: told at fifteen, each five minutes, at its end."""
    rig.know(outlet_record(), pair_record(), order_record(first=10, hours=1))
    rig.push(history())
    start = day_start_s(DAY) // 60

    rig.push(curve(KILN, DAY, lambda _: 900.0, step=1, last=612))
    rig.push(curve(FAN, DAY, lambda m: 2.0 if m >= 600 else 90.0, step=1, use=2, last=612))
    for minute in range(612, 662):
        fan = 2.0 if 600 <= minute < 640 else 90.0
        rig.push([item(KILN, start + minute, 900.0), item(FAN, start + minute, fan, use=2)])
    told = [(e.rule_id, e.count, e.state) for e in rig.events()]

    off = [one[1:] for one in told if one[0] == "treatment_off"]
    assert off == [(n, 1) for n in (15, 20, 25, 30, 35, 40)]
    assert [one[1:] for one in told if one[0] == "order_not_met"] == [(1, 1)]
