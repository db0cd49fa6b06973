"""Numbers for people."""

import math


def number(value: float | None, digits: int = 2) -> str:
    """Write a number with at most `digits` decimals and no trailing zeros; nothing gives a dash."""
    if value is None or not math.isfinite(value):
        return "—"
    text = f"{value:,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def percent(share: float | None) -> str:
    """Write a share as percent with one decimal, never rounded up to a full hundred."""
    if share is None or not math.isfinite(share):
        return "—"
    if share < 1:
        return f"{math.floor(share * 1000) / 10:.1f} %"
    return "100 %"


def change(share: float | None) -> str:
    """Write a change as signed percent with one decimal; nothing known gives a dash."""
    if share is None or not math.isfinite(share):
        return "—"
    return f"{share * 100:+.1f} %"


def kilograms(mass_kg: float | None) -> str:
    """Write a mass: three digits behind the point below 10 kg, none from 1000 kg on."""
    if mass_kg is None or not math.isfinite(mass_kg):
        return "—"
    return f"{mass_kg:,.{3 if mass_kg < 10 else 1 if mass_kg < 1000 else 0}f}"


def file_size(size: int) -> str:
    """Write a number of bytes."""
    if size < 1024:
        return f"{size} B"
    if size < 1024 * 1024:
        return f"{size / 1024:.1f} KiB"
    return f"{size / 1024 / 1024:.1f} MiB"


_UNITS = {
    "mg/m3": "mg/m³", "ug/m3": "µg/m³", "m3/s": "m³/s", "degC": "℃", "dimensionless": ""
}  # fmt: skip


def unit_text(unit: str) -> str:
    """Write a unit of the protocol the way people print it."""
    return _UNITS.get(unit, unit)
