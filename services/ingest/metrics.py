"""Metrics of the ingest service."""

from prometheus_client import Counter, Gauge

CLOCK_SYNCHRONISED = Gauge(
    "farsight_clock_synchronised", "1 when a source vouched for the clock in the newest head"
)
DISK_FREE = Gauge("farsight_disk_free_bytes", "Free bytes of a volume", ["volume"])
STOPPED = Gauge("farsight_keeping_stopped", "1 while batches wait for room on a disk")
IMBALANCED = Gauge(
    "farsight_balance_open_hours", "Closed hours of the last 31 days whose counts do not agree"
)
COMMANDS = Counter(
    "farsight_ingest_commands_total", "Commands that came into a state", ["state", "purpose"]
)
