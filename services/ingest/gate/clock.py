"""A logger's clock against ours (falsification.csv D28), from the request numbers of its frames.

Offset = QN minus arrival, seconds: the logger's clock minus ours, less the delay of the way. A
delay only lowers it, and it lowers it differently from frame to frame; a clock that was moved
shifts it by the same amount for every frame that follows. So a level is believed when frames that
arrived over a minute agree about it, and a replay of old frames, whose numbers run faster than the
clock, agrees about none. Sans-IO: times are arguments.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from statistics import median

JUMP_S = 300.0  # D28: more than five minutes
STEADY_S = 30.0  # frames that differ by less agree (mobile networks delay by seconds)
STEADY_FRAMES = 3
STEADY_SPAN_S = 60.0
REMEMBERED = 9  # frames whose median is the level
RARELY_S = 5.0  # a burst of frames says nothing new about the clock
_BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Change:
    """What became known: a jump from `before` to `after`, or a drift beyond what is allowed."""

    jump: bool
    before: float | None  # offset, seconds; None = not known
    after: float


class ClockWatch:
    """One logger's clock. Says a jump once and a drift once until the clock is right again."""

    __slots__ = ("_apart", "_away", "_drift_s", "_near", "_seen_at", "_told", "level")

    def __init__(self, drift_s: float) -> None:
        self._drift_s = drift_s
        self.level: float | None = None  # offset as believed, seconds
        self._near: list[float] = []  # a deque would be four times as large, 60,000 times over
        self._apart: list[tuple[float, float]] = []  # (arrival, offset) away from the level
        self._seen_at = -RARELY_S
        self._told = False  # the jump that `_apart` shows was told at its first frame
        self._away = False  # the drift was told

    def see(self, offset: float, at: float) -> Change | None:
        """A frame sent by itself in its turn arrived at `at` with this offset; both seconds."""
        level = self.level
        if level is None or not -JUMP_S <= offset - level <= JUMP_S:
            return self._see_apart(offset, at)
        if at - self._seen_at < RARELY_S:
            return None
        self._seen_at = at
        self._apart.clear()
        self._told = False
        self._near.append(offset)
        del self._near[:-REMEMBERED]
        self.level = median(self._near)
        return self._drift(None)

    def _see_apart(self, offset: float, at: float) -> Change | None:
        """Away from the level, or none is known: believed when enough frames agree.

        A clock that goes forward is told at once: no delay moves a number into the future.
        """
        before = self.level
        self._apart = [one for one in self._apart if abs(one[1] - offset) <= STEADY_S]
        self._apart.append((at, offset))
        forward = before is not None and offset > before and not self._told
        if len(self._apart) < STEADY_FRAMES or at - self._apart[0][0] < STEADY_SPAN_S:
            del self._apart[1 : -STEADY_FRAMES + 1]
            if not forward:
                return None
            self._told = True
            return Change(True, before, offset)
        told, self._told = self._told, False
        self._near = [known for _, known in self._apart]
        self._apart.clear()
        self.level = median(self._near)
        if before is None:
            return self._drift(before)
        self._away = abs(self.level) > self._drift_s  # the jump says so already
        return None if told else Change(True, before, self.level)

    def _drift(self, before: float | None) -> Change | None:
        size = abs(self.level or 0.0)
        if self._away:
            self._away = size * 2 > self._drift_s
            return None
        if size <= self._drift_s:
            return None
        self._away = True
        return Change(False, before, self.level or 0.0)


def number_time(qn: str) -> float | None:
    """The moment a QN names (17 digits, Beijing time), unix seconds; None when it names none.

    >>> number_time("20160801085857223")
    1470013137.223
    """
    if len(qn) != 17 or not (qn.isascii() and qn.isdigit()):
        return None
    hour = _hour(qn[:10])
    if hour is None:
        return None
    return hour + int(qn[10:12]) * 60 + int(qn[12:14]) + int(qn[14:]) / 1000


@lru_cache(256)
def _hour(text: str) -> float | None:
    try:
        return (
            datetime(int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[8:]), tzinfo=_BEIJING)
        ).timestamp()
    except ValueError:
        return None
