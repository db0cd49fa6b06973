"""过程记录链 The digest chain of a case's timeline: line n's digest covers line n-1's.

A line's digest is SM3(previous digest ‖ canonical bytes of the line without its digest); the first
line follows 32 zero bytes. Whoever changes, drops or inserts a line has to change every later one.
"""

import json
from typing import Any

from services.chassis.sm import sm3

_START = bytes(32)


def line_digest(previous: bytes, line: dict[str, Any]) -> bytes:
    """The digest of one line after `previous`; the line's own `digest_sm3` is left out."""
    body = {name: value for name, value in line.items() if name != "digest_sm3"}
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sm3(previous + text.encode())


def first_break(lines: list[dict[str, Any]]) -> int | None:
    """The number (1, 2, ...) of the first line whose digest does not follow, or None."""
    previous = _START
    for number, line in enumerate(lines, start=1):
        previous = line_digest(previous, line)
        if line["digest_sm3"] != previous.hex():
            return number
    return None
