"""推送计数: what became of the things of a pushed stream that has a name."""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy.orm import Session

from services.chassis.pb.ingest.v1 import outside_pb2 as pb
from services.ingest import outside_store as store

_OUTSIDE = "outside:"


def is_named(peer: str) -> bool:
    """Whether a frame's peer is a push stream with a name: grpc:<user>:<stream>, 0 = no name."""
    return peer.startswith("grpc:") and not peer.endswith(":0")


def tally_pushes(session: Session, frames: Iterable[tuple[str, str]]) -> None:
    """Count (peer, word) of the frames of named streams; commits with what was settled."""
    store.add_to_tally(session, Counter(frame for frame in frames if is_named(frame[0])))


def get_push_tally(session: Session, user_id: str, stream_id: str) -> pb.GetPushTallyResponse:
    """Counts of a user's stream by word."""
    answer = pb.GetPushTallyResponse()
    for word, count in store.tally_of(session, f"grpc:{user_id}:{stream_id}").items():
        if word.startswith(_OUTSIDE):
            answer.outside[word.removeprefix(_OUTSIDE)] = count
        else:
            answer.readings[word] = count
    return answer
