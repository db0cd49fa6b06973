"""Passwords and signing keys of one installation (密钥), generated once."""

import json
import os
import secrets
from dataclasses import dataclass, fields
from pathlib import Path

from services.chassis.identity import create_token_key


@dataclass(frozen=True)
class Passwords:
    """The embedded servers listen on loopback, where other users of the machine may live."""

    postgres: str
    amqp: str
    redis: str
    smpp: str
    operator: str
    """Of the first account, `operator`, made when there is no account at all."""


# SMPP 3.4 section 4.1.1: a password has at most 8 characters.
_BYTES = {"smpp": 4}


def ensure_passwords(path: Path) -> Passwords:
    """The passwords kept at `path`; missing ones are made."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    names = [each.name for each in fields(Passwords)]
    missing = {name: secrets.token_hex(_BYTES.get(name, 16)) for name in names if name not in known}
    if missing:
        known |= missing
        _write_private(path, json.dumps(known, indent=1))
    return Passwords(**known)


def ensure_token_key(path: Path) -> Path:
    """The Ed25519 key (JWK) that signs access tokens, made on first use."""
    create_token_key(path)
    return path


def _write_private(path: Path, text: str) -> None:
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)
