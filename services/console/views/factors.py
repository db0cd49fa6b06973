"""监测因子: names and units of factor codes for people (HJ 524/525 codes, HJ 212-2017 annex B)."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).parent.parent / "data" / "factors.csv"


@dataclass(frozen=True)
class Factor:
    """A factor's code with its names and the unit of its readings."""

    code: str
    name_zh: str
    name_en: str
    unit: str

    def name(self, language: str) -> str:
        """Give the name in the language of the page."""
        return self.name_en if language == "en" else self.name_zh


@cache
def factor_table() -> Mapping[str, Factor]:
    """Read the table once."""
    with TABLE.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines)
        return {
            row["code"]: Factor(row["code"], row["name_zh"], row["name_en"], row["unit"])
            for row in rows
        }


def factor_of(code: str) -> Factor:
    """Give the factor of a code; a code that no table knows names itself."""
    return factor_table().get(code) or Factor(code, code, code, "")
