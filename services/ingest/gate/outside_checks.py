"""外部线索校验: where an item is, and the first thing that is wrong with it, by field."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import isfinite
from typing import Any

from services.chassis.identity import Actor, can
from services.chassis.pb.ingest.v1 import outside_pb2 as pb
from services.ingest.gate.directory import Directory
from services.ingest.gate.push_checks import Fault, malformed, number_fault, stamp_fault, time_fault

ACTION = "outside.push"
#: [D] Films are kept elsewhere; what is pushed is a description with digests.
ITEM_BYTES = 64 * 1024
TEXT = 4000
#: [D] Points of a fluorescence spectrum: 60 x 200 wavelengths, 48 kB.
MOST_POINTS = 12_000
DIVISION = re.compile(r"[1-9]\d{5}")  # GB/T 2260
CREDIT_CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")  # GB 32100-2015
FACTOR = re.compile(r"[a-z]\d{5}")  # HJ 524-2009, HJ 525-2009, HJ 212 process parameters
#: domain.md H: 3 km cell of our Albers grid, sub-cell of 500 m with row and column 0..5.
CELL = re.compile(r"G3-(0|-?[1-9]\d{0,4})-(0|-?[1-9]\d{0,4})(-[0-5]{2})?")
#: Ids are parts of natural keys, which are joined with a bar.
IDENT = re.compile(r"[^\s|\x00-\x1f\x7f]{1,128}")
SYSTEMS = ("CGCS2000", "WGS84", "GCJ02")
SUBTYPES = {pb.MARK_FAMILY_MANUAL_VALUE: (1, 2), pb.MARK_FAMILY_NOT_MINE: (1, 2, 3)}
DIGEST_BYTES = 32

Faults = Iterator[Fault | None]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where an item belongs."""

    outlet_id: str
    division: str
    credit_code: str


@dataclass(frozen=True, slots=True)
class Moment:
    """The present, and how far ahead of it a clock may be."""

    now: datetime
    future: timedelta


def placed(actor: Actor, item: pb.OutsideItem, directory: Directory) -> Placed | Fault:
    """Where the item belongs, by its outlet or its division; a fault outside the jurisdiction."""
    place = item.place
    division, credit_code = place.division, place.credit_code
    if place.outlet_id:
        outlet = directory.outlet(place.outlet_id)
        if outlet is None:
            return Fault("place.outlet_id", "unknown_outlet", "the registry has no such outlet")
        if division not in ("", outlet.division):
            return malformed("place.division", f"the outlet is in {outlet.division}")
        if credit_code not in ("", outlet.credit_code):
            return malformed("place.credit_code", "the outlet is another enterprise's")
        division, credit_code = outlet.division, outlet.credit_code
    if not DIVISION.fullmatch(division):
        return malformed("place.division", "neither an outlet nor six digits (GB/T 2260)")
    if not can(actor, ACTION, division=division, enterprise_id=credit_code):
        return Fault("place.division", "forbidden", "outside your jurisdiction")
    return Placed(place.outlet_id, division, credit_code)


def item_fault(item: pb.OutsideItem, now: datetime, future: timedelta) -> Fault | None:
    """The first thing that is wrong with an item in itself, None when it is sound."""
    name = item.WhichOneof("item")
    if name is None:
        return malformed("item", "is missing")
    if item.ByteSize() > ITEM_BYTES:
        return Fault("", "too_large", f"more than {ITEM_BYTES} bytes")
    moment = Moment(now, future)
    body = getattr(item, name)
    for fault in (*_place(item.place), _text("source", item.source, 64)):
        if fault is not None:
            return fault
    for fault in _CHECKS[name](item, body, moment):
        if fault is not None:
            return Fault(f"{name}.{fault.field}", fault.reason, fault.detail)
    return None


