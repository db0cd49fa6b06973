"""Reads the data files of the service into domain values, once a process.

The tables are package data: law and configuration travel with the release that was tested with
them. Each reader is cached; nothing here knows the time or the database.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import yaml

from services.cases.domain.clocks import Clock, ClockTable, read_clock, read_clocks


def _text(name: str) -> str:
    return (resources.files("services.cases") / "data" / name).read_text(encoding="utf-8")


@cache
def load(name: str) -> Any:
    """A YAML file of `data/`, parsed."""
    return yaml.safe_load(_text(name))


@cache
def clock_table() -> ClockTable:
    """期限表: the terms of law and the operational terms, one name space."""
    return ClockTable([*read_clocks(_text("clocks.csv").splitlines()), *_terms()])


def _terms() -> list[Clock]:
    return [read_clock(_as_row(term), statutory=False) for term in load("terms.yaml")["terms"]]


def _as_row(term: dict[str, Any]) -> dict[str, str]:
    """An operational term in the shape of the law's table; what it leaves out means no."""
    return {
        "phase": "operation",
        "kind": "deadline",
        "days": term.get("days", "" if term["unit"] == "hour" else "natural"),
        "rolls": "yes" if term.get("rolls") else "no",
        "extensions": term.get("extensions", ""),
        "pauses": "",
        "on_miss": "escalate",
        "article_zh": "工作时限",
        "confidence": "unsure",
        **{name: str(term[name]) for name in ("key", "length", "unit", "source")},
        **{name: term[name] for name in ("start_zh", "start_en", "action_zh", "action_en")},
    }
