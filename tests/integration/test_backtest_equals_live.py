"""Replay equals live: a scene through the live service, and the same data through the back-test."""

import datetime as dt
import itertools
import random
from collections.abc import Sequence

import numpy as np
import pytest
from google.protobuf.json_format import MessageToDict

from farsight.backtest.demo import DemoHistory
from farsight.backtest.history import between, joined
from farsight.backtest.replay import replay
from farsight.backtest.walk import WARM_UP, Span
from services.chassis.clock import from_unix, to_timestamp
from services.chassis.partition import partition_of
from services.chassis.pb.ingest.v1 import ingest_pb2, mark_pb2, outside_pb2
from services.detect.app.look_for_silence import look_for_silence
from services.detect.domain.grid import HOUR, MINUTE
from services.detect.domain.series_key import SeriesKey
from services.detect.mark_wire import revision_of
from services.detect.packs.load import shipped_pack
from services.detect.windows.partition_windows import Columns
from tests.integration.detect_rig import Rig

SPAN = Span(dt.date(2026, 11, 17), dt.date(2026, 11, 21))
POWER = "91130481FARX00013L-DA001"
_WEEK = 7 * 24
#: Outlet and hours of history that it has: bottle and constant value are found against their own.
OUTLETS = {
    "91130481FARX00195Q-DW001": WARM_UP,
    "91130209FARX000725-DA001": WARM_UP,
    POWER: _WEEK,
    "91130408FARX00267T-DA001": _WEEK,
    "91130229FARX00179F-DW001": _WEEK,
    "91130229FARX001362-DA001": _WEEK,
}
NOX = "a21002"
#: What depends on how often an outlet was judged, or on frames, and not on time and data; the
#: fact `reason` besides, which says what changed since the revision before.
NOT_DATA = ("revision", "correlation_id")
_KINDS = {HOUR.name: ingest_pb2.READING_KIND_HOUR, MINUTE.name: ingest_pb2.READING_KIND_MINUTE}


class Scene:
    """Six outlets with stories; one also sends ten-minute values and marks two hours."""

    name = "scene"
    labels = ()

    def __init__(self) -> None:
        self._demo = DemoHistory(SPAN.end_hour)
        wanted = {*OUTLETS, *(outlet[:18] for outlet in OUTLETS)}
        self.records = [
            one for one in self._demo.records
            if one.key in wanted or (one.HasField("limit") and one.limit.outlet_id in wanted)
        ]  # fmt: skip
        self.mark = _mark(SPAN.end_hour - 8)
        self.marks = {POWER: [revision_of(self.mark.SerializeToString(deterministic=True))]}
        self._data = {
            one: self._demo.columns(one, SPAN.first_hour - before, SPAN.end_hour)
            for one, before in OUTLETS.items()
        }
        self._data[POWER] = _by_time(joined([self._data[POWER], _minutes(self._data[POWER])]))

    def columns(self, outlet_id: str, first_hour: int, end_hour: int) -> Columns:
        """Readings of an outlet."""
        return between(self._data[outlet_id], first_hour, end_hour)


def _mark(hour: int) -> mark_pb2.MarkRecord:
    """Maintenance of NOx in the first two hours of the power plant's exceedance, made in time."""
    start, end, came = (to_timestamp(from_unix(h * 3600)) for h in (hour, hour + 2, hour + 3))
    return mark_pb2.MarkRecord(
        outlet_id=POWER, received_at=came, sm3=b"\1" * 32, channel="console",
        mark=outside_pb2.Mark(
            mark_id="m-1", revision=1, family=outside_pb2.MARK_FAMILY_MAINTENANCE, factors=[NOX],
            start=start, end=end, reason="校准", status=outside_pb2.MARK_STATUS_ACTIVE,
        ),
    )  # fmt: skip


def _minutes(hours: Columns) -> Columns:
    """Ten-minute NOx values of the last three days: round the hour's mean, two of them far off."""
    factor = next(n for n, (_, key) in enumerate(hours.series) if key.factor == NOX)
    mine = (hours.series_index == factor) & (hours.time_s >= (SPAN.end_hour - 72) * 3600)
    means, times = hours.value[mine], hours.time_s[mine]
    shape = np.array([1.6, 1.6, 0.7, 0.7, 0.7, 0.7])
    value = np.round(means[:, None] * shape, 2).ravel()
    none = np.full(value.size, np.nan)
    return Columns(
        [(MINUTE, SeriesKey(POWER, NOX))],
        np.zeros(value.size, dtype=np.int64),
        (times[:, None] + np.arange(6) * 600).ravel(),
        value, none, np.full(value.size, ord("N"), dtype=np.uint8),
    )  # fmt: skip


