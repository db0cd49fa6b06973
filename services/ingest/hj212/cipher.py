"""Encrypted data areas (数据加密, HJ 212-2025 6.4.2): SM4, ECB, no padding.

Second-hand (hj212.md 1.7, mark D25; both vectors of annex A.2 reproduce). Every full 16 bytes of
the area are encrypted, a shorter rest stays plain, and the CRC is that of the plaintext: a receiver
decrypts before it can check. The printed lengths fit only raw cipher bytes on the wire; one peer
reads hex text, so both are read. ECB without a nonce gives secrecy, not integrity.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from services.ingest.hj212.errors import LocalProtocolError

BLOCK = 16
KEY_SIZE = 16

Form = Literal["raw", "hex"]

_OPEN = b"CP=&&"
_CLOSE = b"&&"
_HEX_BLOCKS = re.compile(rb"(?:[0-9A-Fa-f]{32})+")
_HEX_REST = re.compile(rb"(?:[0-9A-Fa-f]{2})+")
_NO_TEXT = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def encrypt_area(area: bytes, key: bytes, form: Form = "raw") -> bytes:
    """The area as it goes on the wire; the rest after the last full block stays plain.

    `LocalProtocolError` for a key that has not 16 bytes.

    >>> encrypt_area(b"DataTime=20240520210600;a=1", b"0" * 16)[16:]
    b'0210600;a=1'
    """
    whole = len(area) // BLOCK * BLOCK
    blocks = _sm4(key).encryptor().update(area[:whole])
    return (blocks.hex().upper().encode() if form == "hex" else blocks) + area[whole:]


def decrypt_area(area: bytes, key: bytes) -> bytes:
    """The plaintext of an area of raw cipher bytes."""
    whole = len(area) // BLOCK * BLOCK
    return _sm4(key).decryptor().update(area[:whole]) + area[whole:]


def encrypt_frame(frame: bytes, key: bytes, form: Form = "raw") -> bytes:
    """A plain frame with its area encrypted: the CRC stays, the length is that on the wire."""
    head, area = _split(frame[6:-6])
    segment = head + encrypt_area(area, key, form) + _CLOSE
    return b"##%04d%b%b" % (len(segment), segment, frame[-6:])


def plaintexts(segment: bytes, keys: Sequence[bytes]) -> Iterator[tuple[bytes, Form]]:
    """What the segment may mean under each key; the CRC decides which of them it is."""
    head, area = _split(segment)
    if not head or len(area) < BLOCK:
        return
    for key in keys:
        yield head + decrypt_area(area, key) + _CLOSE, "raw"
        for cipher in _unhexed(area):
            yield head + decrypt_area(cipher, key) + _CLOSE, "hex"


def looks_encrypted(segment: bytes) -> bool:
    """Whether the area is no text: control or broken bytes, or nothing but hex digits."""
    _, area = _split(segment)
    if len(area) < BLOCK:
        return False
    return bool(_HEX_BLOCKS.match(area)) or bool(_NO_TEXT.search(area)) or not _is_text(area)


def _sm4(key: bytes) -> Cipher[modes.ECB]:
    if len(key) != KEY_SIZE:
        raise LocalProtocolError(f"SM4 key of {len(key)} bytes, must be {KEY_SIZE}")
    return Cipher(algorithms.SM4(key), modes.ECB())  # noqa: S305 - the standard says ECB


def _split(segment: bytes) -> tuple[bytes, bytes]:
    """The segment up to and with `CP=&&`, and its area; two empty values where it has none."""
    head, opened, rest = segment.partition(_OPEN)
    if not opened or not rest.endswith(_CLOSE):
        return b"", b""
    return head + opened, rest[: -len(_CLOSE)]


def _unhexed(area: bytes) -> Iterator[bytes]:
    """The cipher bytes of an area of hex text; its rest may be plain or hex too."""
    blocks = _HEX_BLOCKS.match(area)
    if blocks is None:
        return
    cipher, rest = bytes.fromhex(blocks[0].decode()), area[blocks.end() :]
    yield cipher + rest
    if _HEX_REST.fullmatch(rest):
        yield cipher + bytes.fromhex(rest.decode())


def _is_text(area: bytes) -> bool:
    for encoding in ("utf-8", "gb18030"):
        try:
            area.decode(encoding)
        except UnicodeDecodeError:
            continue
        return True
    return False
