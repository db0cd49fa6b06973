"""登记副本: outlets and limits as detect knows them, from its own copy of the registry."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.log import get_logger
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.replica import last_revision
from services.chassis.tables import ReplicaRow
from services.detect import wire
from services.detect.domain.block import Limit
from services.detect.domain.rule import RuleBook
from services.detect.domain.series_key import SeriesKey

log = get_logger(__name__)

KINDS = frozenset({pb.RECORD_KIND_OUTLET, pb.RECORD_KIND_LIMIT})
#: Revisions may be committed a little out of order; looking back this far finds them.
_OVERLAP = 1000


@dataclass(frozen=True)
class Outlet:
    """What detect must know of an outlet."""

    division: str
    credit_code: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Knowledge:
    """What judging rests on beside the values."""

    directory: "Directory"
    book: RuleBook


class Directory:
    """Outlets and limits in memory, brought up to date when the copy has changed."""

    def __init__(self) -> None:
        self.asked: set[str] = set()  # outlets the registry does not know either
        self._seen = 0
        self._loaded = False
        self._revisions: dict[tuple[int, str], int] = {}
        self._outlets: dict[str, Outlet] = {}
        self._limits: dict[str, tuple[SeriesKey, Limit]] = {}
        self._by_series: dict[SeriesKey, tuple[Limit, ...]] = {}

    def outlet(self, outlet_id: str) -> Outlet | None:
        """An outlet, None where the copy does not have it."""
        return self._outlets.get(outlet_id)

    def outlets(self) -> list[str]:
        """All outlets in the copy."""
        return sorted(self._outlets)

    def limits(self, key: SeriesKey) -> tuple[Limit, ...]:
        """All limits of a series, whatever their period."""
        return self._by_series.get(key, ())

    def refresh(self, session: Session) -> set[str]:
        """Read what changed; gives the outlets whose limits or lines are not what they were.

        The first reading gives none: what stands was judged by what stood.
        """
        newest = last_revision(session)
        if newest == self._seen:
            self._loaded = True
            return set()
        query = select(ReplicaRow).where(
            ReplicaRow.kind.in_(KINDS), ReplicaRow.revision > self._seen - _OVERLAP
        )
        rows = [r for r in session.scalars(query) if self._is_news(r)]
        self._seen = newest
        changed = self._apply(rows)
        first, self._loaded = not self._loaded, True
        return set() if first else changed

    def _is_news(self, row: ReplicaRow) -> bool:
        return self._revisions.get((row.kind, row.key)) != row.revision

    def _apply(self, rows: Iterable[ReplicaRow]) -> set[str]:
        changed: set[str] = set()
        for row in rows:
            self._revisions[row.kind, row.key] = row.revision
            record = pb.Record.FromString(row.body)
            if row.kind == pb.RECORD_KIND_OUTLET:
                changed |= self._take_outlet(row, record.outlet)
            else:
                changed |= self._take_limit(row, record.limit)
        by_series: dict[SeriesKey, list[Limit]] = {}
        for key, limit in self._limits.values():
            by_series.setdefault(key, []).append(limit)
        self._by_series = {
            key: tuple(sorted(limits, key=lambda one: (one.since, one.limit_id)))
            for key, limits in by_series.items()
        }
        return changed

    def _take_outlet(self, row: ReplicaRow, record: pb.Outlet) -> set[str]:
        if row.deleted:
            self._outlets.pop(row.key, None)
        else:
            self.asked.discard(row.key)
            self._outlets[row.key] = Outlet(
                record.division, record.credit_code, tuple(record.sampling_lines)
            )
        return {row.key}

    def _take_limit(self, row: ReplicaRow, record: pb.Limit) -> set[str]:
        before = self._limits.pop(row.key, None)
        touched = {before[0].outlet_id} if before else set()
        if row.deleted:
            return touched
        try:
            limit = wire.limit_of(record)
        except ValueError:
            # The registry checks dates; a record that slipped through must not stop judging.
            log.warning("limit_unreadable", limit_id=row.key)
            return touched
        if math.isfinite(limit.upper) or math.isfinite(limit.lower):
            key = SeriesKey(record.outlet_id, record.factor)
            self._limits[row.key] = (key, limit)
        return touched | {record.outlet_id}
