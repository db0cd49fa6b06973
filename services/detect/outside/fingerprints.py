"""水质指纹: fluorescence spectra of waters compared with those of known sources."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from services.detect.kernels.series import Bools, Floats
from services.detect.outside.positions import distance
from services.detect.outside.records import Fingerprint, Plant
from services.detect.outside.rule import OutsideRule
from services.detect.outside.sign import OutsideSign
from services.detect.outside.words import moment

#: Fewer common grid points tell nothing.
_LEAST_POINTS = 25


@dataclass(frozen=True)
class Match:
    """A sample's likeness to one reference."""

    sample: Fingerprint
    reference: Fingerprint
    congruence: float


def congruence(one: Fingerprint, other: Fingerprint, rule: OutsideRule) -> float:
    """Tucker 一致性系数 of two excitation-emission matrices, NaN where they share too little.

    phi = sum(x y) / sqrt(sum x^2 sum y^2) over the grid points both have, without the band of
    Rayleigh scatter (|em - ex| and |em - 2 ex| within `scatter_band_nm`) and without emission
    below excitation; negative intensities count as 0. phi does not change when a sample is
    diluted. Tucker 1951; Lorenzo-Seva & ten Berge 2006 (>= .95 equal, .85-.94 fairly similar).
    Two natural waters are alike too: humic matter gives .9 by itself, so a match needs a margin
    before the next reference (`matches`). Spectra on other grids are read off by interpolation.
    """
    common = (
        _inside(one.excitation_nm, other.excitation_nm),
        _inside(one.emission_nm, other.emission_nm),
    )
    if not common[0].size or not common[1].size:
        return float("nan")
    x, y = _on(one, *common), _on(other, *common)
    use = _usable(*common, rule) & np.isfinite(x) & np.isfinite(y)
    if use.sum() < _LEAST_POINTS:
        return float("nan")
    x, y = np.maximum(x[use], 0.0), np.maximum(y[use], 0.0)
    size = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum() / size) if size > 0 else float("nan")


def _inside(own: Floats, other: Floats) -> Floats:
    if own.size < 2 or other.size < 2:
        return np.zeros(0)
    found: Floats = own[(own >= other.min()) & (own <= other.max())]
    return found


def _on(one: Fingerprint, excitation: Floats, emission: Floats) -> Floats:
    """Read a spectrum off at other wavelengths, linearly in both directions."""
    rows = np.array([np.interp(emission, one.emission_nm, row) for row in one.intensity])
    found: Floats = np.array([np.interp(excitation, one.excitation_nm, c) for c in rows.T]).T
    return found


def _usable(excitation: Floats, emission: Floats, rule: OutsideRule) -> Bools:
    ex, em = excitation[:, None], emission[None, :]
    first = em - ex > rule.scatter_band_nm
    second = np.abs(em - 2 * ex) > rule.scatter_band_nm
    return first & second


def matches(sample: Fingerprint, library: Sequence[Fingerprint], rule: OutsideRule) -> list[Match]:
    """指纹比对 with all references that are fairly similar, most alike first."""
    found = [Match(sample, one, congruence(sample, one, rule)) for one in library]
    alike = [one for one in found if one.congruence >= rule.congruence_fair]
    return sorted(alike, key=lambda one: (-one.congruence, one.reference.key))


def fingerprint_signs(
    prints: Sequence[Fingerprint], plants: Sequence[Plant], rule: OutsideRule
) -> Iterator[OutsideSign]:
    """水质指纹 as signs: a sample that is like the water of known plants.

    It names a plant where one reference is equal and the next plant's is not; else it names
    nobody, and tells the likeness of each. References further than `water_reach_m` from a placed
    sample are left out: the same trade has the same fingerprint in every town.
    """
    names = {one.credit_code: one.name for one in plants}
    newest = {(one.credit_code, one.sample): one for one in prints if one.reference}
    library = [newest[key] for key in sorted(newest) if key[0]]
    for sample in (one for one in prints if not one.reference):
        near = [
            one for one in library if not distance(one.point, sample.point) > rule.water_reach_m
        ]
        found = matches(sample, near, rule)
        if found:
            yield _sign(sample, found, names, rule)


def _sign(
    sample: Fingerprint, found: list[Match], names: dict[str, str], rule: OutsideRule
) -> OutsideSign:
    best = found[0]
    others = [m for m in found if m.reference.credit_code != best.reference.credit_code]
    alone = not others or others[0].congruence < rule.congruence_same
    sure = best.congruence >= rule.congruence_same and alone
    plants: dict[str, float] = {}
    for one in found:
        plants.setdefault(one.reference.credit_code, one.congruence)
    said = "、".join(f"{names.get(code, code)} {value:.3f}" for code, value in plants.items())
    level = "一致" if best.congruence >= rule.congruence_same else "相近"
    return OutsideSign(
        key=f"fingerprint|{sample.key}", kind="fingerprint", begin_s=sample.begin_s,
        end_s=sample.end_s, division=sample.division, medium="water",
        strength=min(1.0, max(0.0, (best.congruence - 0.8) / 0.2)),
        seen=f"{moment(sample.begin_s)}水样{sample.sample}的荧光指纹与已知来源{level}：{said}",
        silenced_by=f"一致性系数低于{rule.congruence_fair:g}",
        credit_code=best.reference.credit_code if sure else sample.credit_code,
        point=sample.point, radius_m=rule.water_reach_m, value=best.congruence,
        expected=rule.congruence_same, unit="",
        sources=(sample.key, *(one.reference.key for one in found)),
    )  # fmt: skip