def _place(place: pb.Place) -> Faults:
    yield _unless(
        not place.credit_code or CREDIT_CODE.fullmatch(place.credit_code),
        "place.credit_code",
        "not 18 signs of GB 32100-2015",
    )
    given = place.HasField("longitude"), place.HasField("latitude")
    yield _unless(len(set(given)) == 1, "place.latitude", "goes with the longitude")
    if any(given):
        yield number_fault("place.longitude", place.longitude, 73, 136)
        yield number_fault("place.latitude", place.latitude, 3, 54)
        yield _unless(place.crs in SYSTEMS, "place.crs", f"not one of {', '.join(SYSTEMS)}")
    yield _text("place.address", place.address, 200)


def _mark(item: pb.OutsideItem, mark: pb.Mark, moment: Moment) -> Faults:
    del moment  # a planned stop may be marked ahead
    yield _unless(item.place.outlet_id, "outlet_id", "a mark needs place.outlet_id")
    yield _ident("mark_id", mark.mark_id)
    yield _unless(1 <= mark.revision < 2**31, "revision", "not 1 or more")
    yield _choice("family", mark.family, pb.MarkFamily.values())
    allowed = SUBTYPES.get(mark.family, (0,))
    yield _unless(mark.subtype in allowed, "subtype", f"not one of {allowed} for this family")
    yield _choice("status", mark.status, pb.MarkStatus.values())
    yield from _period(mark)
    yield _unless(mark.reason.strip(), "reason", "is missing")
    yield _text("reason", mark.reason, TEXT)
    seen: set[str] = set()
    for place, factor in enumerate(mark.factors):
        yield _unless(FACTOR.fullmatch(factor), f"factors[{place}]", "no factor code (HJ 524/525)")
        yield _unless(factor not in seen, f"factors[{place}]", "comes twice")
        seen.add(factor)
    manual = mark.family == pb.MARK_FAMILY_MANUAL_VALUE
    yield _unless(
        bool(mark.manual_values) == manual, "manual_values", "go with family 3, 手工监测值"
    )
    for place, value in enumerate(mark.manual_values):
        field = f"manual_values[{place}]"
        yield _unless(FACTOR.fullmatch(value.factor), f"{field}.factor", "no factor code")
        yield _unless(isfinite(value.value), f"{field}.value", "is no number")
        yield stamp_fault(f"{field}.time", value.time, whole=False)
    for name in ("condition", "facility", "made_by", "rule_version"):
        yield _text(name, getattr(mark, name), 128)
    if mark.HasField("made_at"):
        yield stamp_fault("made_at", mark.made_at, whole=False)
    for place, proof in enumerate(mark.proof_ids):
        yield _ident(f"proof_ids[{place}]", proof)
    yield from _media("proofs", mark.proofs)


def _electricity(item: pb.OutsideItem, reading: pb.ElectricityReading, moment: Moment) -> Faults:
    del item
    yield _ident("meter_id", reading.meter_id)
    yield _choice("use", reading.use, pb.MeterUse.values())
    yield time_fault("time", reading.time, moment.now, moment.future)
    seen: set[str] = set()
    for place, phase in enumerate(reading.phases):
        field = f"phases[{place}]"
        yield _unless(phase.phase in ("A", "B", "C"), f"{field}.phase", "not A, B or C")
        yield _unless(phase.phase not in seen, f"{field}.phase", "comes twice")
        seen.add(phase.phase)
        yield from _optional(phase, field, "voltage_v", 0, 1e6)
        yield from _optional(phase, field, "current_a", -1e6, 1e6)
        yield from _optional(phase, field, "power_kw", -1e6, 1e6)
        yield from _optional(phase, field, "power_factor", -1, 1)
    yield from _optional(reading, "", "power_kw", -1e6, 1e6)
    yield from _optional(reading, "", "kwh", 0, 1e12)
    some = reading.phases or reading.HasField("power_kw") or reading.HasField("kwh")
    yield _unless(some, "kwh", "neither phases nor power nor register")


