"""Signs from outside: each finds its story, is silent on honest air, and agrees with an oracle."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.detect.outside import cells
from services.detect.outside.control_signs import gate_signs, video_signs
from services.detect.outside.fingerprints import congruence, fingerprint_signs
from services.detect.outside.high_value import high_value_signs
from services.detect.outside.hot_grid import areas, hot_cells, hot_grid_signs, hot_periods
from services.detect.outside.positions import (
    Point,
    area_and_centre,
    bearing,
    from_gcj02,
    project,
    to_gcj02,
    unproject,
)
from services.detect.outside.records import Event, Fingerprint, Measured, Order, Pass, Series, Spot
from services.detect.outside.rule import shipped_rule
from services.detect.outside.series_matrix import nanmedian
from services.detect.outside.spots import spot_signs
from services.detect.outside.township import composite_index, daily_maxima, rank_townships
from services.detect.outside.tracks import track_signs
from services.detect.outside.winds import Winds
from services.detect.outside_wire import unified

RULE = shipped_rule()
HOUR, DAY, NOON = 3600, 86_400, 1_763_780_400  # a full hour; 11:00 in Beijing
MIDNIGHT = NOON - 11 * HOUR
PLANT = "91130481FARX00099F"
#: Concentrations of vectors.json but for ozone.
LEVELS = {
    "a21026": 12, "a21004": 32, "a34002": 84, "a34004": 49, "a21005": 1.6, "a05024": 100
}  # fmt: skip
ORIGIN = Point(0.0, 0.0)
LAND = st.tuples(st.floats(74, 135), st.floats(18, 53))


def series(subject, value, *, kind="grid", point=None, pollutant="a34004", start_s=NOON):
    """A series of hours."""
    value = np.asarray(value, dtype=float)
    return Series(
        subject=subject, kind=kind, pollutant=pollutant, unit="ug/m3",
        product="p" if kind == "grid" else "", point=point or cells.centre_of(subject), name="",
        division="130481", length_s=HOUR, value=value,
        start_s=start_s + HOUR * np.arange(len(value), dtype=np.int64),
    )  # fmt: skip


def field(hours=48, side=8, seed=1):
    """Honest air over a square of cells: one weather, own noise."""
    rng = np.random.default_rng(seed)
    weather = 60 * np.exp(np.cumsum(rng.normal(0, 0.1, hours)))
    return [
        series(f"G3-{x}-{y}", weather * np.exp(rng.normal(0, 0.08, hours)))
        for x in range(side)
        for y in range(side)
    ]


def calm():
    """No wind known."""
    return Winds((), RULE)


@given(LAND)
def test_degrees_come_back(place) -> None:
    """Forth and back is the same place, to a millimetre."""
    assert unproject(project(*place)) == pytest.approx(place, abs=1e-8)


@given(LAND)
def test_the_plane_is_equal_area(place) -> None:
    """The determinant of the map's derivatives is the ellipsoid's area of a square degree."""
    lon, lat = place
    step = 1e-4
    east = np.subtract(project(lon + step, lat), project(lon - step, lat)) / (2 * step)
    north = np.subtract(project(lon, lat + step), project(lon, lat - step)) / (2 * step)
    e2, phi = 0.006_694_380_022_90, math.radians(lat)
    w = 1 - e2 * math.sin(phi) ** 2
    metres = 6_378_137.0**2 * (1 - e2) / w**2 * math.cos(phi) * math.radians(1) ** 2

    assert east[0] * north[1] - east[1] * north[0] == pytest.approx(metres, rel=1e-6)


@given(LAND)
def test_positions_of_consumer_maps_are_brought_back(place) -> None:
    """What GCJ-02 moved by hundreds of metres returns; the move itself is in the known range."""
    moved = to_gcj02(*place)

    assert from_gcj02(*moved) == pytest.approx(place, abs=1e-7)
    assert 20 < math.dist(project(*moved), project(*place)) < 1200


@given(st.floats(-3e6, 3e6), st.floats(0, 6e6))
def test_each_point_lies_in_its_cells(x, y) -> None:
    """Cell and sub-cell by their names hold the point, the sub-cell lies in the cell."""
    point = Point(x, y)
    cell, sub = cells.cell_of(point), cells.sub_cell_of(point)

    assert np.abs(np.subtract(cells.centre_of(cell), point)).max() <= cells.CELL_M / 2
    assert np.abs(np.subtract(cells.centre_of(sub), point)).max() <= cells.SUB_M / 2 + 1e-6
    assert sub.startswith(f"{cell}-")


@settings(deadline=None)
@given(arrays(float, st.tuples(st.integers(1, 20), st.integers(1, 6)),
              elements=st.one_of(st.just(math.nan), st.sampled_from([0.0, 7.0, 1e300, -3.0]),
                                 st.floats(-1e6, 1e6))))  # fmt: skip
def test_hot_periods_agree_with_the_oracle(value) -> None:
    """All missing, one cell, equal and huge values included."""
    hot, usual = hot_periods(value, RULE)

    for column in range(value.shape[1]):
        known = [(v, -row) for row, v in enumerate(value[:, column]) if math.isfinite(v)]
        if not known:
            assert not hot[:, column].any()
            continue
        middle = float(np.median([v for v, _ in known]))
        assert usual[column] == pytest.approx(middle, rel=1e-12)
        spread = 1.4826 * float(np.median([abs(v - middle) for v, _ in known]))
        spread = max(spread, 0.05 * abs(middle), 1e-12)
        best = sorted(known, reverse=True)[: max(1, int(RULE.hot_cell_share * len(known)))]
        expected = {
            -row for v, row in best if v - middle > RULE.hot_z * spread
        } if len(known) >= RULE.min_cells else set()  # fmt: skip
        assert set(hot[:, column].nonzero()[0].tolist()) == expected


@settings(deadline=None)
@given(arrays(float, st.tuples(st.integers(0, 5), st.integers(0, 7)),
              elements=st.one_of(st.just(math.nan), st.floats(-1e9, 1e9))))  # fmt: skip
def test_medians_leave_out_what_is_missing(value) -> None:
    """As numpy's own, which warns and is slow, along both axes."""
    for axis in (0, 1):
        found = nanmedian(value, axis)
        for at, one in enumerate(np.moveaxis(value, axis, -1)):
            known = one[np.isfinite(one)]
            expected = np.median(known) if known.size else math.nan
            assert found[at] == pytest.approx(expected, nan_ok=True)


