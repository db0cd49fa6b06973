"""Sign in: a password for a short-lived token; and a token for a fresh one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from services.chassis.db import Database
from services.chassis.errors import Unauthenticated
from services.chassis.identity import Actor, Role, Tokens
from services.registry import store
from services.registry.app.keep_accounts import HASHER, account_of, password_matches
from services.registry.domain.accounts import Account

MAX_FAILURES = 8
LOCK = timedelta(minutes=5)
# Verified for an unknown name, so that the answer's time does not tell which names exist.
_NOBODY = store.AccountRow(password_hash=HASHER.hash("nobody's password"))


@dataclass(frozen=True)
class SignedIn:
    """A token, when it ends, and whose it is."""

    token: str
    expires_at: datetime
    account: Account


def sign_in(
    database: Database, tokens: Tokens, user_name: str, password: str, now: datetime
) -> SignedIn:
    """Check the password and issue a token.

    Raises Unauthenticated, in the same words, for an unknown name, a wrong password and an account
    that too many wrong ones have locked for a while.
    """
    with database.transaction() as session:
        row = session.get(store.AccountRow, user_name, with_for_update=True)
        allowed = _try(row, password, now)
        account = account_of(row) if row is not None else None
    # The failure is counted: the transaction above has committed before this is raised.
    if account is None or not allowed:
        raise Unauthenticated("user name or password is wrong, or the account is locked")
    return _issue(tokens, account, now)


def refresh(session: Session, tokens: Tokens, actor: Actor, now: datetime) -> SignedIn:
    """Issue a fresh token for the account as it is today. Raises Unauthenticated without one."""
    row = session.get(store.AccountRow, actor.user_id)
    if row is None:
        raise Unauthenticated("the account is gone")
    return _issue(tokens, account_of(row), now)


def _try(row: store.AccountRow | None, password: str, now: datetime) -> bool:
    if row is None:
        password_matches(_NOBODY, password)
        return False
    if row.locked_until is not None and now < row.locked_until:
        return False
    if password_matches(row, password):
        row.failures, row.locked_until = 0, None
        return True
    row.failures += 1
    if row.failures >= MAX_FAILURES:
        row.failures, row.locked_until = 0, now + LOCK
    return False


def _issue(tokens: Tokens, account: Account, now: datetime) -> SignedIn:
    actor = Actor(
        user_id=account.user_name,
        role=Role(account.role),
        division=account.division,
        enterprise_id=account.credit_code,
        name=account.display_name,
        officer_id=account.officer_id,
        scripted=account.scripted,
    )
    token, expires_at = tokens.issue(actor, now=now)
    return SignedIn(token, expires_at, account)
