"""`farsight rules list | timeline | propose | approve ...`: the life of packs on the platform."""

import argparse
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from farsight.account import signed_in
from farsight.lab.door_client import SignedInClient
from farsight.rules.files import own_pack
from farsight.rules.report import made_report, summary_lines
from services.chassis.clock import beijing, from_timestamp
from services.chassis.errors import InputRejected
from services.chassis.pb.detect.v1 import pack_pb2 as pb
from services.chassis.pb.detect.v1 import pack_pb2_grpc as rpc

_STATES = {
    pb.PROPOSAL_STATE_OPEN: "open 待审批",
    pb.PROPOSAL_STATE_APPROVED: "approved 已启用",
    pb.PROPOSAL_STATE_REFUSED: "refused 已驳回",
}


def show_packs(args: argparse.Namespace) -> int:
    """规则包 that are kept, and proposals that wait."""
    with signed_in(args) as door:
        stub = rpc.PackServiceStub(door.channel)
        packs = door.call(stub.ListPacks, pb.ListPacksRequest()).packs
        timeline = door.call(stub.GetTimeline, pb.GetTimelineRequest()).timeline
        waiting = pb.ListProposalsRequest(state=pb.PROPOSAL_STATE_OPEN)
        proposals = door.call(stub.ListProposals, waiting).proposals
    if args.json:
        return _print_json({"packs": _plain(packs), "open": _plain(proposals)})
    for one in packs:
        since = [a.applies_from for a in timeline if (a.pack_id, a.version) ==
                 (one.pack_id, one.version)]  # fmt: skip
        judges = f"judges from {', '.join(since)}" if since else "does not judge"
        print(f"{one.pack_id}@{one.version}  {one.title}  {judges}")
    for waits in proposals:
        print("\n".join(proposal_lines(waits)))
    return 0


def show_timeline(args: argparse.Namespace) -> int:
    """规则时间线."""
    with signed_in(args) as door:
        stub = rpc.PackServiceStub(door.channel)
        answer = door.call(stub.GetTimeline, pb.GetTimelineRequest())
    if args.json:
        return _print_json(_plain([answer])[0])
    print("in force:")
    for one in answer.timeline:
        print(f"  from {one.applies_from}  {one.pack_id}@{one.version}")
    print("decisions, newest first:")
    for one in answer.decisions:
        at = beijing(from_timestamp(one.activated_at)).strftime("%Y-%m-%d %H:%M")
        print(f"  {at}  {one.pack_id}@{one.version} from {one.applies_from}"
              f"  {one.proposed_by} + {one.approved_by}  {one.reason}")  # fmt: skip
    return 0


def show_status(args: argparse.Namespace) -> int:
    """提案 and what became of them; of one also its report."""
    with signed_in(args) as door:
        stub = rpc.PackServiceStub(door.channel)
        if args.proposal:
            asked = pb.GetProposalRequest(proposal_id=args.proposal)
            found = [door.call(stub.GetProposal, asked).proposal]
        else:
            found = list(door.call(stub.ListProposals, pb.ListProposalsRequest()).proposals)
    if args.proposal and args.report:
        args.report.write_bytes(found[0].report)
    if args.json:
        return _print_json(_plain(found))
    for one in found:
        print("\n".join(proposal_lines(one)))
    return 0


def propose(args: argparse.Namespace) -> int:
    """提案 of a folder, with its difference report."""
    pack = own_pack(Path(args.pack))
    with signed_in(args) as door:
        request = pb.ProposePackRequest(
            files=pack.files,
            applies_from=args.applies_from.isoformat(),
            reason=args.reason,
            report=_report(door, args, args.pack),
        )
        answer = door.call(rpc.PackServiceStub(door.channel).ProposePack, request)
    return _told(answer.proposal, as_json=args.json)


