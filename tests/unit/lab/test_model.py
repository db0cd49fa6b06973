"""The process model: reproducible by absolute time, honest below the limits, coupled, and lifelike.

"Lifelike" is measured: figures of the model must fall into bands round those of the real series in
../shared/lab/data, where that folder is beside the repository. The bands and the real series'
figures stand in `test_the_model_resembles_the_real_series`.
"""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from farsight.lab.model.cheats import silent
from farsight.lab.model.detail import SAMPLES
from farsight.lab.model.noise import Floats, autoregressive, key_of, normal, uniform
from farsight.lab.model.outlet import HourBlock, OutletModel, convert
from farsight.lab.province import DEMO, demo_loggers, read_rows

REAL = Path(__file__).parents[4] / "shared" / "lab" / "data" / "public"
FIRST, QUARTER = 498_000, 2160
SEED = 7


def models(*, honest: bool = True) -> list[OutletModel]:
    """Every demo outlet; the stories are anchored at the end of the quarter."""
    loggers = demo_loggers(FIRST + QUARTER, SEED, honest=honest)
    return [logger.model for logger in loggers]


def judged(model: OutletModel, block: HourBlock) -> Iterator[tuple[str, Floats, Floats]]:
    """Factor, the value that is compared with the limit, and where it is normal (flag N)."""
    for factor in model.limits:
        value = block.converted.get(factor, block.mean[factor])
        yield factor, value, block.flag[factor] == "N"


def test_a_stretch_is_the_same_wherever_the_computation_begins() -> None:
    """Frames sent again after a restart carry the very same values."""
    for model in models(honest=False)[::7]:
        whole = model.block(FIRST, QUARTER)
        for start, count in ((FIRST + 1, 5), (FIRST + 777, 48), (FIRST + QUARTER - 1, 1)):
            part, cut = model.block(start, count), slice(start - FIRST, start - FIRST + count)
            for factor in model.factors:
                np.testing.assert_array_equal(part.mean[factor], whole.mean[factor][cut])
                np.testing.assert_array_equal(part.low[factor], whole.low[factor][cut])
                np.testing.assert_array_equal(part.flag[factor], whole.flag[factor][cut])


def test_another_seed_is_another_world() -> None:
    """The seed reaches every outlet."""
    model = models()[0]
    other = replace(model, who=replace(model.who, seed=SEED + 1))

    assert np.mean(
        model.block(FIRST, 500).mean["a21026"] == other.block(FIRST, 500).mean["a21026"]
    ) < 0.1  # fmt: skip


def test_honest_plants_stay_below_every_limit_for_a_year() -> None:
    """No normal hour of any outlet reaches its strictest limit, of any averaging time."""
    for model in models():
        block = model.block(FIRST, 8760)
        for factor, value, normal_hours in judged(model, block):
            assert np.nanmax(value[normal_hours]) < model.limits[factor], (model.who, factor)


def test_ph_stays_in_its_range() -> None:
    """The one factor with a lower limit."""
    values = [m.block(FIRST, 8760).mean["w01001"] for m in models() if "w01001" in m.factors]

    assert values
    assert all(v.min() > 6.0 and v.max() < 9.0 for v in values)


def test_converted_values_follow_from_what_is_shown() -> None:
    """折算浓度 is computed from the rounded concentration and oxygen, as a logger does."""
    model = models()[0]
    block = model.block(FIRST, QUARTER)
    running = block.mean["a19001"] < 19

    expected = block.mean["a21002"] * (21 - 6) / (21 - block.mean["a19001"])

    np.testing.assert_allclose(
        block.converted["a21002"][running], expected[running], atol=0.0006, rtol=0
    )
    assert np.isnan(block.converted["a21002"][~running]).all()


