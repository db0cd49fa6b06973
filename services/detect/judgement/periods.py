"""自然日、自然季、自然年 in Beijing time, as hour slots (unix hours)."""

import datetime as dt

_EPOCH = dt.date(1970, 1, 1)
_UTC_OFFSET_H = 8  # Asia/Shanghai, no daylight saving since 1992 (domain.md K)
_MONTHS_A_QUARTER = 3


def day_of(hour: int) -> dt.date:
    """自然日 that an hour slot lies in.

    >>> day_of(16).isoformat()
    '1970-01-02'
    """
    return _EPOCH + dt.timedelta(days=(hour + _UTC_OFFSET_H) // 24)


def first_hour(day: dt.date) -> int:
    """First hour slot of a 自然日: Beijing midnight.

    >>> first_hour(dt.date(1970, 1, 2))
    16
    """
    return (day - _EPOCH).days * 24 - _UTC_OFFSET_H


def period_of(day: dt.date, period: str) -> tuple[str, dt.date, dt.date]:
    """Name, first day and day after the last of the 自然年 (year) or 自然季 (quarter) of a day.

    >>> period_of(dt.date(2026, 11, 22), "quarter")[0]
    '2026Q4'
    """
    if period == "quarter":
        quarter = (day.month - 1) // _MONTHS_A_QUARTER
        first = dt.date(day.year, quarter * _MONTHS_A_QUARTER + 1, 1)
        after = dt.date(day.year + (quarter == 3), (quarter * _MONTHS_A_QUARTER + 3) % 12 + 1, 1)
        return f"{day.year}Q{quarter + 1}", first, after
    return str(day.year), dt.date(day.year, 1, 1), dt.date(day.year + 1, 1, 1)
