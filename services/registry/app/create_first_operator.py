"""The first account of an installation: an operator whose password the environment gives."""

from sqlalchemy import func, select

from services.chassis.db import Database
from services.registry import store
from services.registry.app.change_records import Origin
from services.registry.app.keep_accounts import keep_accounts
from services.registry.domain.accounts import WHOLE_COUNTRY, Account

FIRST_OPERATOR = "operator"


def create_first_operator(database: Database, password: str) -> bool:
    """Create the operator when there is no account at all; return whether it was created.

    Later starts change nothing, so a password that was changed stays changed. Raises
    ValueError when the password is refused.
    """
    with database.transaction() as session:
        if session.scalar(select(func.count()).select_from(store.AccountRow)):
            return False
        account = Account(
            user_name=FIRST_OPERATOR,
            role="operator",
            division=WHOLE_COUNTRY,
            display_name="平台运维",
            password=password,
        )
        outcome = keep_accounts(session, [(0, account)], Origin("bootstrap", "bootstrap"))
        if outcome.errors:
            raise ValueError(f"FARSIGHT_BOOTSTRAP_PASSWORD: {outcome.errors[0].reason}")
        return True
