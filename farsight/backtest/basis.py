"""研判依据 of a replay beside readings and marks: rule packs, outlets and limits in memory."""

from collections.abc import Sequence

from farsight.backtest.history import History
from services.chassis.identity import jurisdiction_prefix
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.tables import ReplicaRow
from services.detect.app.directory import Directory
from services.detect.domain.block import Limit
from services.detect.domain.series_key import SeriesKey
from services.detect.judgement.parameters import OutletFacts
from services.detect.packs.timeline import Timeline

_RECORDS = frozenset(
    {
        registry_pb2.RECORD_KIND_ENTERPRISE,
        registry_pb2.RECORD_KIND_OUTLET,
        registry_pb2.RECORD_KIND_LIMIT,
    }
)


class Basis:
    """研判依据 of all outlets of a history under one timeline of packs."""

    def __init__(self, timeline: Timeline, history: History) -> None:
        self.timeline = timeline
        self.history = history
        self.directory = Directory()
        self.directory.use(timeline)
        self.directory.take([_row_of(one) for one in history.records if one.kind in _RECORDS])

    def outlets(self, division: str = "") -> list[str]:
        """Outlets of the records in a jurisdiction (empty = all), by id."""
        prefix = jurisdiction_prefix(division)
        known = ((one, self.facts(one)) for one in self.directory.outlets())
        return [outlet_id for outlet_id, facts in known if facts.division.startswith(prefix)]

    def facts(self, outlet_id: str) -> OutletFacts:
        """What rules ask of an outlet; an unknown one fits rows that are meant for everybody."""
        return self.directory.facts(outlet_id) or OutletFacts(outlet_id, "", "", "", "", "")

    def lines(self, outlet_id: str) -> Sequence[str]:
        """采样管线 of an outlet."""
        outlet = self.directory.outlet(outlet_id)
        return outlet.lines if outlet else ()

    def limits(self, outlet_id: str, factor: str) -> tuple[Limit, ...]:
        """排放限值 that this timeline judges a series by."""
        return self.directory.limits(SeriesKey(outlet_id, factor))


def _row_of(record: registry_pb2.Record) -> ReplicaRow:
    return ReplicaRow(
        kind=record.kind,
        key=record.key,
        revision=max(record.revision, 1),
        deleted=record.deleted,
        body=record.SerializeToString(),
    )
