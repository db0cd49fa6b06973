"""A confidential clue of detect opens a case, or joins the case that is open at the outlet."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from services.cases import registry_copy, rules, store
from services.cases.app.handle_finding import keep
from services.cases.app.open_matter import Opening, open_matter
from services.cases.app.save_step import save_step
from services.cases.domain import steps
from services.cases.domain.gates import Attempt
from services.cases.domain.matter import SYSTEM, Kind, Level
from services.chassis.pb.detect.v1 import detect_pb2


def handle_clue(session: Session, clue: detect_pb2.Clue, now: dt.datetime) -> None:
    """Keep the clue's findings and see that a case carries them.

    Raises `Unavailable` while the outlet is not in the registry copy.
    """
    store.lock_outlet(session, clue.outlet_id)
    known = store.clue_of(session, clue.clue_id)
    if known is not None and known.revision >= clue.revision:
        return
    if len(clue.finding_ids) < rules.triggers().clue_votes:
        return
    for finding in clue.findings:
        keep(session, finding)
    matter_id = known.matter_id if known else _joinable(session, clue)
    if matter_id is None:
        matter_id = _open(session, clue, now)
    else:
        _join(session, matter_id, clue, now)
    store.keep_clue(session, clue.clue_id, clue.revision, matter_id)


def _joinable(session: Session, clue: detect_pb2.Clue) -> str | None:
    life = rules.life_cycle(Kind.CASE)
    states = sorted(next(act for act in life.acts if act.key == "add_clue").from_states)
    return store.open_case(session, clue.outlet_id, rules.triggers().clue_item, states)


def _open(session: Session, clue: detect_pb2.Clue, now: dt.datetime) -> str:
    table = rules.triggers()
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
    """New findings become a line of the timeline; a case past its review takes none."""
    matter = store.load(session, matter_id, lock=True)
    life = rules.life_cycle(Kind.CASE)
    if life.row("add_clue", matter.state, matter.level) is None:
        return
    new = [
        f.finding_id for f in clue.findings if store.link_finding(session, matter_id, f.finding_id)
    ]
    if not new:
        return
    fields = {"clue": clue.clue_id, "pattern": clue.pattern, "findings": " ".join(new)}
    attempt = Attempt(matter, SYSTEM, fields, "", {}, now)
    save_step(session, steps.take(life, "add_clue", attempt, rules.terms()))
