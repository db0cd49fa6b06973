"""单元格: times, numbers and marks as bureaus write them, to what a panel holds."""

import csv
import re
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

_HERE = Path(__file__).parent
_PIECES = re.compile(
    r"(\d{4})\D+(\d{1,2})\D+(\d{1,2})(?:\D+(\d{1,2}))?(?:\D+(\d{1,2}))?(?:\D+(\d{1,2}))?\D*"
)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)?(\d\d)?(\d\d)?\d{0,3}")
#: Marks whose word nobody knows: out of the statistics, of no known kind.
UNKNOWN_FLAG = "?"


@lru_cache(maxsize=1 << 20)
def time_of(text: str) -> int:
    """Seconds since 1970 of a local time, zone or none. Raises ValueError for no time.

    >>> time_of("2024-01-31 13:00:00") == time_of("2024/1/31 13:00") == time_of("20240131130000")
    True
    >>> time_of("2024年1月31日13时") - time_of("2024-01-31")
    46800
    >>> time_of("2024-01-31 24:00") == time_of("2024-02-01")
    True
    """
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        found = _PIECES.fullmatch(text.strip()) or _COMPACT.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is no time; write 2024-01-31 13:00:00") from None
        year, month, day, hour, minute, second = (int(piece or 0) for piece in found.groups())
        midnight = datetime(year, month, day, tzinfo=UTC)
        moment = midnight + timedelta(hours=hour, minutes=minute, seconds=second)
    return int(moment.timestamp())


def number_of(text: str) -> float:
    """A number; NaN for an empty cell or one that holds a word.

    >>> number_of("1,204.5"), number_of("--")
    (1204.5, nan)
    """
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return float(text.replace(",", "").replace("，", "").strip())
    except ValueError:
        return np.nan


@cache
def flag_of(text: str) -> str:
    """Letter of a flag or of its Chinese word; `?` for a word nobody knows.

    >>> flag_of("N"), flag_of("维护"), flag_of("校准中"), flag_of(""), flag_of("其他")
    ('N', 'M', 'C', '', '?')
    """
    text = text.strip()
    if text[:1].isascii():
        return text[:1]
    table = _flags()
    known = table.get(text) or next((let for word, let in table.items() if word in text), None)
    return known or UNKNOWN_FLAG


@cache
def _flags() -> dict[str, str]:
    lines = (_HERE / "flags.csv").read_text(encoding="utf-8").splitlines()
    return {row["word"]: row["letter"] for row in csv.DictReader(lines)}


@cache
def column_names() -> dict[str, str]:
    """What a column may be called -> its name, from columns.csv; each name also means itself."""
    lines = (_HERE / "columns.csv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(lines))
    return {row["column"]: row["column"] for row in rows} | {
        row["name"]: row["column"] for row in rows
    }
