"""浓度: what leaves the stack or the outfall, and what the analyser makes of it."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from farsight.lab.model.identity import Identity
from farsight.lab.model.load import beijing_hour
from farsight.lab.model.noise import (
    Floats,
    Hours,
    autoregressive,
    decaying_pulses,
    normal,
    uniform,
)
from farsight.lab.model.profiles import FactorProfile

_CALM, _CEILING = 0.70, 0.90  # shares of the limit between which an honest plant reins itself in


def rein_in(value: Floats, limit: float) -> Floats:
    """Bend values that near the limit: an honest operator acts before it is reached."""
    share, room = value / limit, _CEILING - _CALM
    bent = room * (1.0 - np.exp(-np.maximum(share - _CALM, 0.0) / room))
    return limit * (np.minimum(share, _CALM) + bent)


def concentration(
    who: Identity, row: FactorProfile, limit: float, hours: Hours, load: Floats
) -> Floats:
    """Return the true (converted) concentration: log-normal, with rhythm and rare upsets.

    One slow component is shared by all factors of the outlet: fuel, sewage and treatment move
    them together.
    """
    shared = autoregressive(who.key("shared"), hours, 0.96)
    slow = autoregressive(who.key(row.factor, "slow"), hours, row.slow)
    fast = autoregressive(who.key(row.factor, "fast"), hours, 0.55)
    mixture = 0.5 * shared + np.sqrt(0.45) * slow + np.sqrt(0.30) * fast
    level = row.level * limit * who.trait(row.factor, 0.8, 1.2)
    rhythm = 1.0 + 0.25 * row.cv * np.sin(2 * np.pi * (beijing_hour(hours) - 5) / 24.0)
    upsets = decaying_pulses(who.key(row.factor, "upset"), hours, row.upset_rate, 2.2, 0.55)
    share = np.maximum(load / who.profile.base_load, 0.3) ** row.load_exponent
    value = level * np.exp(row.cv * mixture - row.cv**2 / 2) * rhythm * share
    return rein_in(value * (1.0 + row.upset_scale * upsets), limit)


def checked(who: Identity, row: FactorProfile, hours: Hours) -> NDArray[np.bool_]:
    """Return the hours of a standard check 标样核查 or calibration 校准 (flag C).

    Water analysers daily at night (HJ 355-2019: at least each 24 h), gas analysers once a week in
    working hours.
    """
    if row.check == "daily":
        return cast(NDArray[np.bool_], beijing_hour(hours) == int(who.trait("check hour", 1, 5.99)))
    weekday = ((hours + 8) // 24) % 7 == int(who.trait("check day", 0, 6.99))
    return cast(
        NDArray[np.bool_], weekday & (beijing_hour(hours) == int(who.trait("check hour", 9, 15.99)))
    )


def measured(
    who: Identity,
    row: FactorProfile,
    limit: float,
    hours: Hours,
    *,
    load: Floats,
    to_measured: Floats,
) -> Floats:
    """Return what an honest analyser shows, hour by hour, before rounding.

    `to_measured` turns a converted value into one at the oxygen of the hour. An analyser with a
    cycle of 2 h shows every result twice (做样周期); `hours` must begin with a cycle.
    """
    true = concentration(who, row, limit, hours, load)
    held = true[np.arange(len(hours)) // row.cycle_hours * row.cycle_hours]
    standard = limit * (0.6 + 0.02 * normal(who.key(row.factor, "standard"), hours))
    shown = np.where(checked(who, row, hours), standard, held * to_measured)
    zero = 0.02 * limit * uniform(who.key(row.factor, "zero"), hours)
    return cast(Floats, np.where(load > 0, shown, zero))
