"""密钥更新: a new SM4 key for a logger, HJ 212-2025 6.4.3 and command 1014."""

import secrets
import string
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from services.chassis.errors import InputRejected, NotFound
from services.registry import store, wire
from services.registry.app.change_records import Origin, change_records
from services.registry.domain.outcome import Entry
from services.registry.domain.records import Kind, Logger

KEY_SIGNS = string.ascii_letters + string.digits
"""`NewSK` travels as 16 characters inside a data area, whose own signs are none of these."""

ASKED_AGAIN = timedelta(minutes=10)
"""[D] A request without `in_use` this soon after a renewal is taken for a repeated one."""


def renew_logger_key(
    session: Session, mn: str, in_use: str, origin: Origin, now: datetime
) -> Logger:
    """Make and keep a new key; the former one stays valid for frames still under way.

    Only one former key is kept, so a renewal that is asked for again before the logger took the
    key over (it still uses the former one, or asks within ten minutes) gives the same key again.
    Raises NotFound for an unknown MN, InputRejected when the logger is outside the jurisdiction.
    """
    store.lock_records(session)
    row = next(iter(store.rows_of(session, [(Kind.LOGGER, mn)])), None)
    logger = wire.body_of(row) if row is not None and not row.deleted else None
    if not isinstance(logger, Logger):
        raise NotFound(f"no logger {mn}")
    if _not_taken_over(logger, in_use, now):
        return logger
    renewed = replace(
        logger,
        sm4_key=new_key(),
        sm4_key_before=logger.sm4_key,
        sm4_key_since=now.isoformat(),
    )
    outcome = change_records(session, [Entry(0, renewed)], origin)
    if outcome.errors:
        error = outcome.errors[0]
        raise InputRejected(f"{error.field}: {error.reason}", field=error.field)
    return renewed


def new_key() -> str:
    """Return 16 random letters and digits (95 bits) as 32 hex characters."""
    return "".join(secrets.choice(KEY_SIGNS) for _ in range(16)).encode().hex()


def _not_taken_over(logger: Logger, in_use: str, now: datetime) -> bool:
    if not logger.sm4_key:
        return False
    if in_use:
        return in_use == logger.sm4_key_before
    since = logger.sm4_key_since
    return bool(since) and now - datetime.fromisoformat(since) < ASKED_AGAIN
