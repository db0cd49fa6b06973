"""国密 Digests and the SM2 signature of a bundle.

SM2 signs e = SM3(Z ‖ M). Z ties the signature to the curve, the signer's id and the public key
(GB/T 32918.2 clause 5.5). We build Z and e ourselves and hand gmssl the digest: its message-level
call rebuilds its state each time and is ten times slower.
"""

import hashlib
from typing import Protocol

from gmssl_pyx import InvalidValueError, sm2_verify_sm3_digest

SM3 = "SM3"
SHA256 = "SHA-256"
SM2_WITH_SM3 = "SM2-SM3"

# The id that GB/T 35276 tells signers to use when they have agreed on no other.
DEFAULT_SIGNER_ID = b"1234567812345678"

# Curve of GB/T 32918.5: a, b and the base point's coordinates, 32 bytes each.
_CURVE = bytes.fromhex(
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC"
    "28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93"
    "32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"
    "BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"
)


class Signer(Protocol):
    """签名机 Whatever holds the private key: a key file here, a certified module in production."""

    @property
    def public_key(self) -> bytes:
        """The public point as x ‖ y, 64 bytes."""

    def sign_digest(self, digest: bytes) -> bytes:
        """R ‖ s (64 bytes) over a 32-byte digest e."""


def sm3(data: bytes) -> bytes:
    """杂凑值 SM3 digest, 32 bytes (GB/T 32905)."""
    return hashlib.new("sm3", data).digest()


def sha256(data: bytes) -> bytes:
    """SHA-256 digest, 32 bytes; kept beside SM3 for readers without national algorithms."""
    return hashlib.sha256(data).digest()


def identity_digest(public_key: bytes, signer_id: bytes = DEFAULT_SIGNER_ID) -> bytes:
    """Z of GB/T 32918.2: SM3(bit length of id ‖ id ‖ a ‖ b ‖ G ‖ public key)."""
    return sm3((len(signer_id) * 8).to_bytes(2, "big") + signer_id + _CURVE + public_key)


def message_digest(
    message: bytes, public_key: bytes, signer_id: bytes = DEFAULT_SIGNER_ID
) -> bytes:
    """E = SM3(Z ‖ message), the 32 bytes that SM2 signs."""
    return sm3(identity_digest(public_key, signer_id) + message)


def signature_holds(digest: bytes, signature: bytes, public_key: bytes) -> bool:
    """Whether r ‖ s was made over this digest with the key's other half."""
    try:
        return bool(sm2_verify_sm3_digest(public_key, digest, der_signature(signature)))
    except InvalidValueError:
        return False  # a public key that is no point of the curve


def fingerprint(public_key: bytes) -> str:
    """公钥指纹 SM3 of 04 ‖ x ‖ y in hex: what two agencies read to each other."""
    return sm3(b"\x04" + public_key).hex()


def der_signature(raw: bytes) -> bytes:
    """R ‖ s as the ASN.1 sequence that OpenSSL and gmssl take."""
    if len(raw) != 64:
        raise ValueError("an SM2 signature has 64 bytes")
    numbers = b"".join(_der_integer(part) for part in (raw[:32], raw[32:]))
    return b"\x30" + bytes([len(numbers)]) + numbers


def raw_signature(der: bytes) -> bytes:
    """The ASN.1 sequence as r ‖ s, 64 bytes: one signature, one spelling."""
    r_end = 4 + der[3]
    r, s = der[4:r_end], der[r_end + 2 :]
    return b"".join(int.from_bytes(part, "big").to_bytes(32, "big") for part in (r, s))


def _der_integer(value: bytes) -> bytes:
    value = value.lstrip(b"\x00") or b"\x00"
    if value[0] & 0x80:
        value = b"\x00" + value
    return b"\x02" + bytes([len(value)]) + value
