"""报文收支: every frame that arrived ends in exactly one count; here it is added up for people."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from services.chassis.pb.ingest.v1.ingest_pb2 import BalanceRow


@dataclass(frozen=True)
class Balance:
    """Frames of a period. `balanced` says whether received = accepted + duplicate + refused."""

    received: int
    accepted: int
    duplicate: int
    refused: tuple[tuple[str, int], ...]  # by reason, most frequent first

    @property
    def refused_total(self) -> int:
        """All refused frames."""
        return sum(count for _, count in self.refused)

    @property
    def balanced(self) -> bool:
        """Whether nothing is unaccounted for."""
        return self.received == self.accepted + self.duplicate + self.refused_total

    @property
    def accepted_share(self) -> float | None:
        """Accepted of received; None when nothing arrived."""
        return self.accepted / self.received if self.received else None


def balance_of(row: BalanceRow) -> Balance:
    """Read the totals of a row."""
    refused = Counter({reason: int(count) for reason, count in row.refused.items() if count})
    return Balance(
        int(row.received), int(row.accepted), int(row.duplicate), tuple(refused.most_common())
    )


def last_arrivals(rows: Iterable[BalanceRow]) -> dict[str, int]:
    """Tell each outlet's last hour with an accepted frame: the hour's start, unix seconds."""
    last: dict[str, int] = {}
    for row in rows:
        if row.accepted:
            last[row.outlet_id] = max(last.get(row.outlet_id, 0), row.hour.seconds)
    return last
