"""Reads templates and the table of authorities from `data/papers`, once a process."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import yaml

from services.cases.domain.agencies import AgencyTable, read_agencies
from services.cases.domain.paper_templates import TemplateTable, read_templates


def text(name: str) -> str:
    """A file of `data/papers` as it is."""
    folder = resources.files("services.cases") / "data" / "papers"
    return (folder / name).read_text(encoding="utf-8")


def _load(name: str) -> Any:
    return yaml.safe_load(text(name))


@cache
def templates() -> TemplateTable:
    """文书模板表."""
    return read_templates(_load("papers.yaml"))


@cache
def agencies() -> AgencyTable:
    """机关名称表."""
    return read_agencies(_load("agencies.yaml"))
