"""统一社会信用代码 (GB 32100-2015) and 组织机构代码 (GB 11714-1997): their check signs.

A credit code has 18 signs: 1 registering department, 2 type, 3-8 division, 9-17 the
organisation code with its own check sign, 18 the check sign over all.
"""

import re

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The 31 signs of GB 32100-2015: no I, O, S, V, Z."""

_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_SHAPE = re.compile(rf"[{ALPHABET}]{{2}}\d{{6}}[{ALPHABET}]{{10}}")


def organisation_check_sign(body: str) -> str:
    """Return the check sign of the eight signs of an organisation code 本体代码.

    GB 11714-1997: c = 11 - sum(value x weight) mod 11, where 10 is written X and 11 is 0;
    letters count A = 10 ... Z = 35.
    """
    total = sum(int(sign, 36) * weight for sign, weight in zip(body, _ORG_WEIGHTS, strict=True))
    return "X" if (check := 11 - total % 11) == 10 else str(check % 11)


def credit_check_sign(body: str) -> str:
    """Return sign 18 for the first 17 signs 校验码 (GB 32100-2015 appendix)."""
    total = sum(ALPHABET.index(sign) * weight for sign, weight in zip(body, _WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def credit_code_fault(code: str) -> str | None:
    """Return why this is no credit code, or None when it is one.

    Only the check over all 18 signs is enforced: codes given to firms without an older
    organisation code need not carry its check sign.
    """
    if not _SHAPE.fullmatch(code):
        return "not 18 signs of GB 32100-2015 with a six-digit division"
    if credit_check_sign(code[:17]) != code[17]:
        return "check sign 18 is wrong (GB 32100-2015)"
    return None
