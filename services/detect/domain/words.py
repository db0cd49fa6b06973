"""措辞用字: times, numbers and fragments as people read them; times are Beijing time."""

import math

from services.chassis.clock import beijing, from_unix
from services.detect.domain.rule import Rule


def hour_text(slot: int) -> str:
    """An hour in Beijing time; 24:00 of a day is 00 of the next."""
    at = beijing(from_unix(slot * 3600))
    return f"{at.year}年{at.month}月{at.day}日{at.hour:02d}时"


def day_text(slot: int) -> str:
    """The natural day of an hour slot."""
    at = beijing(from_unix(slot * 3600))
    return f"{at.year}年{at.month}月{at.day}日"


def month_text(slot: int) -> str:
    """The natural month of an hour slot."""
    at = beijing(from_unix(slot * 3600))
    return f"{at.year}年{at.month}月"


def number(value: float, digits: int = 6) -> str:
    """At most so many significant digits, no exponent for the numbers that occur."""
    return f"{float(value):.{digits}g}" if math.isfinite(value) else "—"


def percent(share: float) -> str:
    """A share as percent without its sign."""
    return number(share * 100.0, 4)


def fragment(rule: Rule, name: str, **words: str) -> str:
    """A part of a sentence that the rule may not have."""
    return rule.wording.fragments.get(name, "").format(**words)
