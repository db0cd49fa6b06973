"""Paths that detect's tests read, and the vectors of the reference."""

import json
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[4] / "shared"


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    """Test vectors of the reference, as copied beside the tests of judging."""
    path = Path(__file__).parent / "judgement" / "vectors.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def lab() -> Path:
    """Folder of the public real series; skipped where it is not there."""
    path = SHARED / "lab" / "data" / "public"
    if not path.is_dir():
        pytest.skip("../shared/lab/data/public is not there")
    return path