def _by_time(columns: Columns) -> Columns:
    order = np.argsort(columns.time_s, kind="stable")
    return Columns(
        columns.series, columns.series_index[order], columns.time_s[order], columns.value[order],
        columns.converted[order], columns.flag[order],
    )  # fmt: skip


def batch(columns: Columns, outlet_id: str) -> ingest_pb2.ReadingBatch:
    """The columns of an outlet as the gate publishes them: one frame a time."""
    times, frame = np.unique(columns.time_s, return_inverse=True)
    return ingest_pb2.ReadingBatch(
        batch_id=f"{outlet_id}-{next(_NUMBERS)}",
        partition=partition_of(outlet_id, 8),
        frames=[
            ingest_pb2.Frame(
                outlet_id=outlet_id, data_time_s=int(at), outcome=ingest_pb2.OUTCOME_ACCEPTED,
                received_at_us=int(at + 600) * 10**6, correlation_id=f"f-{at}",
            )
            for at in times
        ],
        series=[
            ingest_pb2.Series(outlet_id=key.outlet_id, factor=key.factor, kind=_KINDS[grid.name])
            for grid, key in columns.series
        ],
        series_index=columns.series_index.astype("<u4").tobytes(),
        frame_index=frame.astype("<u4").tobytes(),
        time_s=columns.time_s.astype("<i8").tobytes(),
        value=columns.value.astype("<f8").tobytes(),
        converted=columns.converted.astype("<f8").tobytes(),
        flag=columns.flag.tobytes(),
    )  # fmt: skip


_NUMBERS = itertools.count(1)


def live(rig: Rig, scene: Scene, edges: Sequence[int]) -> list[dict]:
    """The scene as the service sees it: history, then parts in a wild order, marks and freezes."""
    rig.know(scene.records)
    for outlet_id in OUTLETS:
        rig.take(batch(scene.columns(outlet_id, SPAN.first_hour - WARM_UP, edges[0]), outlet_id))
    for number, (first, end) in enumerate(itertools.pairwise(edges)):
        for outlet_id in random.Random(number).sample([*OUTLETS], len(OUTLETS)):
            part = scene.columns(outlet_id, first, end)
            if len(part.time_s):
                rig.take(batch(part, outlet_id))
        day = from_unix(end * 3600) + dt.timedelta(hours=8 - 48)
        rig.freeze(day.date().isoformat())
        rig.work()
    rig.mark(scene.mark)
    rig.freeze(SPAN.last.isoformat())
    rig.work()
    look_for_silence(rig.detector, from_unix(SPAN.end_hour * 3600), 0.0)
    found = [one for one in rig.findings() if one.end.seconds > SPAN.first_hour * 3600]
    return [told(one) for one in found if one.hours_s]


def told(finding) -> dict:
    """Every field of a finding that comes from event time and data."""
    whole = MessageToDict(finding, preserving_proto_field_name=True)
    whole["facts"].pop("reason", None)
    return {name: value for name, value in whole.items() if name not in NOT_DATA}


@pytest.fixture
def rig(migrated_db, tmp_path):
    """A detector of its own folder."""
    made = Rig(migrated_db("detect"), tmp_path)
    yield made
    made.close()


def test_a_scene_gives_the_same_findings_live_and_in_a_replay(rig):
    """Ids, spans, statistics, thresholds, counts, hours, words and facts, of every finding."""
    scene = Scene()
    edges = range(SPAN.first_hour, SPAN.end_hour + 1, 12)

    seen = live(rig, scene, edges)
    again = [told(one) for one in replay(shipped_pack(), scene, SPAN).findings]

    def key(one: dict) -> tuple:
        return one["outlet_id"], one["rule_id"], one["finding_id"]

    assert sorted(again, key=key) == sorted(seen, key=key)
    rules = {one["rule_id"] for one in seen}
    assert {"hourly_exceedance", "low_variance_part_of_day", "constant_value", "silence"} <= rules
