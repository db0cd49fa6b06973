"""The scorer gives the very figures of the benchmark's own score.py.

`score_golden.json` is what `../shared/lab/bench/score.py --json` wrote for the folders of
`cases_scene` (seed and budget name each; pandas' NaN as null).
"""

import ast
import doctest
import json
from pathlib import Path

import pytest

from farsight.laboratory import calibrate, intervals
from farsight.laboratory import score as score_module
from farsight.laboratory.records import read_cases, read_detections
from farsight.laboratory.score import accepted, cut_for, score
from farsight.laboratory.score_table import as_json, text
from services.chassis.errors import InputRejected
from tests.unit.laboratory.cases_scene import write_cases, write_detections

GOLDEN = json.loads(Path(__file__).with_name("score_golden.json").read_text(encoding="utf-8"))
SHARED = Path(__file__).parents[4] / "shared" / "lab" / "bench" / "score.py"
FIGURES = ("fa", "station_years", "fa_per_sy", "cut")


@pytest.mark.parametrize("case", GOLDEN)
def test_figures_are_those_of_the_benchmark(case: str, tmp_path: Path) -> None:
    """Recall, chance, delay, false alarms and the searched cut agree to the last printed digit."""
    seed, budget = case.split()
    write_cases(tmp_path, int(seed))
    write_detections(tmp_path, int(seed), 120 * int(seed))
    cases, found = read_cases(tmp_path), read_detections(tmp_path / "det.csv")
    cut = None if budget == "None" else cut_for(cases, found, float(budget))

    mine = as_json(score(cases, found if cut is None else found.take(found.score >= cut)), cut)

    theirs = GOLDEN[case]
    for ours, other in zip(mine["table"], theirs["table"], strict=True):
        assert ours == pytest.approx(other, abs=1.01e-4)
    assert [mine[k] for k in FIGURES] == pytest.approx([theirs[k] for k in FIGURES])


def test_accepted_names_are_the_benchmarks() -> None:
    """The table of accepted names and factors says what score.py's FAMILY and RELATED say."""
    if not SHARED.exists():
        pytest.skip("../shared/lab is not here")
    tables = {}
    for node in ast.parse(SHARED.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            tables[node.targets[0].id] = node.value

    names, factors = (ast.literal_eval(tables[name]) for name in ("FAMILY", "RELATED"))

    assert {pattern: set(accepted()[pattern].names) for pattern in names} == names
    wide = {p: accepted()[p].factors for p in names if accepted()[p].factors}
    assert {p: None if f == {"*"} else set(f) for p, f in wide.items()} == factors


def test_nothing_found_is_a_score_too(tmp_path: Path) -> None:
    """An empty file of detections gives recall 0 and no false alarm, not an error."""
    write_cases(tmp_path, 3)
    (tmp_path / "det.csv").write_text("station,time\n", encoding="utf-8")

    result = score(read_cases(tmp_path), read_detections(tmp_path / "det.csv"))

    assert {event.named_h for event in result.events} == {None}
    assert result.false_alarms == 0
    assert "ALL" in text(result)


def test_an_unusable_line_says_where_and_what_to_do(tmp_path: Path) -> None:
    """File, line, fault and remedy are in the message."""
    (tmp_path / "det.csv").write_text("station,time\nA,yesterday\n", encoding="utf-8")

    with pytest.raises(InputRejected, match=r"det\.csv:2: .*yesterday.*; write 2024-01-31"):
        read_detections(tmp_path / "det.csv")


@pytest.mark.parametrize("module", [intervals, score_module, calibrate])
def test_examples_in_docstrings_hold(module: object) -> None:
    """Documented examples give what they say."""
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]