def _grid(item: pb.OutsideItem, value: pb.GridValue, moment: Moment) -> Faults:
    del item
    yield _unless(CELL.fullmatch(value.cell), "cell", "not G3-ix-iy or G3-ix-iy-rc")
    yield _ident("product", value.product)
    yield from _period_value(value, moment)


def _station(item: pb.OutsideItem, value: pb.StationValue, moment: Moment) -> Faults:
    del item
    yield _ident("station_id", value.station_id)
    yield _choice("station", value.station, pb.StationKind.values())
    yield from _period_value(value, moment)
    yield _unless(
        not value.flag or (len(value.flag) == 1 and value.flag.isascii()),
        "flag",
        "not one ASCII letter",
    )


def _event(item: pb.OutsideItem, event: pb.DeviceEvent, moment: Moment) -> Faults:
    yield _unless(item.source, "source", "an event needs the item's source: it is part of its key")
    yield _unless(IDENT.fullmatch(item.source), "source", "spaces and bars are not allowed")
    yield _ident("event_id", event.event_id)
    yield _choice("event", event.event, pb.EventKind.values())
    yield _ident("device_id", event.device_id)
    yield time_fault("start", event.start, moment.now, moment.future, whole=False)
    if event.HasField("end"):
        yield stamp_fault("end", event.end, whole=False)
        yield _unless(_at(event.end) >= _at(event.start), "end", "before the start")
    yield _text("text", event.text, TEXT)
    gate = event.event == pb.EVENT_KIND_VEHICLE_GATE
    yield _unless(event.HasField("vehicle") == gate, "vehicle", "goes with a vehicle gate")
    if gate:
        yield _unless(
            event.vehicle.direction in ("in", "out"), "vehicle.direction", "not in or out"
        )
        yield _unless(event.vehicle.emission_stage <= 9, "vehicle.emission_stage", "not 0..9")
        yield from _optional(event.vehicle, "vehicle", "load_t", 0, 1000)
    yield from _media("media", event.media)
    for place, value in enumerate(event.values):
        field = f"values[{place}]"
        yield _ident(f"{field}.pollutant", value.pollutant)
        yield _unless(isfinite(value.value), f"{field}.value", "is no number")
        yield _unless(value.unit, f"{field}.unit", "is missing")


def _complaint(item: pb.OutsideItem, complaint: pb.Complaint, moment: Moment) -> Faults:
    del item
    yield _ident("complaint_id", complaint.complaint_id)
    yield _ident("channel", complaint.channel)
    yield time_fault("received_at", complaint.received_at, moment.now, moment.future, whole=False)
    yield _ident("category", complaint.category)
    yield _unless(complaint.text.strip() or complaint.media, "text", "neither text nor media")
    yield _text("text", complaint.text, TEXT)
    yield _text("accused", complaint.accused, 200)
    yield from _media("media", complaint.media)


def _spot(item: pb.OutsideItem, spot: pb.SatelliteSpot, moment: Moment) -> Faults:
    yield _ident("product", spot.product)
    yield _ident("spot_id", spot.spot_id)
    yield time_fault("overpass", spot.overpass, moment.now, moment.future, whole=False)
    if spot.HasField("valid_until"):
        yield stamp_fault("valid_until", spot.valid_until, whole=False)
        yield _unless(_at(spot.valid_until) > _at(spot.overpass), "valid_until", "not after it")
    yield _ident("indicator", spot.indicator)
    yield from _optional(spot, "", "value", -1e30, 1e30)
    yield from _optional(spot, "", "area_m2", 0, 1e12)
    located = item.place.HasField("longitude") or len(spot.outline) >= 3
    yield _unless(located, "outline", "neither a position nor three corners")
    for place, corner in enumerate(spot.outline):
        yield number_fault(f"outline[{place}].longitude", corner.longitude, 73, 136)
        yield number_fault(f"outline[{place}].latitude", corner.latitude, 3, 54)
    yield _unless(
        not spot.outline or item.place.crs in SYSTEMS,
        "outline",
        "needs place.crs, its coordinate system",
    )


