"""外部线索地点: signs of one place become one clue, joined with what its own data show."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from services.detect.outside.candidates import Candidate, rank_candidates
from services.detect.outside.cells import cell_of
from services.detect.outside.positions import NOWHERE, Point, distance
from services.detect.outside.records import Plant
from services.detect.outside.rule import OutsideRule
from services.detect.outside.sign import FAMILIES, OutsideSign


@dataclass(frozen=True)
class PlaceClue:
    """外部线索: a place (a plant, or where on the ground) with its signs and candidates."""

    key: str  # plant:<credit code> | cell:<cell>:<medium> | division:<code>:<medium>
    medium: str
    division: str
    credit_code: str  # of the plant, where it is one; else empty
    begin_s: int
    end_s: int
    point: Point
    radius_m: float
    score: float
    signs: tuple[OutsideSign, ...]
    candidates: tuple[Candidate, ...]
    finding_ids: tuple[str, ...]
    reason: str

    @property
    def families(self) -> tuple[str, ...]:
        """Kinds of information that agree, the plant's own data among them."""
        found = {FAMILIES[one.kind] for one in self.signs}
        return tuple(sorted(found | ({"own_data"} if self.finding_ids else set())))


def find_places(
    signs: Iterable[OutsideSign], plants: Sequence[Plant], rule: OutsideRule
) -> list[PlaceClue]:
    """外部线索地点, highest score first.

    A sign that names a plant belongs to that plant. The others are joined on the ground: from the
    smallest radius on, each joins the nearest place of its medium that lies within both radii
    (never further than `join_m`) and within `episode_gap_h`, else begins its own. A place whose
    leading candidate has `leading_share` of the weight, is near *and* has signs or findings of its
    own goes to that plant, so that a plant is one clue whatever saw it. Findings of the plant's
    own data are attached, never repeated as signs.
    """
    mine = sorted(signs, key=lambda one: (one.radius_m, one.begin_s, one.key))
    by_plant: dict[str, list[OutsideSign]] = {}
    for one in mine:
        if one.credit_code:
            by_plant.setdefault(one.credit_code, []).append(one)
    known = {one.credit_code: one for one in plants}
    for group in _grounds([one for one in mine if not one.credit_code], rule):
        leading = _leading(group, by_plant, known, plants, rule)
        if leading:
            by_plant.setdefault(leading, []).extend(group)
        else:
            by_plant[f"\0{len(by_plant)}"] = group  # no credit code begins so
    found = [
        again(episode, "" if code.startswith("\0") else code, plants, rule)
        for code, group in by_plant.items()
        for episode in _episodes(group, rule)
    ]
    return sorted(found, key=lambda one: (-one.score, one.key, one.begin_s))


def _grounds(signs: list[OutsideSign], rule: OutsideRule) -> list[list[OutsideSign]]:
    grounds: list[list[OutsideSign]] = []
    for one in signs:
        near = [(_apart(ground[0], one), at) for at, ground in enumerate(grounds)]
        fitting = [
            (away, at)
            for away, at in near
            if grounds[at][0].medium == one.medium
            and away <= min(rule.join_m, grounds[at][0].radius_m + one.radius_m)
            and _in_time(grounds[at], one, rule)
        ]
        if fitting:
            grounds[min(fitting)[1]].append(one)
        else:
            grounds.append([one])
    return grounds


def _apart(first: OutsideSign, one: OutsideSign) -> float:
    if first.located and one.located:
        return distance(first.point, one.point)
    nowhere = not first.located and not one.located
    return 0.0 if nowhere and first.division == one.division else math.inf


def _in_time(ground: list[OutsideSign], one: OutsideSign, rule: OutsideRule) -> bool:
    gap = rule.episode_gap_h * 3600
    return any(s.begin_s <= one.end_s + gap and one.begin_s <= s.end_s + gap for s in ground)


def _leading(
    group: list[OutsideSign], by_plant: dict[str, list[OutsideSign]], known: dict[str, Plant],
    plants: Sequence[Plant], rule: OutsideRule,
) -> str:  # fmt: skip
    """Plant that takes a place on the ground over; empty = nobody does."""
    ranked = rank_candidates(group, plants, rule)
    if not ranked or ranked[0].share < rule.leading_share:
        return ""
    best, reach = ranked[0], 0.0 if group[0].medium == "land" else rule.reach_m
    if not best.distance_m <= max(one.radius_m for one in group) + reach:
        return ""
    own = best.credit_code in by_plant or best.finding_ids
    return best.credit_code if own and best.credit_code in known else ""


