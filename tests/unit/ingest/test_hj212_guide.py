"""The library guide says what is so."""

import doctest
import importlib
import re
from pathlib import Path
from pkgutil import walk_packages

import pytest

import services.ingest.hj212 as package
from services.ingest.hj212.framing import REPAIRS
from services.registry.domain import logger_identity

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs" / "hj212.md"
MODULES = [module.name for module in walk_packages(package.__path__, f"{package.__name__}.")]
_NOTE = re.compile(r"""note(?:s\.append\(|=)"([a-z0-9_]+)"|return "(\w+)", None""")


def test_examples_of_the_guide_run():
    """Every example gives exactly what it shows."""
    result = doctest.testfile(str(GUIDE), module_relative=False)

    assert result.attempted > 20
    assert result.failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_modules_run(name: str):
    """Docstrings are tested like the guide."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_every_repair_fault_and_note_is_described():
    """A new name is not finished before the guide has it."""
    guide = GUIDE.read_text(encoding="utf-8")
    sources = "".join(
        Path(module.__file__ or "").read_text(encoding="utf-8")
        for module in map(importlib.import_module, MODULES)
    )
    notes = {name for found in _NOTE.findall(sources) for name in found if name}
    names = {*REPAIRS, *REPAIRS.values(), *notes, "header", "incomplete", "too_long"}

    assert len(notes) > 10
    assert {name for name in names if f"`{name}`" not in guide} == set()


def test_registry_knows_every_repair_that_can_be_switched_off():
    """Services share no code, so the two lists are compared here."""
    assert set(logger_identity.REPAIRS) == set(REPAIRS)


def test_public_names_exist():
    """What `__all__` promises can be imported."""
    for name in package.__all__:
        assert hasattr(package, name), name
