"""重读原始报文: raw frames of the archive to readings, as the gate and settling read them once.

What the ledger recorded decides where a choice was made: the version of HJ 212, the origin, the
call-back. Keys of 2025 come from the registry's copy (current and previous); a frame under an older
key cannot be read again and is named.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from google.protobuf.message import DecodeError

from services.chassis.errors import NotFound
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest import wire
from services.ingest.app.freeze_frames import raw_of
from services.ingest.app.prove_entries import record_of
from services.ingest.archive import Archive
from services.ingest.domain.outside import is_outside
from services.ingest.domain.rebuilding import Placed
from services.ingest.gate.columns import BatchBuilder
from services.ingest.gate.push import factor_values
from services.ingest.hj212.errors import PeerProtocolError
from services.ingest.hj212.framing import Frame, Framer
from services.ingest.hj212.messages import FactorValues, Upload, read_message
from services.ingest.hj212.policy import LoggerPolicy
from services.ingest.hj212.segment import parse_segment
from services.ingest.hj212.version import Version, version_of
from services.ingest.tables import LedgerRow

#: Peers that pushed over gRPC are written down like this.
PUSHED = "grpc:"

PolicyOf = Callable[[str], LoggerPolicy]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry whose frame does not give its readings any more, and why."""

    part: int
    leaf: int
    reason: str


@dataclass
class Replay:
    """Reads entries of the ledger in order; `unreadable` names what could not be read."""

    archive: Archive
    policy_of: PolicyOf
    unreadable: list[Unreadable] = field(default_factory=list)

    def batches(self, rows: Sequence[LedgerRow]) -> Iterator[list[Placed]]:
        """The readings of accepted entries, a batch of the archive at a time."""
        for (part, _, _), group in groupby(rows, key=_block):
            blocks: dict[tuple[str, int], bytes] = {}
            builder, leaves = BatchBuilder(part, ""), []
            for row in group:
                found = self._values(row, blocks)
                if found is None:
                    continue
                frame, values = found
                builder.add(frame, values, None)
                leaves.append(row.leaf)
            batch = builder.seal()
            readings = wire.readings_from(batch, [wire.frame_from(one) for one in batch.frames])
            yield [Placed(reading, part, leaves[reading.frame]) for reading in readings]

    def _values(
        self, row: LedgerRow, blocks: dict[tuple[str, int], bytes]
    ) -> tuple[pb.Frame, Sequence[FactorValues]] | None:
        try:
            raw = raw_of(self.archive, blocks, row)
            frame = wire.frame_message(record_of(row, raw))
            if is_outside(frame.notes):
                return None  # an outside item has no readings
            if row.peer.startswith(PUSHED):
                return frame, _pushed(frame)
            return frame, _upload(raw, row.version, self.policy_of)
        except (NotFound, PeerProtocolError, DecodeError, ValueError) as error:
            self.unreadable.append(Unreadable(row.part, row.leaf, str(error)))
            return None


def _block(row: LedgerRow) -> tuple[int, str, int]:
    return row.part, row.segment, row.block_offset


def _pushed(frame: pb.Frame) -> Sequence[FactorValues]:
    reading = pb.PushedReading.FromString(frame.raw)
    frame.value_state = reading.state
    return [factor_values(value) for value in reading.values]


def _upload(raw: bytes, version: int, policy_of: PolicyOf) -> Sequence[FactorValues]:
    """The values of one frame; none for a message that is no upload. Raises PeerProtocolError."""
    framer = Framer(policy_of)
    frames = [item for item in [*framer.feed(raw), *framer.flush()] if isinstance(item, Frame)]
    if len(frames) != 1:
        raise PeerProtocolError("unreadable", f"{len(frames)} frames; is the cipher key known?")
    segment = parse_segment(frames[0].segment)
    spoken = Version(version) if version else version_of(segment, policy_of(segment.mn).version)
    message = read_message(segment, spoken)
    return message.factors if isinstance(message, Upload) else ()
