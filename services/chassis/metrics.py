"""Prometheus metrics that every process has; a service adds its own beside its code."""

from prometheus_client import Counter, Gauge, Histogram

HANDLED = Counter("farsight_messages_handled_total", "Messages by outcome", ["queue", "outcome"])
RELAYED = Counter("farsight_outbox_relayed_total", "Events that left the outbox", ["service"])
OUTBOX = Gauge("farsight_outbox_waiting", "Events that wait in the outbox", ["service"])
RPC_SECONDS = Histogram("farsight_grpc_seconds", "gRPC calls", ["method", "code"])
DUE = Counter("farsight_due_handled_total", "Due rows by outcome", ["kind", "outcome"])
