"""签名账本头: size and root of every partition's tree at one moment, as the text that is signed.

The text is one line of JSON with sorted keys and no spaces (the form of RFC 8785 for what it
holds): a digest of the text is a digest of the head. Each head names the digest of the one before,
so that heads cannot be taken away unnoticed, and what the server knew of its clock (ADR 0017).
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from gmssl_pyx import sm3_hash

from services.ingest.domain.leaf import ENTRY

FORMAT = "farsight-ledger-head/1"
TREE = "RFC 9162 over SM3"


@dataclass(frozen=True, slots=True)
class ClockState:
    """时钟状态: what one source says of the server's clock; None = it does not say.

    `offset_us` is what must be added to our clock to agree with the source, microseconds.
    """

    source: str  # "kernel", or "sntp:<host>"
    synchronised: bool
    offset_us: int | None = None
    max_error_us: int | None = None
    detail: str = ""  # why there is no answer


@dataclass(frozen=True, slots=True)
class PartHead:
    """A partition's tree: its size and root."""

    part: int
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """A head before it is signed. `hour` is the arrival hour that it closes, None = in between."""

    number: int
    hour: datetime | None
    made_at: datetime
    parts: tuple[PartHead, ...]
    previous_sm3: bytes  # of the text of head number - 1; empty for the first
    clock: tuple[ClockState, ...]

    @property
    def synchronised(self) -> bool:
        """Whether any source vouches for the clock."""
        return any(one.synchronised for one in self.clock)

    def text(self) -> bytes:
        """The canonical bytes."""
        value = {
            "format": FORMAT,
            "tree": TREE,
            "entry_version": ENTRY,
            "number": self.number,
            "hour": _moment(self.hour) if self.hour else "",
            "made_at": _moment(self.made_at),
            "partitions": [
                {"partition": one.part, "size": one.size, "root_sm3": one.root.hex()}
                for one in self.parts
            ],
            "previous_sm3": self.previous_sm3.hex(),
            "clock": [_clock(one) for one in self.clock],
        }
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return text.encode()


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head's text with its signature, as kept. `sizes` repeats the text's sizes by partition."""

    number: int
    hour: datetime | None
    made_at: datetime
    text: bytes
    sizes: dict[int, int]
    public_key: bytes  # x ‖ y, 64 bytes
    signature: bytes  # r ‖ s, 64 bytes

    @property
    def sm3(self) -> bytes:
        """Digest of the text: what the next head names."""
        return bytes(sm3_hash(self.text))

    @property
    def synchronised(self) -> bool:
        """Whether any source vouched for the clock when the head was made."""
        return any(one["synchronised"] for one in json.loads(self.text)["clock"])


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _clock(state: ClockState) -> dict[str, object]:
    return {
        "source": state.source,
        "synchronised": state.synchronised,
        "offset_us": state.offset_us,
        "max_error_us": state.max_error_us,
        "detail": state.detail,
    }
