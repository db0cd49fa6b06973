"""Shapes of codes: the vectors `permit_code` and `codes` of the reference."""

import json
import re
from itertools import product
from pathlib import Path

import pytest

from services.registry.domain.validate import MN, OUTLET, PERMIT

VECTORS = json.loads(
    (Path(__file__).parents[1] / "detect" / "judgement" / "vectors.json").read_text("utf-8")
)
GROUP = VECTORS["codes"]


def test_permit_codes_are_those_of_the_reference():
    """A credit code, three digits, a letter (HJ 608-2017); no more and no less."""
    code = VECTORS["permit_code"]["valid_synthetic"][0]

    assert PERMIT.fullmatch(code)
    for wrong in (code[:-1], code + "P", code[:-1] + "1", code.replace("T", "O"), code.lower()):
        assert PERMIT.fullmatch(wrong) is None
        assert re.match(VECTORS["permit_code"]["regex"], wrong) is None


@pytest.mark.parametrize(
    "code", ["".join(c) for c in product("DTM", "AWNF", ["001", "12", "01234"])]
)
def test_outlet_codes_are_those_of_the_reference(code):
    """DA and DW with three digits, and nothing else of the neighbours."""
    assert bool(OUTLET.fullmatch(code)) == bool(re.match(GROUP["outlet"], code))


@pytest.mark.parametrize("code", ["0" * 24, "F" * 23 + "G", "A" * 14, "z" * 14, "0" * 13, "0" * 25])
def test_device_codes_are_those_of_the_reference(code):
    """24 hex characters since 2017, fourteen characters before."""
    known = re.match(GROUP["mn_2017"], code) or re.match(GROUP["mn_2005"], code)

    assert bool(MN.fullmatch(code)) == bool(known)
