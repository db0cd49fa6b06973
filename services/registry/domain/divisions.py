"""行政区划代码 (GB/T 2260): six digits, two each for province, city and county."""

import re
from datetime import date

from services.registry.domain.records import Division, Fault

_CODE = re.compile(r"[1-9]\d{5}")


def is_division_code(code: str) -> bool:
    """Return whether a text has the shape of a division code."""
    return bool(_CODE.fullmatch(code))


def level_of(code: str) -> str:
    """Return province, city or county by the trailing pairs of zeros."""
    if code.endswith("0000"):
        return "province"
    return "city" if code.endswith("00") else "county"


def _above(code: str) -> tuple[str, ...]:
    # Municipalities' districts hang below the province; elsewhere a county hangs below its city.
    return (
        (code[:4] + "00", code[:2] + "0000") if level_of(code) == "county" else (code[:2] + "0000",)
    )


def parse_date(text: str) -> date | None:
    """Return the ISO date in a text, or None when it holds none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def period_faults(valid_from: str, valid_to: str) -> list[Fault]:
    """Return what is wrong with a period [valid_from, valid_to); empty texts are open ends."""
    faults = [
        Fault(field, "no ISO date")
        for field, text in (("valid_from", valid_from), ("valid_to", valid_to))
        if text and parse_date(text) is None
    ]
    if not faults and valid_from and valid_to and valid_to <= valid_from:
        faults.append(Fault("valid_to", "not after valid_from"))
    return faults


def division_faults(division: Division) -> list[Fault]:
    """Return what is wrong with a division: code, level, parent and period of use."""
    if not is_division_code(division.code):
        return [Fault("code", "not six digits (GB/T 2260)")]
    faults = period_faults(division.valid_from, division.valid_to)
    level = level_of(division.code)
    if division.level != level:
        faults.append(Fault("level", f"the code is that of a {level}"))
    if level == "province" and division.parent:
        faults.append(Fault("parent", "a province has none"))
    if level != "province" and division.parent not in _above(division.code):
        faults.append(Fault("parent", "not the code above this one (GB/T 2260)"))
    if not division.name:
        faults.append(Fault("name", "is missing"))
    return faults


def in_use(division: Division, day: date) -> bool:
    """Return whether the code is in use on a day; codes change when places are merged."""
    begins, ends = parse_date(division.valid_from), parse_date(division.valid_to)
    return (begins is None or begins <= day) and (ends is None or day < ends)
