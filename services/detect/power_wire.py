"""Electricity between protobuf and values: readings, pairs, orders."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.chassis.errors import InputRejected
from services.chassis.pb.ingest.v1 import outside_pb2
from services.chassis.pb.registry.v1 import registry_pb2
from services.detect.domain.rule import day_hour
from services.detect.judgement.control_order import Order
from services.detect.judgement.electricity import Pair
from services.detect.judgement.meter_day import MeterDay, Reading, day_of
from services.detect.power_store import MeterDayKey, MeterRow

_END_OF_TIME = 2**31


@dataclass
class PlantReadings:
    """用电数据 of one plant out of a batch."""

    meters: dict[str, MeterRow] = field(default_factory=dict)
    readings: dict[MeterDayKey, list[Reading]] = field(default_factory=dict)

    def days(self) -> dict[MeterDayKey, MeterDay]:
        """Its readings by meter and day."""
        return {key: MeterDay.of(found) for key, found in self.readings.items()}


@dataclass(frozen=True)
class KnownPair:
    """产治对应 of the registry with the days it is in force, [since, until)."""

    pair: Pair
    since: int
    until: int


def plants_of(batch: outside_pb2.OutsideBatch) -> dict[str, PlantReadings]:
    """Electricity in a batch of things from outside, by plant.

    A reading that names no plant belongs to no pair and is left to ingest. Raises InputRejected
    for bytes that are no item.
    """
    plants: dict[str, PlantReadings] = {}
    for entry in batch.entries:
        try:
            item = outside_pb2.OutsideItem.FromString(entry.raw)
        except ValueError as error:
            raise InputRejected("not an OutsideItem", batch_id=batch.batch_id) from error
        if item.WhichOneof("item") == "electricity" and entry.credit_code:
            plant = plants.setdefault(entry.credit_code, PlantReadings())
            _add(plant, entry, item.electricity)
    return plants


def _add(
    plant: PlantReadings, entry: outside_pb2.OutsideEntry, one: outside_pb2.ElectricityReading
) -> None:
    time_s = one.time.seconds
    known = plant.meters.get(one.meter_id)
    if known is None or known.told_s < time_s:
        plant.meters[one.meter_id] = MeterRow(
            credit_code=entry.credit_code, meter_id=one.meter_id, use=one.use,
            facility=one.facility, told_s=time_s,
        )  # fmt: skip
    kwh = one.kwh if one.HasField("kwh") else math.nan
    reading = Reading(time_s, entry.received_at_us // 1_000_000, power_kw(one), kwh)
    plant.readings.setdefault(MeterDayKey(day_of(time_s), one.meter_id), []).append(reading)


def power_kw(one: outside_pb2.ElectricityReading) -> float:
    """有功功率 of all phases, kW; NaN where neither the meter nor every phase tells it.

    A phase without its power has U x I x cos(phi), where it tells all three.
    """
    if one.HasField("power_kw"):
        return one.power_kw
    return sum(map(_phase_kw, one.phases)) if one.phases else math.nan


def _phase_kw(phase: outside_pb2.PhaseValue) -> float:
    if phase.HasField("power_kw"):
        return phase.power_kw
    if all(map(phase.HasField, ("voltage_v", "current_a", "power_factor"))):  # type: ignore[arg-type]
        return phase.voltage_v * phase.current_a * phase.power_factor / 1000.0
    return math.nan


def pairs_of(records: Iterable[registry_pb2.Record]) -> dict[str, list[KnownPair]]:
    """产治对应 by plant, each plant's by id. The credit code stands before the outlet's code."""
    found: dict[str, list[KnownPair]] = {}
    for record in records:
        one = record.meter_pair
        pair = Pair(
            one.pair_id, one.outlet_id, one.name, tuple(one.production_meters),
            tuple(one.treatment_meters), one.treatment_logic or "all",
        )  # fmt: skip
        known = KnownPair(pair, _day(one.valid_from, 0), _day(one.valid_to, _END_OF_TIME))
        found.setdefault(one.outlet_id.partition("-")[0], []).append(known)
    return {code: sorted(pairs, key=lambda k: k.pair.pair_id) for code, pairs in found.items()}


def _day(text: str, otherwise: int) -> int:
    """Beijing day of an ISO date; the registry has checked it."""
    return (day_hour(text) + 8) // 24 if text else otherwise


def orders_of(records: Iterable[registry_pb2.Record]) -> dict[str, list[Order]]:
    """管控指令 by plant, each plant's by start."""
    found: dict[str, list[Order]] = {}
    for record in records:
        one = record.control_order
        order = Order(
            one.order_id, one.credit_code, one.level, one.measure, one.allowed_share,
            one.start.seconds // 60, -(-one.end.seconds // 60), tuple(one.meters), one.source,
        )  # fmt: skip
        found.setdefault(one.credit_code, []).append(order)
    return {
        code: sorted(orders, key=lambda o: (o.start_minute, o.order_id))
        for code, orders in found.items()
    }
