"""卫星疑似点: bare land of a hectare and more, and spots of pollutants seen from above."""

import math
from collections.abc import Iterator
from dataclasses import replace

from services.detect.outside.positions import NOWHERE, Point, area_and_centre, distance
from services.detect.outside.records import Spot
from services.detect.outside.rule import OutsideRule
from services.detect.outside.sign import OutsideSign, saturated
from services.detect.outside.words import moment, plain, pollutant_of, unit_text

BARE_LAND = "bare_land"
_DAY_S = 86_400


def spot_signs(spots: tuple[Spot, ...], begin_s: int, rule: OutsideRule) -> Iterator[OutsideSign]:
    """卫星疑似点 as signs.

    Bare land counts from `bare_land_m2` on, by the told area or that of its outline (the plane is
    equal-area); land seen again in a later image is one sign from the first image to the last, so
    that it shows how long it lies bare; a later image without it ends it by itself. Other spots
    count until their own end of validity, or `spot_days`. A spot is a place to look at: whose it
    is, the candidates say.
    """
    land: list[OutsideSign] = []
    for spot in sorted(spots, key=lambda one: (one.begin_s, one.key)):
        area, point = size_of(spot)
        radius = math.sqrt(area / math.pi) if area > 0 else rule.spot_radius_m
        if spot.indicator == BARE_LAND:
            if area >= rule.bare_land_m2:
                _add_land(land, _land(spot, area, point, radius, rule))
            continue
        until = spot.valid_s or spot.begin_s + int(rule.spot_days * _DAY_S)
        if until > begin_s:
            yield _seen(spot, point, radius)
    yield from (one for one in land if one.end_s + rule.spot_days * _DAY_S > begin_s)


def size_of(spot: Spot) -> tuple[float, Point]:
    """面积与中心 in m2: as told, else of the outline; 0 for a mere point."""
    area, point = math.nan, spot.point
    if len(spot.outline) >= 3:
        area, centre = area_and_centre(spot.outline)
        point = point if math.isfinite(point.x) else centre
    if math.isfinite(spot.area_m2):
        area = spot.area_m2
    return (area if math.isfinite(area) else 0.0), point if math.isfinite(point.x) else NOWHERE


def _add_land(land: list[OutsideSign], fresh: OutsideSign) -> None:
    """Join an image with the one before of the same land, else begin a new one."""
    for at, one in enumerate(land):
        if distance(one.point, fresh.point) <= max(one.radius_m, fresh.radius_m):
            days = (fresh.end_s - one.begin_s) // _DAY_S
            land[at] = replace(
                fresh,
                key=one.key,
                begin_s=one.begin_s,
                sources=(*one.sources, *fresh.sources),
                seen=f"{fresh.seen}；{moment(one.begin_s)}的影像已见，{days}天未覆盖",
            )
            return
    land.append(fresh)


def _land(spot: Spot, area: float, point: Point, radius: float, rule: OutsideRule) -> OutsideSign:
    return OutsideSign(
        key=f"bare_land|{spot.key}", kind="bare_land", begin_s=spot.begin_s, end_s=spot.end_s,
        division=spot.division, medium="land",
        strength=saturated(area / rule.bare_land_m2 - 1.0, 2.0),
        seen=f"{moment(spot.begin_s)}的卫星影像上有{plain(area)}平方米裸地{_at(spot)}",
        silenced_by=f"面积小于{plain(rule.bare_land_m2)}平方米，或之后的影像上已覆盖",
        credit_code=spot.credit_code, point=point, radius_m=radius, pollutant=BARE_LAND,
        value=area, expected=rule.bare_land_m2, unit="m2", sources=(spot.key,),
    )  # fmt: skip


def _seen(spot: Spot, point: Point, radius: float) -> OutsideSign:
    what = pollutant_of(spot.indicator)
    value = f"，值{plain(spot.value)}{unit_text(spot.unit)}" if math.isfinite(spot.value) else ""
    return OutsideSign(
        key=f"satellite|{spot.key}", kind="satellite", begin_s=spot.begin_s, end_s=spot.end_s,
        division=spot.division, medium=what.medium, strength=0.4,
        seen=f"{moment(spot.begin_s)}卫星（{spot.product}）发现{what.name}疑似点{value}{_at(spot)}",
        silenced_by="该次过境没有此疑似点，或疑似点已过有效期",
        credit_code=spot.credit_code, point=point, radius_m=radius, pollutant=spot.indicator,
        value=spot.value, unit=spot.unit, sources=(spot.key,),
    )  # fmt: skip


def _at(spot: Spot) -> str:
    return f"（{spot.address}）" if spot.address else ""
