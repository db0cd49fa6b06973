"""外部线索研判 of one process: plants and orders of the registry copy, kept warm."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.replica import last_revision, records_of
from services.detect import outside_store as store
from services.detect.outside.positions import Point, located
from services.detect.outside.records import DataFinding, Order, Plant
from services.detect.outside.rule import OutsideRule, shipped_rule
from services.detect.outside_wire import order_of

#: Plants of other cities so far beyond a city's own places may still be its candidates, m.
_BEYOND_M = 15_000.0
_HOUR_S = 3600


class OutsideDesk:
    """What looks share: rule, plants, orders."""

    def __init__(self, rule: OutsideRule | None = None) -> None:
        self.rule = rule or shipped_rule()
        self._plants: list[Plant] = []
        self._orders: list[Order] = []
        self._revision = -1

    def refresh(self, session: Session) -> None:
        """Read plants and orders again when the registry copy has changed."""
        newest = last_revision(session)
        if newest == self._revision:
            return
        outlets: dict[str, list[registry.Outlet]] = {}
        for record in records_of(session, registry.RECORD_KIND_OUTLET):
            outlets.setdefault(record.outlet.credit_code, []).append(record.outlet)
        self._plants = [
            _plant(record.enterprise, outlets.get(record.key, []))
            for record in records_of(session, registry.RECORD_KIND_ENTERPRISE)
        ]
        orders = records_of(session, registry.RECORD_KIND_CONTROL_ORDER)
        self._orders = [order_of(record) for record in orders]
        self._revision = newest

    def plants(
        self, session: Session, city: str, points: Iterable[Point], begin_s: int
    ) -> tuple[Plant, ...]:
        """排污单位 of a city and about its points, with the findings of their own data."""
        near = _box(points)
        mine = [
            one
            for one in self._plants
            if one.division.startswith(city) or (near and _inside(one.point, near))
        ]
        codes = [one.credit_code for one in mine]
        spans = store.findings_since(session, codes, begin_s // _HOUR_S)
        found: dict[str, dict[str, DataFinding]] = {}
        for one in spans:
            found.setdefault(one.credit_code, {})[one.finding_id] = DataFinding(
                one.rule_id, one.outlet_id, one.begin_hour * _HOUR_S, one.end_hour * _HOUR_S
            )
        return tuple(replace(one, findings=found.get(one.credit_code, {})) for one in mine)

    def orders(self, plants: Sequence[Plant]) -> tuple[Order, ...]:
        """管控指令 of plants, by start."""
        codes = {one.credit_code for one in plants}
        mine = (one for one in self._orders if one.credit_code in codes)
        return tuple(sorted(mine, key=lambda one: (one.begin_s, one.order_id)))


def _plant(one: registry.Enterprise, outlets: Sequence[registry.Outlet]) -> Plant:
    placed = one.longitude or one.latitude
    return Plant(
        credit_code=one.credit_code,
        name=one.name,
        short_name=one.short_name,
        division=one.division,
        industry=one.industry,
        point=located(one.longitude, one.latitude, "") if placed else Point(math.nan, math.nan),
        factors=frozenset(code for outlet in outlets for code in outlet.factors),
        media=frozenset(outlet.medium for outlet in outlets if outlet.medium),
    )


def _box(points: Iterable[Point]) -> tuple[float, float, float, float] | None:
    known = [one for one in points if math.isfinite(one.x)]
    if not known:
        return None
    xs, ys = [one.x for one in known], [one.y for one in known]
    return (
        min(xs) - _BEYOND_M, max(xs) + _BEYOND_M, min(ys) - _BEYOND_M, max(ys) + _BEYOND_M
    )  # fmt: skip


def _inside(point: Point, box: tuple[float, float, float, float]) -> bool:
    west, east, south, north = box
    return west <= point.x <= east and south <= point.y <= north
