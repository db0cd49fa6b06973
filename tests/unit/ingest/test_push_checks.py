"""What is taken from outside and what is refused, by field; and what a repetition is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from gmssl_pyx import sm3_hash
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.identity import Actor, Role
from services.chassis.pb.ingest.v1 import ingest_pb2, outside_pb2
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.ingest.domain.outside import judge
from services.ingest.gate.directory import Directory
from services.ingest.gate.outside_checks import Placed, item_fault, placed
from services.ingest.gate.push_checks import Fault, reading_fault
from services.ingest.outside_wire import record_from

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
FUTURE = timedelta(minutes=10)
PLATFORM = Actor("p", Role.PLATFORM, division="130000")
CREDIT = "91130402MA0GATE12L"
OUTLET = f"{CREDIT}-DA001"
SECOND = int(NOW.timestamp()) - 7200


def directory() -> Directory:
    """One outlet."""
    made = Directory()
    body = registry.Outlet(outlet_id=OUTLET, credit_code=CREDIT, division="130402")
    kind = registry.RECORD_KIND_OUTLET
    made.apply([registry.Record(kind=kind, key=OUTLET, revision=1, outlet=body)])
    return made


HOUSE = directory()
PERIOD = {"start": {"seconds": SECOND}, "end": {"seconds": SECOND + 3600}}
MEDIA = {"media_id": "m", "type": "video/mp4", "size": 7, "sm3": b"\1" * 32}
SOUND: dict[str, dict[str, Any]] = {
    "mark": {
        **PERIOD,
        "mark_id": "m1",
        "revision": 1,
        "family": 2,
        "status": 1,
        "reason": "校准",
        "factors": ["a21026", "a21002"],
        "proofs": [MEDIA],
    },
    "electricity": {
        "meter_id": "e1",
        "use": 2,
        "time": {"seconds": SECOND},
        "phases": [{"phase": "A", "current_a": 3.5}],
        "kwh": 17.5,
    },
    "grid": {
        **PERIOD,
        "cell": "G3--12-345-05",
        "pollutant": "a34004",
        "value": 80.5,
        "unit": "ug/m3",
        "product": "p",
    },
    "station": {
        **PERIOD,
        "station_id": "s1",
        "station": 1,
        "pollutant": "a34004",
        "value": 5,
        "unit": "ug/m3",
        "flag": "N",
    },
    "event": {
        "event_id": "v1",
        "event": 1,
        "device_id": "gate-1",
        "start": {"seconds": SECOND, "nanos": 5},
        "vehicle": {"plate": "冀D00000", "direction": "in", "emission_stage": 5},
        "media": [MEDIA],
    },
    "complaint": {
        "complaint_id": "c1",
        "channel": "12369",
        "received_at": {"seconds": SECOND},
        "category": "odour",
        "text": "异味",
    },
    "spot": {
        "spot_id": "x1",
        "product": "voc",
        "overpass": {"seconds": SECOND},
        "indicator": "HCHO",
        "area_m2": 12_000,
        "outline": [{"longitude": 114 + n / 10, "latitude": 36.0 + n * n} for n in range(3)],
    },
    "fingerprint": {
        "sample_id": "w1",
        "taken_at": {"seconds": SECOND},
        "reference": True,
        "excitation_nm": [250, 260],
        "emission_nm": [300, 310, 320],
        "intensity": [1, 2, 3, 4, 5, float("nan")],
    },
}


def item(name: str, **changes: Any) -> outside_pb2.OutsideItem:
    """A sound item of a kind, changed."""
    return outside_pb2.OutsideItem(
        place=outside_pb2.Place(outlet_id=OUTLET, crs="CGCS2000"),
        source="test",
        **{name: {**SOUND[name], **changes}},  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_item_of_each_kind_is_taken(name: str) -> None:
    """So that the refusals below are about what they change."""
    assert item_fault(item(name), NOW, FUTURE) is None
    assert placed(PLATFORM, item(name), HOUSE) == Placed(OUTLET, "130402", CREDIT)


@pytest.mark.parametrize(
    ("name", "changes", "field"),
    [
        ("mark", {"family": 9}, "mark.family"),
        ("mark", {"subtype": 1}, "mark.subtype"),
        ("mark", {"family": 4}, "mark.subtype"),
        ("mark", {"family": 3, "subtype": 1}, "mark.manual_values"),
        ("mark", {"factors": ["a21026", "S02"]}, "mark.factors[1]"),
        ("mark", {"factors": ["a21026", "a21026"]}, "mark.factors[1]"),
        ("mark", {"end": {"seconds": SECOND}}, "mark.end"),
        ("mark", {"end": {"seconds": 2**40}}, "mark.end"),
        ("mark", {"reason": "  "}, "mark.reason"),
        ("mark", {"reason": "a\0b"}, "mark.reason"),
        ("mark", {"status": 0}, "mark.status"),
        ("mark", {"proofs": [{**MEDIA, "sm3": b"short"}]}, "mark.proofs[0].sm3"),
        ("electricity", {"meter_id": "a|b"}, "electricity.meter_id"),
        ("electricity", {"use": 0}, "electricity.use"),
        ("electricity", {"time": {"seconds": SECOND, "nanos": 1}}, "electricity.time"),
        ("electricity", {"time": {"seconds": SECOND + 9000}}, "electricity.time"),
        ("electricity", {"phases": [{"phase": "D"}]}, "electricity.phases[0].phase"),
        ("electricity", {"phases": [{"phase": "A"}] * 2}, "electricity.phases[1].phase"),
        ("electricity", {"kwh": -1.0}, "electricity.kwh"),
        ("grid", {"cell": "G3-1-2-06"}, "grid.cell"),
        ("grid", {"value": float("nan")}, "grid.value"),
        ("grid", {"unit": ""}, "grid.unit"),
        ("station", {"station": 3}, "station.station"),
        ("station", {"flag": "NN"}, "station.flag"),
        ("event", {"event": 2}, "event.vehicle"),
        ("event", {"vehicle": {"direction": "up"}}, "event.vehicle.direction"),
        ("event", {"end": {"seconds": SECOND - 1}}, "event.end"),
        ("event", {"media": [{**MEDIA, "size": 0}]}, "event.media[0].size"),
        ("complaint", {"text": ""}, "complaint.text"),
        ("complaint", {"received_at": {}}, "complaint.received_at"),
        ("spot", {"outline": []}, "spot.outline"),
        ("spot", {"valid_until": {"seconds": SECOND}}, "spot.valid_until"),
        ("spot", {"area_m2": -1.0}, "spot.area_m2"),
        ("fingerprint", {"intensity": [1.0]}, "fingerprint.intensity"),
        ("fingerprint", {"excitation_nm": [260, 250]}, "fingerprint.excitation_nm"),
        ("fingerprint", {"emission_nm": [3, 4, 5]}, "fingerprint.emission_nm"),
        ("fingerprint", {"sample_id": ""}, "fingerprint.sample_id"),
    ],
)
def test_one_wrong_field_is_named(name: str, changes: dict[str, Any], field: str) -> None:
    """The path of the field at fault, as the sender wrote it."""
    fault = item_fault(item(name, **changes), NOW, FUTURE)

    assert fault is not None
    assert fault.field == field


@pytest.mark.parametrize(
    ("place", "field", "reason"),
    [
        ({"outlet_id": "nobody"}, "place.outlet_id", "unknown_outlet"),
        ({"outlet_id": OUTLET, "division": "130403"}, "place.division", "malformed"),
        ({"outlet_id": OUTLET, "credit_code": "x"}, "place.credit_code", "malformed"),
        ({"division": "13"}, "place.division", "malformed"),
        ({"division": "370000"}, "place.division", "forbidden"),
    ],
)
def test_a_wrong_place_is_named(place: dict[str, str], field: str, reason: str) -> None:
    """Whose an item is follows from the registry, not from the sender."""
    one = outside_pb2.OutsideItem(place=outside_pb2.Place(**place), grid=item("grid").grid)

    fault = placed(PLATFORM, one, HOUSE)

    assert isinstance(fault, Fault)
    assert (fault.field, fault.reason) == (field, reason)


def test_a_reading_names_the_value_at_fault() -> None:
    """Path of the factor's field inside the reading."""
    value = ingest_pb2.PushedValue
    one = ingest_pb2.PushedReading(
        outlet_id=OUTLET,
        kind=ingest_pb2.READING_KIND_HOUR,
        data_time={"seconds": SECOND},  # type: ignore[arg-type]
        values=[value(factor="a21026", value=1.0), value(factor="a21002", min=float("inf"))],
    )

    fault = reading_fault(PLATFORM, one, HOUSE, NOW, FUTURE)

    assert fault is not None
    assert (fault.field, fault.reason) == ("values[1].min", "malformed")


