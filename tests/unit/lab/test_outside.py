"""The demo's things from outside: sound for the gate, the same whenever they are asked for."""

from datetime import UTC, datetime, timedelta

from farsight.lab.model.outside import Air, Span, items
from services.ingest.gate.outside_checks import item_fault

ANCHOR = 489_944  # unix hours
NOW = datetime.fromtimestamp(ANCHOR * 3600, UTC)


def test_every_item_is_sound() -> None:
    """The gate has nothing to say against any kind."""
    found = list(items(ANCHOR, 7, ANCHOR - 60, ANCHOR))

    faults = {item_fault(one, NOW, timedelta(minutes=5)) for one in found}

    assert faults == {None}
    assert {one.WhichOneof("item") for one in found} == {
        "grid", "station", "event", "complaint", "spot", "fingerprint"
    }  # fmt: skip


def test_an_hour_is_the_same_whenever_it_is_asked_for() -> None:
    """History at once or hour by hour: no value is sent twice with two contents, none is lost."""
    whole = [one.SerializeToString() for one in items(ANCHOR, 7, ANCHOR - 6, ANCHOR + 2)]
    parts = [
        one.SerializeToString()
        for hour in range(ANCHOR - 6, ANCHOR + 2)
        for one in items(ANCHOR, 7, hour, hour + 1)
    ]

    assert sorted(parts) == sorted(whole)


def test_the_air_has_no_hole_where_no_hour_is_asked() -> None:
    """An empty span gives empty values."""
    assert Air(Span(ANCHOR, ANCHOR, ANCHOR), 7).speed.tolist() == []