@pytest.mark.parametrize(("c", "o2", "ref", "want"), [(40, 8, 6, 46.154), (20, 12, 11, 22.222)])
def test_conversion_agrees_with_the_reference_vectors(
    c: float, o2: float, ref: float, want: float
) -> None:
    """GB formula with 21 % for air."""
    assert convert(np.array([c], dtype=float), np.array([o2], dtype=float), ref)[0] == want


def test_the_half_minutes_of_an_hour_have_its_mean_and_its_extremes() -> None:
    """The recomputed hour mean agrees with the reported one; Min and Max are the samples' own."""
    for model in models()[::5]:
        block = model.block(FIRST + 100, 1)
        for factor in model.factors:
            mean = block.mean[factor][0]
            samples = model.half_minutes(factor, FIRST + 100, mean)
            step = 10.0 ** -model.decimals(factor)
            assert len(samples) == SAMPLES
            assert abs(samples.mean() - mean) < 0.5 * step
            assert abs(samples.min() - block.low[factor][0]) < 1.01 * step
            assert abs(samples.max() - block.high[factor][0]) < 1.01 * step


def test_stops_are_flagged_and_look_like_stops() -> None:
    """Flag F: little flow, oxygen of air, no converted value; there are some in a year."""
    hours = 0
    for model in models():
        block = model.block(FIRST, 8760)
        stopped = block.flag[model.factors[0]] == "F"
        if "a19001" in model.factors and (deep := block.mean["a19001"] > 19.5).any():
            assert stopped[deep].all()
            assert block.mean["a00000"][deep].max() < 0.2 * np.median(block.mean["a00000"])
        hours += int(stopped.sum())

    assert hours > 1000


def test_checks_carry_the_calibration_flag_at_their_rhythm() -> None:
    """Water analysers daily, gas analysers weekly; the accompanying parameters never."""
    for model in models()[::6]:
        block = model.block(FIRST, 24 * 70)
        for factor in model.factors:
            row, checks = model.row(factor), int((block.flag[factor] == "C").sum())
            expected = 0 if row is None else 70 if row.check == "daily" else 10
            assert checks <= expected
            assert checks >= 0.6 * expected


def test_a_water_analyser_shows_each_result_twice() -> None:
    """做样周期 of two hours: apart from checks, hours come in equal pairs."""
    model = next(m for m in models() if m.who.process == "sewage grade 1A")
    block = model.block(FIRST, QUARTER)
    cod, ok = block.mean["w01018"].reshape(-1, 2), (block.flag["w01018"] == "N").reshape(-1, 2)

    assert (cod[:, 0] == cod[:, 1])[ok.all(axis=1)].all()


def test_noise_has_the_moments_it_claims() -> None:
    """Uniform in (0, 1), normal 0/1, AR(1) with its coefficient and unit variance."""
    hours = np.arange(200_000, dtype=np.int64)

    flat, bell = uniform(key_of("a"), hours), normal(key_of("b"), hours)
    red = autoregressive(key_of("c"), hours, 0.9)

    assert flat.min() > 0
    assert flat.max() < 1
    assert abs(flat.mean() - 0.5) < 0.005
    assert abs(bell.mean()) < 0.01
    assert abs(bell.std() - 1) < 0.01
    assert abs(np.corrcoef(bell[1:], bell[:-1])[0, 1]) < 0.01
    assert abs(red.std() - 1) < 0.03
    assert abs(np.corrcoef(red[1:], red[:-1])[0, 1] - 0.9) < 0.01


