"""Checklists 检查表 and limits of inspections, read from `data/` once a process."""

from __future__ import annotations

from functools import cache
from importlib import resources

import yaml

from services.cases import rules
from services.cases.domain.checklists import Checklist, read_checklists
from services.cases.domain.inspection import Limits, read_limits
from services.cases.domain.matter import Kind


@cache
def checklists() -> dict[str, Checklist]:
    """检查表 by topic, in the order of work."""
    folder = resources.files("services.cases") / "data" / "checklists"
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".yaml")), key=str)
    return read_checklists(yaml.safe_load(one.read_text(encoding="utf-8")) for one in files)


@cache
def limits() -> Limits:
    """核验参数 of place, time and instruments."""
    return read_limits(rules.load("inspection.yaml"))


@cache
def form_version() -> str:
    """Versions of what a form is made from."""
    life = rules.life_cycle(Kind.INSPECTION)
    newest = max((one.version for one in checklists().values()), default="")
    return f"{life.version}/{newest}/{rules.load('inspection.yaml')['version']}"
