"""How much one sender may send and how often it is answered. Sans-IO: times are arguments."""

from collections import OrderedDict

_KEYS = 256  # replies remembered a connection; a storm repeats few frames
_MINUTE_S = 60.0


class Bucket:
    """A token bucket as one number: when it will be full again (GCRA)."""

    __slots__ = ("_full_at",)

    def __init__(self) -> None:
        self._full_at = 0.0

    def take(self, now: float, every_s: float, burst_s: float) -> float:
        """One frame came; gives for how many seconds its sender should pause (0 = it need not).

        `every_s` is the time one frame costs, `burst_s` how much of it may be owed.
        """
        full_at = self._full_at
        self._full_at = full_at = (max(now, full_at)) + every_s
        owed = full_at - now - burst_s
        return owed if owed > 0 else 0.0


class ReplyLimit:
    """At most so many replies a minute to the same thing (hj212.md 7: a time-sync storm)."""

    def __init__(self, a_minute: int) -> None:
        self._a_minute = a_minute
        self._counts: OrderedDict[tuple[str, ...] | int, tuple[float, int]] = OrderedDict()

    def allows(self, key: tuple[str, ...] | int, now: float) -> bool:
        """Whether one more reply to `key` may be sent now; it then counts as sent."""
        start, count = self._counts.get(key, (now, 0))
        if now - start >= _MINUTE_S:
            start, count = now, 0
        if count >= self._a_minute:
            return False
        self._counts[key] = (start, count + 1)
        self._counts.move_to_end(key)
        if len(self._counts) > _KEYS:
            self._counts.popitem(last=False)
        return True
