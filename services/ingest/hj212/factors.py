"""Factor codes (监测因子编码): the tables of HJ 212-2017 and HJ/T 212-2005 annex B as data."""

import csv
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

_TABLE = Path(__file__).with_name("factors.csv")
_DEVICE = re.compile(r"([eg]\d{3})\d{2}")  # process codes end in a two-digit device number


@dataclass(frozen=True, slots=True)
class Factor:
    """One row: values are in `unit`, sums (Cou) in `cou_unit`; `width` is N5.2 and the like."""

    code: str
    old_code: str
    name_zh: str
    name_en: str
    medium: str
    unit: str
    cou_unit: str
    width: str
    source: str


@cache
def factors_2017() -> dict[str, Factor]:
    """The codes of HJ 212-2017 by code; process codes with `xx` for the device number."""
    return {row.code: row for row in _rows() if not row.source.startswith("HJ/T 212-2005")}


@lru_cache(maxsize=4096)  # bounded: the codes come from the wire
def is_known(code: str) -> bool:
    """Whether HJ 212-2017 lists the code (device numbers of process codes are free).

    >>> is_known("a21026"), is_known("e10112"), is_known("W01018")
    (True, True, False)
    """
    table = factors_2017()
    device = _DEVICE.fullmatch(code)
    return code in table or (device is not None and f"{device[1]}xx" in table)


def _rows() -> list[Factor]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return [
            Factor(
                code=row["code"],
                old_code=row["old_code"],
                name_zh=row["name_zh"],
                name_en=row["name_en"],
                medium=row["medium"],
                unit=row["unit"],
                cou_unit=row["cou_unit"],
                width=row["format"],
                source=row["source"],
            )
            for row in csv.DictReader(file)
        ]
