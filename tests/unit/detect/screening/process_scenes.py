"""Plants as made series, honest and cheated, for tests of chemistry, process and timing."""

import dataclasses

import numpy as np

from tests.unit.detect.screening.panels import panel

DAYS, CHEAT = 40, slice(36 * 24 + 9, 38 * 24 + 9)


def _walk(rng, cells, sd, memory=0.9):
    out = np.zeros(cells)
    step = rng.standard_normal(cells) * sd * np.sqrt(1 - memory**2)
    for t in range(1, cells):
        out[t] = memory * out[t - 1] + step[t]
    return out


def stack(seed=1, cells=DAYS * 24):
    """Gas outlet by name: load (MW), flow, oxygen, two gases, one converted."""
    rng = np.random.default_rng(seed)
    day = np.sin((np.arange(cells) % 24 - 8) / 24 * 2 * np.pi)
    load = 150 + 40 * day + 10 * _walk(rng, cells, 1)
    oxygen = 11 - 0.03 * load + 0.2 * _walk(rng, cells, 1)
    sulphur, nitrogen = (
        (60 + 0.2 * load) * np.exp(_walk(rng, cells, 0.15)) * (21 - oxygen) / 15 for _ in range(2)
    )
    return {
        "MW": load,
        "a00000": 2.0 * load * np.exp(0.02 * rng.standard_normal(cells)),
        "a19001": np.round(oxygen, 2),
        "a21026": np.round(sulphur, 1),
        "a21002": np.round(nitrogen, 1),
        "a21026_zs": np.round(sulphur * 15 / (21 - np.round(oxygen, 2)), 1),
    }


def water(seed=2, cells=DAYS * 24):
    """Water outlet by name: flow, COD in and out, ammonia, conductivity, two power meters."""
    rng = np.random.default_rng(seed)
    day = np.sin((np.arange(cells) % 24 - 9) / 24 * 2 * np.pi)
    strength = _walk(rng, cells, 0.15, 0.97)
    power = 80 + 40 * day + 5 * _walk(rng, cells, 1)

    def like(level, share, own):
        return np.round(level * np.exp(share * strength + _walk(rng, cells, own)), 2)

    return {
        "flow": np.round(100 * np.exp(0.2 * day + _walk(rng, cells, 0.08)), 1),
        "COD_in": like(300, 1.0, 0.08),
        "COD": like(40, 0.8, 0.08),
        "NH3N": like(3, 0.8, 0.1),
        "COND": like(900, 0.5, 0.03),
        "elec_prod": np.round(power, 2),
        "elec_treat": np.round((8 + 0.1 * power) * np.exp(0.05 * rng.standard_normal(cells)), 3),
    }


def of(factors, *, step_min=60, marks=None, letter="M"):
    """A panel of one outlet; `marks` maps a factor to its marked cells."""
    made = panel(
        np.vstack(list(factors.values())), step_min,
        outlets=["outlet"] * len(factors), factors=list(factors),
    )  # fmt: skip
    flag, marked = made.flag.copy(), made.marked.copy()
    for factor, cells in (marks or {}).items():
        row = list(factors).index(factor)
        marked[row, cells], flag[row, cells] = True, ord(letter)
    return dataclasses.replace(made, flag=flag, marked=marked)


def diluted(plant, share=0.3):
    """Air in the line."""
    plant["a19001"][CHEAT] += share * (20.9 - plant["a19001"][CHEAT])
    for gas in ("a21026", "a21002"):
        plant[gas][CHEAT] *= 1 - share


def nitrogen(plant, share=0.4):
    """Nitrogen in the line."""
    for gas in ("a19001", "a21026", "a21002"):
        plant[gas][CHEAT] *= 1 - share


def oxygen_low(plant):
    """Oxygen set low."""
    plant["a19001"][CHEAT] -= 3


def pulled_out(plant):
    """The probe is out: ambient air."""
    plant["a19001"][CHEAT] = 20.85
    for gas in ("a21026", "a21002"):
        plant[gas][CHEAT] = 0.5


def zeroed(plant):
    """Zero gas at the port."""
    for gas in ("a19001", "a21026", "a21002"):
        plant[gas][CHEAT] = 0.3


def converted_low(plant):
    """Converted with a lower oxygen than was sent."""
    plant["a21026_zs"][CHEAT] *= 0.85


def flow_low(plant):
    """The velocity coefficient is lowered."""
    plant["a00000"][CHEAT] *= 0.7


def one_line(plant):
    """Inlet and outlet from one line."""
    plant["COD_in"][CHEAT] = plant["COD"][CHEAT] * 1.2


def outlet_thinned(plant):
    """The outlet alone is a quarter."""
    plant["COD"][CHEAT] *= 0.25


def treatment_off(plant):
    """Fans off by day."""
    for day in range(36, 38):
        plant["elec_treat"][day * 24 + 9 : day * 24 + 17] *= 0.1


def thinned(plant):
    """Tap water before the monitor: flow up, all down."""
    plant["flow"][CHEAT] *= 2.5
    for factor in ("COD", "NH3N", "COND"):
        plant[factor][CHEAT] /= 2.5


def remover(plant):
    """COD remover: COD alone falls."""
    plant["COD"][CHEAT] *= 0.45


def night_shift(plant):
    """Discharge moved into the night."""
    hour = np.arange(plant["flow"].size) % 24
    late = np.zeros(plant["flow"].size, bool)
    late[CHEAT] = True
    plant["flow"][late & ((hour >= 22) | (hour < 6))] *= 3


def clock_later(plant):
    """The logger's clock is set three hours back: all comes later."""
    for values in plant.values():
        values[34 * 24 :] = np.roll(values[34 * 24 :], 3)


def night_gaps(plant):
    """Analysers off at one to four in the morning."""
    for day in range(34, 38):
        plant["COD"][day * 24 + 1 : day * 24 + 4] = np.nan


def furnace(seed=3, cells=DAYS * 24):
    """Two sections of a furnace."""
    rng = np.random.default_rng(seed)
    common = 950 + 20 * _walk(rng, cells, 1)
    made = {"a01901": common + 4 * _walk(rng, cells, 1, 0.5)}
    return made | {"a01901-2": common - 40 + 4 * _walk(rng, cells, 1, 0.5)}


def one_section(plant):
    """One thermocouple for both sections."""
    plant["a01901-2"][CHEAT] = plant["a01901"][CHEAT] - 40 + 0.1
