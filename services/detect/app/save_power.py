"""Saves findings of electricity with their pictures, and records their events."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy.orm import Session

from services.chassis.clock import from_unix, to_timestamp
from services.chassis.outbox import record_event
from services.chassis.pb.detect.v1 import detect_pb2 as pb
from services.detect import store, wire
from services.detect.app.plant_power import PlantPower
from services.detect.app.power_desk import PowerDesk
from services.detect.domain.describe import withdrawn_text
from services.detect.domain.power_findings import Told, tell_order, tell_pair
from services.detect.domain.reconcile import Kept
from services.detect.domain.rule import Rule
from services.detect.judgement.control_order import Order
from services.detect.judgement.electricity import threshold_kw
from services.detect.power_picture import order_picture, pair_picture
from services.detect.power_wire import KnownPair


class Finding(NamedTuple):
    """A finding that changed, and what it is about; None = that is no longer registered."""

    kept: Kept
    about: KnownPair | Order | None


def save_power(
    session: Session, desk: PowerDesk, plant: PlantPower, changed: Sequence[Finding]
) -> int:
    """Write rows and outbox; gives the number of findings."""
    standing = store.rows_by_id(session, [one.kept.finding_id for one in changed])
    rows = []
    for one in changed:
        before = standing.get(one.kept.finding_id)
        message, picture = _message(desk, plant, one, before)
        rows.append(_row(desk, one.kept, message, picture, before))
        whole = pb.Finding()
        whole.CopyFrom(message)
        whole.picture.CopyFrom(picture)
        record_event(session, pb.FindingChanged(finding=whole))
    store.save_findings(session, rows)
    return len(rows)


def _message(
    desk: PowerDesk, plant: PlantPower, one: Finding, before: store.FindingRow | None
) -> tuple[pb.Finding, pb.Picture]:
    kept, about = one
    book = desk.known.book
    if before is not None and (about is None or not len(kept.hits)):
        message = wire.withdrawn_message(before.body, kept, withdrawn_text(kept, book))
        return message, pb.Picture.FromString(before.picture)
    assert about is not None
    rule = book.at(kept.key.rule_id, int(kept.hits["slot"][-1]))
    day = (kept.end - 1 + 8) // 24
    power = desk.rule(kept.key.outlet_id, day)
    if isinstance(about, Order):
        told = tell_order(kept, rule, power, about)
        _, hours = plant.order_hours(about, desk.records.orders(plant.credit_code), power)
        picture = order_picture(hours)
    else:
        pair = about.pair
        levels = {
            name: threshold_kw(plant.own(name, day, power), power, production=production)
            for names, production in ((pair.production, True), (pair.treatment, False))
            for name in names
        }
        told = tell_pair(kept, rule, power, pair, levels)
        picture = pair_picture(plant, pair, power, told)
    return _finding(desk, kept, rule, told), picture


def _finding(desk: PowerDesk, kept: Kept, rule: Rule, told: Told) -> pb.Finding:
    outlet = desk.known.directory.outlet(kept.key.outlet_id)
    message = pb.Finding(
        finding_id=kept.finding_id,
        revision=kept.revision,
        outlet_id=kept.key.outlet_id,
        rule_id=rule.id,
        rule_version=rule.version,
        start=to_timestamp(from_unix(told.start_s)),
        end=to_timestamp(from_unix(told.end_s)),
        state=wire.state_of(kept.open),
        statistic_name=rule.statistic,
        statistic=told.statistic,
        threshold=told.threshold,
        unit=rule.statistic_unit or "",
        seen=told.seen,
        silenced_by=told.silenced_by,
        legal_basis=pb.LegalBasis(**rule.legal_basis.__dict__),
        limit_value=math.nan,
        count=told.count,
        count_today=told.count_today,
        count_7_days=told.count_7_days,
        peak_multiple=math.nan,
        confidential=kept.confidential,
        family=rule.family,
        hours_s=[int(slot) * 3600 for slot in np.asarray(kept.hits["slot"])],
        division=outlet.division if outlet else "",
    )
    message.facts.update(told.facts | ({"reason": kept.reason} if kept.reason else {}))
    return message


def _row(
    desk: PowerDesk,
    kept: Kept,
    message: pb.Finding,
    picture: pb.Picture,
    before: store.FindingRow | None,
) -> store.FindingRow:
    outlet = desk.known.directory.outlet(kept.key.outlet_id)
    gone = before is not None and not len(kept.hits)
    return store.FindingRow(
        finding_id=kept.finding_id,
        outlet_id=kept.key.outlet_id,
        rule_id=kept.key.rule_id,
        factor=kept.key.factor,
        revision=kept.revision,
        open=kept.open,
        begin_hour=before.begin_hour if gone and before else kept.begin,
        end_hour=before.end_hour if gone and before else kept.end,
        division=outlet.division if outlet else "",
        credit_code=kept.key.outlet_id.partition("-")[0],
        confidential=kept.confidential,
        hits=kept.hits.tobytes(),
        body=message.SerializeToString(),
        picture=picture.SerializeToString(),
        inputs=kept.inputs,
    )
