"""Certificates and holes as pure functions, over any counts and any cells."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.completeness import (
    DAY,
    HOUR,
    MINUTE,
    REALTIME,
    Arrivals,
    Place,
    certify,
    day_start,
    period_of,
)
from services.ingest.domain.holes import (
    Attempt,
    Cell,
    Hole,
    choose,
    find_holes,
    newest_part,
    parameters,
)

START = datetime(2026, 11, 21, 16, tzinfo=UTC)  # midnight in Beijing
H = timedelta(hours=1)
COUNT = st.integers(0, 200)
CELLS = st.lists(
    st.builds(
        lambda outlet, kind, hour: Cell(
            f"o{outlet}", f"m{outlet}", kind, START + hour * H, 1 + hour % 3
        ),
        st.integers(0, 3), st.sampled_from([MINUTE, HOUR]), st.integers(0, 40),
    ),
    unique_by=lambda cell: (cell.outlet_id, cell.kind, cell.hour),
    max_size=60,
)  # fmt: skip


@given(st.integers(1, 120), COUNT, COUNT, COUNT, COUNT, COUNT)
def test_the_counts_of_a_certificate_always_add_up_to_what_was_due(
    due: int, stopped: int, came: int, late: int, filled: int, refused: int
) -> None:
    """However many values come, each slot has one state and none is negative."""
    arrivals = Arrivals(stopped, came, late, filled, refused, bytes(32))

    one = certify(Place(START, "o", REALTIME), due, arrivals, START + 2 * H)

    parts = (one.came, one.late, one.filled, one.failed, one.stopped, one.missing)
    assert sum(parts) == due
    assert min(parts) >= 0
    assert one.missing == max(due - stopped - came - late - filled - refused, 0)


def test_the_digest_binds_every_field() -> None:
    """Another count, place or input gives another SM3."""
    arrivals = Arrivals(0, 1, 0, 0, 0, bytes(32))
    base = certify(Place(START, "o", HOUR), 1, arrivals, START + 2 * H)
    others = (
        certify(Place(START, "p", HOUR), 1, arrivals, START + 2 * H),
        certify(Place(START + H, "o", HOUR), 1, arrivals, START + 2 * H),
        certify(Place(START, "o", MINUTE), 1, arrivals, START + 2 * H),
        certify(Place(START, "o", HOUR), 2, arrivals, START + 2 * H),
        certify(Place(START, "o", HOUR), 1, arrivals, START + 3 * H),
        certify(Place(START, "o", HOUR), 1, Arrivals(0, 1, 0, 0, 0, bytes(31) + b"1"),
                START + 2 * H),
    )  # fmt: skip

    digests = {base.sm3, *(one.sm3 for one in others)}

    assert len(digests) == 1 + len(others)


def test_periods_follow_the_registered_cadence() -> None:
    """Ten-minute means unless the registry says otherwise; days are Beijing's."""
    assert period_of(MINUTE, 0) == timedelta(minutes=10)
    assert period_of(MINUTE, 5) == timedelta(minutes=5)
    assert day_start(START - timedelta(seconds=1)) == START - timedelta(days=1)


@given(CELLS)
def test_holes_cover_the_cells_exactly_and_come_newest_first(cells: list[Cell]) -> None:
    """Merged in a row, nothing lost and nothing added."""
    holes = find_holes(cells, {}, 3)

    covered = {
        (hole.outlet_id, hole.kind, hole.start + n * H)
        for hole in holes
        for n in range((hole.end - hole.start) // H)
    }
    assert covered == {(cell.outlet_id, cell.kind, cell.hour) for cell in cells}
    assert sum(hole.slots for hole in holes) == sum(cell.slots for cell in cells)
    assert [hole.end for hole in holes] == sorted((hole.end for hole in holes), reverse=True)
    ends = {(hole.outlet_id, hole.kind, hole.end) for hole in holes}
    assert not any((hole.outlet_id, hole.kind, hole.start) in ends for hole in holes)


@given(CELLS, st.integers(0, 3), st.sets(st.sampled_from(["m0", "m1", "m2", "m3"])))
def test_one_request_a_logger_inside_the_room(cells: list[Cell], room: int, busy: set[str]) -> None:
    """A busy logger is left alone; no period is longer than allowed."""
    holes = find_holes(cells, {}, 3)

    chosen = choose(holes, busy, room, START + 99 * H, 4 * H)

    assert len(chosen) <= room
    loggers = [hole.mn for hole in chosen]
    assert len(set(loggers)) == len(loggers)
    assert not set(loggers) & busy
    assert all(hole.end - hole.start <= 4 * H for hole in chosen)


def test_what_was_tried_decides_what_a_hole_is() -> None:
    """Asked, no data, given up, or open with a wait; a request that was never sent is no try."""
    cell = Cell("o", "m", HOUR, START, 1)

    def hole(*states: str) -> Hole:
        attempts = [Attempt(START, START + H, state, state, START + 5 * H) for state in states]
        (found,) = find_holes([cell], {("o", HOUR): attempts}, 3)
        return found

    assert (hole("expired").state, hole("expired").tries) == ("open", 0)
    assert hole("failed").next_at == START + 5 * H + timedelta(minutes=10)
    assert hole("failed", "failed").next_at == START + 6 * H
    assert hole("answered").reason == "answered_without"
    assert [hole(*states).state for states in (
        ("failed", "asked"), ("failed", "no_data"), ("failed",) * 3,
    )] == ["asked", "no_data", "given_up"]  # fmt: skip
    assert choose([hole("failed")], set(), 1, START + 5 * H, H) == []


def test_a_period_is_asked_for_with_inclusive_bounds_in_beijing_time() -> None:
    """EndTime is the start of the last slot wanted (hj212.md 2.6)."""
    long = Hole("o", "m", MINUTE, START, START + 48 * H, 9, "open", 0, "", None)

    part = newest_part(long, 2 * H)

    assert parameters(MINUTE, part.start, part.end, 10) == {
        "BeginTime": "20261123220000", "EndTime": "20261123235000",
    }  # fmt: skip
    assert parameters(DAY, START, START + 24 * H, 10) == {
        "BeginTime": "20261122000000", "EndTime": "20261122000000",
    }  # fmt: skip
