"""A finding came or changed: it opens an order or case, joins the open one, or lifts its level."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from services.cases import registry_copy, rules, store, trigger_store, wire
from services.cases.app.attempts import system_attempt
from services.cases.app.grow_case import add_findings, joinable
from services.cases.app.open_matter import Opening, open_matter
from services.cases.app.perform import finish, perform
from services.cases.app.propose_listing import propose_listing
from services.cases.app.trigger_tables import in_force
from services.cases.domain import steps, triggers
from services.cases.domain.matter import Kind, Matter
from services.cases.domain.triggers import Table, Trigger
from services.chassis.pb.detect.v1 import detect_pb2


def handle_finding(session: Session, finding: detect_pb2.Finding, now: dt.datetime) -> None:
    """Judge the finding by the triggers. Older and repeated revisions change nothing.

    Raises `Unavailable` while the outlet is not in the registry copy.
    """
    store.lock_outlet(session, finding.outlet_id)
    row = wire.row_of(finding)
    fell_away = row.withdrawn and not _was_withdrawn(session, finding.finding_id)
    if not keep(session, finding):
        return
    _pull(session, finding, now)
    _settle(session, finding.finding_id, now)
    if fell_away:
        trigger_store.withdraw_hits(session, finding.finding_id)
        _note_withdrawn(session, finding, now)


def keep(session: Session, finding: detect_pb2.Finding) -> bool:
    """Keep the finding itself; False when we know this or a later revision."""
    return store.keep_finding(
        session,
        finding.finding_id,
        finding.revision,
        finding.outlet_id,
        finding.SerializeToString(),
    )


def _was_withdrawn(session: Session, finding_id: str) -> bool:
    body = store.finding_body(session, finding_id)
    return body is not None and wire.row_of_body(body).withdrawn


def _pull(session: Session, finding: detect_pb2.Finding, now: dt.datetime) -> None:
    """Decide by the table that is in force where the finding ends, and do what it says."""
    place = registry_copy.place_of(session, finding.outlet_id)
    seen = wire.seen_of(finding, place)
    table = in_force(session, seen.row.end)
    decision = triggers.decide(table, seen, rules.terms())
    if not triggers.is_history(table, seen.row, now):
        trigger_store.keep_hits(session, table, seen, decision, now)
    if decision.order is not None:
        _put_on_order(session, finding, table, decision.order, now)
    for trigger in decision.cases:
        _put_on_case(session, finding, table, trigger, now)


def _put_on_order(
    session: Session,
    finding: detect_pb2.Finding,
    table: Table,
    trigger: Trigger,
    now: dt.datetime,
) -> None:
    factors = tuple(sorted(finding.factors))
    matter_id = store.open_order(session, finding.outlet_id, trigger.item, factors)
    if matter_id is None:
        _open_order(session, finding, table, trigger, now)
        return
    matter = store.load(session, matter_id, lock=True)
    if store.link_finding(session, matter_id, finding.finding_id):
        matter = _take(session, matter, "add_finding", {"finding": finding.finding_id}, now)
    if trigger.level > matter.level:
        fields = {"finding": finding.finding_id, "trigger": trigger.key}
        attempt = system_attempt(session, matter, now, fields)
        life = rules.life_cycle(Kind.ORDER)
        step = steps.raise_level(life, attempt, trigger.level, rules.terms_for(matter))
        propose_listing(session, finish(session, step, attempt).matter, now)


def _open_order(
    session: Session,
    finding: detect_pb2.Finding,
    table: Table,
    trigger: Trigger,
    now: dt.datetime,
) -> None:
    """A new order, unless the finding is history or a closed order of this level dealt with it."""
    known = store.matters_of_finding(session, finding.finding_id)
    if any(level >= trigger.level for _, level, _ in known):
        return
    _open(session, finding, table, trigger, now)


def _put_on_case(
    session: Session,
    finding: detect_pb2.Finding,
    table: Table,
    trigger: Trigger,
    now: dt.datetime,
) -> None:
    """A case for the finding, or the one that still takes clues; one finding has one case."""
    if store.matters_of_finding(session, finding.finding_id, Kind.CASE):
        return
    matter_id = joinable(session, finding.outlet_id, trigger.item)
    if matter_id is None:
        _open(session, finding, table, trigger, now)
    else:
        fields = {"trigger": trigger.key, "seen": finding.seen}
        add_findings(session, matter_id, [finding.finding_id], fields, now)


def _open(
    session: Session,
    finding: detect_pb2.Finding,
    table: Table,
    trigger: Trigger,
    now: dt.datetime,
) -> None:
    if triggers.is_history(table, wire.row_of(finding), now):
        return
    fields = {
        "trigger": trigger.key,
        "triggers_version": table.version,
        "source": trigger.source,
        "finding": finding.finding_id,
    }
    opening = Opening(
        kind=trigger.opens,
        act="issue" if trigger.opens is Kind.ORDER else "receive_clue",
        level=trigger.level,
        item=trigger.item,
        item_zh=trigger.item_zh,
        factors=tuple(sorted(finding.factors)),
        finding_ids=[finding.finding_id],
        correlation_id=finding.correlation_id,
        fields=fields if trigger.opens is Kind.ORDER else {**fields, "seen": finding.seen},
    )
    place = registry_copy.place_of(session, finding.outlet_id)
    matter = open_matter(session, opening, place, now)
    if matter.kind is Kind.ORDER:
        propose_listing(session, matter, now)


def _settle(session: Session, finding_id: str, now: dt.datetime) -> None:
    """Close the orders that the finding's end leaves without a reason."""
    for matter_id, _, is_open in store.matters_of_finding(session, finding_id):
        if is_open:
            settle(session, store.load(session, matter_id, lock=True), now)


def settle(session: Session, matter: Matter, now: dt.datetime) -> Matter:
    """Withdraw an order whose findings were all withdrawn; close a confirmed warning that is over.

    What people opened, or have begun to work on, they also end.
    """
    life = rules.life_cycle(Kind.ORDER)
    by_data = bool(matter.rows) and matter.last("reopen") is None
    for act, reached, fields in (
        ("withdraw", by_data and all(row.withdrawn for row in matter.rows), {"why": _why(matter)}),
        ("settle", by_data and all(row.closed for row in matter.rows), {}),
    ):
        if reached and life.row(act, matter.state, matter.level):
            return _take(session, matter, act, fields, now)
    return matter


def _why(matter: Matter) -> str:
    """What detect says of the withdrawn findings, each sentence once."""
    return "；".join(dict.fromkeys(row.why or row.seen for row in matter.rows if row.withdrawn))


def _note_withdrawn(session: Session, finding: detect_pb2.Finding, now: dt.datetime) -> None:
    """Say in every timeline that has the finding why it fell away, unless `withdraw` just did."""
    row = wire.row_of(finding)
    fields = {"finding": finding.finding_id, "why": row.why or row.seen}
    for kind in Kind:
        for matter_id, _, _ in store.matters_of_finding(session, finding.finding_id, kind):
            matter = store.load(session, matter_id, lock=True)
            if matter.events[-1].act != "withdraw":
                _take(session, matter, "note_withdrawn", fields, now)


def _take(
    session: Session, matter: Matter, act: str, fields: dict[str, str], now: dt.datetime
) -> Matter:
    """A step of the system on a matter."""
    return perform(session, act, system_attempt(session, matter, now, fields)).matter
