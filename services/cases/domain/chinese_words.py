"""大写金额、汉字日期: amounts and days as Chinese documents write them out."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

_CAPITALS = "零壹贰叁肆伍陆柒捌玖"
_DIGITS = "〇一二三四五六七八九"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")
_LARGEST = Decimal(10) ** 16
_CENT = Decimal("0.01")


def capital_amount(amount: Decimal | int | str) -> str:
    """大写金额 of yuan (支付结算办法 annex 1): 贰拾贰万元整. Raises `ValueError`.

    >>> capital_amount(220000), capital_amount("1409.50")
    ('贰拾贰万元整', '壹仟肆佰零玖元伍角')
    """
    try:
        value = Decimal(amount)
    except ArithmeticError as fault:
        raise ValueError(f"{amount!r} is no amount") from fault
    if not value.is_finite() or not 0 <= value < _LARGEST or value != value.quantize(_CENT):
        raise ValueError(f"{amount!r} is no amount in yuan and fen")
    yuan, cents = divmod(int(value * 100), 100)
    if not cents:
        return f"{_integer(yuan) or '零'}元整"
    tenth, fen = divmod(cents, 10)
    head = f"{_integer(yuan)}元" if yuan else ""
    small = f"{_CAPITALS[tenth]}角" if tenth else ("零" if yuan else "")
    return head + small + (f"{_CAPITALS[fen]}分" if fen else "")


def _integer(number: int) -> str:
    """A whole number in capitals; empty for nought."""
    parts: list[str] = []
    gap = False
    for power in range(len(_GROUPS) - 1, -1, -1):
        group = number // 10_000**power % 10_000
        if not group:
            gap = bool(parts)
            continue
        before = number // 10_000 ** (power + 1)
        if parts and (gap or group < 1000 or before % 10 == 0):
            parts.append("零")
        parts.append(_group(group) + _GROUPS[power])
        gap = False
    return "".join(parts)


def _group(number: int) -> str:
    text, gap = "", False
    for power in (3, 2, 1, 0):
        digit = number // 10**power % 10
        if not digit:
            gap = bool(text)
            continue
        text += ("零" if gap else "") + _CAPITALS[digit] + _PLACES[power]
        gap = False
    return text


def plain_amount(amount: Decimal | int | str) -> str:
    """Digits with two decimals and no separators, as a cheque has them: 220000.00."""
    return f"{Decimal(amount).quantize(_CENT):f}"


def chinese_day(day: dt.date) -> str:
    """成文日期 in Chinese numerals, for the foot of a document.

    >>> chinese_day(dt.date(2026, 11, 22))
    '二〇二六年十一月二十二日'
    """
    year = "".join(_DIGITS[int(digit)] for digit in f"{day.year:04d}")
    return f"{year}年{_small(day.month)}月{_small(day.day)}日"


def _small(number: int) -> str:
    """1..99 as spoken: 十一, 二十, 三十一."""
    tens, ones = divmod(number, 10)
    head = "" if not tens else ("十" if tens == 1 else f"{_DIGITS[tens]}十")
    return head + (_DIGITS[ones] if ones else "")


def day_text(day: dt.date) -> str:
    """A day inside a text: 2026年11月22日."""
    return f"{day.year}年{day.month}月{day.day}日"
