"""标记 a planned maintenance, change it, be refused with an old revision, take it back.

    python docs/examples/submit_mark.py [outlet id]

A plant does the same for its own outlets; here the province's platform does it for one of them.
"""

import sys
import uuid
from datetime import UTC, datetime, timedelta

import grpc
from client import DOORS, outlet_ids, sign_in
from google.protobuf.timestamp_pb2 import Timestamp

from services.chassis.pb.ingest.v1 import mark_pb2, mark_pb2_grpc, outside_pb2


def at(moment: datetime) -> Timestamp:
    """Give a protobuf Timestamp."""
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def main() -> None:
    """Walk one mark through its revisions."""
    with grpc.insecure_channel(DOORS) as doors:
        metadata = sign_in(doors)
        outlet_id = sys.argv[1] if len(sys.argv) > 1 else outlet_ids(doors, metadata)[0]
        marks = mark_pb2_grpc.MarkServiceStub(doors)
        start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=7)
        mark = outside_pb2.Mark(
            mark_id=f"work-order-{uuid.uuid4().hex[:8]}",  # ours: sending it again is harmless
            family=outside_pb2.MARK_FAMILY_MAINTENANCE,
            start=at(start),
            end=at(start + timedelta(hours=2)),
            reason="季度校准",
        )
        request = mark_pb2.SubmitMarkRequest(outlet_id=outlet_id, mark=mark)
        record = marks.SubmitMark(request, metadata=metadata, timeout=10).record
        print(f"revision {record.mark.revision}: {record.sm3.hex()[:16]} is its leaf's digest")

        request.mark.end.CopyFrom(at(start + timedelta(hours=3)))
        request.expected_revision = record.mark.revision
        record = marks.SubmitMark(request, metadata=metadata, timeout=10).record
        print(f"revision {record.mark.revision}: an hour longer")

        request.mark.reason = "又改"
        try:
            marks.SubmitMark(request, metadata=metadata, timeout=10)
        except grpc.RpcError as error:
            print(f"refused: {error.code().name}")

        back = mark_pb2.WithdrawMarkRequest(
            outlet_id=outlet_id,
            mark_id=record.mark.mark_id,
            expected_revision=record.mark.revision,
            reason="改期",
        )
        record = marks.WithdrawMark(back, metadata=metadata, timeout=10).record
        print(f"revision {record.mark.revision}: taken back")


if __name__ == "__main__":
    main()
