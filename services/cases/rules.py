"""Reads the data files of the service into domain values, once a process.

The tables are package data: law and configuration travel with the release that was tested with
them. Each reader is cached; nothing here knows the time or the database.
"""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import yaml

from services.cases.domain.clocks import Clock, ClockTable, read_clock, read_clocks
from services.cases.domain.gates import GATES
from services.cases.domain.law import Law, read_law
from services.cases.domain.lifecycle import LifeCycle
from services.cases.domain.lifecycle_reader import read_lifecycle
from services.cases.domain.matter import Kind, Matter
from services.cases.domain.overrides import Circumstance, Override, narrowed, read_overrides
from services.cases.domain.people_rules import PeopleRules, read_people_rules, with_certificates
from services.cases.domain.risk import Weights, read_weights
from services.cases.domain.timing import Terms
from services.cases.domain.trigger_reader import read_triggers
from services.cases.domain.triggers import Table
from services.chassis.calendar import Calendar


def text(name: str) -> str:
    """A file of `data/` as it is."""
    return (resources.files("services.cases") / "data" / name).read_text(encoding="utf-8")


@cache
def load(name: str) -> Any:
    """A YAML file of `data/`, parsed."""
    # libyaml reads the tables ten times faster than the loader in Python.
    return yaml.load(text(name), Loader=yaml.CSafeLoader)


@cache
def clock_table() -> ClockTable:
    """期限表: the terms of law and the operational terms, one name space."""
    return ClockTable([*read_clocks(text("clocks.csv").splitlines()), *_terms()])


def _terms() -> list[Clock]:
    return [read_clock(_as_row(term), statutory=False) for term in load("terms.yaml")["terms"]]


def _as_row(term: dict[str, Any]) -> dict[str, str]:
    """An operational term in the shape of the law's table; what it leaves out means no."""
    return {
        "phase": "operation",
        "kind": term.get("kind", "deadline"),
        "bound": term.get("bound", "authority"),
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


@cache
def terms() -> Terms:
    """The clock table with the published calendar."""
    return Terms(clock_table(), Calendar.published())


@cache
def overrides() -> tuple[Override, ...]:
    """地方工作时限: operational terms that differ by region and industry."""
    return read_overrides(load("term_overrides.yaml"), clock_table())


def terms_for(matter: Matter) -> Terms:
    """The terms as they are where the matter is."""
    return terms_there(Circumstance(matter.division, matter.industry, matter.item, matter.level))


def terms_there(there: Circumstance) -> Terms:
    """The terms of a region, industry, item and level."""
    return Terms(narrowed(clock_table(), overrides(), there), terms().calendar)


@cache
def life_cycle(kind: Kind) -> LifeCycle:
    """流程表 of a kind of matter, with the rows that all kinds share."""
    document = load(f"lifecycle_{kind.value}.yaml")
    life = read_lifecycle(document, load("lifecycle_common.yaml"), clock_table().keys, GATES)
    people = load("people.yaml")
    return with_certificates(life, people["without_certificate"], people["certificate_article"])


@cache
def people() -> PeopleRules:
    """Certificates, load and leave: what `people.yaml` says about the tables."""
    tables = {kind: load(f"lifecycle_{kind.value}.yaml") for kind in Kind}
    return read_people_rules(load("people.yaml"), tables)


@cache
def law() -> Law:
    """Violations, ranges and thresholds that gates ask."""
    bars = {"yes": "limitation_harm", "no": "limitation_other"}
    today = dt.date.max  # terms of limitation have one version
    years = {harm: clock_table().find(key, today).length or 0 for harm, key in bars.items()}
    return read_law(text("legal_basis.csv").splitlines(), load("penalty.yaml"), years)


@cache
def risk_weights() -> Weights:
    """风险分值表: what the order of the queue weighs beside the deadline."""
    return read_weights(load("risk.yaml"))


@cache
def triggers() -> Table:
    """触发规则表 as shipped."""
    return trigger_table(text("triggers.yaml"))


@lru_cache(maxsize=32)
def trigger_table(document: str) -> Table:
    """触发规则表 of a rule pack. Raises ValueError that names row and field."""
    try:
        rows = yaml.safe_load(document)
    except yaml.YAMLError as fault:
        raise ValueError(f"triggers.yaml is no YAML: {fault}") from fault
    return read_triggers(rows, clock_table().keys)


@cache
def factor_names() -> dict[str, str]:
    """Chinese names by factor code (HJ 212-2017 annex B)."""
    return {row["code"]: row["name_zh"] for row in csv.DictReader(text("factors.csv").splitlines())}


@dataclass(frozen=True)
class Reminders:
    """When people are reminded and how far an overdue term climbs: configuration, no law."""

    warn_hours: dt.timedelta
    warn_days: dt.timedelta
    early: tuple[dt.timedelta, ...]
    step: dt.timedelta
    steps: int

    def warn_at(
        self, start: dt.datetime, end: dt.datetime, now: dt.datetime
    ) -> list[tuple[str, dt.datetime]]:
        """When to remind, oldest first, each with a name that is part of its due row.

        A day before the end of a long term, an hour before a short one's, and the earlier
        reminders of a term at least twice as long. Of those that lie behind, one is left: who
        hears late of a term hears once. A term that counts backwards starts in the future, so
        what counts is the moment from which it was known.
        """
        start = min(start, now)
        ahead = self.warn_days if end - start > 2 * self.warn_days else self.warn_hours
        named = [(f"/{one.days}d", one) for one in self.early if end - start > 2 * one]
        moments = [(name, end - one) for name, one in (*named, ("", ahead)) if end - one > start]
        passed = [one for one in moments if one[1] <= now < end]
        return passed[-1:] + [one for one in moments if one[1] > now]


@cache
def reminders() -> Reminders:
    """The reminders of `terms.yaml`."""
    document = load("terms.yaml")
    return Reminders(
        warn_hours=dt.timedelta(hours=document["warn_before_hours"]["hour"]),
        warn_days=dt.timedelta(hours=document["warn_before_hours"]["day"]),
        early=tuple(dt.timedelta(days=days) for days in document["warn_early_days"]),
        step=dt.timedelta(hours=document["escalation_step_hours"]),
        steps=len(document["escalation"]),
    )
