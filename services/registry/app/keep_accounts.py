"""Keep accounts: check, hash, save what differs. Passwords are neither stored nor logged."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.registry import store
from services.registry.app.change_records import Origin
from services.registry.domain.accounts import Account, account_faults
from services.registry.domain.diff import RecordChange, change_of, field_changes
from services.registry.domain.draft import Draft
from services.registry.domain.outcome import Outcome
from services.registry.domain.records import Fault, Kind

# OWASP's argon2id setting: 19 MiB, two passes. A door hashes a few passwords a second.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def password_matches(row: store.AccountRow, password: str) -> bool:
    """Return whether the password is the account's."""
    try:
        return HASHER.verify(row.password_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def account_of(row: store.AccountRow) -> Account:
    """Return the stored account, its password left out."""
    return Account(
        user_name=row.user_name,
        role=row.role,
        division=row.division,
        credit_code=row.credit_code,
        officer_id=row.officer_id,
        display_name=row.display_name,
        scripted=row.scripted,
    )


def keep_accounts(
    session: Session,
    accounts: Sequence[tuple[int, Account]],
    origin: Origin,
    *,
    draft: Draft | None = None,
) -> Outcome:
    """Save (row, account) pairs; the same input again changes nothing.

    With a `draft` nothing is written and the outcome lists the differences.
    """
    outcome = Outcome()
    names = [account.user_name for _, account in accounts]
    query = select(store.AccountRow).where(store.AccountRow.user_name.in_(names))
    known = {row.user_name: row for row in session.scalars(query)}
    for number, account in accounts:
        row = known.get(account.user_name)
        drafted = draft is not None and account.user_name in draft.accounts
        faults = account_faults(account, exists=row is not None or drafted) or _reference_faults(
            session, account, draft
        )
        if faults:
            outcome.refuse(number, account.user_name, *faults)
        elif row is not None and _same(row, account):
            outcome.unchanged += 1
        else:
            outcome.updated += row is not None or drafted
            outcome.created += row is None and not drafted
            if draft is None:
                known[account.user_name] = _save(session, row, account, origin)
            else:
                draft.accounts.add(account.user_name)
                outcome.differs(_difference(row, account, number))
    return outcome


def _difference(row: store.AccountRow | None, account: Account, number: int) -> RecordChange:
    """How an account would change; a new password is told, not shown."""
    before = {} if row is None else asdict(account_of(row))
    after = asdict(account) | {"password": "***" if account.password else ""}
    own = field_changes(list(after), before, after)
    change = change_of(row is not None, stays=True)
    return RecordChange(None, account.user_name, change, own, number)


def _reference_faults(session: Session, account: Account, draft: Draft | None) -> list[Fault]:
    wanted = [(Kind.ENTERPRISE, account.credit_code), (Kind.OFFICER, account.officer_id)]
    named = [(kind, key) for kind, key in wanted if key]
    found = {(row.kind, row.key) for row in store.rows_of(session, named) if not row.deleted}
    if draft is not None:
        found |= {place for place, body in draft.changes.items() if body is not None}
    fields = {Kind.ENTERPRISE: "credit_code", Kind.OFFICER: "officer_id"}
    return [
        Fault(fields[kind], f"no {kind.name.lower()} {key}")
        for kind, key in named
        if (kind.value, key) not in found
    ]


def _same(row: store.AccountRow, account: Account) -> bool:
    plain = Account(**{**asdict(account), "password": ""})
    return plain == account_of(row) and (
        not account.password or password_matches(row, account.password)
    )


def _save(
    session: Session, row: store.AccountRow | None, account: Account, origin: Origin
) -> store.AccountRow:
    before = None if row is None else _shown(account_of(row))
    if row is None:
        row = store.AccountRow(user_name=account.user_name, failures=0)
        session.add(row)
    for name, value in _shown(account).items():
        setattr(row, name, value)
    if account.password:
        row.password_hash = HASHER.hash(account.password)
        row.failures, row.locked_until = 0, None
    session.add(
        store.ChangeRow(
            actor_id=origin.actor_id,
            channel=origin.channel,
            subject="account",
            key=account.user_name,
            revision=0,
            before=before,
            after=_shown(account) | {"password_changed": bool(account.password)},
        )
    )
    return row


def _shown(account: Account) -> dict[str, Any]:
    values = asdict(account)
    del values["password"]
    return values