def test_honest_air_has_hardly_a_hot_grid() -> None:
    """Twenty fields under one weather each: noise is never persistent."""
    found = [one for seed in range(20) for one in hot_cells(tuple(field(seed=seed)), calm(), RULE)]

    assert sum(one.hot for one in found) == 0


def test_a_source_makes_a_hot_grid_with_its_sub_cell_and_wind() -> None:
    """Ranked first, located by the micro-station in it, the wind of its hot hours told."""
    air = field()
    place = next(at for at, one in enumerate(air) if one.subject == "G3-4-5")
    air[place] = replace(air[place], value=air[place].value * 1.6)
    air.append(series("m1", [200.0] * 48, kind="micro", point=Point(12_100, 15_700)))
    air.append(series("w", [3.0] * 48, kind="township", point=Point(9e3, 9e3), pollutant="a01007"))
    turn = [350.0, 10.0] * 24
    air.append(series("w", turn, kind="township", point=Point(9e3, 9e3), pollutant="a01008"))

    found = hot_cells(tuple(air), Winds(air, RULE), RULE)
    signs = list(hot_grid_signs(found))

    assert [(one.cell, one.hot) for one in found[:2]] == [("G3-4-5", True), (found[1].cell, False)]
    assert found[0].sub_cell == "G3-4-5-10"
    assert found[0].wind.from_deg % 360 == pytest.approx(0, abs=1e-6)
    assert [(one.point, one.radius_m < 400) for one in signs] == [(Point(12_250, 15_750), True)]


def test_haze_over_all_cells_is_no_hot_grid() -> None:
    """Ten times the level everywhere changes nothing."""
    air = [replace(one, value=one.value * np.linspace(1, 10, 48)) for one in field()]

    assert not any(one.hot for one in hot_cells(tuple(air), calm(), RULE))


def test_cells_that_touch_are_one_area() -> None:
    """Side and corner join; an area is told by its best cell; a gap parts."""
    air = field()
    for name, factor in (("G3-1-1", 1.9), ("G3-2-2", 1.7), ("G3-6-6", 1.8)):
        place = next(at for at, one in enumerate(air) if one.subject == name)
        air[place] = replace(air[place], value=air[place].value * factor)
    rule = replace(RULE, hot_cell_share=0.06)

    hot = [one for one in hot_cells(tuple(air), calm(), rule) if one.hot]

    assert [[one.cell for one in area] for area in areas(hot)] == [
        ["G3-1-1", "G3-2-2"], ["G3-6-6"],
    ]  # fmt: skip