class TestStories:
    """Each row of scenarios.csv does what its note says, and nothing before or after."""

    def story(self, name: str) -> tuple[OutletModel, HourBlock, slice, list[str]]:
        """The outlet, its quarter, the hours of the story inside it, its factors."""
        row = next(r for r in read_rows("scenarios", DEMO) if r["name"] == name)
        model = next(m for m in models(honest=False) if m.who.outlet_id == row["outlet_id"])
        start = QUARTER + int(row["start_hours"])
        end = min(start + int(row["length_hours"]), QUARTER)
        return model, model.block(FIRST, QUARTER), slice(start, end), row["factors"].split(";")

    def test_the_bottle_takes_the_life_out_of_both_factors(self) -> None:
        """Relative spread of every story day is below a fifth of the usual; others live on."""
        model, block, inside, factors = self.story("bottle")
        others = {"w21011", "w21001"}

        assert set(factors) == {"w01018", "w21003"}
        for factor in {*factors, *others}:
            usual = np.median(_day_spread(block.mean[factor][: inside.start]))
            story = _day_spread(block.mean[factor][inside]).max()
            assert (story < 0.2 * usual) == (factor in factors), factor
        assert set(block.flag["w01018"][inside]) == {"N"}
        assert model.limits["w01018"] > block.mean["w01018"][inside].max()

    @pytest.mark.parametrize(
        "name", ["power-hourly", "furnace-hourly", "kiln-history", "kiln-warning"]
    )
    def test_an_exceedance_is_over_the_limit_in_its_hours_only(self, name: str) -> None:
        """Converted value above the limit, flag N, in exactly the hours of the story."""
        model, block, inside, factors = self.story(name)
        over = (block.converted[factors[0]] > model.limits[factors[0]]) & (
            block.flag[factors[0]] == "N"
        )

        expected = np.zeros(QUARTER, dtype=bool)
        expected[inside] = True
        np.testing.assert_array_equal(over, expected)

    def test_a_replay_repeats_the_digits_of_nine_days_before(self) -> None:
        """Every named factor does, while oxygen and flow go on as they are."""
        _, block, inside, factors = self.story("replay")
        before = slice(inside.start - 216, inside.stop - 216)

        for factor in factors:
            np.testing.assert_array_equal(block.mean[factor][inside], block.mean[factor][before])
        assert np.mean(block.mean["a19001"][inside] == block.mean["a19001"][before]) < 0.1

    def test_a_diluted_sample_loses_gas_and_gains_oxygen_by_one_share(self) -> None:
        """The identity of air dilution, G.3.5: c'/c = (20.9 - O2')/(20.9 - O2) = 1 - f."""
        model, block, inside, factors = self.story("dilution")
        honest = replace(model, cheats=()).block(FIRST, QUARTER)
        running = (honest.mean["a19001"] < 17)[inside]

        oxygen = (20.9 - block.mean["a19001"][inside]) / (20.9 - honest.mean["a19001"][inside])
        assert running.mean() > 0.9
        np.testing.assert_allclose(oxygen[running], 0.55, atol=0.01)
        for factor in set(factors) - {"a21002"}:
            ratio = block.mean[factor][inside] / honest.mean[factor][inside]
            step = 10.0 ** -model.decimals(factor) / honest.mean[factor][inside]
            assert (np.abs(ratio - 0.55) < 0.01 + step)[running].all(), factor

    def test_a_constant_value_does_not_move_inside_the_hour_either(self) -> None:
        """One value, and no spread between least and largest."""
        _, block, inside, factors = self.story("constant")

        shown = {float(v) for v in block.mean[factors[0]][inside]}

        assert len(shown) == 1
        assert (block.low[factors[0]] == block.high[factors[0]])[inside].all()

    def test_the_silent_logger_stops_at_its_hour(self) -> None:
        """From the start of the story on no hour is reported."""
        model, block, inside, _ = self.story("silent")

        quiet = silent(model.cheats, block.hours)

        assert quiet.sum() == QUARTER - inside.start
        assert quiet[inside].all()


