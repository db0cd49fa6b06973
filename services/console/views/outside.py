"""外部线索: an item from outside as one line of a table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.chassis.pb.ingest.v1 import outside_pb2 as pb
from services.console.views.factors import factor_of
from services.console.views.numbers import number, unit_text

#: Kind by the key of addresses and catalogue, and the right it needs (services/ingest).
KINDS = {
    "mark": (pb.OUTSIDE_KIND_MARK, "outside.own"),
    "electricity": (pb.OUTSIDE_KIND_ELECTRICITY, "outside.own"),
    "grid": (pb.OUTSIDE_KIND_GRID, "outside.read"),
    "station": (pb.OUTSIDE_KIND_STATION, "outside.read"),
    "event": (pb.OUTSIDE_KIND_EVENT, "outside.read"),
    "complaint": (pb.OUTSIDE_KIND_COMPLAINT, "complaints.read"),
    "spot": (pb.OUTSIDE_KIND_SPOT, "outside.read"),
    "fingerprint": (pb.OUTSIDE_KIND_FINGERPRINT, "outside.read"),
}
#: How a mark's status looks: a class of `.tag`.
TONES = {"1": "good", "2": "bad", "3": ""}

Word = Callable[[str, str], str]


@dataclass(frozen=True)
class Line:
    """One item: when, what, where, what was measured or said; `status` is a mark's."""

    kind: str
    at: Timestamp
    until: Timestamp | None
    title: str
    detail: str
    value: str
    status: str
    media: int
    version: int
    outlet_id: str
    division: str
    address: str
    sm3: str


def line_of(record: pb.OutsideRecord, word: Word, language: str) -> Line:
    """Write an item for people in their language."""
    item = record.item
    kind = item.WhichOneof("item") or ""
    body = getattr(item, kind)
    title, detail, value = _WRITERS[kind](body, word, language)
    ends = kind in ("mark", "grid", "station") or (kind == "event" and body.HasField("end"))
    return Line(
        kind=kind,
        at=record.at,
        until=body.end if ends else None,
        title=title,
        detail=detail,
        value=value,
        status=str(body.status) if kind == "mark" else "",
        media=len(body.media) if kind in ("event", "complaint") else 0,
        version=record.version,
        outlet_id=item.place.outlet_id,
        division=record.division,
        address=item.place.address,
        sm3=record.sm3.hex(),
    )


def _mark(mark: pb.Mark, word: Word, language: str) -> tuple[str, str, str]:
    factors = "、".join(factor_of(code).name(language) for code in mark.factors)
    where = [mark.facility, word("mark_condition", mark.condition), factors]
    title = word("mark_family", str(mark.family))
    return title, mark.reason, " · ".join(part for part in where if part)


def _electricity(reading: pb.ElectricityReading, word: Word, _: str) -> tuple[str, str, str]:
    found = []
    if reading.HasField("power_kw"):
        found.append(f"{number(reading.power_kw)} kW")
    if reading.HasField("kwh"):
        found.append(f"{number(reading.kwh)} kWh")
    found += [
        f"{phase.phase} {number(phase.current_a)} A"
        for phase in reading.phases
        if phase.HasField("current_a")
    ]
    title = f"{word('meter_use', str(reading.use))} {reading.facility}".strip()
    return title, reading.meter_id, " · ".join(found)


def _grid(value: pb.GridValue, _: Word, language: str) -> tuple[str, str, str]:
    return value.cell, value.product, _measured(value, language)


def _station(value: pb.StationValue, word: Word, language: str) -> tuple[str, str, str]:
    kind = word("station_kind", str(value.station))
    return f"{kind} {value.station_id}", "", _measured(value, language)


def _event(event: pb.DeviceEvent, word: Word, language: str) -> tuple[str, str, str]:
    vehicle = event.vehicle
    said = [vehicle.plate, word("direction", vehicle.direction)] if vehicle.direction else []
    measured = "、".join(_measured(value, language) for value in event.values)
    title = word("event_kind", str(event.event))
    detail = " · ".join(part for part in (event.type, event.text, *said) if part)
    return f"{title} {event.device_id}", detail, measured


def _complaint(complaint: pb.Complaint, word: Word, _: str) -> tuple[str, str, str]:
    title = f"{complaint.channel} {word('complaint_category', complaint.category)}"
    return f"{title} {complaint.accused}".strip(), complaint.text, ""


def _spot(spot: pb.SatelliteSpot, _: Word, __: str) -> tuple[str, str, str]:
    found = [f"{spot.value:.4g} {spot.unit}"] if spot.HasField("value") else []
    if spot.HasField("area_m2"):
        found.append(f"{number(spot.area_m2)} m²")
    return spot.indicator, f"{spot.product} {spot.satellite}".strip(), " · ".join(found)


def _fingerprint(one: pb.WaterFingerprint, word: Word, _: str) -> tuple[str, str, str]:
    points = f"{len(one.excitation_nm)} × {len(one.emission_nm)} nm"
    return one.sample_id, word("fingerprint", "reference" if one.reference else "sample"), points


def _measured(value: Any, language: str) -> str:
    name = factor_of(value.pollutant).name(language)
    return f"{name} {number(value.value)} {unit_text(value.unit)}"


_WRITERS: dict[str, Callable[[Any, Word, str], tuple[str, str, str]]] = {
    "mark": _mark,
    "electricity": _electricity,
    "grid": _grid,
    "station": _station,
    "event": _event,
    "complaint": _complaint,
    "spot": _spot,
    "fingerprint": _fingerprint,
}
