"""先实时后补传: live data first, what fills a gap in its turn (HJ 212-2025 8.1.2: new before old).

After an outage thousands of loggers send an hour or a day at once. While many frames wait for the
bus, a connection that sent late data is not read; it stands in a line and is let go when there is
room. TCP tells its logger to wait, nothing is lost, and live frames meet a short queue.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol

#: Age in seconds from which a frame fills a gap: its period, its usual delay, and some patience.
LATE_AFTER_S = {
    "2011": 600.0,
    "2051": 1800.0,
    "2111": 1800.0,
    "2061": 3 * 3600.0,
    "2031": 2 * 86_400.0,
}
FRAMES_A_TURN = 4  # what a connection sends when it is let go: loggers wait for their answers


def is_late(cn: str, age_s: float) -> bool:
    """Whether an upload whose DataTime lies `age_s` back fills a gap."""
    return age_s > LATE_AFTER_S.get(cn, LATE_AFTER_S["2031"])


class Waiter(Protocol):
    """A connection that can be told to wait."""

    def set_turn(self, mine: bool) -> None:
        """Read it, or do not."""


class Turns:
    """The line of connections that send late data."""

    def __init__(self, pending: Callable[[], int], share_frames: int) -> None:
        self._pending = pending
        self._share = share_frames
        self._line: deque[Waiter] = deque()

    def __len__(self) -> int:
        return len(self._line)

    def sent_late(self, connection: Waiter) -> None:
        """A connection sent late data; it waits when more than the share waits for the bus."""
        if self._pending() >= self._share:
            connection.set_turn(False)
            self._line.append(connection)

    def let_go(self) -> None:
        """Frames left for the bus: read some of the line, one at least, so that it always moves."""
        room = max(self._share - self._pending(), FRAMES_A_TURN)
        for _ in range(min(room // FRAMES_A_TURN, len(self._line))):
            self._line.popleft().set_turn(True)
