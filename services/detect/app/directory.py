"""登记副本: outlets and limits as detect knows them, from its own copy of the registry."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.log import get_logger
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.replica import last_revision
from services.chassis.tables import ReplicaRow
from services.detect import wire
from services.detect.domain.block import Limit
from services.detect.domain.series_key import SeriesKey
from services.detect.judgement.limits import resolve_limits
from services.detect.judgement.parameters import OutletFacts
from services.detect.packs.load import shipped_pack
from services.detect.packs.timeline import BEGINNING, Timeline

log = get_logger(__name__)

KINDS = frozenset(
    {
        pb.RECORD_KIND_OUTLET,
        pb.RECORD_KIND_LIMIT,
        pb.RECORD_KIND_ENTERPRISE,
        pb.RECORD_KIND_METER_PAIR,
        pb.RECORD_KIND_CONTROL_ORDER,
    }
)
#: Those that the directory itself is made of.
_OWN = frozenset({pb.RECORD_KIND_OUTLET, pb.RECORD_KIND_LIMIT, pb.RECORD_KIND_ENTERPRISE})
#: Revisions may be committed a little out of order; looking back this far finds them.
_OVERLAP = 1000


@dataclass(frozen=True)
class Outlet:
    """What detect must know of an outlet."""

    division: str
    credit_code: str
    lines: tuple[str, ...]
    medium: str = ""
    process: str = ""
    ref_o2: float = 0.0
    traits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plant:
    """What detect must know of an enterprise."""

    industry: str = ""
    operator: str = ""


_NO_PLANT = Plant()
#: Before and after any data.
_FIRST_HOUR, _END_HOUR = -(2**40), 2**40


class Directory:
    """Outlets, enterprises and limits in memory, brought up to date when the copy has changed."""

    def __init__(self) -> None:
        self.asked: set[str] = set()  # outlets the registry does not know either
        self.timeline = Timeline([(BEGINNING, shipped_pack())])
        self._seen = 0
        self._revisions: dict[tuple[int, str], int] = {}
        self._outlets: dict[str, Outlet] = {}
        self._plants: dict[str, Plant] = {}
        self._limits: dict[str, tuple[SeriesKey, Limit]] = {}
        self._own: dict[SeriesKey, tuple[Limit, ...]] = {}
        self._resolved: dict[SeriesKey, tuple[Limit, ...]] = {}

    def outlet(self, outlet_id: str) -> Outlet | None:
        """An outlet, None where the copy does not have it."""
        return self._outlets.get(outlet_id)

    def outlets(self) -> list[str]:
        """All outlets in the copy."""
        return sorted(self._outlets)

    def facts(self, outlet_id: str) -> OutletFacts | None:
        """排放口事实 as rules ask them, None where the copy does not have the outlet."""
        outlet = self._outlets.get(outlet_id)
        if outlet is None:
            return None
        plant = self._plants.get(outlet.credit_code, _NO_PLANT)
        return OutletFacts(
            outlet_id=outlet_id,
            division=outlet.division,
            credit_code=outlet.credit_code,
            industry=plant.industry,
            medium=outlet.medium,
            process=outlet.process,
            ref_o2=outlet.ref_o2,
            operator=plant.operator,
            traits=outlet.traits,
        )

    def limits(self, key: SeriesKey) -> tuple[Limit, ...]:
        """排放限值 of a series that judge it, whatever their period (`resolve_limits`).

        An outlet of which nothing is known is judged by what was registered for it alone.
        """
        found = self._resolved.get(key)
        if found is None:
            found = self._resolved[key] = self._resolve(key)
        return found

    def use(self, timeline: Timeline) -> None:
        """Judge by another timeline of rule packs from now on."""
        self.timeline = timeline
        self._resolved.clear()

    def refresh(self, session: Session) -> None:
        """Read what changed in the copy."""
        newest = last_revision(session)
        if newest == self._seen:
            return
        query = select(ReplicaRow).where(
            ReplicaRow.kind.in_(_OWN), ReplicaRow.revision > self._seen - _OVERLAP
        )
        rows = [r for r in session.scalars(query) if self._is_news(r)]
        self._seen = newest
        self.take(rows)

    def _resolve(self, key: SeriesKey) -> tuple[Limit, ...]:
        own = self._own.get(key, ())
        facts = self.facts(key.outlet_id)
        if facts is None:
            return own
        found: list[Limit] = []
        for first, end, pack in self.timeline.intervals(_FIRST_HOUR, _END_HOUR):
            for limit in resolve_limits(own, pack, facts, key.factor):
                since, until = max(limit.since, first), min(limit.until, end)
                if since < until:
                    found.append(dataclasses.replace(limit, since=since, until=until))
        return tuple(found)

    def _is_news(self, row: ReplicaRow) -> bool:
        return self._revisions.get((row.kind, row.key)) != row.revision

    def take(self, rows: Iterable[ReplicaRow]) -> None:
        """Know these records of the copy, in whatever revision they are."""
        for row in rows:
            self._revisions[row.kind, row.key] = row.revision
            record = pb.Record.FromString(row.body)
            if row.kind == pb.RECORD_KIND_OUTLET:
                self._take_outlet(row, record.outlet)
            elif row.kind == pb.RECORD_KIND_ENTERPRISE:
                body = record.enterprise
                self._plants[row.key] = Plant(body.industry, body.operator_name)
            else:
                self._take_limit(row, record.limit)
        by_series: dict[SeriesKey, list[Limit]] = {}
        for key, limit in self._limits.values():
            by_series.setdefault(key, []).append(limit)
        self._own = {
            key: tuple(sorted(limits, key=lambda one: (one.since, one.limit_id)))
            for key, limits in by_series.items()
        }
        self._resolved.clear()

    def _take_outlet(self, row: ReplicaRow, record: pb.Outlet) -> None:
        if row.deleted:
            self._outlets.pop(row.key, None)
            return
        self.asked.discard(row.key)
        pairs = (trait.partition("=") for trait in record.traits)
        self._outlets[row.key] = Outlet(
            division=record.division,
            credit_code=record.credit_code,
            lines=tuple(record.sampling_lines),
            medium=record.medium,
            process=record.process,
            ref_o2=record.ref_o2_percent,
            traits={name: value for name, _, value in pairs},
        )

    def _take_limit(self, row: ReplicaRow, record: pb.Limit) -> None:
        self._limits.pop(row.key, None)
        if row.deleted:
            return
        try:
            limit = wire.limit_of(record)
        except ValueError:
            # The registry checks dates; a record that slipped through must not stop judging.
            log.warning("limit_unreadable", limit_id=row.key)
            return
        if math.isfinite(limit.upper) or math.isfinite(limit.lower):
            key = SeriesKey(record.outlet_id, record.factor)
            self._limits[row.key] = (key, limit)