def messages(kind: type[Message]) -> st.SearchStrategy[Message]:
    """Any message of a kind, with hostile texts, numbers and times."""
    numbers = st.integers(0, 4) | st.sampled_from([SECOND, 2**31 - 1])
    texts = st.sampled_from(["", "a", "a21026", "G3-1-2", OUTLET, "130402", "in", "A", "|", "\0"])
    floats = st.sampled_from([0.0, 1.5, 114.0, -1.0, float("nan"), float("inf")])

    def of(field: Any) -> st.SearchStrategy[Any]:
        one: st.SearchStrategy[Any]
        if field.message_type is not None:
            one = messages(field.message_type._concrete_class)
        elif field.type == field.TYPE_BYTES:
            one = st.sampled_from([b"", b"\1" * 32, b"\2"])
        elif field.type == field.TYPE_STRING:
            one = texts
        elif field.type in (field.TYPE_DOUBLE, field.TYPE_FLOAT):
            one = floats
        else:
            one = numbers
        return st.lists(one, max_size=2) if field.is_repeated else one

    fields = kind.DESCRIPTOR.fields
    plain = {field.name: of(field) for field in fields if field.containing_oneof is None}
    others = {field.name: of(field) for field in fields if field.containing_oneof is not None}
    return st.fixed_dictionaries({}, optional={**plain, **others}).map(lambda v: kind(**v))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(SOUND)).flatmap(lambda name: st.tuples(st.just(name), st.data())))
