"""Packs, proposals and activations as protobuf."""

from sqlalchemy.orm import Session

from services.chassis.clock import to_timestamp
from services.chassis.pb.detect.v1 import pack_pb2 as pb
from services.detect.packs import store


def pack_message(row: store.PackRow, *, files: bool = False) -> pb.Pack:
    """A kept pack, with its files where they were asked for."""
    return pb.Pack(
        pack_id=row.pack_id, version=row.version, title=row.title, sha256=row.sha256,
        files=store.files_of(row) if files else None,
    )  # fmt: skip


def activation_message(row: store.ActivationRow) -> pb.Activation:
    """One activation."""
    return pb.Activation(
        pack_id=row.pack_id,
        version=row.version,
        sha256=row.sha256,
        applies_from=row.applies_from.isoformat(),
        proposed_by=row.proposed_by,
        approved_by=row.approved_by,
        activated_at=to_timestamp(row.activated_at),
        reason=row.reason,
        proposal_id=row.proposal_id,
    )


def activated(session: Session, pack: store.PackRow) -> pb.PackActivated:
    """EVENT: a pack was activated; with all that is in force now."""
    in_force = store.in_force(store.activations(session))
    return pb.PackActivated(
        timeline=[activation_message(one) for one in in_force],
        pack=pack_message(pack, files=True),
        triggers=store.pack_of(pack).triggers,
    )


def proposal_message(told: store.Told, *, report: bool = False) -> pb.Proposal:
    """A proposal; its report only where it was asked for."""
    row = told.proposal
    message = pb.Proposal(
        proposal_id=row.proposal_id,
        pack=pack_message(told.pack),
        applies_from=row.applies_from.isoformat(),
        reason=row.reason,
        proposed_by=row.proposed_by,
        proposed_by_name=row.proposed_by_name,
        proposed_at=to_timestamp(row.proposed_at),
        offered=row.offered,
        state=pb.PROPOSAL_STATE_OPEN,
    )
    if told.report is not None:
        message.report_sha256 = told.report.sha256
        message.report_by = told.report.brought_by
        message.report_at.CopyFrom(to_timestamp(told.report.brought_at))
        message.report = told.report.body if report else b""
    if told.decision is not None:
        decision = told.decision
        message.state = (
            pb.PROPOSAL_STATE_APPROVED if decision.approved else pb.PROPOSAL_STATE_REFUSED
        )
        message.decided_by = decision.decided_by
        message.decided_by_name = decision.decided_by_name
        message.decided_at.CopyFrom(to_timestamp(decision.decided_at))
        message.decision_reason = decision.reason
    return message
