"""structlog for every process: JSON on stdout, static event names, no personal data."""

import logging
import sys
import uuid
from typing import Any, cast

import structlog

#: Field names whose values never reach a log: names and numbers of persons, secrets.
PERSONAL = frozenset({"phone", "password", "token", "contact_name", "pw"})


def configure_logging(process: str, *, as_json: bool = True, level: int = logging.INFO) -> None:
    """Set structlog and the standard library up; `process` is on every line."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_personal,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        ),
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("nameko").setLevel(logging.WARNING)
    logging.getLogger("amqp").setLevel(logging.WARNING)
    logging.getLogger("aio_pika").setLevel(logging.WARNING)
    logging.getLogger("aiormq").setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)


def hide_personal(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Blank out personal fields; the last line of defence, callers should not log them at all."""
    for key in PERSONAL & event.keys():
        event[key] = "***"
    return event


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Give a logger; event names are constants, ids are fields."""
    return cast("structlog.stdlib.BoundLogger", structlog.get_logger(name))


def bind_correlation(correlation_id: str) -> None:
    """Put the correlation id (frame to SMS) on every line logged by this worker from here on."""
    structlog.contextvars.bind_contextvars(correlation_id=correlation_id)


def current_correlation() -> str:
    """Tell the bound correlation id; a fresh one when there is none."""
    bound = structlog.contextvars.get_contextvars().get("correlation_id", "")
    return str(bound) or uuid.uuid4().hex
