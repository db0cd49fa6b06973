"""Electricity of a plant on a real PostgreSQL without the bus: parts as a platform pushes them."""

import itertools
import math
import uuid

from sqlalchemy import select

from services.chassis.db import Database
from services.chassis.pb.detect.v1 import detect_pb2 as pb
from services.chassis.pb.ingest.v1 import outside_pb2
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.replica import apply_records
from services.chassis.tables import OutboxRow
from services.detect.app.directory import KINDS
from services.detect.app.judge_power import judge_next_plant
from services.detect.app.knowledge import Knowledge
from services.detect.app.power_desk import PowerDesk
from services.detect.app.take_electricity import note_records, take_electricity
from services.detect.judgement.meter_day import day_start_s
from services.detect.store import FindingRow

PLANT = "91130481FARX00099F"
OUTLET = f"{PLANT}-DA001"
DAY = 20_800
KILN, FAN = "kiln", "fan"
_REVISIONS = itertools.count(1)


def item(meter, minute, power=None, *, use=1, kwh=None, received=None, code=PLANT):
    """An entry of a batch: a reading at a unix minute."""
    reading = outside_pb2.ElectricityReading(
        meter_id=meter, use=use, facility=meter, power_kw=power, kwh=kwh
    )
    reading.time.seconds = minute * 60
    whole = outside_pb2.OutsideItem(electricity=reading, source="test")
    return outside_pb2.OutsideEntry(
        raw=whole.SerializeToString(), credit_code=code, division="130481",
        received_at_us=(received or minute * 60 + 7) * 1_000_000,
    )  # fmt: skip


def batch(entries):
    """A pushed request's event."""
    return outside_pb2.OutsideBatch(batch_id=str(uuid.uuid4()), entries=entries)


def curve(meter, day, power, *, step=15, use=1, first=0, last=1440):
    """A day's readings of power(minute)."""
    start = day_start_s(day) // 60
    made = ((m, power(m)) for m in range(first, last, step))
    return [item(meter, start + m, kw, use=use) for m, kw in made if not math.isnan(kw)]


def history(days=8, *, until=DAY, step=15):
    """Days of honest running before `until`."""
    return [
        one
        for day in range(until - days, until)
        for one in (
            *curve(KILN, day, lambda m: 900.0 + m % 7, step=step),
            *curve(FAN, day, lambda m: 90.0 + m % 3, step=step, use=2),
        )
    ]


def pair_record(pair_id="p1", production=(KILN,), treatment=(FAN,), **more):
    """The registry's record of a pair."""
    pair = registry.MeterPair(
        pair_id=pair_id, outlet_id=OUTLET, name="窑", production_meters=production,
        treatment_meters=treatment, **more,
    )  # fmt: skip
    return registry.Record(kind=registry.RECORD_KIND_METER_PAIR, key=pair_id, meter_pair=pair)


def order_record(order_id="o1", *, first, hours, share=0.5, day=DAY, meters=(KILN,)):
    """The registry's record of an order that begins at an hour of a day."""
    order = registry.ControlOrder(
        order_id=order_id, credit_code=PLANT, level="orange", measure="limit",
        allowed_share=share, meters=meters, source="冀气指办〔2026〕1号",
    )  # fmt: skip
    order.start.seconds = day_start_s(day) + first * 3600
    order.end.seconds = order.start.seconds + hours * 3600
    return registry.Record(
        kind=registry.RECORD_KIND_CONTROL_ORDER, key=order_id, control_order=order
    )


def outlet_record(outlet_id=OUTLET, division="130481"):
    """The registry's record of an outlet."""
    outlet = registry.Outlet(
        outlet_id=outlet_id, credit_code=outlet_id.partition("-")[0], division=division,
        medium="air", process="cement kiln",
    )  # fmt: skip
    return registry.Record(kind=registry.RECORD_KIND_OUTLET, key=outlet_id, outlet=outlet)


class PowerRig:
    """What one detect process does with electricity."""

    def __init__(self, url: str) -> None:
        self.database = Database(url, "detect")
        self.desk = PowerDesk(Knowledge())

    def know(self, *records) -> None:
        """Take registry records into the copy."""
        for record in records:
            record.revision = next(_REVISIONS)
        with self.database.transaction() as session:
            apply_records(session, records, KINDS)
            note_records(session, records)

    def take(self, entries) -> None:
        """Handle one batch as the service does."""
        with self.database.transaction() as session:
            take_electricity(session, batch(entries))

    def judge(self) -> int:
        """Judge whatever is due; gives the changed findings."""
        changed = 0
        while (found := judge_next_plant(self.database, self.desk)) is not None:
            changed += found
        return changed

    def push(self, entries) -> int:
        """Take and judge."""
        self.take(entries)
        return self.judge()

    def findings(self) -> list[pb.Finding]:
        """Findings as they stand."""
        with self.database.transaction() as session:
            order = FindingRow.rule_id, FindingRow.factor, FindingRow.begin_hour
            rows = session.scalars(select(FindingRow).order_by(*order))
            return [pb.Finding.FromString(row.body) for row in rows]

    def pictures(self) -> list[pb.Picture]:
        """Their pictures."""
        with self.database.transaction() as session:
            return [pb.Picture.FromString(r.picture) for r in session.scalars(select(FindingRow))]

    def events(self) -> list[pb.Finding]:
        """Findings told on the bus, oldest first."""
        with self.database.transaction() as session:
            rows = session.scalars(select(OutboxRow).order_by(OutboxRow.outbox_id))
            return [pb.FindingChanged.FromString(row.body).finding for row in rows]

    def close(self) -> None:
        """Let go of the database."""
        self.database.engine.dispose()
