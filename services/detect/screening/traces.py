"""痕迹: one kind of evidence that two outlets share a hand, and what several come to."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.detect.kernels.series import Floats

#: Control pairs below which they say nothing of the null, and below which their spread says little.
_FEW_CONTROL, _LEAST_CONTROL = 3, 20
#: Pairs of one operator from which on their median says what is usual there.
LEAST_OWN = 6
_FLOOR = 300.0  # of -log10 p: nothing is less likely than this
_LN10 = math.log(10.0)


@dataclass(frozen=True)
class Trace:
    """痕迹 of one kind between two outlets."""

    kind: str
    """copy | noise | digits | moments."""
    factor: str
    """Empty for moments, which are of the whole outlet."""
    statistic: float
    """copy: bits beyond chance; noise, digits: z; moments: how many in common."""
    expected: float
    """copy: 0; noise, digits: typical of pairs that share no operator; moments: by chance."""
    lag_h: float
    """Hours by which the second outlet came first."""
    strength: float
    """-log10 of the chance that honest outlets of two operators show as much."""


def normal_tail(z: float) -> float:
    """-log10 of the upper tail of the normal distribution.

    >>> round(normal_tail(3.09), 2), round(normal_tail(50.0)) > 200
    (3.0, True)
    """
    if z > 30:
        return min(_FLOOR, (z * z / 2 + math.log(z * math.sqrt(2 * math.pi))) / _LN10)
    return -math.log10(0.5 * math.erfc(z / math.sqrt(2)))


def strength_of(z: float, control: Floats, trials: int) -> float:
    """-log10 p of a z, the largest of so many trials; control pairs may widen the null.

    Their median and spread take the place of 0 and 1 where they are larger: what outlets of
    different operators share, weather or a comb of units, is no trace of a hand.
    """
    known = control[np.isfinite(control)]
    by_formula = normal_tail(z) - math.log10(max(trials, 1))
    if len(known) < _FEW_CONTROL:
        return max(by_formula, 0.0)
    middle = float(np.median(known))
    spread = 1.4826 * float(np.median(np.abs(known - middle)))
    rank = math.log10((1 + len(known)) / (1 + int((known >= z).sum())))
    least = 0.5 if len(known) >= _LEAST_CONTROL else 1.0
    wide = normal_tail((z - middle) / max(spread, least))
    # Within the control pairs their rank is all there is to say.
    if (known >= z).any():
        wide = min(wide, rank)
    return max(min(by_formula, wide), 0.0)


def control_of(strangers: Floats, own: Floats) -> Floats:
    """Statistics of pairs without a common hand: strangers', moved up to what is usual at home.

    Outlets of one operator share instruments, a network and a calendar, honestly; where it has
    enough pairs, their median says how much. Too few strangers are joined by the own pairs.
    """
    known, mine = strangers[np.isfinite(strangers)], own[np.isfinite(own)]
    if len(known) < _LEAST_CONTROL:
        known = np.concatenate([known, mine])
    if len(mine) < LEAST_OWN or not len(known):
        return known
    return np.asarray(known + max(0.0, float(np.median(mine) - np.median(known))))


def poisson_tail(count: float, expected: float) -> float:
    """-log10 of the chance of `count` or more where so many are expected.

    >>> round(poisson_tail(1, 0.1), 2), poisson_tail(0, 2.0)
    (1.02, 0.0)
    """
    number = round(count)
    if number < 1:
        return 0.0
    mean = max(expected, 1e-9)
    first = number * math.log(mean) - mean - math.lgamma(number + 1)
    ratio, total, term = mean, 1.0, 1.0
    for k in range(1, 200):
        term *= ratio / (number + k)
        total += term
        if term < 1e-12 * total:
            break
    return float(min(max(-(first + math.log(total)) / _LN10, 0.0), _FLOOR))


def joint(strengths: Sequence[float]) -> float:
    """-log10 p of several independent kinds together, after Fisher.

    >>> round(joint([3.0]), 2), round(joint([2.0, 2.0]), 2)
    (3.0, 2.99)
    """
    half = sum(strengths) * _LN10
    if half <= 0:
        return 0.0
    terms = [k * math.log(half) - math.lgamma(k + 1) for k in range(len(strengths))]
    most = max(terms)
    series = most + math.log(sum(math.exp(term - most) for term in terms))
    return min(max((half - series) / _LN10, 0.0), _FLOOR)
