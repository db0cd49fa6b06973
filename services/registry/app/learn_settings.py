"""反控设置: what a call-back changed at a logger is kept in its record (1072, 1062, 1064)."""

from dataclasses import replace

from sqlalchemy.orm import Session

from services.chassis.errors import InputRejected
from services.chassis.log import get_logger
from services.registry import store, wire
from services.registry.app.change_records import Origin, change_records
from services.registry.domain.outcome import Entry
from services.registry.domain.records import Kind, Logger

log = get_logger(__name__)


def learn_settings(
    session: Session,
    mn: str,
    origin: Origin,
    *,
    password: str = "",
    realtime_interval_s: int = 0,
    minute_interval_min: int = 0,
) -> bool:
    """Keep what is given; tells whether the record changed. A logger deleted meanwhile stays so.

    Raises InputRejected naming the field that the registry does not accept.
    """
    store.lock_records(session)
    row = next(iter(store.rows_of(session, [(Kind.LOGGER, mn)])), None)
    logger = wire.body_of(row) if row is not None and not row.deleted else None
    if not isinstance(logger, Logger):
        log.warning("settings_of_no_logger", mn=mn)
        return False
    learned = replace(
        logger,
        password=password or logger.password,
        realtime_interval_s=realtime_interval_s or logger.realtime_interval_s,
        minute_interval_min=minute_interval_min or logger.minute_interval_min,
    )
    if learned == logger:
        return False
    outcome = change_records(session, [Entry(0, learned)], origin)
    if outcome.errors:
        error = outcome.errors[0]
        raise InputRejected(f"{error.field}: {error.reason}", field=error.field)
    return True
