"""The log's values to protobuf."""

import json
from typing import Any

from services.chassis import sm
from services.chassis.clock import to_timestamp
from services.chassis.pb.ingest.v1 import ingest_pb2, ledger_pb2
from services.ingest import wire
from services.ingest.app.freeze_frames import Frozen, FrozenSpan
from services.ingest.app.prove_entries import Consistency, Inclusion
from services.ingest.domain.head import SignedHead


def head_message(head: SignedHead) -> ledger_pb2.SignedLedgerHead:
    """A signed head; what its text says stands beside it for whoever does not parse it."""
    said = json.loads(head.text)
    return ledger_pb2.SignedLedgerHead(
        number=head.number,
        text=head.text,
        public_key=b"\x04" + head.public_key,
        signature=head.signature,
        fingerprint_sm3=sm.fingerprint(head.public_key),
        hour=to_timestamp(head.hour) if head.hour else None,
        made_at=to_timestamp(head.made_at),
        partitions=[
            ledger_pb2.PartitionHead(
                partition=one["partition"],
                size=one["size"],
                root_sm3=bytes.fromhex(one["root_sm3"]),
            )
            for one in said["partitions"]
        ],
        clock=[_clock(one) for one in said["clock"]],
    )


def inclusion_message(found: Inclusion) -> ledger_pb2.GetInclusionProofResponse:
    """An inclusion proof."""
    return ledger_pb2.GetInclusionProofResponse(
        head=head_message(found.head),
        partition=found.entry.part,
        leaf=found.entry.leaf,
        entry_version=found.entry.entry_version,
        entry=found.text,
        sm3=found.entry.sm3,
        proof=found.proof,
    )


def consistency_message(found: Consistency) -> ledger_pb2.GetConsistencyProofResponse:
    """A consistency proof."""
    return ledger_pb2.GetConsistencyProofResponse(
        first=head_message(found.first), second=head_message(found.second), proof=found.proof
    )


def span_message(span: FrozenSpan) -> ingest_pb2.RawFramesResponse:
    """Frames with their proofs, for a referral's bundle."""
    return ingest_pb2.RawFramesResponse(
        frames=[_frame(one) for one in span.frames],
        truncated=span.truncated,
        head=head_message(span.head) if span.head else None,
    )


def _frame(one: Frozen) -> ingest_pb2.LedgerFrame:
    return ingest_pb2.LedgerFrame(
        frame=wire.frame_message(one.record),
        partition=one.part,
        leaf=one.leaf,
        sha256=one.sha256,
        proof=one.proof,
        entry_version=one.entry_version,
        entry=one.text,
    )


def _clock(state: dict[str, Any]) -> ledger_pb2.ClockState:
    known = state["offset_us"] is not None
    return ledger_pb2.ClockState(
        source=state["source"],
        synchronised=state["synchronised"],
        known=known,
        offset_us=state["offset_us"] or 0,
        max_error_us=state["max_error_us"] or 0,
        detail=state["detail"],
    )
