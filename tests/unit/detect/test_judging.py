"""What the rules find in synthetic outlets, and that order and repetition change nothing."""

import dataclasses
import math
import random

import numpy as np
import pytest

from services.detect.domain.clue import changed_clues
from services.detect.domain.grid import MINUTE
from services.detect.domain.hits import BASIS_HOUR, BASIS_MINUTES
from services.detect.domain.picture import Shows, picture_of
from services.detect.domain.series_key import SeriesKey
from services.detect.packs.timeline import BEGINNING, Timeline
from services.detect.windows.partition_windows import Columns
from tests.unit.detect.scene import (
    MONDAY,
    NOX,
    O2,
    PACK,
    SO2,
    N,
    Scene,
    T,
    columns,
    honest,
    limit,
)

EXCEEDANCE, CONSTANT = "hourly_exceedance", "constant_value"
QUIET, SILENCE = "low_variance_part_of_day", "silence"
DAYS = 60
HOURS = DAYS * 24
FIRST = MONDAY - HOURS


def _scene(so2_limit=None, nox_limit=None, lines=()) -> Scene:
    limits = {("A", SO2): (so2_limit or limit(1000),), ("A", NOX): (nox_limit or limit(1000),)}
    return Scene(limits, {"A": lines})


def test_hours_above_the_limit_make_one_finding_that_grows_and_closes():
    """Three hours, a pause, two hours on the same day: one finding; a day later it is closed."""
    scene = _scene(limit(100))
    values = np.full(72, 50.0)
    values[10:13], values[20:22] = 120.0, 110.0

    for at in range(72):
        scene.send({("A", SO2): (MONDAY + at, values[at : at + 1])})

    (finding,) = scene.of(EXCEEDANCE)
    assert (finding.begin, finding.end) == (MONDAY + 10, MONDAY + 22)
    assert finding.hits["slot"].tolist() == [MONDAY + h for h in (10, 11, 12, 20, 21)]
    assert not finding.open
    # One revision a growing hour and one for the end: nothing in between, nothing twice.
    assert [c.revision for c in scene.changes] == [1, 2, 3, 4, 5, 6]


def test_what_a_finding_says_comes_from_its_data():
    """Counts by natural day and seven days, multiple, wording, counterfactual."""
    scene = _scene(limit(100))
    values = np.full(60, 50.0)
    values[20:26] = [101.0, 125.0, 110.0, 105.0, 103.0, 102.0]
    scene.send({("A", SO2): (MONDAY, values)})

    text = scene.describe(scene.of(EXCEEDANCE)[0])

    assert (text.count, text.count_today, text.count_7_days) == (6, 2, 6)
    assert text.peak_multiple == pytest.approx(0.25)
    assert text.seen == (
        "二氧化硫小时均值自2026年7月27日20时至2026年7月28日02时有6个小时"
        "超过排放限值100 mg/m3（permit 1.2），最高125 mg/m3，出现在2026年7月27日21时，超标0.25倍"
    )
    assert "低25 mg/m3" in text.silenced_by
    assert "其余5个小时" in text.silenced_by
    assert text.facts["comparison"] == "full_value"


def test_the_reported_converted_mean_is_judged_and_ours_checks_it():
    """50 at 12 % oxygen is 83 converted; the logger says 40. That is judged, both are kept."""
    scene = _scene(limit(35, ref_o2=6.0))
    hours = np.full(4, 50.0)
    scene.send(
        {("A", O2): (MONDAY, np.full(4, 12.0)), ("A", SO2): (MONDAY, hours, np.full(4, 40.0))}
    )

    (finding,) = scene.of(EXCEEDANCE)

    assert finding.hits["value"].tolist() == [40.0] * 4
    assert finding.hits["check"].tolist() == pytest.approx([50 * 15 / 9] * 4)
    assert set(finding.hits["basis"]) == {BASIS_HOUR}
    facts = scene.describe(finding).facts
    assert facts["difference"] == pytest.approx(40 - 50 * 15 / 9)


