"""List the open orders and cases of the caller's jurisdiction, the nearest deadline first.

    python docs/examples/list_matters.py [DIVISION]

A division narrows the list; one outside the caller's jurisdiction is refused.
"""

import sys
from collections.abc import Iterator

import grpc
from client import DOORS, Metadata, sign_in

from services.chassis.pb.cases.v1 import cases_pb2 as cases
from services.chassis.pb.cases.v1 import cases_pb2_grpc as cases_rpc


def main() -> None:
    """Print a line a matter."""
    division = sys.argv[1] if len(sys.argv) > 1 else ""
    with grpc.insecure_channel(DOORS) as doors:
        metadata = sign_in(doors)
        stub = cases_rpc.CaseServiceStub(doors)
        for matter in open_matters(stub, metadata, division):
            due = matter.next_due_at.ToDatetime().isoformat(" ", "minutes")
            when = f"{due} UTC" if matter.HasField("next_due_at") else "no clock"
            print(f"{matter.number}  {when:20}  {matter.state_name}  {matter.title}")


def open_matters(
    stub: cases_rpc.CaseServiceStub, metadata: Metadata, division: str
) -> Iterator[cases.Matter]:
    """Follow the pages to their end."""
    request = cases.ListMattersRequest(division=division, state="open", page_size=100)
    while True:
        page = stub.ListMatters(request, metadata=metadata, timeout=10)
        yield from page.matters
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


if __name__ == "__main__":
    main()
