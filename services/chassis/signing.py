"""签名密钥 The file-backed SM2 signer, for development and small installations.

Production keys belong in a certified module (GB/T 39786-2021); it takes this class's place behind
the `Signer` port of `sm`. A key file holds the private and the public half in hex and is readable
by its owner only; the public half lies beside it for whoever asks.
"""

import os
from pathlib import Path

from gmssl_pyx import sm2_key_generate, sm2_sign_sm3_digest

from services.chassis.sm import raw_signature


class FileSigner:
    """Signs with a key pair read from a file."""

    def __init__(self, private_key: bytes, public_key: bytes) -> None:
        self._private, self.public_key = private_key, public_key

    def sign_digest(self, digest: bytes) -> bytes:
        """Give r ‖ s over a 32-byte digest."""
        return raw_signature(sm2_sign_sm3_digest(self._private, digest))


def load_or_create(folder: Path, name: str) -> FileSigner:
    """The installation's signer of that name (`referral_sm2`, `ledger_sm2`).

    The first caller makes the key, a later one can't overwrite it.
    """
    path = folder / f"{name}.key"
    if not path.exists():
        _create(path)
    private, public = path.read_text(encoding="ascii").split()
    return FileSigner(bytes.fromhex(private), bytes.fromhex(public))


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    public, private = sm2_key_generate()
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{private.hex()}\n{public.hex()}\n")
    try:
        os.link(draft, path)  # fails where another replica was first; then its key counts
    except FileExistsError:
        return
    finally:
        draft.unlink()
    path.with_suffix(".pub").write_text(f"04{public.hex()}\n", encoding="ascii")