def roll_back(args: argparse.Namespace) -> int:
    """回退提案 of a pack that is kept."""
    pack_id, at, version = args.pack.partition("@")
    if not at:
        raise InputRejected(
            f"{args.pack}: name a pack as ID@VERSION; `farsight rules list` has them"
        )
    with signed_in(args) as door:
        request = pb.RollBackRequest(
            pack_id=pack_id,
            version=version,
            applies_from=args.applies_from.isoformat(),
            reason=args.reason,
            report=_report(door, args, args.pack),
        )
        answer = door.call(rpc.PackServiceStub(door.channel).RollBack, request)
    return _told(answer.proposal, as_json=args.json)


def _report(door: SignedInClient, args: argparse.Namespace, pack: str) -> bytes:
    """The difference report: given, left for later, or made now."""
    if args.report:
        given: bytes = args.report.read_bytes()
        return given
    if args.without_report:
        return b""
    against = args.against
    if not against:
        stub = rpc.PackServiceStub(door.channel)
        now = door.call(stub.GetPack, pb.GetPackRequest()).pack
        against = f"{now.pack_id}@{now.version}"
    return made_report(args, pack, against)


def attach(args: argparse.Namespace) -> int:
    """差异报告 brought later."""
    request = pb.AttachReportRequest(proposal_id=args.proposal, report=args.report.read_bytes())
    with signed_in(args) as door:
        answer = door.call(rpc.PackServiceStub(door.channel).AttachReport, request)
    return _told(answer.proposal, as_json=args.json)


def approve(args: argparse.Namespace) -> int:
    """启用 by the second person, who names the report that was read."""
    with signed_in(args) as door:
        stub = rpc.PackServiceStub(door.channel)
        asked = pb.GetProposalRequest(proposal_id=args.proposal)
        digest = door.call(stub.GetProposal, asked).proposal.report_sha256
        if len(args.read) < 8 or not digest.hex().startswith(args.read.lower()):
            raise InputRejected(
                "--read is not the digest of the newest report; read it by"
                f" `farsight rules activate-status {args.proposal}` (8 digits or more)"
            )
        request = pb.ApproveProposalRequest(
            proposal_id=args.proposal, report_sha256=digest, reason=args.reason
        )
        answer = door.call(stub.ApproveProposal, request)
    return _told(answer.proposal, as_json=args.json)


def refuse(args: argparse.Namespace) -> int:
    """驳回."""
    request = pb.RefuseProposalRequest(proposal_id=args.proposal, reason=args.reason)
    with signed_in(args) as door:
        answer = door.call(rpc.PackServiceStub(door.channel).RefuseProposal, request)
    return _told(answer.proposal, as_json=args.json)


def proposal_lines(one: pb.Proposal) -> list[str]:
    """A proposal for people."""
    at = beijing(from_timestamp(one.proposed_at)).strftime("%Y-%m-%d %H:%M")
    offered = "  offered by a release" if one.offered else ""
    lines = [
        f"{one.proposal_id}  {_STATES.get(one.state, '?')}{offered}",
        f"  {one.pack.pack_id}@{one.pack.version} from {one.applies_from}: {one.reason}",
        f"  proposed by {one.proposed_by_name} ({one.proposed_by}) {at}",
    ]
    if one.report_sha256:
        lines.append(f"  report {one.report_sha256.hex()} by {one.report_by}")
    elif one.state == pb.PROPOSAL_STATE_OPEN:
        lines.append("  no difference report yet: `farsight rules attach`")
    if one.report:
        assert hashlib.sha256(one.report).digest() == one.report_sha256
        lines += [f"    {line}" for line in summary_lines(one.report)]
    if one.decided_by:
        lines.append(f"  decided by {one.decided_by_name} ({one.decided_by}) {one.decision_reason}")
    return lines


def _told(proposal: pb.Proposal, *, as_json: bool) -> int:
    if as_json:
        return _print_json(_plain([proposal])[0])
    print("\n".join(proposal_lines(proposal)))
    return 0


def _plain(messages: Iterable[Message]) -> list[dict[str, Any]]:
    return [MessageToDict(one, preserving_proto_field_name=True) for one in messages]


def _print_json(value: object) -> int:
    print(json.dumps(value, ensure_ascii=False, indent=1))
    return 0
