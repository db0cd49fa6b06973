"""稀释恒等式: whether the gases moved as the oxygen says they must."""

import math
from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Floats

AIR_O2 = 20.9


class DilutionIdentity(NamedTuple):
    """What oxygen and gases say together."""

    oxygen_up: bool
    share: float
    """Share of foreign gas by oxygen: air where it rose, nitrogen where it fell; 0 .. 1."""
    gas: float
    """Median log change of the gases; NaN without one."""
    gases_follow: bool
    """Whether the gases lie nearer to the identity than to no change."""


def dilution_identity(change: Floats, oxygen: float, expected: float) -> DilutionIdentity:
    """稀释恒等式 (D07, D09): log changes of dry gases against what the oxygen asks of them.

    Formula: air of share f gives c'/c = (20.9 - O2') / (20.9 - O2) = 1 - f for every dry gas
    at once; nitrogen of share f gives c'/c = O2'/O2 = 1 - f. The gases follow where the median of
    their log changes is nearer to log(1 - f) than to 0.
    Null model: none; this names a shift that `link_shift` has found, it finds nothing itself.
    Units: `change` natural logs (gases,), oxygen in volume %.
    Missing data: NaN changes take no part; without any the gases do not follow.
    Edges: oxygen is held within 0.05 and 20.85 %, so that the logs exist.
    Paper: reference/domain.md G.3.5; reference/detection.md 2.2.
    Fails: gases that move by themselves (NOx with temperature) mislead it where f is small; one gas
    is little, three are much. Conversion to reference oxygen undoes pure air dilution exactly.

    >>> dilution_identity(np.log([0.7, 0.72]), 20.9 - 0.7 * 14.9, 6.0).gases_follow
    True
    >>> told = dilution_identity(np.log([1.02]), 3.0, 6.0)
    >>> told.oxygen_up, round(told.share, 2), told.gases_follow
    (False, 0.5, False)
    """
    now, then = (min(max(o, 0.05), AIR_O2 - 0.05) for o in (oxygen, expected))
    up = now >= then
    kept = math.log((AIR_O2 - now) / (AIR_O2 - then)) if up else math.log(now / then)
    some = change[np.isfinite(change)]
    gas = float(np.median(some)) if some.size else math.nan
    follow = some.size > 0 and kept < 0 and abs(gas - kept) < abs(gas)
    return DilutionIdentity(up, 1 - math.exp(kept), gas, follow)
