"""候选企业: plants that could be what a sign saw, with weights and the reasons for them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from services.detect.outside.positions import bearing, distance, turned
from services.detect.outside.records import Plant
from services.detect.outside.rule import OutsideRule
from services.detect.outside.sign import OutsideSign
from services.detect.outside.words import compass, pollutant_of

#: A candidate with less than this share of the best one's weight is not told.
_LEAST = 0.02
#: A candidate further than so many reaches beyond the radius has no weight.
_REACHES = 4.0
_NEAR_S = 72 * 3600


@dataclass(frozen=True)
class Candidate:
    """候选企业 of a place; `share` of the weights of all candidates."""

    credit_code: str
    share: float
    distance_m: float  # from the place; NaN = named without a place
    reasons: tuple[str, ...]
    finding_ids: tuple[str, ...] = ()


@dataclass
class _Weighed:
    """A candidate while signs are added: reasons are those of its heaviest sign."""

    weight: float = 0.0
    heaviest: float = 0.0
    distance_m: float = math.inf
    reasons: tuple[str, ...] = ()

    def add(self, weight: float, away: float, reasons: list[str]) -> None:
        """Take one sign's part."""
        self.weight += weight
        self.distance_m = min(away if math.isfinite(away) else math.inf, self.distance_m)
        if weight > self.heaviest:
            self.heaviest, self.reasons = weight, tuple(reasons)


def rank_candidates(
    signs: Sequence[OutsideSign], plants: Sequence[Plant], rule: OutsideRule
) -> list[Candidate]:
    """候选企业 of signs of one place, heaviest first.

    Weight of a plant for a sign: exp(-beyond / reach), beyond = how far it lies outside the sign's
    radius; x `upwind_factor` where it is upwind of it (its inverse downwind); x `same_factor` where
    its outlets measure what was seen; x `other_medium` where all of them are of another medium;
    x `finding_factor` where its own data have findings within three days. A plant that a sign names
    has all of that sign's weight; that another sign names it adds none here, or the first suspect
    would draw every plume in town. Weights are products of stated factors, not probabilities;
    signs add by their strength. Plants without a known position are candidates only where they are
    named.
    """
    weighed: dict[str, _Weighed] = {}
    for sign in signs:
        found = _of_sign(sign, plants, rule)
        whole = sum(weight for weight, *_ in found.values())
        for code, (weight, away, said) in found.items():
            part = max(sign.strength, 0.05) * weight / whole
            weighed.setdefault(code, _Weighed()).add(part, away, said)
    whole = sum(one.weight for one in weighed.values())
    best = max((one.weight for one in weighed.values()), default=0.0)
    by_code = {one.credit_code: one for one in plants}
    ranked = [
        Candidate(
            credit_code=code,
            share=one.weight / whole,
            distance_m=one.distance_m if math.isfinite(one.distance_m) else math.nan,
            reasons=one.reasons,
            finding_ids=_findings(by_code[code], signs) if code in by_code else (),
        )
        for code, one in sorted(weighed.items(), key=lambda kept: (-kept[1].weight, kept[0]))
        if one.weight >= _LEAST * best
    ]
    return ranked[: int(rule.most_candidates)]


def _of_sign(
    sign: OutsideSign, plants: Sequence[Plant], rule: OutsideRule
) -> dict[str, tuple[float, float, list[str]]]:
    """Weight, distance and reasons of each candidate of one sign."""
    if sign.credit_code:
        away = math.nan
        for one in plants:
            if one.credit_code == sign.credit_code and sign.located:
                away = distance(one.point, sign.point)
        return {sign.credit_code: (1.0, away, ["线索直接指向该企业"])}
    found = {}
    # What people smell or see, they tell of their own street; land does not move.
    near = sign.kind == "complaint" or sign.medium == "land"
    reach = rule.complaint_reach_m if near else rule.reach_m
    for plant in plants:
        away = distance(plant.point, sign.point)
        beyond = max(0.0, away - sign.radius_m)
        if not math.isfinite(away) or beyond > _REACHES * reach:
            continue
        said = [_where(plant, sign, away)]
        weight = math.exp(-beyond / reach) * _by_wind(plant, sign, away, said, rule)
        weight *= _by_factor(plant, sign, said, rule)
        if _findings(plant, [sign]):
            said.append("同期自动监测数据有疑似问题")
            weight *= rule.finding_factor
        found[plant.credit_code] = weight, away, said
    return found


def _where(plant: Plant, sign: OutsideSign, away: float) -> str:
    if away < 200:
        return "就在该处"
    way = compass(bearing(sign.point, plant.point))
    return f"在其{way}方{away / 1000:.1f}公里"


def _by_wind(
    plant: Plant, sign: OutsideSign, away: float, said: list[str], rule: OutsideRule
) -> float:
    if not sign.wind.known or away < max(200.0, sign.radius_m / 4):
        return 1.0  # inside the place wind tells nothing
    angle = turned(bearing(sign.point, plant.point), sign.wind.from_deg)
    if angle <= rule.upwind_deg:
        said.append(f"位于上风向（与来风偏差{angle:.0f}°）")
        return rule.upwind_factor
    return 1.0 / rule.upwind_factor if angle >= 180.0 - rule.upwind_deg else 1.0


def _by_factor(plant: Plant, sign: OutsideSign, said: list[str], rule: OutsideRule) -> float:
    """Whether it emits what was seen; land may be anybody's."""
    what = pollutant_of(sign.pollutant) if sign.pollutant else None
    if what is not None and what.factors & plant.factors:
        said.append(f"排放与{what.name}有关的因子")
        return rule.same_factor
    other = sign.medium != "land" and plant.media and sign.medium not in plant.media
    return rule.other_medium if other else 1.0


def _findings(plant: Plant, signs: Sequence[OutsideSign]) -> tuple[str, ...]:
    """疑似问题 of the plant's own data within three days of a sign."""
    return tuple(
        finding_id
        for finding_id, one in sorted(plant.findings.items())
        if any(
            one.begin_s < sign.end_s + _NEAR_S and sign.begin_s - _NEAR_S < one.end_s
            for sign in signs
        )
    )