@pytest.mark.parametrize(("reading", "judged"), [("full_value", [80.4, 80.5, 80.6]),
                                                 ("rounded_value", [80.6])])  # fmt: skip
def test_the_comparison_with_the_limit_is_a_named_switch(reading, judged):
    """GB/T 8170-2008 4.3: the full value, or the value rounded to the limit's digits."""
    validity = tuple(dataclasses.replace(row, comparison=reading) for row in PACK.validity)
    pack = dataclasses.replace(PACK, validity=validity)
    scene = Scene({("A", SO2): (limit(80),)}, timeline=Timeline([(BEGINNING, pack)]))

    scene.send({("A", SO2): (MONDAY, [80.0, 80.4, 80.5, 80.6])})

    (finding,) = scene.of(EXCEEDANCE)
    assert finding.hits["value"].tolist() == judged
    assert scene.describe(finding).facts["comparison"] == reading


def test_leaving_the_converted_mean_out_hides_nothing():
    """Where the logger sends no converted mean, ours is judged."""
    scene = _scene(limit(35, ref_o2=6.0))

    scene.send({("A", O2): (MONDAY, [12.0]), ("A", SO2): (MONDAY, [50.0])})

    assert scene.of(EXCEEDANCE)[0].hits["value"].tolist() == pytest.approx([50 * 15 / 9])


def test_near_ambient_oxygen_is_not_judged():
    """At 20 % oxygen the plant stands; a converted value of 900 says nothing."""
    scene = _scene(limit(35, ref_o2=6.0))

    scene.send({("A", O2): (MONDAY, [20.0]), ("A", SO2): (MONDAY, [60.0], [900.0])})

    assert scene.of(EXCEEDANCE) == []


@pytest.mark.parametrize(
    ("flag", "judged"), [(N, 1), (T, 1), (0, 1), *((ord(letter), 0) for letter in "MFCDSB")]
)
def test_only_normal_and_over_range_values_are_judged(flag, judged):
    """A device flag of maintenance, fault, ... takes an hour out; T must not."""
    scene = _scene(limit(100))

    scene.send({("A", SO2): (MONDAY, [150.0], [math.nan], [flag])})

    assert len(scene.of(EXCEEDANCE)) == judged


def test_each_hour_is_judged_by_the_limit_in_force():
    """The limit falls from 100 to 60 on Tuesday; its first hour is the first to exceed."""
    old = limit(100, until=MONDAY + 24)
    scene = Scene({("A", SO2): (old, limit(60, since=MONDAY + 24))})

    scene.send({("A", SO2): (MONDAY + 22, [80.0, 80.0, 80.0])})

    (finding,) = scene.of(EXCEEDANCE)
    assert finding.hits["slot"].tolist() == [MONDAY + 24]
    assert finding.hits["threshold"].tolist() == [60.0]


def test_a_daily_limit_does_not_judge_hours():
    """GB 18918 limits are daily means."""
    scene = Scene({("A", SO2): (limit(10, averaging="daily"),)})

    scene.send({("A", SO2): (MONDAY, [80.0])})

    assert scene.findings == {}


def test_ten_minute_values_check_an_hour_and_stay_its_check():
    """The recomputed mean rests on the minutes, also after they left their ring."""
    scene = _scene(limit(100))
    times = MONDAY * 3600 + 600 * np.arange(6)
    minutes = Columns(
        [(MINUTE, SeriesKey("A", SO2))], np.zeros(6, int), times,
        np.array([118.0, 122, 120, 121, 119, 120]), np.full(6, np.nan), np.full(6, N, np.uint8),
    )  # fmt: skip
    scene.send(minutes)
    scene.send({("A", SO2): (MONDAY, [130.0])})
    first = scene.of(EXCEEDANCE)[0].hits.copy()

    scene.send({("A", SO2): (MONDAY + 1, np.full(71, 50.0))})

    assert first["check"].tolist() == [120.0]
    assert first["basis"].tolist() == [BASIS_MINUTES]
    assert scene.of(EXCEEDANCE)[0].hits.tobytes() == first.tobytes()


