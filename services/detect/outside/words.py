"""用语: names of pollutants and moments as sentences write them."""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path

_BEIJING = timezone(timedelta(hours=8))
_FILE = Path(__file__).parent / "pollutants.csv"


@dataclass(frozen=True)
class Pollutant:
    """污染物 as networks outside name it."""

    name: str
    medium: str
    factors: frozenset[str]  # codes under which plants measure what makes it
    floor: float = 0.0  # an hour below it is no high value, in the unit of stations


@cache
def _table() -> dict[str, Pollutant]:
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return {
        row["code"]: Pollutant(
            row["name"],
            row["medium"],
            frozenset(row["factors"].split(";")),
            float(row["floor"] or 0),
        )
        for row in csv.DictReader(lines)
    }


def pollutant_of(code: str) -> Pollutant:
    """污染物 by its code; one that is not in the table is what it is called.

    >>> pollutant_of("a34004").name, sorted(pollutant_of("a34004").factors), pollutant_of("x").name
    ('PM2.5', ['a34013'], 'x')
    """
    return _table().get(code) or Pollutant(code, "air", frozenset({code}))


def moment(at_s: int) -> str:
    """时刻 in Beijing time.

    >>> moment(0)
    '1月1日8时'
    """
    at = datetime.fromtimestamp(at_s, UTC).astimezone(_BEIJING)
    minutes = f"{at.minute}分" if at.minute else ""
    return f"{at.month}月{at.day}日{at.hour}时{minutes}"


def span(begin_s: int, end_s: int) -> str:
    """时段 in Beijing time; a day that is both is told once.

    >>> span(0, 3600), span(0, 86_400)
    ('1月1日8时至9时', '1月1日8时至1月2日8时')
    """
    begin, end = moment(begin_s), moment(end_s)
    day = begin[: begin.index("日") + 1]
    return f"{begin}至{end.removeprefix(day)}"


def plain(value: float, digits: int = 3) -> str:
    """数值 with so many significant digits, without an exponent where people can read it.

    >>> plain(1234.5), plain(0.012345), plain(18e15)
    ('1230', '0.0123', '1.8e+16')
    """
    text = f"{value:.{digits}g}"
    if "e" in text and abs(value) < 1e7:
        text = f"{float(text):.0f}"
    return text


def unit_text(unit: str) -> str:
    """单位 as people print it.

    >>> unit_text("ug/m3"), unit_text("ppb")
    ('微克/立方米', 'ppb')
    """
    return {"ug/m3": "微克/立方米", "mg/m3": "毫克/立方米"}.get(unit, unit)


def compass(degrees: float) -> str:
    """方位 in eight directions.

    >>> compass(0), compass(100), compass(337.4), compass(337.6)
    ('北', '东', '西北', '北')
    """
    return ("北", "东北", "东", "东南", "南", "西南", "西", "西北")[round(degrees / 45.0) % 8]
