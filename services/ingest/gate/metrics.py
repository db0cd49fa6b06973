"""What the gate counts."""

from collections import Counter as Tally
from collections.abc import Iterator

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

REPAIRS = Counter("farsight_gate_repairs_total", "Frames read after a repair", ["repair"])
BATCHES = Counter("farsight_gate_batches_total", "Batches confirmed by the bus")
RETRIES = Counter("farsight_gate_batch_retries_total", "Batches sent again for want of a confirm")
CONFIRM_SECONDS = Histogram("farsight_gate_confirm_seconds", "Publish to confirm")
PENDING = Gauge("farsight_gate_pending_frames", "Frames read and not yet confirmed")
CONNECTIONS = Gauge("farsight_gate_connections", "Open logger connections")
SESSIONS = Gauge("farsight_gate_sessions", "Loggers that are connected and known")
TURNED_AWAY = Counter("farsight_gate_turned_away_total", "Connections beyond a cap")
OPENINGS = Counter(
    "farsight_gate_openings_refused_total", "Connections that began wrongly", ["reason"]
)
WITHHELD = Counter("farsight_gate_replies_withheld_total", "Replies beyond a sender's share")
HELD = Counter("farsight_gate_connections_held_total", "Times a sender was not read for its flood")
PAUSED = Gauge("farsight_gate_paused", "1 while the gate does not read, by reason", ["reason"])
ANOMALIES = Counter("farsight_gate_anomalies_total", "Irregularities of loggers told", ["kind"])
EVENTS_DROPPED = Counter("farsight_gate_events_dropped_total", "Events that found no room to wait")
REDIS_UP = Gauge("farsight_gate_redis_up", "1 while routes can be kept in Redis")

SHOWN = 20
_KNOWN = 1000


class Counts(Collector):
    """A counter as a plain mapping: `counts[labels] += 1` costs a tenth of `labels().inc()`.

    Frames are counted by one thread; a scrape from another one reads a copy.
    """

    def __init__(self, name: str, words: str, labels: list[str]) -> None:
        self._family = name, words, labels
        self.counts: Tally[tuple[str, ...]] = Tally()

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counts so far."""
        name, words, labels = self._family
        family = CounterMetricFamily(name, words, labels=labels)
        for values, count in self.counts.copy().items():
            family.add_metric(values, count)
        yield family


class TopRefused(Collector):
    """Who is refused most, and why: at most twenty lines, whoever sends whatever MN.

    Space-saving (Metwally 2005): a thousand counters; a newcomer takes the place and the count of
    the smallest, so what is large is never missed and small counts may be too high.
    """

    def __init__(self) -> None:
        self._counts: Tally[tuple[str, str]] = Tally()

    def inc(self, mn: str, reason: str) -> None:
        """One more refused frame."""
        key = (mn, reason)
        if key not in self._counts and len(self._counts) >= _KNOWN:
            smallest = min(self._counts, key=self._counts.__getitem__)
            self._counts[key] = self._counts.pop(smallest)
        self._counts[key] += 1

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The largest counts."""
        family = GaugeMetricFamily(
            "farsight_gate_refused_top",
            "Refused frames of who is refused most",
            labels=["mn", "reason"],
        )
        for (mn, reason), count in self._counts.copy().most_common(SHOWN):
            family.add_metric([mn, reason], count)
        yield family


REFUSED_TOP = TopRefused()
FRAMES = Counts("farsight_gate_frames_total", "Frames by outcome", ["outcome", "reason"])
VERSIONS = Counts("farsight_gate_versions_total", "Admitted frames by HJ 212's year", ["version"])
REPLIES = Counts("farsight_gate_replies_total", "Frames written to loggers", [])
for collector in (REFUSED_TOP, FRAMES, VERSIONS, REPLIES):
    REGISTRY.register(collector)
