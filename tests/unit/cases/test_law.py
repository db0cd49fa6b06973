"""Reference data of law: every basis is read, versions and places chosen as the law says."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest

from services.cases import rules
from services.cases.domain.law import Local, read_violations
from services.cases.domain.matter import Kind

LAW = rules.law()
BEFORE, AFTER = dt.date(2026, 8, 14), dt.date(2026, 8, 15)
LATER = dt.date(2026, 11, 22)
REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "legal_basis.csv"


@pytest.mark.parametrize(
    ("violation", "act", "decided", "version", "least", "most"),
    [
        ("exceed_permit", BEFORE, BEFORE, "old", 200_000, 1_000_000),
        ("exceed_permit", BEFORE, LATER, "code", 100_000, 1_000_000),
        ("exceed_permit", AFTER, LATER, "code", 100_000, 1_000_000),
        ("exceed_air", BEFORE, LATER, "old", 100_000, 1_000_000),
        ("ledger_false", BEFORE, LATER, "old", 5_000, 20_000),
        ("ledger_false", AFTER, LATER, "code", 20_000, 200_000),
        ("obstruct", BEFORE, LATER, "old", 20_000, 200_000),
        ("treatment_not_per_permit", BEFORE, LATER, "code", 20_000, 50_000),
    ],
)
def test_the_law_of_the_day_or_the_lighter_new_one(violation, act, decided, version, least, most):
    """Code art 1057, PL art 37: the Code rules an older act only where it is lighter."""
    basis = LAW.basis_for(violation, act, decided)

    assert basis is not None
    assert basis.version == version
    assert (basis.normal.least, basis.normal.most) == (least, most)


@pytest.mark.parametrize(
    ("violation", "act"),
    [
        ("dilution_toxic_water", BEFORE),
        ("falsify_self_monitoring", dt.date(2025, 12, 31)),
        ("nonsense", LATER),
    ],
)
def test_no_basis_is_no_guess(violation: str, act: dt.date):
    """The older law set no range that the table knows, or there was no such duty yet."""
    assert LAW.basis_for(violation, act, LATER) is None


def test_a_serious_case_has_its_own_range():
    """Permit Regulation 35: 50,000 to 200,000, serious 200,000 to 1,000,000."""
    basis = LAW.basis_for("special_period", LATER)

    assert basis is not None
    assert basis.range_of(serious=False).most == basis.range_of(serious=True).least == 200_000


def test_the_form_offers_exactly_the_violations_of_the_table():
    """Key and Chinese name of each choice are those of the law data."""
    (field,) = (
        one
        for act in rules.life_cycle(Kind.CASE).acts
        if act.key == "propose_penalty"
        for one in act.fields
        if one.name == "violation"
    )

    assert set(field.choices) == {f"{v.key}|{v.zh}" for v in LAW.violations.values()}


def test_the_table_is_the_reference_in_yuan():
    """Each plain range of the reference is ours times ten thousand."""
    if not REFERENCE.exists():
        pytest.skip("reference tables are not on this machine")
    rows = {row["violation_key"]: row for row in csv.DictReader(REFERENCE.open(encoding="utf-8"))}

    compared = 0
    assert set(LAW.violations) == set(rows) - {"operator_joint_liability"}
    for key, violation in LAW.violations.items():
        for basis, name in ((violation.old, "old_fine"), (violation.code, "code_fine")):
            least = rows[key].get(f"{name}_10k_cny_min") or rows[key].get(f"{name}_min") or ""
            most = rows[key][f"{name}_max"]
            if basis and least.replace(".", "").isdecimal() and most.isdecimal():
                assert basis.normal.least == float(least) * 10_000
                assert basis.normal.most == float(most) * 10_000
                compared += 1
    assert compared > 35


@pytest.mark.parametrize(
    ("change", "message"),
    [({"code_min": "9", "code_max": "8"}, "no range"), ({"old_min": "x"}, "x")],
)
def test_a_row_that_cannot_be_read_is_named(change, message: str):
    """A wrong number never becomes a range."""
    rows = list(csv.DictReader(rules.text("legal_basis.csv").splitlines()))
    row = {**rows[0], **change}
    lines = [",".join(row), ",".join(row.values())]

    with pytest.raises(ValueError, match=f"violation exceed_air: .*{message}"):
        read_violations(lines)


def test_the_nearest_place_sets_the_number():
    """County before city before province before the default."""
    local = Local(
        [
            {"division": "", "legal": 1},
            {"division": "130000", "legal": 2},
            {"division": "130402", "legal": 3},
        ]
    )

    assert [local.of(d)["legal"] for d in ("440100", "130403", "130402")] == [1, 2, 3]
    assert LAW.larger_fine("130402", "legal") == 200_000
    assert LAW.larger_fine("130402", "person") == 5_000
    assert LAW.least_mitigated("430102", 100_000) == 50_000
    assert LAW.least_mitigated("130402", 100_000) == 0
