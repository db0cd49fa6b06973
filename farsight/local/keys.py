"""Passwords and signing keys of one installation (密钥), generated once."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from services.chassis.identity import create_token_key


@dataclass(frozen=True)
class Passwords:
    """Passwords of the embedded servers: they listen on loopback, where other users may live."""

    postgres: str
    amqp: str
    redis: str
    smpp: str


def ensure_passwords(path: Path) -> Passwords:
    """The passwords kept at `path`, made on first use."""
    if not path.exists():
        # SMPP 3.4 section 4.1.1: a password has at most 8 characters.
        made = Passwords(
            postgres=secrets.token_hex(16),
            amqp=secrets.token_hex(16),
            redis=secrets.token_hex(16),
            smpp=secrets.token_hex(4),
        )
        _write_private(path, json.dumps(asdict(made)))
    return Passwords(**json.loads(path.read_text()))


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
