"""检验名称: what a test is called, and the benchmark's name of what it finds."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parent / "tests.csv"


@dataclass(frozen=True)
class ScreenName:
    """A row of tests.csv."""

    test: str
    pattern: str
    """As the benchmark names it, where it has one."""
    name_zh: str
    name_en: str


@cache
def _table() -> dict[str, ScreenName]:
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return {row["test"]: ScreenName(**row) for row in csv.DictReader(lines)}


def screen_name(test: str) -> ScreenName:
    """Names of a test; one that is not in the table names itself.

    >>> screen_name("exact_replay").pattern
    'replay'
    """
    return _table().get(test) or ScreenName(test, test, test, test.replace("_", " "))
