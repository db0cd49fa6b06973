"""一家企业的用电: its meters' days, own levels, pairs and orders, read for judging and showing."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.pb.ingest.v1.outside_pb2 import METER_USE_PRODUCTION
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.replica import records_of
from services.chassis.tables import ReplicaRow
from services.detect import power_store as store
from services.detect import power_wire as wire
from services.detect.judgement import control_order as orders
from services.detect.judgement.control_order import Baseline, Order, OrderHour
from services.detect.judgement.electricity import Meter, OwnLevel, own_level
from services.detect.judgement.meter_day import MINUTES, MeterDay
from services.detect.judgement.parameters import PowerRule
from services.detect.power_store import MeterDayKey

_EMPTY = MeterDay.empty()
_CACHED_LEVELS = 20_000


class PowerRecords:
    """Pairs and orders of all plants in memory, read again when the registry copy has changed."""

    def __init__(self) -> None:
        self._seen: tuple[int, int] | None = None
        self._pairs: dict[str, list[wire.KnownPair]] = {}
        self._orders: dict[str, list[Order]] = {}

    def refresh(self, session: Session) -> None:
        """Read what changed."""
        kinds = registry.RECORD_KIND_METER_PAIR, registry.RECORD_KIND_CONTROL_ORDER
        query = select(func.count(), func.max(ReplicaRow.revision))
        count, newest = session.execute(query.where(ReplicaRow.kind.in_(kinds))).one()
        if (count, newest or 0) != self._seen:
            self._pairs = wire.pairs_of(records_of(session, kinds[0]))
            self._orders = wire.orders_of(records_of(session, kinds[1]))
            self._seen = count, newest or 0

    def pairs(self, credit_code: str) -> Sequence[wire.KnownPair]:
        """产治对应 of a plant, whatever their period."""
        return self._pairs.get(credit_code, ())

    def orders(self, credit_code: str) -> Sequence[Order]:
        """管控指令 of a plant, oldest first."""
        return self._orders.get(credit_code, ())

    def plants_with_orders(self) -> Iterable[str]:
        """Credit codes of plants that ever had an order."""
        return self._orders.keys()


class LevelCache:
    """自身水平 by plant, meter and day, as long as the days they rest on stay as they are."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], OwnLevel] = OrderedDict()

    def get(self, key: tuple[object, ...]) -> OwnLevel | None:
        """A level that is known."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: tuple[object, ...], level: OwnLevel) -> None:
        """Keep a level; the one not used for longest leaves."""
        self._kept[key] = level
        if len(self._kept) > _CACHED_LEVELS:
            self._kept.popitem(last=False)


class PlantPower:
    """One plant's electricity in the days [first, end), read from the store as it is asked for."""

    def __init__(
        self, session: Session, credit_code: str, first: int, end: int, levels: LevelCache
    ) -> None:
        """`first` and `end` are the judged days; what they rest on is read besides."""
        self.credit_code = credit_code
        self.first, self.end = first, end
        self._session = session
        self._levels = levels
        self._days: dict[MeterDayKey, MeterDay] = {}
        self._places: dict[MeterDayKey, store.Place] = {}
        self._read_from = end + 1

    def meter(self, name: str, day: int, rule: PowerRule) -> Meter:
        """A meter as the judging of a day needs it."""
        days = (self.day(name, day - 1), self.day(name, day), self.day(name, day + 1))
        return Meter(days, self.own(name, day, rule))

    def own(self, name: str, day: int, rule: PowerRule) -> OwnLevel:
        """自身水平 of a meter before a day."""
        keys = [MeterDayKey(n, name) for n in range(day - rule.reference_days, day)]
        self._know(day - rule.reference_days)
        stored = [key for key in keys if key in self._places]
        rests_on = tuple((key.day, self._places[key].revision) for key in stored)
        cached = (self.credit_code, name, day, rule, rests_on)
        level = self._levels.get(cached)
        if level is None:
            self._load(stored)
            level = own_level([self._days[key] for key in stored], rule)
            self._levels.put(cached, level)
        return level

    def day(self, name: str, day: int) -> MeterDay:
        """A meter's day; empty where nothing was received."""
        self._know(day)
        key = MeterDayKey(day, name)
        if key not in self._places:
            return _EMPTY
        self._load([key])
        return self._days[key]

    def newest_minute(self, day: int) -> int:
        """Last minute of a day with a reading of any meter, -1 = none."""
        self._know(day)
        return max((p.newest for k, p in self._places.items() if k.day == day), default=-1)

    def order_hours(
        self, order: Order, all_orders: Iterable[Order], rule: PowerRule
    ) -> tuple[Baseline, list[OrderHour]]:
        """管控落实 of one order: its baseline and its hours with readings."""
        meters = order.meters or self.production_meters()
        if not meters:
            return orders.baseline_of([], rule), []
        first, last = _day_of(order.start_minute), _day_of(order.end_minute - 1)
        under = {d for one in all_orders for d in _days_of(one)}
        before = range(first - rule.reference_days, first)
        normal = [self._energy(meters, d, rule) for d in before if d not in under]
        used = {}
        for day in range(first, min(last, self.end - 1) + 1):
            start = max(0, order.start_minute - _minute_of(day))
            end = min(MINUTES, order.end_minute - _minute_of(day))
            used[day] = self._energy(meters, day, rule, start=start, end=end)
        baseline = orders.baseline_of(normal, rule)
        return baseline, orders.judge_order(order, used, baseline, rule)

    def production_meters(self) -> tuple[str, ...]:
        """All production meters of the plant, as their newest readings describe them."""
        known = store.meters_of(self._session, self.credit_code)
        return tuple(n for n, row in known.items() if row.use == METER_USE_PRODUCTION)

    def _energy(
        self,
        meters: Iterable[str],
        day: int,
        rule: PowerRule,
        *,
        start: int = 0,
        end: int = MINUTES,
    ) -> orders.DayEnergy:
        goes_on = self.newest_minute(day + 1) >= 0
        until = MINUTES if goes_on else self.newest_minute(day) + 1
        days = [self.day(name, day) for name in meters]
        return orders.day_energy(days, rule, start=start, end=max(start, min(end, until)))

    def _know(self, day: int) -> None:
        """Know what is stored from a day on; one query for all that is asked in a row."""
        if day >= self._read_from:
            return
        first = min(day, self.first - 1)
        self._places |= store.places_of(self._session, self.credit_code, first, self._read_from)
        self._read_from = first

    def _load(self, keys: Iterable[MeterDayKey]) -> None:
        missing = [key for key in keys if key not in self._days]
        if missing:
            bodies = store.day_bodies(
                self._session, self.credit_code, {k.meter_id for k in missing},
                {k.day for k in missing},
            )  # fmt: skip
            self._days |= {key: MeterDay.unpacked(body) for key, body in bodies.items()}


def _day_of(minute: int) -> int:
    """Beijing day of a unix minute."""
    return (minute + 480) // MINUTES


def _minute_of(day: int) -> int:
    """Unix minute of a Beijing midnight."""
    return day * MINUTES - 480


def _days_of(order: Order) -> range:
    """Beijing days that an order touches."""
    return range(_day_of(order.start_minute), _day_of(order.end_minute - 1) + 1)
