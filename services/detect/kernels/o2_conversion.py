"""折算浓度: a measured concentration brought to the reference oxygen of its standard."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from services.detect.kernels.series import Bools, Floats


class Converted(NamedTuple):
    """What the conversion gave."""

    values: Floats
    """Converted concentration in the unit of the input; NaN where it was not converted."""
    guarded: Bools
    """True where oxygen is at or above the guard, so that converting would be meaningless."""


def o2_conversion(
    concentration: ArrayLike,
    o2: ArrayLike,
    reference_o2: ArrayLike,
    *,
    initial_o2: ArrayLike = 21.0,
    guard: ArrayLike = 19.0,
) -> Converted:
    """折算浓度: c * (phi0 - ref) / (phi0 - O2), refused where O2 is near ambient.

    Formula: c * (21 - ref) / (phi0 - O2). phi0 = 21 for air; for oxygen-enriched combustion air
    phi0 is the initial oxygen, and the numerator keeps 21 (GB 18484-2020 formula 6).
    Units: `concentration` mg/m3 (dry, standard state), oxygen in volume %.
    Missing data: NaN in concentration or oxygen gives NaN, not guarded.
    Edges: O2 >= guard gives NaN and `guarded` (plant stopped or probe in air: at 20.5 % the formula
    would multiply by 20). The guard of 19 % is ours; no standard fixes it.
    Clause: GB 13223-2011 5.2, GB 18485-2014 9.1, HJ 75-2017 annex C.
    Fails: it cannot see an oxygen reading that was lowered on purpose (pattern D08), nor air let
    into the line (D07), which the conversion cancels exactly.

    >>> o2_conversion([40.0, 30.0], [8.0, 20.5], 6.0).guarded.tolist()
    [False, True]
    >>> round(float(o2_conversion(40.0, 8.0, 6.0).values), 4)
    46.1538
    """
    oxygen = np.asarray(o2, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        guarded = oxygen >= np.asarray(guard, dtype=np.float64)
        factor = (21.0 - np.asarray(reference_o2, dtype=np.float64)) / (
            np.asarray(initial_o2, dtype=np.float64) - oxygen
        )
        converted = np.asarray(concentration, dtype=np.float64) * factor
    return Converted(np.where(guarded, np.nan, converted), np.asarray(guarded))