def test_whatever_is_taken_can_be_kept(drawn: tuple[str, st.DataObject]) -> None:
    """Sound items with some fields replaced by anything: refused by name, or read by the store."""
    name, data = drawn
    one = item(name)
    body = getattr(one, name)
    other = data.draw(messages(type(body)))
    for field, value in other.ListFields():
        if data.draw(st.booleans()):
            body.ClearField(field.name)
            body.MergeFrom(type(body)(**{field.name: value}))

    fault = item_fault(one, NOW, FUTURE)

    if fault is not None:
        assert fault.field.startswith((name, "place", "source"))
        assert fault.detail
    else:
        raw = one.SerializeToString(deterministic=True)
        record = record_from(
            outside_pb2.OutsideEntry(raw=raw, sm3=sm3_hash(raw), division="130402")
        )
        assert record.key.startswith("13|")
        assert "\0" not in record.key + record.subject
        assert (record.mark is not None) == (name == "mark")


def kept(*items: outside_pb2.OutsideItem) -> list[Any]:
    """Items as the store reads them."""
    raws = [one.SerializeToString(deterministic=True) for one in items]
    return [
        record_from(outside_pb2.OutsideEntry(raw=raw, sm3=sm3_hash(raw), division="130402"))
        for raw in raws
    ]


def test_the_first_received_stays_and_a_deviation_is_kept_once() -> None:
    """The same again is a repetition, also of a deviation; inside a batch and against the store."""
    first, second = kept(item("grid"), item("grid", value=90.0))

    fresh = judge([first, first, second, second], {})
    later = judge([second, first], {first.place: [first.sm3]})

    assert [(one.sm3, version) for one, version in fresh.added] == [
        (first.sm3, 0),
        (second.sm3, 1),
    ]
    assert len(fresh.repeated) == 2
    assert [(one.sm3, version) for one, version in later.added] == [(second.sm3, 1)]


def test_natural_keys_tell_items_apart() -> None:
    """Another time, another revision, another cell: another item."""
    records = kept(
        item("grid"),
        item("grid", cell="G3-1-2"),
        item("grid", pollutant="a21026"),
        item("mark"),
        item("mark", revision=2),
        item("electricity"),
        item("electricity", time={"seconds": SECOND - 60}),
    )

    assert len({record.place for record in records}) == len(records)