def stations(hours=120, count=6, seed=2):
    """Honest micro-stations about one place; the last always reads thrice the others."""
    rng = np.random.default_rng(seed)
    weather = 90 * np.exp(rng.normal(0, 0.1, hours))
    return [
        series(
            f"m{n}", weather * np.exp(rng.normal(0, 0.08, hours)) * (3.0 if n == count - 1 else 1),
            kind="micro", point=Point(500.0 * n, 0.0),
        )
        for n in range(count)
    ]  # fmt: skip


def test_a_station_far_above_neighbours_and_habit_warns_once() -> None:
    """Four hours at thrice the level are one sign; the one that always reads thrice is silent."""
    found = stations()
    high = found[2].value.copy()
    high[100:104] *= 4
    found[2] = replace(found[2], value=high)

    signs = list(high_value_signs(tuple(found), calm(), RULE))

    late = [one for one in signs if one.begin_s >= NOON + 96 * HOUR]
    assert [(one.begin_s, one.end_s) for one in late] == [
        (NOON + 100 * HOUR, NOON + 104 * HOUR)
    ]  # fmt: skip
    assert late[0].sources == ("m2|a34004|" + str(NOON + 100 * HOUR),)


def test_one_hour_and_missing_hours_warn_nobody() -> None:
    """A spike that returns at once, a station that sends nothing, an excess in clean air."""
    found = stations()
    spike = found[1].value.copy()
    spike[110] *= 5
    found[1] = replace(found[1], value=spike)
    found[3] = replace(found[3], value=np.full(120, math.nan))
    clean = [replace(one, value=one.value * 0.05) for one in found]
    clean[2].value[100:104] *= 5

    signs = list(high_value_signs(tuple(found), calm(), RULE))

    assert [one for one in signs if one.begin_s >= NOON + 96 * HOUR] == []
    assert list(high_value_signs(tuple(clean), calm(), RULE)) == []


def test_the_composite_index_is_that_of_the_vector() -> None:
    """vectors.json; without one pollutant there is no index."""
    value = {**LEVELS, "a05024": 176}

    assert composite_index(value) == pytest.approx(5.1)
    assert math.isnan(composite_index({k: v for k, v in value.items() if k != "a05024"}))


@settings(deadline=None)
@given(arrays(float, (2, 24), elements=st.one_of(st.just(math.nan), st.floats(0, 500))))
def test_maxima_of_eight_hours_agree_with_the_oracle(hours) -> None:
    """Windows with at least six hours, days with at least twenty."""
    found = daily_maxima(hours, RULE)

    for day, value in zip(hours, found, strict=True):
        means = []
        for end in range(8, 25):
            known = day[end - 8 : end][np.isfinite(day[end - 8 : end])]
            if len(known) >= 6:
                means.append(known.mean())
        valid = np.isfinite(day).sum() >= 20 and means
        assert value == pytest.approx(max(means) if valid else math.nan, nan_ok=True)


def town(name, factor, *, without=()):
    """A township that sends six pollutants for two days."""
    level = LEVELS
    return [
        series(
            name, [v * factor] * 48, kind="township", point=Point(0, 0), pollutant=code,
            start_s=MIDNIGHT,
        )
        for code, v in level.items()
        if code not in without
    ]  # fmt: skip


def test_townships_are_ranked_worst_first_and_told_what_is_missing() -> None:
    """One that lacks ozone has no rank, and an SO2 rank all the same."""
    rows = (*town("a", 1.0), *town("b", 1.5), *town("c", 2.0, without=("a05024",)))

    found = rank_townships(rows, MIDNIGHT, MIDNIGHT + 2 * DAY, RULE)

    assert [(one.station_id, one.rank, one.so2_rank) for one in found] == [
        ("b", 1, 2), ("a", 2, 3), ("c", 0, 1),
    ]  # fmt: skip
    assert found[2].missing == ("O3",)
    assert [one.days for one in found] == [2, 2, 2]


