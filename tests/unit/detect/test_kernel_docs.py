"""A kernel's docstring is its specification: it is complete, and its example is true."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

from services.detect import kernels

NAMES = [m.name for m in pkgutil.iter_modules(kernels.__path__)]
PARTS = ("Formula:", "Units:", "Missing data:", "Edges:", "Fails:", ">>>")


@pytest.mark.parametrize("name", NAMES)
def test_examples_in_kernel_docstrings_are_true(name):
    """Every example of every kernel module runs as printed."""
    module = importlib.import_module(f"services.detect.kernels.{name}")

    result = doctest.testmod(module)

    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("name", [n for n in NAMES if n != "series"])
def test_each_kernel_file_has_one_public_function_with_a_whole_specification(name):
    """Named as its file; the docstring states formula, units, missing data, edges and failures."""
    module = importlib.import_module(f"services.detect.kernels.{name}")

    public = [
        f for n, f in inspect.getmembers(module, inspect.isfunction)
        if f.__module__ == module.__name__ and not n.startswith("_")
    ]  # fmt: skip

    assert len(public) == 1
    text = inspect.getdoc(public[0])
    assert text is not None
    assert [part for part in PARTS if part not in text] == []
    assert any(source in text for source in ("Clause:", "Paper:"))
