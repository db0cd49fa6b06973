"""核查结果: verdicts of real cases as precision by test."""

import pytest

from farsight.backtest.history import Label
from farsight.laboratory.outcomes import Outcome, outcomes_of, precision, read_outcomes
from services.chassis.errors import InputRejected


def label(rule_id: str, verdict: str, *, factor: str = "a21026", matter: str = "案1") -> Label:
    return Label("plant-DA001", factor, rule_id, 100, 124, verdict, matter)


def test_a_finding_of_two_factors_is_one_outcome():
    """The label stands once a factor, the officer went once."""
    labels = [
        label("exact_replay", "confirmed"),
        label("exact_replay", "confirmed", factor="a21002"),
        label("exact_replay", "refuted", matter="案2"),
        label("quiet_signal", "refuted"),
    ]

    found = precision(outcomes_of(labels))

    assert [(one.rule_id, one.checked, one.confirmed) for one in found] == [
        ("exact_replay", 2, 1), ("quiet_signal", 1, 0),
    ]  # fmt: skip
    assert found[0].share == 0.5
    low, high = found[0].interval
    assert 0.0 < low < 0.5 < high < 1.0


def test_a_file_of_verdicts_is_read_and_another_word_is_refused_with_its_line(tmp_path):
    """As Excel writes it, with a byte order mark."""
    path = tmp_path / "labels.csv"
    path.write_text("rule_id,verdict\nspike,confirmed\nspike,refuted\n", encoding="utf-8-sig")
    assert read_outcomes(path) == [
        Outcome("spike", confirmed=True),
        Outcome("spike", confirmed=False),
    ]

    path.write_text("rule_id,verdict\nspike,confirmed\nspike,maybe\n", encoding="utf-8")
    with pytest.raises(InputRejected, match=r"labels\.csv:3"):
        read_outcomes(path)


def test_no_outcome_is_no_precision():
    """Nothing is divided by nothing."""
    assert precision([]) == []
