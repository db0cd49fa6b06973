"""Things from outside between protobuf and values: records in, clues and maps out."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np

from services.chassis.clock import from_unix, to_timestamp
from services.chassis.errors import InputRejected
from services.chassis.pb.detect.v1 import outside_clue_pb2 as pb
from services.chassis.pb.ingest.v1 import outside_pb2
from services.chassis.pb.registry.v1 import registry_pb2
from services.detect.outside import records as rec
from services.detect.outside.cells import centre_of, sub_cell_of
from services.detect.outside.places import PlaceClue
from services.detect.outside.positions import NOWHERE, Point, located, unproject
from services.detect.outside.sign import OutsideSign, Wind
from services.detect.outside_store import VALUE, DayKey, DayRow, ItemRow

_DAY_S = 86_400
_EVENTS = {
    outside_pb2.EVENT_KIND_VEHICLE_GATE: "gate",
    outside_pb2.EVENT_KIND_VIDEO: "video",
    outside_pb2.EVENT_KIND_DRONE: "drone",
}
_STATIONS = {
    outside_pb2.STATION_KIND_MICRO: "micro",
    outside_pb2.STATION_KIND_TOWNSHIP: "township",
}
KINDS = {
    "hot_grid": pb.OUTSIDE_SIGN_KIND_HOT_GRID,
    "high_value": pb.OUTSIDE_SIGN_KIND_HIGH_VALUE,
    "bare_land": pb.OUTSIDE_SIGN_KIND_BARE_LAND,
    "satellite": pb.OUTSIDE_SIGN_KIND_SATELLITE,
    "drone": pb.OUTSIDE_SIGN_KIND_DRONE,
    "video": pb.OUTSIDE_SIGN_KIND_VIDEO,
    "vehicle_gate": pb.OUTSIDE_SIGN_KIND_VEHICLE_GATE,
    "fingerprint": pb.OUTSIDE_SIGN_KIND_FINGERPRINT,
    "complaint": pb.OUTSIDE_SIGN_KIND_COMPLAINT,
}
_CARBON_MONOXIDE = "a21005"
_NORMAL_FLAGS = ("", "N")


@dataclass
class Taken:
    """What a batch has for clues: packed days and single records, and the newest time by city."""

    days: dict[DayKey, DayRow] = field(default_factory=dict)
    items: list[ItemRow] = field(default_factory=list)
    newest: dict[str, int] = field(default_factory=dict)


def taken_of(batch: outside_pb2.OutsideBatch) -> Taken:
    """Records of a batch. Marks and electricity are others' business.

    Raises InputRejected for bytes that are no item.
    """
    taken = Taken()
    for entry in batch.entries:
        try:
            item = outside_pb2.OutsideItem.FromString(entry.raw)
        except ValueError as error:
            raise InputRejected("not an OutsideItem", batch_id=batch.batch_id) from error
        name = item.WhichOneof("item")
        if name in ("grid", "station"):
            _add_value(taken, entry, item, name)
        elif name in ("event", "complaint", "spot", "fingerprint"):
            _add_item(taken, entry, item, name)
    return taken


def _add_value(
    taken: Taken, entry: outside_pb2.OutsideEntry, item: outside_pb2.OutsideItem, name: str
) -> None:
    one = getattr(item, name)
    if name == "station" and one.flag not in _NORMAL_FLAGS:
        return
    city, start_s = entry.division[:4], one.start.seconds
    length_s = one.end.seconds - start_s
    kind = "grid" if name == "grid" else _STATIONS[one.station]
    subject, product = (one.cell, one.product) if name == "grid" else (one.station_id, "")
    value, unit = unified(one.pollutant, one.value, one.unit)
    series = "|".join([kind, subject, one.pollutant, product, str(length_s)])
    key = DayKey(city, start_s // _DAY_S, series)
    packed = np.array([(start_s, value)], VALUE).tobytes()
    place = item.place
    if key in taken.days:
        taken.days[key].body += packed
    else:
        taken.days[key] = DayRow(
            **key._asdict(), unit=unit,
            longitude=place.longitude if place.HasField("longitude") else math.nan,
            latitude=place.latitude if place.HasField("latitude") else math.nan,
            crs=place.crs, name=place.address, division=entry.division, body=packed,
        )  # fmt: skip
    taken.newest[city] = max(taken.newest.get(city, 0), start_s + length_s)


def unified(pollutant: str, value: float, unit: str) -> tuple[float, str]:
    """同一单位: CO in mg/m3, every other concentration in ug/m3; other units stay.

    >>> unified("a34004", 0.08, "mg/m3"), unified("a21005", 1200, "ug/m3"), unified("x", 3, "deg")
    ((80.0, 'ug/m3'), (1.2, 'mg/m3'), (3, 'deg'))
    """
    wanted = "mg/m3" if pollutant == _CARBON_MONOXIDE else "ug/m3"
    if unit not in ("ug/m3", "mg/m3") or unit == wanted:
        return value, unit
    return (value / 1000 if wanted == "mg/m3" else value * 1000), wanted


def _add_item(
    taken: Taken, entry: outside_pb2.OutsideEntry, item: outside_pb2.OutsideItem, name: str
) -> None:
    one, city, province = getattr(item, name), entry.division[:4], entry.division[:2]
    if name == "event" and one.HasField("vehicle"):
        # Whose lorry it is decides nothing here; who may see it finds it at ingest.
        one.vehicle.ClearField("plate")
    parts: dict[str, tuple[object, ...]] = {
        "event": (item.source, item.event.event, item.event.event_id),
        "complaint": (item.complaint.channel, item.complaint.complaint_id),
        "spot": (item.spot.product, item.spot.spot_id),
        "fingerprint": (item.source, item.fingerprint.sample_id),
    }
    at = {"event": "start", "complaint": "received_at", "spot": "overpass"}.get(name, "taken_at")
    at_s = getattr(one, at).seconds
    kind = "reference" if name == "fingerprint" and one.reference else name
    taken.items.append(
        ItemRow(
            city=city, key="|".join(map(str, (name, province, *parts[name]))), kind=kind, at_s=at_s,
            division=entry.division, credit_code=entry.credit_code, body=item.SerializeToString(),
        )
    )  # fmt: skip
    if kind != "reference":
        taken.newest[city] = max(taken.newest.get(city, 0), at_s)
    taken.newest.setdefault(city, at_s)


def series_of(rows: Sequence[DayRow], begin_s: int, end_s: int) -> tuple[rec.Series, ...]:
    """Series of packed days, ordered by series and day, cut to [begin, end)."""
    found = []
    for name, group in groupby(rows, key=lambda row: row.series):
        days = list(group)
        kind, subject, pollutant, product, length_s = name.split("|")
        values = np.concatenate([np.frombuffer(row.body, VALUE) for row in days])
        values = values[(values["start_s"] >= begin_s) & (values["start_s"] < end_s)]
        if not values.size:
            continue
        last = days[-1]
        point = located(last.longitude, last.latitude, last.crs)
        if kind == "grid" and not math.isfinite(point.x):
            point = centre_of(subject)
        found.append(
            rec.Series(
                subject=subject, kind=kind, pollutant=pollutant, unit=last.unit, product=product,
                point=point, name=last.name, division=last.division, length_s=int(length_s),
                start_s=values["start_s"].astype(np.int64), value=values["value"].astype(float),
            )
        )  # fmt: skip
    return tuple(found)


def single_of(rows: Iterable[ItemRow]) -> dict[str, list[Any]]:
    """Single records by kind: event, complaint, spot, fingerprint."""
    found: dict[str, list[Any]] = {name: [] for name in _READERS}
    for row in rows:
        item = outside_pb2.OutsideItem.FromString(row.body)
        name = item.WhichOneof("item") or ""
        found[name].append(_READERS[name](item, _head(row, item)))
    return found


def _head(row: ItemRow, item: outside_pb2.OutsideItem) -> dict[str, Any]:
    place = item.place
    point = NOWHERE
    if place.HasField("longitude"):
        point = located(place.longitude, place.latitude, place.crs)
    return {
        "key": row.key, "begin_s": row.at_s, "end_s": row.at_s + 1, "division": row.division,
        "credit_code": row.credit_code, "point": point, "address": place.address,
    }  # fmt: skip


def _event(item: outside_pb2.OutsideItem, head: dict[str, Any]) -> rec.Event:
    one = item.event
    if one.HasField("end"):
        head["end_s"] = max(head["end_s"], one.end.seconds)
    crs = item.place.crs or "CGCS2000"
    values = tuple(
        rec.Measured(
            v.pollutant, *unified(v.pollutant, v.value, v.unit), v.time.seconds or head["begin_s"],
            located(v.longitude, v.latitude, crs) if v.HasField("longitude") else NOWHERE,
        )
        for v in one.values
    )  # fmt: skip
    car = one.vehicle
    vehicle = rec.Pass(car.direction, car.emission_stage, car.fuel, car.load_t)
    return rec.Event(
        **head, media=len(one.media), kind=_EVENTS[one.event], type=one.type,
        device=one.device_id, mission=one.mission_id, text=one.text, vehicle=vehicle, values=values,
    )  # fmt: skip


def _complaint(item: outside_pb2.OutsideItem, head: dict[str, Any]) -> rec.Complaint:
    one = item.complaint
    return rec.Complaint(
        **head, media=len(one.media), category=one.category, accused=one.accused, text=one.text,
        channel=one.channel,
    )  # fmt: skip


def _spot(item: outside_pb2.OutsideItem, head: dict[str, Any]) -> rec.Spot:
    one, crs = item.spot, item.place.crs
    return rec.Spot(
        **head, indicator=one.indicator, product=one.product, unit=one.unit,
        value=one.value if one.HasField("value") else math.nan,
        area_m2=one.area_m2 if one.HasField("area_m2") else math.nan,
        outline=tuple(located(c.longitude, c.latitude, crs) for c in one.outline),
        valid_s=one.valid_until.seconds,
    )  # fmt: skip


def _fingerprint(item: outside_pb2.OutsideItem, head: dict[str, Any]) -> rec.Fingerprint:
    one = item.fingerprint
    ex, em = np.array(one.excitation_nm), np.array(one.emission_nm)
    return rec.Fingerprint(
        **head, sample=one.sample_id, reference=one.reference, excitation_nm=ex, emission_nm=em,
        intensity=np.array(one.intensity, dtype=float).reshape(len(ex), len(em)),
    )  # fmt: skip


_READERS: dict[str, Any] = {
    "event": _event,
    "complaint": _complaint,
    "spot": _spot,
    "fingerprint": _fingerprint,
}


def order_of(record: registry_pb2.Record) -> rec.Order:
    """管控指令 of the registry."""
    one = record.control_order
    return rec.Order(
        one.order_id, one.credit_code, one.measure, one.allowed_share, one.start.seconds,
        one.end.seconds, one.source,
    )  # fmt: skip


def clue_message(place: PlaceClue, names: dict[str, str]) -> pb.OutsideClue:
    """A clue without what only the store knows: id, revision, state, verdict."""
    message = pb.OutsideClue(
        place=place.key,
        division=place.division,
        credit_code=place.credit_code,
        name=names.get(place.credit_code, ""),
        medium=place.medium,
        start=to_timestamp(from_unix(place.begin_s)),
        end=to_timestamp(from_unix(place.end_s)),
        cell=sub_cell_of(place.point),
        score=place.score,
        reason=place.reason,
        families=place.families,
        signs=[sign_message(one) for one in place.signs],
        finding_ids=place.finding_ids,
    )
    if (point := point_message(place.point, place.radius_m)) is not None:
        message.point.CopyFrom(point)
    for one in place.candidates:
        message.candidates.add(
            credit_code=one.credit_code, name=names.get(one.credit_code, ""), share=one.share,
            distance_m=one.distance_m, reasons=one.reasons, finding_ids=one.finding_ids,
        )  # fmt: skip
    return message


def sign_message(one: OutsideSign) -> pb.OutsideSign:
    """A sign as it is told."""
    message = pb.OutsideSign(
        kind=KINDS[one.kind], start=to_timestamp(from_unix(one.begin_s)),
        end=to_timestamp(from_unix(one.end_s)), seen=one.seen, silenced_by=one.silenced_by,
        strength=one.strength, credit_code=one.credit_code, pollutant=one.pollutant,
        value=one.value, expected=one.expected, unit=one.unit, sources=one.sources,
    )  # fmt: skip
    if (point := point_message(one.point, one.radius_m)) is not None:
        message.point.CopyFrom(point)
    if (wind := wind_message(one.wind)) is not None:
        message.wind.CopyFrom(wind)
    return message


def point_message(point: Point, radius_m: float) -> pb.OutsidePoint | None:
    """A point in degrees; None for nowhere."""
    if not math.isfinite(point.x):
        return None
    longitude, latitude = unproject(point)
    return pb.OutsidePoint(longitude=longitude, latitude=latitude, radius_m=radius_m)


def wind_message(wind: Wind) -> pb.OutsideWind | None:
    """A wind that tells a direction; None else."""
    if not wind.known:
        return None
    return pb.OutsideWind(from_deg=wind.from_deg, speed_ms=wind.speed_ms)
