"""Check signs of GB 32100-2015 and GB 11714-1997."""

import json
from pathlib import Path

import pytest

from services.registry.domain.credit_code import (
    ALPHABET,
    credit_code_fault,
    organisation_check_sign,
)

VECTORS = Path(__file__).parents[1] / "detect" / "judgement" / "vectors.json"
SYNTHETIC = ["91130400MA000T014P", "91370104MA000T0140", "91150100MA000T014G"]


def reference() -> dict[str, list[str]]:
    """The reference's vectors."""
    return json.loads(VECTORS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("code", SYNTHETIC)
def test_a_sound_code_has_no_fault(code: str) -> None:
    """Synthetic codes of the reference pass."""
    assert credit_code_fault(code) is None


def test_the_reference_vectors_are_told_apart() -> None:
    """Every valid vector passes and every invalid one is refused."""
    uscc = reference()["uscc"]

    assert [c for c in uscc["valid"] + uscc["valid_synthetic"] if credit_code_fault(c)] == []
    assert [c for c in uscc["invalid"] if credit_code_fault(c) is None] == []


def test_organisation_codes_have_the_reference_check_sign() -> None:
    """X for 10 and 0 for 11 included."""
    codes = reference()["org_code"]["valid"]

    assert [organisation_check_sign(code[:8]) for code in codes] == [code[8] for code in codes]


@pytest.mark.parametrize("place", range(18))
def test_any_changed_sign_is_noticed(place: int) -> None:
    """The check sign finds every single substitution, at every place."""
    code = SYNTHETIC[0]

    wrong = [code[:place] + sign + code[place + 1 :] for sign in ALPHABET if sign != code[place]]

    assert [c for c in wrong if credit_code_fault(c) is None] == []
