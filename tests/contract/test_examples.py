"""The examples of docs/api.md import, and every message field they use exists."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.py"))


def test_types_of_the_examples_are_right() -> None:
    """The type checker knows every field and call of the generated code."""
    done = subprocess.run(
        ["mypy", "--strict", "--explicit-package-bases", "docs/examples"],
        cwd=ROOT,
        env={"PATH": str(Path(sys.executable).parent), "MYPYPATH": "docs/examples:."},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_named_in_the_api_document(path: Path) -> None:
    """No example is left lying about, and each says in its docstring how it is run."""
    document = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""

    assert f"examples/{path.name}" in document
    assert path.name == "client.py" or f"python docs/examples/{path.name}" in docstring


def test_a_platform_that_is_away_ends_an_example_with_its_status() -> None:
    """The example really calls: on a closed port it fails with UNAVAILABLE and no hang."""
    done = subprocess.run(
        [sys.executable, "docs/examples/list_matters.py"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "FARSIGHT_GRPC_ADDR": "127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 1
    assert "StatusCode.UNAVAILABLE" in done.stderr