def test_silence_is_found_when_data_come_back_without_any_clock():
    """Six hours without anything: one finding, closed, of exactly six hours."""
    scene = _scene()
    scene.send({("A", SO2): (MONDAY, [5.0, 5.0])})

    scene.send({("A", SO2): (MONDAY + 8, [5.0])})

    (gap,) = scene.of(SILENCE, factor="")
    assert (gap.begin, gap.end, gap.open) == (MONDAY + 2, MONDAY + 8, False)


def test_silence_grows_by_levels_and_says_nothing_about_when_somebody_looked():
    """Looks at 3, 5, 11, 13, 30 and 49 hours give revisions at 2, 12, 24 and 48 hours."""
    scene = _scene()
    scene.send({("A", SO2): (MONDAY, [5.0])})

    lengths = []
    for hour in (1, 3, 5, 11, 13, 30, 49):
        scene.judge({"A": MONDAY}, {"A": MONDAY + 1 + hour})
        lengths += [k.end - k.begin for k in scene.of(SILENCE, factor="")]
    scene.send({("A", SO2): (MONDAY + 60, [5.0])})

    assert lengths == [2, 2, 2, 12, 24, 48]
    assert [c.revision for c in scene.changes] == [1, 2, 3, 4, 5]
    (gap,) = scene.of(SILENCE, factor="")
    assert (gap.end - gap.begin, gap.open) == (59, False)


def test_a_back_fill_of_older_hours_does_not_end_an_open_silence():
    """Hours from before the gap arrive late; the gap is what it was."""
    scene = _scene()
    scene.send({("A", SO2): (MONDAY, [5.0])})
    scene.judge({"A": MONDAY}, {"A": MONDAY + 4})

    scene.send({("A", SO2): (MONDAY - 5, [5.0])})

    gap = [g for g in scene.of(SILENCE, factor="") if g.begin == MONDAY + 1]
    assert [g.open for g in gap] == [True]


def test_a_filled_gap_withdraws_its_finding():
    """The missing hours come by back-fill: the finding closes without hits."""
    scene = _scene()
    scene.send({("A", SO2): (MONDAY, [5.0])})
    scene.send({("A", SO2): (MONDAY + 8, [5.0])})

    scene.send({("A", SO2): (MONDAY + 1, np.full(7, 5.0))})

    assert scene.of(SILENCE, factor="") == []
    assert [(c.open, len(c.hits)) for c in scene.changes] == [(False, 1), (False, 0)]


def test_a_gap_that_is_filled_hour_by_hour_is_one_finding_that_shrinks():
    """Live data are back, the hole fills from its old end: no new finding with every hour."""
    scene = _scene()
    scene.send({("A", SO2): (MONDAY, [5.0])})
    scene.send({("A", SO2): (MONDAY + 12, [5.0])})

    for hour in range(1, 12):
        scene.send({("A", SO2): (MONDAY + hour, [5.0])})

    assert len({change.finding_id for change in scene.changes}) == 1
    assert scene.of(SILENCE, factor="") == []


def _bottle(seed, level, hours=72):
    """A bottle of standard solution: 1.5 % noise about a level inside the normal range."""
    return np.round(level * (1 + np.random.default_rng(seed).normal(0, 0.015, hours)), 1)


def test_a_bottle_on_one_line_makes_two_findings_and_one_confidential_clue():
    """SO2 and NOx lose their scatter together for three days; nothing else is raised."""
    scene = _scene(lines=(f"{SO2}+{NOX}",))
    so2, nox = honest(21, HOURS, 60), honest(22, HOURS, 45)
    so2[50 * 24 : 53 * 24], nox[50 * 24 : 53 * 24] = _bottle(1, 55), _bottle(2, 44)

    scene.send({("A", SO2): (FIRST, so2), ("A", NOX): (FIRST, nox)})

    quiet = [scene.of(QUIET, factor=f)[-1] for f in (SO2, NOX)]
    assert [abs(q.begin - FIRST - 50 * 24) <= 24 for q in quiet] == [True, True]
    (clue,) = scene.clues.values()
    assert clue.pattern == "D01"
    assert set(clue.factors) == {SO2, NOX}
    assert set(clue.finding_ids) >= {q.finding_id for q in quiet}
    assert all(scene.findings[f].confidential for f in clue.finding_ids)


