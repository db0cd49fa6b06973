"""Keeps the meter readings of a batch from outside, and notes which plants are to be judged."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from services.chassis.pb.detect.v1 import pack_pb2
from services.chassis.pb.ingest.v1 import outside_pb2
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.detect import power_store as store
from services.detect import power_wire as wire
from services.detect.app.power_desk import day_number

#: A pair or order that changes is judged again so many days back: own levels need the last thirty;
#: what was said earlier stays as it was said.
AGAIN_DAYS = 62


def take_electricity(session: Session, batch: outside_pb2.OutsideBatch) -> int:
    """Merge readings into their meters' days; gives the number of days that changed.

    In any order and repetition the same is kept. A day rests on its neighbours, so the one before
    the earliest changed one is judged again too.
    """
    plants = wire.plants_of(batch)
    store.lock_plants(session, plants)
    count = 0
    for code, plant in sorted(plants.items()):
        store.keep_meters(session, plant.meters.values())
        changed = store.merge_days(session, code, plant.days())
        if changed:
            store.make_due(session, code, min(changed) - 1)
            count += len(changed)
    return count


def note_records(session: Session, records: Iterable[registry.Record]) -> None:
    """Judge plants again whose pairs or orders changed, as far back as `AGAIN_DAYS`."""
    codes = set()
    for record in records:
        if record.kind == registry.RECORD_KIND_METER_PAIR:
            codes.add(record.meter_pair.outlet_id.partition("-")[0])
        elif record.kind == registry.RECORD_KIND_CONTROL_ORDER:
            codes.add(record.control_order.credit_code)
    for code in sorted(codes):
        judge_again(session, code)


def judge_again(session: Session, credit_code: str) -> None:
    """Note a plant for judging from `AGAIN_DAYS` before its newest day on."""
    stored = store.days_of_plant(session, credit_code)
    if stored is not None:
        store.make_due(session, credit_code, stored[1] - AGAIN_DAYS)


def note_packs(session: Session, event: pack_pb2.PackActivated) -> None:
    """启用: every plant is judged again from the first day that the newest decision applies to."""
    newest = max(event.timeline, key=lambda one: one.activated_at.ToNanoseconds(), default=None)
    since = day_number(newest.applies_from) if newest else 0
    for code in store.plants_with_meters(session):
        store.make_due(session, code, since)
