"""A confidential clue of detect opens a case, or joins the case that is open at the outlet."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from services.cases import registry_copy, store
from services.cases.app.grow_case import add_findings, joinable
from services.cases.app.handle_finding import keep
from services.cases.app.open_matter import Opening, open_matter
from services.cases.app.trigger_tables import in_force
from services.cases.domain.matter import Kind, Level
from services.cases.domain.triggers import Table
from services.chassis.clock import from_timestamp
from services.chassis.pb.detect.v1 import detect_pb2


def handle_clue(session: Session, clue: detect_pb2.Clue, now: dt.datetime) -> None:
    """Keep the clue's findings and see that a case carries them.

    Raises `Unavailable` while the outlet is not in the registry copy.
    """
    store.lock_outlet(session, clue.outlet_id)
    known = store.clue_of(session, clue.clue_id)
    if known is not None and known.revision >= clue.revision:
        return
    table = in_force(session, from_timestamp(clue.end))
    if len(clue.finding_ids) < table.clue_votes:
        return
    for finding in clue.findings:
        keep(session, finding)
    matter_id = known.matter_id if known else joinable(session, clue.outlet_id, table.clue_item)
    if matter_id is None:
        matter_id = _open(session, clue, table, now)
    else:
        _join(session, matter_id, clue, now)
    store.keep_clue(session, clue.clue_id, clue.revision, matter_id)


def _open(session: Session, clue: detect_pb2.Clue, table: Table, now: dt.datetime) -> str:
    opening = Opening(
        kind=Kind.CASE,
        act="receive_clue",
        level=Level.SUPERVISION,
        item=table.clue_item,
        item_zh=table.clue_item_zh,
        factors=tuple(sorted(clue.factors)),
        finding_ids=[finding.finding_id for finding in clue.findings],
        correlation_id=clue.correlation_id,
        fields={
            "clue": clue.clue_id,
            "pattern": clue.pattern,
            "seen": clue.reason,
            "triggers_version": table.version,
        },
    )
    place = registry_copy.place_of(session, clue.outlet_id)
    return open_matter(session, opening, place, now).matter_id


def _join(session: Session, matter_id: str, clue: detect_pb2.Clue, now: dt.datetime) -> None:
    """A case past its review takes no clue."""
    fields = {"clue": clue.clue_id, "pattern": clue.pattern}
    add_findings(session, matter_id, [f.finding_id for f in clue.findings], fields, now)