def land(side, *, day=0, key="s", at=ORIGIN, **more):
    """A square of bare land as an image showed it."""
    corners = tuple(
        Point(at.x + x * side / 2, at.y + y * side / 2)
        for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    )
    begin = NOON + day * DAY
    return Spot(
        key=f"{key}-{day}", begin_s=begin, end_s=begin + 1, division="130481",
        indicator="bare_land", outline=corners, **more,
    )  # fmt: skip


def test_bare_land_counts_from_one_hectare_and_over_images() -> None:
    """99 m square is none; 101 m is one; a later image of it is the same sign, longer."""
    assert list(spot_signs((land(99.0),), 0, RULE)) == []
    assert area_and_centre(land(101.0).outline) == (10_201.0, Point(0, 0))

    found = list(spot_signs((land(110.0), land(120.0, day=6)), 0, RULE))

    assert [(one.begin_s, one.end_s, round(one.value)) for one in found] == [
        (NOON, NOON + 6 * DAY + 1, 14_400)
    ]
    assert "6天未覆盖" in found[0].seen


def test_a_spot_is_over_when_its_source_says_so() -> None:
    """After its validity it says nothing, whatever our own number of days."""
    spot = Spot(
        key="v", begin_s=NOON, end_s=NOON + 1, division="130481", indicator="VOC",
        point=Point(0, 0), valid_s=NOON + DAY,
    )  # fmt: skip

    assert len(list(spot_signs((spot,), NOON, RULE))) == 1
    assert list(spot_signs((spot,), NOON + DAY, RULE)) == []


def flight(levels):
    """A flight to the east, one value each ten seconds and fifty metres."""
    values = tuple(
        Measured("a21026", float(v), "ug/m3", NOON + 10 * n, Point(50.0 * n, 0.0))
        for n, v in enumerate(levels)
    )
    return Event(
        key="f", begin_s=NOON, end_s=NOON + 600, division="130404", kind="drone", device="uav",
        mission="m", values=values,
    )  # fmt: skip


def test_a_plume_stands_out_of_its_flight() -> None:
    """Placed at the highest value; a single value, a few values and even noise are none."""
    calm_air = [20 + n % 3 for n in range(30)]
    plume = [*calm_air[:12], 90, 140, 85, *calm_air[12:]]

    found = list(track_signs([flight(plume)], calm(), RULE))

    assert [(one.point, one.value) for one in found] == [(Point(650.0, 0.0), 140.0)]
    spike = [*calm_air[:12], 140, *calm_air[12:]]
    for levels in (calm_air, spike, plume[10:17], [math.nan] * 20):
        assert list(track_signs([flight(levels)], calm(), RULE)) == []


def seen(kind, word, hour, *, code=PLANT, stage=5):
    """An event at a plant."""
    at = MIDNIGHT + int(hour * HOUR)
    return Event(
        key=f"{kind}-{word}-{at}", begin_s=at, end_s=at + 60, division="130481", credit_code=code,
        kind=kind, type=word, device="d", vehicle=Pass("in", stage, "diesel"),
    )  # fmt: skip


def order(measure, share, first, end):
    """An order in force [first, end) hours after midnight."""
    return Order("o", PLANT, measure, share, MIDNIGHT + first * HOUR, MIDNIGHT + end * HOUR, "令")


def test_running_production_counts_only_while_it_must_stand_still() -> None:
    """Black smoke always; running equipment under an order to stop, of this plant, in its hours."""
    events = [
        seen("video", "production_running", 5),
        seen("video", "production_running", 30),
        seen("video", "black_smoke", 40),
        seen("video", "unheard_of", 30),
    ]
    stop, limit = order("stop", 0.0, 24, 36), order("limit", 0.5, 24, 36)

    def words(orders):
        return [one.key.split("|")[2] for one in video_signs(events, orders)]

    assert sorted(words([stop])) == ["black_smoke", "production_running"]
    assert words([limit]) == ["black_smoke"]
    assert words([replace(stop, credit_code="other")]) == ["black_smoke"]


def lorries(days, a_day, *, first=-5):
    """As many passes each day."""
    return [
        seen("gate", "pass", 24 * (first + day) + 20.0 * n / a_day)
        for day in range(days)
        for n in range(a_day)
    ]


