"""What the gate counts."""

from prometheus_client import Counter, Gauge, Histogram

FRAMES = Counter("farsight_gate_frames_total", "Frames by outcome", ["outcome", "reason"])
BATCHES = Counter("farsight_gate_batches_total", "Batches confirmed by the bus")
RETRIES = Counter("farsight_gate_batch_retries_total", "Batches sent again for want of a confirm")
CONFIRM_SECONDS = Histogram("farsight_gate_confirm_seconds", "Publish to confirm")
PENDING = Gauge("farsight_gate_pending_frames", "Frames read and not yet confirmed")
CONNECTIONS = Gauge("farsight_gate_connections", "Open logger connections")
TURNED_AWAY = Counter("farsight_gate_turned_away_total", "Connections beyond a cap")
REPLIES = Counter("farsight_gate_replies_total", "9014 sent")
PAUSED = Gauge("farsight_gate_paused", "1 while the gate does not read")
SESSIONS = Gauge("farsight_gate_sessions", "Loggers that are connected and known")
EVENTS_DROPPED = Counter("farsight_gate_events_dropped_total", "Events that found no room to wait")
REDIS_UP = Gauge("farsight_gate_redis_up", "1 while routes can be kept in Redis")
