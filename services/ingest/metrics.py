"""Metrics of the ingest service."""

from prometheus_client import Gauge

CLOCK_SYNCHRONISED = Gauge(
    "farsight_clock_synchronised", "1 when a source vouched for the clock in the newest head"
)