def test_gates_tell_barred_lorries_and_surplus_passes() -> None:
    """Half is allowed, all went on; the day before the order and a quiet day say nothing."""
    half = order("limit", 0.5, 0, 24)

    busy = list(gate_signs(lorries(6, 20), [half], RULE))
    quiet = list(gate_signs([*lorries(5, 20), *lorries(1, 9, first=0)], [half], RULE))
    young = list(gate_signs(lorries(3, 20, first=-2), [half], RULE))
    old = list(gate_signs([seen("gate", "pass", 3, stage=3)], [half], RULE))

    assert [(one.value, one.expected) for one in busy] == [(20.0, 20.0)]
    assert quiet == []
    assert young == []
    assert ["国4" in one.seen for one in old] == [True]
    assert list(gate_signs([seen("gate", "pass", 3, stage=9)], [half], RULE)) == []


def spectrum(peaks, *, scale=1.0, code="", key="w", at=ORIGIN, ex_step=10.0, noise=0.0):
    """A fluorescence spectrum of Gaussian peaks (excitation, emission, height)."""
    ex, em = np.arange(220.0, 401.0, ex_step), np.arange(280.0, 521.0, 10.0)
    light = np.zeros((len(ex), len(em)))
    for x, m, height in peaks:
        light += height * np.exp(
            -(((ex[:, None] - x) / 22) ** 2 + ((em[None, :] - m) / 32) ** 2) / 2
        )
    light *= scale * np.random.default_rng(4).normal(1.0, noise, light.shape)
    return Fingerprint(
        key=key, begin_s=NOON, end_s=NOON + 1, division="130404", credit_code=code, point=at,
        sample=key, reference=bool(code), excitation_nm=ex, emission_nm=em, intensity=light,
    )  # fmt: skip


SEWAGE, PAPER = ((275, 340, 1.0), (230, 345, 1.2)), ((280, 312, 0.9), (345, 430, 0.8))


def test_a_water_is_recognised_diluted_and_on_another_grid() -> None:
    """Congruence is 1 for the same water at any strength, and small for another trade's."""
    sample = spectrum(SEWAGE, scale=0.03, noise=0.02)

    assert congruence(sample, spectrum(SEWAGE), RULE) > 0.99
    assert congruence(sample, spectrum(SEWAGE, ex_step=5.0), RULE) > 0.99
    assert congruence(sample, spectrum(PAPER), RULE) < RULE.congruence_fair


@pytest.mark.parametrize(
    "broken",
    [
        lambda one: replace(one, intensity=np.zeros_like(one.intensity)),
        lambda one: replace(one, intensity=np.full_like(one.intensity, math.nan)),
        lambda one: replace(one, excitation_nm=one.excitation_nm + 900),
        lambda one: replace(
            one, excitation_nm=np.zeros(0), emission_nm=np.zeros(0), intensity=np.zeros((0, 0))
        ),
    ],
    ids=["dark", "missing", "elsewhere", "empty"],
)
def test_a_spectrum_that_says_nothing_is_like_nothing(broken) -> None:
    """No number rather than a wrong one."""
    assert math.isnan(congruence(broken(spectrum(SEWAGE)), spectrum(SEWAGE), RULE))


def test_a_fingerprint_names_a_plant_only_where_one_fits_alone() -> None:
    """Two sewage works with the same water: both are told, none is named; far ones do not count."""
    sample = spectrum(SEWAGE, scale=0.3, key="river")
    one, other = spectrum(SEWAGE, code="A", key="a"), spectrum(SEWAGE, code="B", key="b")
    far = replace(other, point=Point(50_000, 0))

    alone = list(fingerprint_signs([sample, one, far], (), RULE))
    both = list(fingerprint_signs([sample, one, other], (), RULE))

    assert [sign.credit_code for sign in alone] == ["A"]
    assert [sign.credit_code for sign in both] == [""]
    assert list(fingerprint_signs([sample, spectrum(PAPER, code="C")], (), RULE)) == []


def test_bearings_and_units() -> None:
    """True north though the plane's is turned; CO in mg, all others in ug."""
    assert bearing(project(120.0, 36.0), project(120.0, 36.5)) == pytest.approx(0, abs=0.01) or (
        bearing(project(120.0, 36.0), project(120.0, 36.5)) == pytest.approx(360, abs=0.01)
    )
    assert unified("a21005", 900, "ug/m3") == (0.9, "mg/m3")
    assert unified("a34004", 0.05, "mg/m3") == (50.0, "ug/m3")