def _fingerprint(item: pb.OutsideItem, one: pb.WaterFingerprint, moment: Moment) -> Faults:
    yield _unless(item.source, "source", "a fingerprint needs the item's source: part of its key")
    yield _unless(IDENT.fullmatch(item.source), "source", "spaces and bars are not allowed")
    yield _ident("sample_id", one.sample_id)
    yield time_fault("taken_at", one.taken_at, moment.now, moment.future, whole=False)
    for name in ("excitation_nm", "emission_nm"):
        waves = getattr(one, name)
        growing = all(a < b for a, b in pairwise(waves))
        yield _unless(len(waves) >= 2 and growing, name, "not two and more, growing")
        sound = all(150 <= wave <= 1100 for wave in waves)
        yield _unless(sound, name, "not wavelengths in nm, 150 to 1100")
    points = len(one.excitation_nm) * len(one.emission_nm)
    yield _unless(points <= MOST_POINTS, "intensity", f"more than {MOST_POINTS} points")
    yield _unless(len(one.intensity) == points, "intensity", f"not one a point: {points}")
    known = item.place.outlet_id or item.place.credit_code
    yield _unless(known or not one.reference, "reference", "needs the enterprise in its place")
    yield _text("unit", one.unit, 16)
    yield _text("instrument", one.instrument, 200)
    yield from _media("media", one.media)


def _period_value(value: pb.GridValue | pb.StationValue, moment: Moment) -> Faults:
    yield _ident("pollutant", value.pollutant)
    yield _unless(isfinite(value.value), "value", "is no number")
    yield _unless(value.unit, "unit", "is missing")
    yield time_fault("start", value.start, moment.now, moment.future)
    yield from _period(value)


def _period(body: Any) -> Faults:
    for name in ("start", "end"):
        yield stamp_fault(name, getattr(body, name))
    yield _unless(body.start.seconds < body.end.seconds, "end", "not after the start")


def _media(field: str, media: Any) -> Faults:
    for place, one in enumerate(media):
        path = f"{field}[{place}]"
        yield _ident(f"{path}.media_id", one.media_id)
        yield _unless(one.type.count("/") == 1, f"{path}.type", "no media type, as image/jpeg")
        yield _unless(one.size > 0, f"{path}.size", "is missing")
        for name in ("sm3", "sha256"):
            digest = getattr(one, name)
            yield _unless(len(digest) in (0, DIGEST_BYTES), f"{path}.{name}", "not 32 bytes")
        yield _unless(one.sm3 or one.sha256, f"{path}.sm3", "neither SM3 nor SHA-256")
        yield _text(f"{path}.uri", one.uri, 2000)


def _optional(body: Any, field: str, name: str, low: float, high: float) -> Faults:
    if body.HasField(name):
        path = f"{field}.{name}" if field else name
        yield number_fault(path, getattr(body, name), low, high)


def _at(stamp: Any) -> tuple[int, int]:
    return stamp.seconds, stamp.nanos


def _unless(ok: object, field: str, detail: str) -> Fault | None:
    return None if ok else malformed(field, detail)


def _ident(field: str, text: str) -> Fault | None:
    return _unless(IDENT.fullmatch(text), field, "not 1 to 128 characters without spaces and bars")


def _choice(field: str, value: int, known: Any) -> Fault | None:
    return _unless(value and value in known, field, "unspecified or unknown")


def _text(field: str, text: str, most: int) -> Fault | None:
    if "\0" in text:
        return malformed(field, "holds a NUL character")
    return _unless(len(text) <= most, field, f"longer than {most} characters")


_CHECKS: dict[str, Callable[[pb.OutsideItem, Any, Moment], Faults]] = {
    "mark": _mark,
    "electricity": _electricity,
    "grid": _grid,
    "station": _station,
    "event": _event,
    "complaint": _complaint,
    "spot": _spot,
    "fingerprint": _fingerprint,
}
