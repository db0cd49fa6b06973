"""Rings put every value into its own cell, whatever the order, and survive on disk."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.pb.ingest.v1 import ingest_pb2
from services.detect.domain.grid import DAY, HOUR, MINUTE, REALTIME, Grid, day_start, week_start
from services.detect.domain.series_key import SeriesKey
from services.detect.windows import ring_file
from services.detect.windows.partition_windows import INDEX_FILE, Columns, PartitionWindows
from services.detect.windows.ring import Ring, Values, decimal_of
from services.detect.windows.series_index import SeriesIndex
from services.detect.wire import received_of

SMALL = Grid("small", 60, 8, durable=False)
N = ord("N")


def _values(entries) -> Values:
    """Columns from (row, slot, value) triples on the small grid."""
    row, slot, value = (np.array(c) for c in zip(*entries, strict=True))
    flag = np.full(row.shape, N, dtype=np.uint8)
    return Values(row.astype(np.int64), slot * 60, value.astype(float), value * 2.0, flag)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(100, 130)), min_size=1, max_size=60).map(
        lambda cells: [(row, slot, row * 1000 + slot) for row, slot in cells]
    ),
    st.integers(1, 60),
    st.randoms(use_true_random=False),
)
def test_any_order_and_repetition_of_values_gives_the_same_ring(entries, cut, random):
    """Values lie where their time says: the newest lap of the ring, once, however they came."""
    ring = Ring(SMALL, None)
    ring.grow(3)
    shuffled = [*entries, *entries]
    random.shuffle(shuffled)

    for part in (shuffled[:cut], shuffled[cut:]):
        if part:
            ring.write(_values(part))

    newest = [max((s for r, s, _ in entries if r == row), default=0) for row in range(3)]
    for row in range(3):
        got = ring.read(np.array([row]), np.array([96]), 40)
        for column, slot in enumerate(got.slot[0]):
            # A cell is taken over only by a later lap of the same cell.
            laps = [s for r, s, _ in entries if r == row and s % 8 == slot % 8]
            held = bool(laps) and max(laps) == slot
            assert bool(got.present[0, column]) == held
            if held:
                assert got.value[0, column] == row * 1000 + slot
    assert ring.newest[:3].tolist() == newest


def test_the_first_value_of_a_cell_stays():
    """As in ingest: a later deviating value is evidence there, and no reading here."""
    ring = Ring(SMALL, None)
    ring.grow(1)

    first = ring.write(_values([(0, 100, 5.0), (0, 100, 6.0)]))
    second = ring.write(_values([(0, 100, 7.0)]))

    assert ring.read(np.array([0]), np.array([100]), 1).value.tolist() == [[5.0]]
    assert first.new.tolist() == [True, True]
    assert second.new.tolist() == [False]


def test_a_value_older_than_the_lap_of_its_cell_is_counted_and_dropped():
    """Eight slots on, the cell belongs to a newer value."""
    ring = Ring(SMALL, None)
    ring.grow(1)
    ring.write(_values([(0, 108, 1.0)]))

    late = ring.write(_values([(0, 100, 2.0)]))

    assert late.too_old.tolist() == [True]
    assert ring.read(np.array([0]), np.array([108]), 1).value.tolist() == [[1.0]]


@given(st.integers(-9_999_999, 9_999_999), st.integers(-3, 6))
def test_a_stored_number_reads_back_as_the_decimal_that_was_sent(digits, power):
    """Seven significant digits survive float32 exactly, so no limit is missed by rounding."""
    sent = float(f"{digits}e-{power}") if power >= 0 else float(digits * 10**-power)

    got = decimal_of(np.array([sent], dtype=np.float32))

    assert got[0] == pytest.approx(sent, rel=1e-15, abs=0)


def test_numbers_that_are_none_stay_so():
    """NaN, infinities and zero pass through."""
    odd = np.array([np.nan, np.inf, -np.inf, 0.0], dtype=np.float32)

    np.testing.assert_array_equal(decimal_of(odd), odd.astype(float))


def test_a_ring_file_is_found_again_with_its_values(tmp_path):
    """What one process wrote, the next one maps; growing keeps it."""
    grid = Grid("kept", 60, 8)
    first = Ring.of(grid, tmp_path)
    first.grow(1)
    first.write(_values([(0, 100, 5.5)]))

    again = Ring.of(grid, tmp_path)
    again.grow(100)

    assert again.rows >= 100
    assert again.read(np.array([0]), np.array([100]), 1).value.tolist() == [[5.5]]
    assert again.newest[0] == 100


@pytest.mark.parametrize("harm", ["format", "grid", "noise"])
def test_a_file_of_another_format_is_moved_aside(tmp_path, harm):
    """Never read cells by the wrong layout: start empty, keep the old file."""
    path = tmp_path / "kept.ring"
    Ring.of(Grid("kept", 60, 8), tmp_path).grow(1)
    text = path.read_bytes()
    changed = {
        "format": text.replace(b'"version": 1', b'"version": 9'),
        "grid": text.replace(b'"slots": 8', b'"slots": 9'),
        "noise": b"\xff" * 5000,
    }[harm]
    path.write_bytes(changed)

    ring = Ring.of(Grid("kept", 60, 8), tmp_path)

    assert ring.rows == 0
    assert ring_file.is_ring(path, Grid("kept", 60, 8))
    assert path.with_suffix(".old").read_bytes() == changed


def test_the_series_index_keeps_rows_and_drops_a_torn_line(tmp_path):
    """A name cut by a power failure was never followed by a value."""
    path = tmp_path / INDEX_FILE
    SeriesIndex(path).rows_for([SeriesKey("A", "a21026"), SeriesKey("A", "odd\tname\n")])
    with path.open("a", encoding="utf-8") as file:
        file.write('["B", "a2')

    again = SeriesIndex(path)

    assert [again.key(n) for n in range(len(again))] == [("A", "a21026"), ("A", "odd\tname\n")]
    assert again.rows_for([SeriesKey("C", "x")]) == [2]
    assert len(SeriesIndex(path)) == 3


def _columns(entries) -> Columns:
    """Columns from (grid, outlet, factor, unix seconds, value) tuples."""
    series = list(dict.fromkeys((grid, SeriesKey(o, f)) for grid, o, f, _, _ in entries))
    where = np.array([series.index((g, SeriesKey(o, f))) for g, o, f, _, _ in entries])
    value = np.array([e[4] for e in entries], dtype=float)
    time_s = np.array([e[3] for e in entries], dtype=np.int64)
    flag = np.full(len(entries), N, dtype=np.uint8)
    return Columns(series, where, time_s, value, value, flag)


HOUR_100 = 480_000 * 3600


def test_an_hour_value_touches_its_outlet_and_a_real_time_value_only_opens_an_hour(tmp_path):
    """Real-time values do not judge an hour again and again."""
    windows = PartitionWindows(tmp_path)

    hour = windows.write(_columns([(HOUR, "A", "x", HOUR_100, 1.0)]))
    windows.settled(hour)
    same = windows.write(_columns([(REALTIME, "A", "x", HOUR_100 + 30, 1.0)]))
    following = windows.write(_columns([(REALTIME, "A", "x", HOUR_100 + 3600, 1.0)]))
    unsettled = windows.write(_columns([(REALTIME, "A", "x", HOUR_100 + 3630, 1.0)]))

    assert hour.since == {"A": 480_000}
    assert same.since == {}
    assert following.since == {"A": 480_001}
    assert unsettled.since == {"A": 480_001}
    assert windows.watermark("A") == 480_001


def test_ten_minute_values_after_their_hour_touch_it_again(tmp_path):
    """The recomputed mean of a judged hour changes with a late ten-minute value."""
    windows = PartitionWindows(tmp_path)
    for offset in (0, 3600):
        windows.settled(windows.write(_columns([(HOUR, "A", "x", HOUR_100 + offset, 1.0)])))

    late = windows.write(_columns([(MINUTE, "A", "x", HOUR_100 + 600, 1.0)]))

    assert late.since == {"A": 480_000}


def test_windows_see_what_another_process_added(tmp_path):
    """A partition that comes back after another replica had it is mapped afresh."""
    mine = PartitionWindows(tmp_path)
    mine.write(_columns([(HOUR, "A", "x", HOUR_100, 1.0)]))

    PartitionWindows(tmp_path).write(_columns([(DAY, "B", "y", HOUR_100, 2.0)]))
    noticed = mine.changed_elsewhere()
    mine.reload()

    assert noticed
    assert mine.index.outlets() == ["A", "B"]
    assert not mine.changed_elsewhere()


def test_days_and_weeks_start_at_beijing_midnight():
    """Monday 2026-07-27 00:00 in Beijing is Sunday 16:00 UTC."""
    monday = 1785081600 // 3600

    assert monday * 3600 == 1785081600
    assert {week_start(monday + h) for h in range(168)} == {monday}
    assert {day_start(monday + h) for h in range(24)} == {monday}
    assert day_start(monday + 24) == monday + 24


def test_five_minute_means_of_a_furnace_leave_one_value_a_slot():
    """a01901 at :00 stands for its ten minutes, at :05 it is no ring value; others stay."""
    times = [0, 300, 600, 900]
    batch = ingest_pb2.ReadingBatch(
        batch_id="b",
        frames=[ingest_pb2.Frame(outcome=ingest_pb2.OUTCOME_ACCEPTED)],
        series=[
            ingest_pb2.Series(outlet_id="o", factor=factor, kind=ingest_pb2.READING_KIND_MINUTE)
            for factor in ("a01901", "a21026")
        ],
        series_index=np.repeat([0, 1], 4).astype("<u4").tobytes(),
        frame_index=np.zeros(8, "<u4").tobytes(),
        time_s=(1_795_305_600 + np.array(times * 2)).astype("<i8").tobytes(),
        value=np.arange(8.0).tobytes(),
        converted=np.full(8, np.nan).tobytes(),
        flag=b"N" * 8,
    )

    columns = received_of(batch).columns

    kept = [
        (columns.series[s][1].factor, v)
        for s, v in zip(columns.series_index, columns.value, strict=True)
    ]
    assert kept == [("a01901", 0), ("a01901", 2), *(("a21026", v) for v in range(4, 8))]