def test_a_bottle_on_one_of_two_lines_makes_no_clue():
    """The factors hang on different lines: two findings of quality, no clue."""
    scene = _scene(lines=(SO2, NOX))
    so2, nox = honest(21, HOURS, 60), honest(22, HOURS, 45)
    so2[50 * 24 : 53 * 24], nox[50 * 24 : 53 * 24] = _bottle(1, 55), _bottle(2, 44)

    scene.send({("A", SO2): (FIRST, so2), ("A", NOX): (FIRST, nox)})

    assert scene.clues == {}
    assert scene.of(QUIET)


def test_constant_values_that_become_part_of_a_clue_become_confidential():
    """A constant finding is no secret; together with its sister it is."""
    scene = _scene(lines=(f"{SO2}+{NOX}",))
    so2, nox = honest(31, HOURS, 60), honest(32, HOURS, 45)
    so2[50 * 24 : 51 * 24] = 61.3
    scene.send({("A", SO2): (FIRST, so2[: 51 * 24]), ("A", NOX): (FIRST, nox[: 50 * 24])})
    before = scene.of(CONSTANT)[0]

    nox[50 * 24 : 51 * 24] = 44.4
    scene.send({("A", NOX): (FIRST + 50 * 24, nox[50 * 24 : 51 * 24])})

    after = scene.of(CONSTANT)[0]
    assert (before.confidential, after.confidential) == (False, True)
    assert after.revision == before.revision + 1
    assert {c.pattern for c in scene.clues.values()} == {"D02"}
    assert after.hits["begin"][0] == FIRST + 50 * 24
    assert after.hits["value"][0] == 61.3


def test_a_short_history_is_not_evaluated():
    """20 days of history: a dead analyser is not called constant, a bottle not quiet."""
    scene = _scene()
    so2 = honest(21, 24 * 24, 60)
    so2[20 * 24 :] = 61.3

    scene.send({("A", SO2): (MONDAY - len(so2), so2)})

    assert scene.findings == {}


def test_a_standing_plant_is_neither_constant_nor_quiet():
    """Ambient oxygen for three days, analysers at 2.0: no finding."""
    scene = _scene(lines=(f"{SO2}+{NOX}",))
    so2, nox, o2 = honest(41, HOURS, 60), honest(42, HOURS, 45), honest(43, HOURS, 8, 0.01)
    stop = slice(50 * 24, 53 * 24)
    so2[stop], nox[stop], o2[stop] = 2.0, 2.0, 20.9

    scene.send({("A", SO2): (FIRST, so2), ("A", NOX): (FIRST, nox), ("A", O2): (FIRST, o2)})

    assert scene.findings == {}


def _story():
    """Sixty days with a bottle, a constant, exceedances and a gap, hour by hour."""
    so2, nox, o2 = honest(51, HOURS, 60), honest(52, HOURS, 45), honest(53, HOURS, 8, 0.01)
    so2[48 * 24 : 51 * 24], nox[48 * 24 : 51 * 24] = _bottle(3, 57), _bottle(4, 43)
    so2[55 * 24 : 55 * 24 + 18] = 66.6
    nox[52 * 24 : 52 * 24 + 4] = 190.0
    for series in (so2, nox, o2):
        series[56 * 24 : 56 * 24 + 7] = np.nan
    return {("A", SO2): so2, ("A", NOX): nox, ("A", O2): o2}


def _story_scene() -> Scene:
    return _scene(limit(180), limit(150), lines=(f"{SO2}+{NOX}",))


