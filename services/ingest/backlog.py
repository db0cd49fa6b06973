"""积压: whether frames of a partition may still wait to be settled, asked of the bus itself."""

from amqp.exceptions import AMQPError
from kombu.connection import Connection
from kombu.exceptions import OperationalError

from services.chassis.bus.topology import RETRY_DELAYS_MS, reading_queue, retry_spec
from services.chassis.log import get_logger

log = get_logger(__name__)

PATIENCE_S = 5


class Backlog:
    """Looks at a partition's queue and at the waiting rooms, which all queues share."""

    def __init__(self, amqp_uri: str) -> None:
        self._uri = amqp_uri

    def waits(self, part: int) -> bool:
        """Whether something waits, or the bus is away and nobody can say that nothing does."""
        rooms = [retry_spec(delay).name for delay in RETRY_DELAYS_MS]
        try:
            with Connection(self._uri, connect_timeout=PATIENCE_S) as connection:
                channel = connection.default_channel
                return any(
                    channel.queue_declare(name, passive=True).message_count
                    for name in (reading_queue("ingest", part), *rooms)
                )
        except (OSError, OperationalError, AMQPError) as error:
            log.info("backlog_unknown", part=part, error=f"{type(error).__name__}: {error}")
            return True
