"""规范化 JSON. One value has one spelling: a digest of the text is a digest of the value.

Sorted keys, two-space indent (a court clerk reads this file too), UTF-8 without escapes, one
newline at the end. Non-finite numbers are refused because JSON has none.
"""

import json
from typing import Any


def encode(value: Any) -> bytes:
    """The canonical bytes of a JSON value."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2, allow_nan=False)
    return text.encode() + b"\n"


def decode(data: bytes) -> Any:
    """The value of canonical bytes; ValueError where another spelling was used."""
    value = json.loads(data.decode("utf-8"))
    if encode(value) != data:
        raise ValueError("not in canonical form")
    return value
