"""审批: the second person's part. Nobody approves what they proposed or reported on themselves."""

import datetime as dt

from sqlalchemy.orm import Session

from services.chassis.errors import Conflict, InputRejected, NotFound, RuleViolated
from services.chassis.identity import Actor
from services.chassis.log import get_logger
from services.chassis.outbox import record_event
from services.detect.packs import store, wire

log = get_logger(__name__)


def approve_proposal(
    session: Session,
    actor: Actor,
    proposal_id: str,
    *,
    report_sha256: bytes,
    reason: str,
    now: dt.datetime,
) -> store.ActivationRow:
    """启用: activate a proposed pack and tell everybody, in this transaction.

    `report_sha256` states which difference report the approver has read. Raises NotFound, Conflict
    for a proposal that was decided, RuleViolated where it is the same person or there is no report
    or a newer one, InputRejected where this release cannot read the pack any more.
    """
    told = _open(session, proposal_id)
    _check_approver(told, actor, report_sha256)
    store.pack_of(told.pack)
    session.add(_decision(told, actor, reason, now, approved=True))
    proposal = told.proposal
    row = store.ActivationRow(
        proposal_id=proposal_id, pack_id=proposal.pack_id, version=proposal.version,
        sha256=told.pack.sha256, applies_from=proposal.applies_from,
        proposed_by=proposal.proposed_by, approved_by=actor.user_id, activated_at=now,
        reason=proposal.reason,
    )  # fmt: skip
    session.add(row)
    session.flush()
    record_event(session, wire.activated(session, told.pack))
    log.info("pack_activated", pack=f"{row.pack_id}@{row.version}", since=str(row.applies_from))
    return row


def refuse_proposal(
    session: Session, actor: Actor, proposal_id: str, reason: str, now: dt.datetime
) -> None:
    """驳回 or withdraw a proposal. Raises NotFound, Conflict, InputRejected without a reason."""
    told = _open(session, proposal_id)
    if not reason.strip():
        raise InputRejected("a refusal needs a reason", field="reason")
    session.add(_decision(told, actor, reason, now, approved=False))


def _open(session: Session, proposal_id: str) -> store.Told:
    store.lock(session)
    told = store.told(session, proposal_id)
    if told is None:
        raise NotFound("no such proposal")
    if told.decision is not None:
        raise Conflict("the proposal was decided already")
    return told


def _check_approver(told: store.Told, actor: Actor, report_sha256: bytes) -> None:
    if told.report is None:
        raise RuleViolated("without a difference report nothing is approved", missing="report")
    if actor.user_id in {told.proposal.proposed_by, told.report.brought_by}:
        raise RuleViolated("who proposed a pack cannot approve it", missing="second person")
    if report_sha256 != told.report.sha256:
        digest = told.report.sha256.hex()
        raise RuleViolated(f"state that you read the newest report, {digest}", missing="report")


def _decision(
    told: store.Told, actor: Actor, reason: str, now: dt.datetime, *, approved: bool
) -> store.DecisionRow:
    return store.DecisionRow(
        proposal_id=told.proposal.proposal_id, approved=approved,
        report_sha256=told.report.sha256 if told.report else b"", reason=reason.strip(),
        decided_by=actor.user_id, decided_by_name=actor.name, decided_at=now,
    )  # fmt: skip
