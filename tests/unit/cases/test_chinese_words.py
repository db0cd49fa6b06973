"""大写金额、汉字日期: vectors, and a reader that turns every amount back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cases.domain.chinese_words import capital_amount, chinese_day, plain_amount

_VALUE = {sign: value for value, sign in enumerate("零壹贰叁肆伍陆柒捌玖")}
_PLACE = {"拾": 10, "佰": 100, "仟": 1000}


def amount_of(text: str) -> Decimal:
    """The amount that capital numerals say, read in another way than they were written."""
    whole, group, digit, cents = 0, 0, 0, 0
    if "元" not in text:
        text = "零元" + text
    yuan, _, rest = text.partition("元")
    for sign in yuan:
        if sign in _VALUE:
            digit = _VALUE[sign]
        elif sign in _PLACE:
            group, digit = group + digit * _PLACE[sign], 0
        else:
            unit = {"万": 10**4, "亿": 10**8}[sign]
            group += digit
            whole = (whole + group) * unit if sign == "亿" and not group else whole + group * unit
            group = digit = 0
    for sign, following in pairwise(rest):
        if following in "角分":
            cents += _VALUE[sign] * (10 if following == "角" else 1)
    return Decimal(whole + group + digit) + Decimal(cents) / 100


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("220000", "贰拾贰万元整"),
        ("0", "零元整"),
        ("10", "壹拾元整"),
        ("1409.50", "壹仟肆佰零玖元伍角"),
        ("6007.14", "陆仟零柒元壹角肆分"),
        ("1680.32", "壹仟陆佰捌拾元叁角贰分"),
        ("107000.53", "壹拾万零柒仟元伍角叁分"),
        ("16409.02", "壹万陆仟肆佰零玖元零贰分"),
        ("325.04", "叁佰贰拾伍元零肆分"),
        ("0.05", "伍分"),
        ("11550000", "壹仟壹佰伍拾伍万元整"),
        ("100000001", "壹亿零壹元整"),
        ("100010000", "壹亿零壹万元整"),
        ("1000000000000", "壹万亿元整"),
    ],
)
def test_amounts_are_written_as_banks_write_them(amount: str, text: str):
    """Examples of the payment rules (支付结算办法 annex 1) and fines of our seeds."""
    assert capital_amount(amount) == text


@given(st.decimals(min_value=0, max_value=Decimal("99999999999.99"), places=2))
def test_capital_numerals_say_the_amount(amount: Decimal):
    """Another reader gets the same amount back; no two zeros stand side by side."""
    text = capital_amount(amount)

    assert amount_of(text) == amount
    assert "零零" not in text


@pytest.mark.parametrize("wrong", ["-1", "0.001", "NaN", "一万", "10000000000000000", "Infinity"])
def test_what_is_no_amount_is_refused(wrong: str):
    """Fen are the smallest unit, and a fine is never negative."""
    with pytest.raises(ValueError):
        capital_amount(wrong)


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (dt.date(2026, 11, 22), "二〇二六年十一月二十二日"),
        (dt.date(2030, 1, 10), "二〇三〇年一月十日"),
        (dt.date(2026, 10, 31), "二〇二六年十月三十一日"),
    ],
)
def test_days_are_written_in_chinese_numerals(day: dt.date, text: str):
    """As at the foot of a document."""
    assert chinese_day(day) == text


def test_plain_amounts_have_two_decimals_and_no_separator():
    """As beside the capital numerals."""
    assert plain_amount("220000") == "220000.00"
