"""自然日、自然季、自然年 in Beijing time, as hour slots (unix hours)."""

import datetime as dt

DAY_S = 86_400
_EPOCH = dt.date(1970, 1, 1)
_OFFSET_H = 8  # Asia/Shanghai, no daylight saving since 1992 (domain.md K)


def day_of(hour: int) -> dt.date:
    """自然日 that an hour slot lies in.

    >>> day_of(16).isoformat()
    '1970-01-02'
    """
    return _EPOCH + dt.timedelta(days=(hour + _OFFSET_H) // 24)


def first_hour(day: dt.date) -> int:
    """First hour slot of a 自然日: Beijing midnight.

    >>> first_hour(dt.date(1970, 1, 2))
    16
    """
    return (day - _EPOCH).days * 24 - _OFFSET_H


def midnight_after(time_s: int) -> int:
    """First Beijing midnight after a moment, both in unix seconds UTC.

    >>> midnight_after(16 * 3600)
    144000
    """
    return ((time_s + _OFFSET_H * 3600) // DAY_S + 1) * DAY_S - _OFFSET_H * 3600


def period_of(day: dt.date, period: str) -> tuple[str, dt.date, dt.date]:
    """Name, first day and day after the last of a day's 自然季 (quarter), else of its 自然年.

    >>> period_of(dt.date(2026, 11, 22), "quarter")[0]
    '2026Q4'
    """
    after = dt.date(day.year + 1, 1, 1)
    if period != "quarter":
        return str(day.year), dt.date(day.year, 1, 1), after
    quarter = (day.month + 2) // 3
    first = dt.date(day.year, 3 * quarter - 2, 1)
    following = 3 * quarter + 1
    return f"{day.year}Q{quarter}", first, first.replace(month=following) if quarter < 4 else after