@pytest.mark.parametrize("seed", range(6))
def test_any_order_and_repetition_of_batches_gives_the_same_findings(seed):
    """Batches of the last three weeks shuffled and repeated, factors apart: same findings, clue."""
    story = _story()
    calm = _story_scene()
    calm.send({key: (FIRST, values) for key, values in story.items()})
    rng = random.Random(seed)
    late = HOURS - 20 * 24
    pieces = [
        (key, at, min(at + rng.choice((5, 24, 50)), HOURS))
        for key in story for at in range(late, HOURS, 24)
    ]  # fmt: skip
    rng.shuffle(pieces)
    wild = _story_scene()
    wild.send({key: (FIRST, values[:late]) for key, values in story.items()})

    for key, begin, end in [*pieces, *pieces[::3]]:
        if np.isfinite(story[key][begin:end]).any():
            wild.send({key: (FIRST + begin, story[key][begin:end])})
    for key in story:
        wild.send({key: (FIRST + late, story[key][late:])})

    assert wild.everything() == calm.everything()
    spans = [{(c.begin, c.end, c.factors, c.open) for c in s.clues.values() if c.finding_ids}
             for s in (wild, calm)]  # fmt: skip
    assert spans[0] >= spans[1]
    assert spans[1]
    assert {key.rule_id for key, *_ in calm.everything()} == {EXCEEDANCE, CONSTANT, QUIET, SILENCE}


def test_judging_again_changes_nothing():
    """Redelivery after a kill: every outlet judged again from the beginning, no change."""
    scene = _story_scene()
    scene.send({key: (FIRST, values) for key, values in _story().items()})
    count = len(scene.changes)

    scene.judge({"A": 0}, {})

    assert len(scene.changes) == count
    assert changed_clues(scene.clues.values(), scene.clues.values()) == []


def test_outlets_judged_together_get_what_they_get_alone():
    """The block aligns each outlet to its own days: company changes nothing."""
    story = _story()
    alone = _story_scene()
    alone.send({key: (FIRST, values) for key, values in story.items()})
    together = Scene(
        {("A", SO2): (limit(180),), ("A", NOX): (limit(150),), ("B", SO2): (limit(100),)},
        {"A": (f"{SO2}+{NOX}",), "B": ()},
    )

    together.send(
        {key: (FIRST, values) for key, values in story.items()}
        | {("B", SO2): (FIRST + 13 * 24, honest(60, HOURS, 60))}
    )

    mine = [entry for entry in together.everything() if entry[0].outlet_id == "A"]
    assert mine == alone.everything()


def test_the_picture_holds_the_judged_values_and_the_band_of_the_own_history():
    """Arrays of one length around the finding; nine tenths of honest values lie inside the band."""
    scene = _story_scene()
    hours = 100 * 24
    start = MONDAY - hours
    values = honest(71, hours, 60)
    values[-30] = 170.0
    values[-31] = 190.0
    scene.send({("A", SO2): (start, values)})
    (finding,) = scene.of(EXCEEDANCE)
    judged = scene.judged({"A": MONDAY - 30})
    row = judged.block.row_of[SeriesKey("A", SO2)]

    picture = picture_of(judged, row, finding.hits, limit(180), Shows("mg/m3", converted=True))

    size = len(picture.slot)
    assert size == len(picture.value) == len(picture.flags) == len(picture.band_low)
    assert (picture.tested_begin, picture.tested_end) == (MONDAY - 31, MONDAY - 30)
    np.testing.assert_allclose(picture.value, values[picture.slot - start])
    inside = (picture.value >= picture.band_low) & (picture.value <= picture.band_high)
    assert 0.75 < inside.mean() < 0.99


def test_columns_of_the_scene_are_what_was_given():
    """The builder itself: NaN is an hour that was never sent."""
    made = columns({("A", SO2): (MONDAY, [1.0, math.nan, 3.0])})

    assert made.time_s.tolist() == [MONDAY * 3600, (MONDAY + 2) * 3600]