def _day_spread(values: Floats) -> Floats:
    days = values[: len(values) // 24 * 24].reshape(-1, 24)
    return days.std(axis=1) / days.mean(axis=1)


@dataclass(frozen=True)
class Figures:
    """What a series looks like: autocorrelation at 1 h and 24 h, spread, tail, equal neighbours."""

    lag_1: float
    lag_day: float
    spread: float
    tail: float
    equal: float


def figures(values: Floats) -> Figures:
    """Measure an hourly series; NaN where there is none."""
    before, after = values[:-1], values[1:]
    both = ~np.isnan(before) & ~np.isnan(after)
    day_before, day_after = values[:-24], values[24:]
    both_day = ~np.isnan(day_before) & ~np.isnan(day_after)
    known = values[~np.isnan(values)]
    return Figures(
        lag_1=float(np.corrcoef(before[both], after[both])[0, 1]),
        lag_day=float(np.corrcoef(day_before[both_day], day_after[both_day])[0, 1]),
        spread=float(known.std() / known.mean()),
        tail=float(np.percentile(known, 99) / np.median(known)),
        equal=float((before == after)[both].mean()),
    )


def real(name: str, column: str) -> Figures:
    """Figures of a real series; skipped where the laboratory's data are not here."""
    path = REAL / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"../shared/lab/data/public/{name} is not here")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        cells = [row[column] for row in csv.DictReader(file)]
    return figures(np.array([float(cell) if cell else np.nan for cell in cells]))


def modelled(process: str, factor: str) -> list[Figures]:
    """Figures of every honest outlet of a process over a quarter, normal hours only."""
    found = []
    for model in models():
        if model.who.process == process:
            block = model.block(FIRST, QUARTER)
            found.append(figures(np.where(block.flag[factor] == "N", block.mean[factor], np.nan)))
    return found


WWTP, TURBINE = "wwtp_cn_inout_hourly", "gas_turbine_2011_2012_hourly"
SEWAGE, PAPER, BOILER, FURNACE = "sewage grade 1A", "paper mill", "coal boiler", "MSWI furnace"
BANDS = [
    # real series, process, factor, and how far each figure may lie from the real one
    (WWTP, "COD", SEWAGE, "w01018", {"lag_1": 0.12, "equal": 0.12, "spread": 0.12}),
    (WWTP, "NH3-N", SEWAGE, "w21003", {"lag_1": 0.20, "equal": 0.12, "spread": 0.30}),
    (WWTP, "TN", SEWAGE, "w21001", {"lag_1": 0.17, "equal": 0.12, "spread": 0.10}),
    (WWTP, "COD", PAPER, "w01018", {"lag_1": 0.15, "equal": 0.12, "spread": 0.12}),
    (WWTP, "PH", SEWAGE, "w01001", {"lag_1": 0.15, "equal": 0.10, "spread": 0.02}),
    (TURBINE, "NOX", BOILER, "a21002", {"lag_1": 0.10, "lag_day": 0.45, "spread": 0.10}),
    (TURBINE, "NOX", FURNACE, "a21002", {"lag_1": 0.10, "tail": 0.4, "equal": 0.05}),
    (TURBINE, "CO", FURNACE, "a21005", {"lag_1": 0.25, "spread": 0.75, "equal": 0.05}),
]


@pytest.mark.parametrize(("series", "column", "process", "factor", "bands"), BANDS)
def test_the_model_resembles_the_real_series(
    series: str, column: str, process: str, factor: str, bands: dict[str, float]
) -> None:
    """The median outlet lies inside the stated band round the real figure."""
    truth = real(series, column)
    own = modelled(process, factor)

    for name, band in bands.items():
        middle = float(np.median([getattr(each, name) for each in own]))
        assert abs(middle - getattr(truth, name)) <= band, (name, middle, getattr(truth, name))


def test_oxygen_falls_with_load_as_in_the_coal_fired_unit() -> None:
    """Correlation of oxygen with load between -0.55 and -0.9 (real unit: -0.73)."""
    found = []
    for model in models():
        if model.who.process == "coal boiler":
            block = model.block(FIRST, QUARTER)
            ok = block.flag["a19001"] == "N"
            found.append(np.corrcoef(block.mean["a00000"][ok], block.mean["a19001"][ok])[0, 1])

    assert -0.9 < np.median(found) < -0.55
