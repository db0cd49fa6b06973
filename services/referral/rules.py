"""The tables that this service runs on, read once from its data files."""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from services.referral.domain.clocks import Term, read_terms
from services.referral.domain.lifecycle import LifeCycle, read_lifecycle


@dataclass(frozen=True, slots=True)
class Charge:
    """涉嫌罪名 A charge with its basis."""

    name: str
    basis: str


@cache
def terms() -> dict[str, Term]:
    """The clocks of `data/clocks.yaml`."""
    return read_terms(_document("clocks.yaml"))


@cache
def lifecycle() -> LifeCycle:
    """The table of `data/lifecycle.yaml`."""
    return read_lifecycle(_document("lifecycle.yaml"), terms())


def charge(key: str) -> Charge:
    """The charge a case named; a text that is no key stands for itself."""
    row = _document("charges.yaml")["charges"].get(key)
    return Charge(**row) if row else Charge(key, "")


@dataclass(frozen=True, slots=True)
class Labels:
    """报告用语 How the report words fields and values of a case."""

    bookkeeping: frozenset[str]
    officers: frozenset[str]
    fields: dict[str, str]
    values: dict[str, str]


@cache
def labels() -> Labels:
    """The words of `data/report_labels.yaml`."""
    found = _document("report_labels.yaml")
    return Labels(
        frozenset(found["bookkeeping"]),
        frozenset(found["officers"]),
        found["fields"],
        found["values"],
    )


@cache
def template(name: str) -> str:
    """The text of a document template."""
    return (resources.files("services.referral") / "data" / name).read_text(encoding="utf-8")


@cache
def _document(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(template(name))
    return document
