"""数据平衡: received = accepted + duplicate + refused by reason, per outlet (or peer) and hour.

`received` is counted from the batch as it came, the outcomes from what settling made of each frame:
two counts of the same frames, so that the identity can fail and show a loss.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

RECEIVED = "received"
ACCEPTED = "accepted"
DUPLICATE = "duplicate"
REFUSED = "refused:"  # followed by the reason


@dataclass(frozen=True, slots=True)
class Account:
    """Whose frames and which hour (aware UTC, by arrival)."""

    owner: str  # outlet id, or "peer:<address>" where no outlet is known
    hour: datetime


def owner_of(outlet_id: str, peer: str) -> str:
    """Who a frame is accounted to; without the peer's port, which is new in every connection."""
    return outlet_id or f"peer:{peer.rpartition(':')[0] or peer}"


def hour_of(moment: datetime) -> datetime:
    """The hour that a moment lies in."""
    return moment.replace(minute=0, second=0, microsecond=0)


def tally(accounts: Iterable[Account], words: Iterable[str]) -> Counter[tuple[Account, str]]:
    """How often each word fell to each account."""
    return Counter(zip(accounts, words, strict=True))


def refused(reason: str) -> str:
    """The word under which a refusal is counted."""
    return f"{REFUSED}{reason}"


def open_difference(counts: dict[str, int]) -> int:
    """Frames received and not accounted for: 0 when the identity holds."""
    return 2 * counts.get(RECEIVED, 0) - sum(counts.values())
