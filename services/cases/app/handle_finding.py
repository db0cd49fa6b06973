"""A finding came or changed: it opens an order, joins the open one, or lifts its level."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from services.cases import registry_copy, rules, store, wire
from services.cases.app.open_matter import Opening, open_matter
from services.cases.app.save_step import save_step
from services.cases.domain import steps, triggers
from services.cases.domain.gates import Attempt
from services.cases.domain.matter import SYSTEM, Kind, Matter
from services.cases.domain.triggers import Trigger
from services.chassis.pb.detect.v1 import detect_pb2


def handle_finding(session: Session, finding: detect_pb2.Finding, now: dt.datetime) -> None:
    """Judge the finding by the triggers. Older and repeated revisions change nothing.

    Raises `Unavailable` while the outlet is not in the registry copy.
    """
    store.lock_outlet(session, finding.outlet_id)
    if not keep(session, finding):
        return
    place = registry_copy.place_of(session, finding.outlet_id)
    seen = wire.seen_of(finding, place.division, place.industry)
    trigger = triggers.choose(rules.triggers(), seen, rules.terms())
    if trigger is not None:
        _put_on_order(session, finding, trigger, now)
    _settle(session, finding.finding_id, now)


def keep(session: Session, finding: detect_pb2.Finding) -> bool:
    """Keep the finding itself; False when we know this or a later revision."""
    return store.keep_finding(
        session,
        finding.finding_id,
        finding.revision,
        finding.outlet_id,
        finding.SerializeToString(),
    )


def _put_on_order(
    session: Session, finding: detect_pb2.Finding, trigger: Trigger, now: dt.datetime
) -> None:
    factors = tuple(sorted(finding.factors))
    matter_id = store.open_order(session, finding.outlet_id, trigger.item, factors)
    if matter_id is None:
        _open_order(session, finding, trigger, now)
        return
    matter = store.load(session, matter_id, lock=True)
    if store.link_finding(session, matter_id, finding.finding_id):
        matter = _take(session, matter, "add_finding", {"finding": finding.finding_id}, now)
    if trigger.level > matter.level:
        fields = {"finding": finding.finding_id, "trigger": trigger.key}
        attempt = Attempt(matter, SYSTEM, fields, "", {}, now)
        life = rules.life_cycle(Kind.ORDER)
        save_step(session, steps.raise_level(life, attempt, trigger.level, rules.terms()))


def _open_order(
    session: Session, finding: detect_pb2.Finding, trigger: Trigger, now: dt.datetime
) -> None:
    """A new order, unless the finding is history or a closed order of this level dealt with it."""
    if triggers.is_history(rules.triggers(), wire.row_of(finding), now):
        return
    known = store.matters_of_finding(session, finding.finding_id)
    if any(level >= trigger.level for _, level, _ in known):
        return
    opening = Opening(
        kind=Kind.ORDER,
        act="issue",
        level=trigger.level,
        item=trigger.item,
        item_zh=trigger.item_zh,
        factors=tuple(sorted(finding.factors)),
        finding_ids=[finding.finding_id],
        correlation_id=finding.correlation_id,
        fields={
            "trigger": trigger.key,
            "triggers_version": rules.triggers().version,
            "source": trigger.source,
            "finding": finding.finding_id,
        },
    )
    place = registry_copy.place_of(session, finding.outlet_id)
    open_matter(session, opening, place, now)


def _settle(session: Session, finding_id: str, now: dt.datetime) -> None:
    """Close the orders that the finding's end leaves without a reason."""
    for matter_id, _, is_open in store.matters_of_finding(session, finding_id):
        if is_open:
            settle(session, store.load(session, matter_id, lock=True), now)


def settle(session: Session, matter: Matter, now: dt.datetime) -> Matter:
    """Withdraw an order whose findings were all withdrawn; close a confirmed warning that is over.

    What people have begun to work on they also end: the table has no such row for it.
    """
    life = rules.life_cycle(Kind.ORDER)
    for act, reached in (
        ("withdraw", all(row.withdrawn for row in matter.rows)),
        ("settle", all(row.closed for row in matter.rows)),
    ):
        if reached and life.row(act, matter.state, matter.level):
            return _take(session, matter, act, {}, now)
    return matter


def _take(
    session: Session, matter: Matter, act: str, fields: dict[str, str], now: dt.datetime
) -> Matter:
    """A step of the system on an order."""
    attempt = Attempt(matter, SYSTEM, fields, "", {}, now)
    step = steps.take(rules.life_cycle(Kind.ORDER), act, attempt, rules.terms())
    save_step(session, step)
    return step.matter
