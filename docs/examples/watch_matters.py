"""Watch orders and cases change, and go on where it stopped after a break.

    python docs/examples/watch_matters.py [TOKEN_FILE [NUMBER]]

After each answer its resume token is written to the file; the next start goes on behind it, so
nothing is missed and nothing comes twice. Without a token it begins now, and the first answer is
the token of now without a change. NUMBER ends it after so many changes.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
from client import DOORS, sign_in

from services.chassis.pb.cases.v1 import cases_pb2 as cases
from services.chassis.pb.cases.v1 import cases_pb2_grpc as cases_rpc

LONGEST_WAIT_S = 30


def main() -> None:
    """Watch until enough was seen; a broken connection is taken up again."""
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    left = int(sys.argv[2]) if len(sys.argv) > 2 else sys.maxsize
    token = file.read_text() if file and file.exists() else ""
    wait = 1
    while left > 0:
        try:
            for answer in changes(token):
                if answer.HasField("change"):
                    show(answer.change)
                    left -= 1
                token, wait = answer.resume_token, 1
                if file:
                    file.write_text(token)
                if left == 0:
                    return
        except grpc.RpcError as error:
            # UNAUTHENTICATED is the token that ran out; both are healed by starting again.
            if error.code() not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED}:
                raise
            print(f"{error.code().name}; again in {wait} s", file=sys.stderr)
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_S)


def changes(token: str) -> Iterator[cases.WatchResponse]:
    """Give changes from behind the token, with a fresh sign-in."""
    with grpc.insecure_channel(DOORS) as doors:
        metadata = sign_in(doors)
        stub = cases_rpc.CaseServiceStub(doors)
        yield from stub.Watch(cases.WatchRequest(resume_token=token), metadata=metadata)


def show(change: cases.MatterChanged) -> None:
    """Print what happened: who did what, and where the matter stands now."""
    event, matter = change.last_event, change.matter
    who = f"{event.actor_name} (demo script)" if event.scripted else event.actor_name
    print(f"{matter.number}  {event.act_name} by {who}  -> {matter.state_name}", flush=True)


if __name__ == "__main__":
    main()
