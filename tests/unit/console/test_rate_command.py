"""`farsight rate --effective` against real gRPC doors that answer from the invented world."""

import json

import pytest

from farsight.cli import main
from tests.unit.console.doors import TestDoors
from tests.unit.console.world import OUTLET, PASSWORD


@pytest.fixture
def rate(doors: TestDoors, tmp_path, monkeypatch, capsys):
    """Runs the command; gives its exit code, output and complaints."""
    monkeypatch.setenv("FARSIGHT_PASSWORD", PASSWORD)

    def run(*words: str, user: str = "province"):
        code = main(["rate", "--data", str(tmp_path / "none"), "--door", doors.address,
                     "--user", user, *words])  # fmt: skip
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_both_doors_are_asked_and_joined(rate):
    """20 and 22 of 23 hours, nine tenths of them valid; the other county is not judged yet."""
    code, out, _ = rate("--effective", "--json")

    found = {row["key"]: row for row in json.loads(out)["rates"]}
    assert code == 0
    assert found[OUTLET[2:8]]["validity"] == 0.9
    assert found[OUTLET[2:8]]["effective"] == pytest.approx(20 / 23 * 0.9)
    assert found[OUTLET[2:8]]["effective_after_fill"] == pytest.approx(22 / 23 * 0.9)
    assert [row["effective"] for key, row in found.items() if key != OUTLET[2:8]] == [None]


def test_the_table_names_what_it_counts(rate):
    """Names of counties and both versions in one line, cut and never rounded up."""
    code, out, _ = rate("--effective")

    line = next(line for line in out.splitlines() if line.startswith(OUTLET[2:8]))
    assert code == 0
    assert [f"{share} %" in line for share in ("86.95", "95.65", "90.00", "78.26", "86.08")] == (
        [True] * 5
    )


def test_operators_need_the_effective_rate(rate):
    """Ingest alone does not know who runs the instruments."""
    code, _, complaint = rate("--by", "operator")
    known, out, _ = rate("--by", "operator", "--effective")

    assert (code, "--effective" in complaint) == (2, True)
    assert (known, "传输有效率" in out) == (0, True)