def _episodes(signs: list[OutsideSign], rule: OutsideRule) -> list[list[OutsideSign]]:
    """Signs in order of time, parted where more than `episode_gap_h` lies between."""
    parts: list[list[OutsideSign]] = []
    until = -math.inf
    for one in sorted(signs, key=lambda s: (s.begin_s, s.key)):
        if one.begin_s > until + rule.episode_gap_h * 3600:
            parts.append([])
        parts[-1].append(one)
        until = max(until, one.end_s)
    return parts


def again(
    signs: list[OutsideSign], code: str, plants: Sequence[Plant], rule: OutsideRule
) -> PlaceClue:
    """地点 of signs that belong together; `code` of the plant, empty = a place on the ground."""
    # What the place is, its best located sign says; of the ground that is the first (smallest).
    located = sorted((s for s in signs if s.located), key=lambda s: (s.radius_m, s.key))
    point, radius = (located[0].point, located[0].radius_m) if located else (NOWHERE, 0.0)
    candidates = tuple(rank_candidates(signs, plants, rule))
    plant = next((one for one in plants if one.credit_code == code), None)
    if plant is not None and math.isfinite(plant.point.x):
        point, radius = plant.point, 0.0
    findings = _own(candidates, code)
    first = signs[0]
    bare = PlaceClue(
        key=_key(code, point, first), medium=first.medium,
        division=plant.division if plant else first.division, credit_code=code,
        begin_s=min(s.begin_s for s in signs), end_s=max(s.end_s for s in signs),
        point=point, radius_m=radius, score=0.0, signs=tuple(signs), candidates=candidates,
        finding_ids=findings, reason="",
    )  # fmt: skip
    return replace(bare, score=score_of(bare), reason=reason_of(bare, plant))


def _own(candidates: Sequence[Candidate], code: str) -> tuple[str, ...]:
    return next((one.finding_ids for one in candidates if one.credit_code == code), ())


def _key(code: str, point: Point, first: OutsideSign) -> str:
    if code:
        return f"plant:{code}"
    cell = cell_of(point)
    return f"cell:{cell}:{first.medium}" if cell else f"division:{first.division}:{first.medium}"


#: No family decides alone; complaints of many people count at most so much.
_CAP, _PUBLIC_CAP = 0.95, 0.8


def score_of(place: PlaceClue) -> float:
    """排序分 0..100 of how much information agrees.

    1 - product over kinds of information of (1 - strength): of one kind the strongest sign counts,
    complaints together, own data 0.5; so that two kinds are worth more than many of one.
    """
    strongest: dict[str, float] = {}
    for one in place.signs:
        family, before = FAMILIES[one.kind], strongest.get(FAMILIES[one.kind], 0.0)
        strongest[family] = max(before, min(one.strength, _CAP))
        if family == "public" and before:
            # Several people say more than one, but not more than an instrument.
            strongest[family] = min(1.0 - (1.0 - before) * (1.0 - one.strength), _PUBLIC_CAP)
    if place.finding_ids:
        strongest["own_data"] = 0.5
    silent = math.prod(1.0 - strength for strength in strongest.values())
    return 100.0 * (1.0 - silent)


_KINDS = {
    "hot_grid": "热点网格", "high_value": "高值预警", "bare_land": "裸地",
    "satellite": "卫星疑似点", "drone": "无人机", "video": "视频", "vehicle_gate": "门禁",
    "fingerprint": "水质指纹", "complaint": "投诉",
}  # fmt: skip


def reason_of(place: PlaceClue, plant: Plant | None) -> str:
    """一句话: what agrees, about whom, and who else could be."""
    counts: dict[str, int] = {}
    for one in place.signs:
        counts[one.kind] = counts.get(one.kind, 0) + 1
    said = "、".join(
        f"{_KINDS[kind]}{f'（{count}条）' if count > 1 else ''}" for kind, count in counts.items()
    )
    if plant is not None:
        data = f"，与自动监测疑似问题{len(place.finding_ids)}条合并" if place.finding_ids else ""
        return f"{said}指向{plant.short_name or plant.name}{data}"
    if place.candidates:
        return f"{said}，候选企业{len(place.candidates)}家，首位占{place.candidates[0].share:.0%}"
    return f"{said}，附近没有登记企业，需现场查找"
