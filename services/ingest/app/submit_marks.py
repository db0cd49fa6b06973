"""标记表格提交: all rows of a table or none, with what is wrong by row and field."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from services.chassis.clock import to_timestamp
from services.chassis.errors import Conflict, FarsightError, Forbidden, InputRejected, NotFound
from services.chassis.pb.ingest.v1 import ingest_pb2, outside_pb2
from services.ingest.app.submit_mark import Maker, Outlet, submit_mark
from services.ingest.domain.mark_csv import DraftRow, RowFault, kind_named, read_table
from services.ingest.domain.mark_kinds import KindOption
from services.ingest.domain.marks import MarkTerms
from services.ingest.mark_store import FoundMark

CSV_BYTES = 1024 * 1024
FindOutlet = Callable[[str], Outlet]
"""Gives an outlet that the caller may mark; raises NotFound or Forbidden."""


@dataclass
class Table:
    """What became of a table. With faults nothing of it may be committed."""

    found: list[FoundMark] = field(default_factory=list)
    frames: list[ingest_pb2.Frame | None] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)


def submit_marks(
    session: Session,
    maker: Maker,
    content: bytes,
    *,
    outlet_id: str,
    find_outlet: FindOutlet,
    terms: MarkTerms,
) -> Table:
    """Submit each row as a new mark; the caller rolls back when there are faults."""
    if len(content) > CSV_BYTES:
        raise InputRejected(f"csv: more than {CSV_BYTES} bytes", field="csv")
    drafts, faults = read_table(content, terms.csv_rows)
    table = Table(faults=faults)
    for draft in drafts:
        try:
            outlet = find_outlet(draft.outlet_id or outlet_id)
            option = kind_named(outlet.kinds, draft.kind)
            if option is None:
                raise InputRejected("kind: this outlet's industry knows no such mark", field="kind")
            mark = mark_from(draft, option)
            found, _, frame = submit_mark(session, maker, outlet, mark, expected=0, terms=terms)
        except FarsightError as error:
            if error.retry:
                raise
            table.faults.append(_fault(draft.row, error))
        else:
            table.found.append(found)
            table.frames.append(frame)
    table.faults.sort(key=lambda one: one.row)
    return table


def mark_from(draft: DraftRow, option: KindOption) -> outside_pb2.Mark:
    """A row as a mark."""
    return outside_pb2.Mark(
        mark_id=draft.mark_id,
        family=outside_pb2.MarkFamily.ValueType(option.family),
        subtype=option.subtype,
        condition=option.condition,
        facility=draft.facility,
        factors=draft.factors,
        start=to_timestamp(draft.start),
        end=to_timestamp(draft.end),
        reason=draft.reason,
        proof_ids=draft.proof_ids,
        manual_values=[
            outside_pb2.ManualValue(factor=factor, value=value, time=to_timestamp(at))
            for factor, value, at in draft.manual_values
        ],
    )


def _fault(row: int, error: FarsightError) -> RowFault:
    reason = "rule"
    if isinstance(error, InputRejected):
        reason = "malformed"
    elif isinstance(error, NotFound):
        reason = "unknown_outlet"
    elif isinstance(error, Forbidden):
        reason = "forbidden"
    elif isinstance(error, Conflict):
        reason = "conflict"
    elif "other" in error.facts:
        reason = "overlap"
    named = error.facts.get("field", "")
    place = named or ("outlet_id" if reason in ("unknown_outlet", "forbidden") else "")
    return RowFault(row, place, reason, error.message)
