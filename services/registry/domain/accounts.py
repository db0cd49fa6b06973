"""账号: what makes an account sound. Roles are those of the chassis' identity."""

import re
from dataclasses import dataclass

from services.registry.domain.credit_code import credit_code_fault
from services.registry.domain.records import Fault

_USER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
WHOLE_COUNTRY = "000000"
_DIVISION = re.compile(r"\d{6}")
_PERSONS = ("officer", "leader", "police", "procurator")
_OTHERS = ("enterprise", "operator", "platform")
MIN_PASSWORD = 10
"""Shortest password taken, characters."""


@dataclass(frozen=True)
class Account:
    """Who signs in; `password` is empty where the one in the store stays."""

    user_name: str
    role: str
    division: str = ""
    credit_code: str = ""
    officer_id: str = ""
    display_name: str = ""
    scripted: bool = False
    password: str = ""


def account_faults(account: Account, *, exists: bool) -> list[Fault]:
    """Return what is wrong with an account; a new one needs a password."""
    faults = []
    if not _USER_NAME.fullmatch(account.user_name):
        faults.append(Fault("user_name", "not 2 to 64 of a-z, 0-9, dot, dash, underscore"))
    if account.role not in (*_PERSONS, *_OTHERS):
        faults.append(Fault("role", "unknown"))
    if not _DIVISION.fullmatch(account.division):
        faults.append(Fault("division", "not six digits (GB/T 2260; 000000 is the whole country)"))
    if (account.role == "enterprise") != bool(account.credit_code):
        faults.append(Fault("credit_code", "goes with the role enterprise, and only with it"))
    if account.credit_code and (fault := credit_code_fault(account.credit_code)):
        faults.append(Fault("credit_code", fault))
    if (account.role in _PERSONS) != bool(account.officer_id):
        faults.append(Fault("officer_id", "goes with the roles of persons in authority"))
    if (account.password or not exists) and len(account.password) < MIN_PASSWORD:
        faults.append(Fault("password", f"shorter than {MIN_PASSWORD} characters"))
    return faults
