"""Judges plants whose electricity changed, and saves findings that are not what they were."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from services.chassis.db import Database
from services.detect import power_store as store
from services.detect.app.plant_power import PlantPower
from services.detect.app.power_desk import PowerDesk
from services.detect.app.save_power import Finding, save_power
from services.detect.domain.digest import Input, inputs_text
from services.detect.domain.hits import NO_HITS, Hits
from services.detect.domain.judge import FindingKey
from services.detect.domain.power_findings import (
    ORDER_NOT_MET,
    POWER_RULES,
    TREATMENT_IDLE,
    TREATMENT_OFF,
    minutes_of,
    order_hits,
    settled,
    span_hits,
)
from services.detect.domain.reconcile import Kept, Look, reconcile
from services.detect.domain.rule import RuleBook
from services.detect.judgement.control_order import Order
from services.detect.judgement.electricity import PairResult, judge_pair
from services.detect.judgement.parameters import PowerRule
from services.detect.power_wire import KnownPair

#: Days before the judged ones in which a finding may lie that they continue.
_MARGIN_DAYS = 3
_BEGINNING = -(2**40)


@dataclass(frozen=True)
class Looked:
    """One key of a plant: what was found of it, in which hours."""

    key: FindingKey
    hits: Hits
    since: int
    until: int
    about: KnownPair | Order


def judge_next_plant(database: Database, desk: PowerDesk) -> int | None:
    """Judge one plant that is due; gives the findings that changed, None where none is due.

    Readings, pairs, orders and packs decide what is said: the same in any order and repetition.
    """
    with database.transaction() as session:
        due = store.take_due(session)
        if due is None:
            return None
        desk.refresh(session)
        return judge_plant(session, desk, *due)


def judge_plant(session: Session, desk: PowerDesk, credit_code: str, since: int) -> int:
    """Judge a plant's pairs and orders from a Beijing day on."""
    stored = store.days_of_plant(session, credit_code)
    if stored is None:
        return 0
    since, newest = max(since, stored[0] - 1), stored[1]
    plant = desk.plant(session, credit_code, since, newest + 1)
    horizon = (since - _MARGIN_DAYS) * 24 - 8
    kept = store.kept_of_plant(session, credit_code, POWER_RULES, horizon, always=ORDER_NOT_MET)
    until = newest * 24 - 8 + plant.newest_minute(newest) // 60 + 1
    looked = {one.key: one for one in _looks(plant, desk, until)}
    gone = {one.key for one in kept} - looked.keys() - set(_order_keys(plant, desk))
    changed = [
        Finding(now, looked[key].about if key in looked else None)
        for key in sorted(looked.keys() | gone)
        for now in _changed(desk.known.book, plant, key, looked.get(key), kept, until)
    ]
    return save_power(session, desk, plant, changed)


def _changed(  # noqa: PLR0917 - all that one key rests on
    book: RuleBook,
    plant: PlantPower,
    key: FindingKey,
    looked: Looked | None,
    kept: list[Kept],
    until: int,
) -> list[Kept]:
    """Findings of one key that are not what they were; what is not registered is withdrawn."""
    if not book.versions(key.rule_id):
        return []
    mine = [one for one in kept if one.key == key]
    since = looked.since if looked else _BEGINNING
    hits = looked.hits if looked else NO_HITS
    rule = book.at(key.rule_id, until)
    look = Look(rule, since, until, lambda found: _inputs(plant, looked, found))
    return reconcile(key, mine, hits, look)


def _looks(plant: PlantPower, desk: PowerDesk, until: int) -> Iterator[Looked]:
    """Everything that is registered for the plant."""
    since = plant.first * 24 - 8
    for known in desk.records.pairs(plant.credit_code):
        off: list[Hits] = []
        idle: list[Hits] = []
        for day, result, rule in pair_days(plant, desk, known):
            passed = result.passed_minutes
            off.append(span_hits(day, settled(result.unprotected, passed), rule.warning_minutes))
            idle.append(span_hits(day, settled(result.idle, passed), rule.idle_minutes))
        for rule_id, hits in ((TREATMENT_OFF, off), (TREATMENT_IDLE, idle)):
            key = FindingKey(known.pair.outlet_id, rule_id, known.pair.pair_id)
            yield Looked(key, _in_force(desk, rule_id, hits), since, until, known)
    orders = desk.records.orders(plant.credit_code)
    outlet_id = desk.outlet_of_plant(plant.credit_code)
    newest = plant.end - 1
    whole = newest * 24 - 8 + (plant.newest_minute(newest) + 1) // 60  # hours that have passed
    for order in orders:
        start, end = order.start_minute // 60, -(-order.end_minute // 60)
        if end > since and start < until and outlet_id:
            rule = desk.rule(outlet_id, (start + 8) // 24)
            _, hours = plant.order_hours(order, orders, rule)
            ended = [one for one in hours if one.hour < whole]
            over = _in_force(desk, ORDER_NOT_MET, [order_hits(ended, rule)])
            key = FindingKey(outlet_id, ORDER_NOT_MET, order.order_id)
            yield Looked(key, over, start, until, order)


def _order_keys(plant: PlantPower, desk: PowerDesk) -> Iterator[FindingKey]:
    """Keys of all orders of a plant, those that are not looked at now as well."""
    outlet_id = desk.outlet_of_plant(plant.credit_code)
    for order in desk.records.orders(plant.credit_code):
        yield FindingKey(outlet_id, ORDER_NOT_MET, order.order_id)


def pair_days(
    plant: PlantPower, desk: PowerDesk, known: KnownPair
) -> Iterator[tuple[int, PairResult, PowerRule]]:
    """产治研判 of a pair: each day in which it is in force."""
    names = (*known.pair.production, *known.pair.treatment)
    for day in range(max(plant.first, known.since), min(plant.end, known.until)):
        rule = desk.rule(known.pair.outlet_id, day)
        meters = {name: plant.meter(name, day, rule) for name in names}
        yield day, judge_pair(known.pair, meters, rule), rule


def _in_force(desk: PowerDesk, rule_id: str, parts: list[Hits]) -> Hits:
    """Hits in the hours in which some version of the rule is in force."""
    hits: Hits = np.concatenate([NO_HITS, *parts])
    inside = np.zeros(len(hits), dtype=bool)
    for rule in desk.known.book.versions(rule_id):
        inside |= (hits["slot"] >= rule.first_hour) & (hits["slot"] < rule.end_hour)
    return np.sort(hits[inside], order="slot")


def _inputs(plant: PlantPower, looked: Looked | None, hits: Hits) -> str:
    """疑似问题的输入: what is registered, and the readings of the minutes of its hits."""
    if looked is None or not len(hits):
        return ""
    about = looked.about
    if isinstance(about, KnownPair):
        name, meters = about.pair.pair_id, (*about.pair.production, *about.pair.treatment)
    else:
        name, meters = about.order_id, about.meters or plant.production_meters()
    found = [Input("facts", name, hashlib.sha256(repr(about).encode()).digest())]
    for meter in meters:
        whole = hashlib.sha256()
        for hit in hits:
            day, hour = divmod(int(hit["slot"]) + 8, 24)
            minutes = minutes_of(hit) if isinstance(about, KnownPair) else (0, 60)
            cells = plant.day(meter, day).cells[hour * 60 + minutes[0] : hour * 60 + minutes[1]]
            whole.update(cells.tobytes())
        found.append(Input("readings", meter, whole.digest()))
    return inputs_text(found)
