"""Push hour values of one outlet, and wait until the platform has them safely.

    python docs/examples/push_readings.py [OUTLET_ID]

Six hours of a hundred days ago are sent, in one stream of six requests. An acknowledgement means
that the bus has confirmed the readings: what is acknowledged is not lost. Sending the same again
does no harm; it is stored once and counted as a duplicate.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import grpc
from client import DOORS, GATE, outlet_ids, sign_in

from services.chassis.pb.ingest.v1 import ingest_pb2 as ingest
from services.chassis.pb.ingest.v1 import ingest_pb2_grpc as ingest_rpc

HOURS = 6


def main() -> None:
    """Send six requests and print their acknowledgements."""
    with grpc.insecure_channel(DOORS) as doors:
        metadata = sign_in(doors)
        outlet = sys.argv[1] if len(sys.argv) > 1 else outlet_ids(doors, metadata)[0]
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with grpc.insecure_channel(GATE) as gate:
        stub = ingest_rpc.IngestServiceStub(gate)
        requests = hours_of(outlet, today - timedelta(days=100))
        for answer in stub.PushReadings(requests, metadata=metadata, timeout=60):
            print(f"request {answer.sequence}: {answer.accepted} safe, {answer.refused} refused")
            for reason in answer.reasons:
                print(f"  {reason}")


def hours_of(outlet: str, start: datetime) -> Iterator[ingest.PushReadingsRequest]:
    """Make one request an hour. An hour's reading is stamped at the start of the hour."""
    for number in range(HOURS):
        reading = ingest.PushedReading(
            outlet_id=outlet,
            kind=ingest.READING_KIND_HOUR,
            request_id=f"example-{number}",
            values=[
                # Units are those of HJ 212: mg/m3 as measured, and converted to reference oxygen.
                ingest.PushedValue(factor="a21026", value=18.4, converted=20.1, flag="N"),
                ingest.PushedValue(factor="a21002", value=31.0 + number, flag="N"),
            ],
        )
        reading.data_time.FromDatetime(start + timedelta(hours=number))
        yield ingest.PushReadingsRequest(sequence=number + 1, readings=[reading])


if __name__ == "__main__":
    main()
