"""规则包之门: the gRPC door PackService. The authority reads; two persons of a province act."""
# ruff: noqa: N802 - gRPC names its methods

from typing import Any

import grpc.aio
from sqlalchemy.orm import Session

from services.chassis.clock import utc_now
from services.chassis.db import Database
from services.chassis.errors import Forbidden, InputRejected, NotFound
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Actor, require
from services.chassis.pb.detect.v1 import pack_pb2 as pb
from services.chassis.pb.detect.v1 import pack_pb2_grpc
from services.detect.app.decide_proposal import approve_proposal, refuse_proposal
from services.detect.app.propose_pack import (
    Wish,
    attach_report,
    propose_pack,
    roll_back,
)
from services.detect.packs import store, wire

SERVICE = "farsight.detect.v1.PackService"
READ, PROPOSE, APPROVE = "packs.read", "packs.propose", "packs.approve"


def register(server: grpc.aio.Server, database: Database) -> None:
    """Add the servicer to the host."""
    pack_pb2_grpc.add_PackServiceServicer_to_server(PackDoor(database), server)


class PackDoor(pack_pb2_grpc.PackServiceServicer):
    """规则包."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ListPacks(self, request: pb.ListPacksRequest, context: Any) -> pb.ListPacksResponse:
        """Give all packs, without files."""
        del request
        require(actor_of(context), READ)
        with self._database.transaction() as session:
            rows = store.pack_rows(session)
            return pb.ListPacksResponse(packs=[wire.pack_message(row) for row in rows])

    def GetPack(self, request: pb.GetPackRequest, context: Any) -> pb.GetPackResponse:
        """Give one pack with its files; without a name the one that judges from now on."""
        require(actor_of(context), READ)
        with self._database.transaction() as session:
            name = (request.pack_id, request.version)
            if not any(name):
                newest = store.timeline(session).newest
                name = (newest.id, newest.version)
            row = store.pack_row(session, *name)
            if row is None:
                raise NotFound(f"no pack {name[0]}@{name[1]} is kept here")
            return pb.GetPackResponse(pack=wire.pack_message(row, files=True))

    def ProposePack(self, request: pb.ProposePackRequest, context: Any) -> pb.ProposePackResponse:
        """Keep and propose a pack."""
        actor = _of_a_province(context, PROPOSE)
        wish = Wish(request.applies_from, request.reason, request.report)
        with self._database.transaction() as session:
            proposal_id = propose_pack(session, actor, dict(request.files), wish, utc_now())
            return pb.ProposePackResponse(proposal=_proposal(session, proposal_id))

    def RollBack(self, request: pb.RollBackRequest, context: Any) -> pb.RollBackResponse:
        """Propose a pack of before."""
        actor = _of_a_province(context, PROPOSE)
        wish = Wish(request.applies_from, request.reason, request.report)
        name = (request.pack_id, request.version)
        with self._database.transaction() as session:
            proposal_id = roll_back(session, actor, name, wish, utc_now())
            return pb.RollBackResponse(proposal=_proposal(session, proposal_id))

    def AttachReport(
        self, request: pb.AttachReportRequest, context: Any
    ) -> pb.AttachReportResponse:
        """Bring a proposal's difference report."""
        actor = _of_a_province(context, PROPOSE)
        with self._database.transaction() as session:
            attach_report(session, actor, request.proposal_id, request.report, utc_now())
            return pb.AttachReportResponse(proposal=_proposal(session, request.proposal_id))

    def ListProposals(
        self, request: pb.ListProposalsRequest, context: Any
    ) -> pb.ListProposalsResponse:
        """Give proposals, newest first."""
        require(actor_of(context), READ)
        if request.state not in pb.ProposalState.values():
            raise InputRejected("unknown proposal state", state=str(request.state))
        with self._database.transaction() as session:
            messages = [wire.proposal_message(one) for one in store.all_told(session)]
        wanted = [one for one in messages if request.state in {0, one.state}]
        return pb.ListProposalsResponse(proposals=wanted)

    def GetProposal(self, request: pb.GetProposalRequest, context: Any) -> pb.GetProposalResponse:
        """Give one proposal with its report."""
        require(actor_of(context), READ)
        with self._database.transaction() as session:
            message = _proposal(session, request.proposal_id, report=True)
        return pb.GetProposalResponse(proposal=message)

    def ApproveProposal(
        self, request: pb.ApproveProposalRequest, context: Any
    ) -> pb.ApproveProposalResponse:
        """Activate what another person proposed."""
        actor = _of_a_province(context, APPROVE)
        with self._database.transaction() as session:
            row = approve_proposal(
                session, actor, request.proposal_id, report_sha256=request.report_sha256,
                reason=request.reason, now=utc_now(),
            )  # fmt: skip
            return pb.ApproveProposalResponse(
                proposal=_proposal(session, request.proposal_id),
                activation=wire.activation_message(row),
            )

    def RefuseProposal(
        self, request: pb.RefuseProposalRequest, context: Any
    ) -> pb.RefuseProposalResponse:
        """Let a proposal come to nothing."""
        actor = _of_a_province(context, APPROVE)
        with self._database.transaction() as session:
            refuse_proposal(session, actor, request.proposal_id, request.reason, utc_now())
            return pb.RefuseProposalResponse(proposal=_proposal(session, request.proposal_id))

    def GetTimeline(self, request: pb.GetTimelineRequest, context: Any) -> pb.GetTimelineResponse:
        """Give what judges when, and all decisions."""
        del request
        require(actor_of(context), READ)
        with self._database.transaction() as session:
            rows = store.activations(session)
        return pb.GetTimelineResponse(
            timeline=[wire.activation_message(row) for row in store.in_force(rows)],
            decisions=[wire.activation_message(row) for row in reversed(rows)],
        )


def _of_a_province(context: Any, action: str) -> Actor:
    """The caller, who must answer for a whole province. Raises Forbidden."""
    actor = actor_of(context)
    require(actor, action)
    if not actor.division.endswith("0000"):
        raise Forbidden("rule packs are decided by a province", action=action)
    return actor


def _proposal(session: Session, proposal_id: str, *, report: bool = False) -> pb.Proposal:
    session.flush()
    told = store.told(session, proposal_id)
    if told is None:
        raise NotFound("no such proposal")
    return wire.proposal_message(told, report=report)
