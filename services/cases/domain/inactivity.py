"""不作为: which open matters lie although somebody in authority should act, and for how long.

Pure: the store says what is open, when somebody last acted and which ends passed; the thresholds
are data. Days are Beijing days between two dates, so a matter is as old at noon as at night.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.chassis.clock import BEIJING

IDLE, UNHANDLED, NOBODY = "idle_while_due", "unhandled_anomaly", "nobody_in_charge"
STATUTORY, OPERATIONAL = "overdue_statutory", "overdue_operational"
KEYS = (IDLE, UNHANDLED, STATUTORY, OPERATIONAL, NOBODY)


@dataclass(frozen=True)
class Rule:
    """One reason to report, with the article and from how many days on."""

    key: str
    zh: str
    article: str
    days: int
    by_kind: Mapping[str, int]
    kinds: frozenset[str]

    def threshold(self, kind: str) -> int | None:
        """Days for a kind of matter; None where the rule is not about it."""
        if self.kinds and kind not in self.kinds:
            return None
        return self.by_kind.get(kind, self.days)


@dataclass(frozen=True)
class Thresholds:
    """阈值表 of a version."""

    version: str
    rules: Mapping[str, Rule]


@dataclass(frozen=True)
class Overdue:
    """A term of the authority's own that ran out and is still open."""

    key: str
    due_at: dt.datetime
    statutory: bool


@dataclass(frozen=True)
class Lying:
    """An open matter as the store knows it."""

    kind: str
    opened_at: dt.datetime
    last_act_at: dt.datetime | None  # of a person in authority
    assigned: bool
    owes: bool  # a term of the authority's own is open
    overdue: tuple[Overdue, ...]


@dataclass(frozen=True)
class Inactivity:
    """Why a matter is reported. `step`: the clock that ran out."""

    rule: Rule
    days: int
    since: dt.datetime
    threshold: int
    step: str = ""


def read_thresholds(document: Mapping[str, Any]) -> Thresholds:
    """`inactivity.yaml`. `ValueError` for a rule that is missing or unknown, or negative days."""
    rules = {row["key"]: _rule(row) for row in document["rules"]}
    if set(rules) != set(KEYS):
        raise ValueError(f"rules are {', '.join(KEYS)}")
    return Thresholds(str(document["version"]), rules)


def _rule(row: Mapping[str, Any]) -> Rule:
    by_kind = {kind: int(days) for kind, days in row.get("by_kind", {}).items()}
    if row["days"] < 0 or any(days < 0 for days in by_kind.values()):
        raise ValueError(f"{row['key']}: days are negative")
    return Rule(
        key=row["key"],
        zh=row["zh"],
        article=row["article"],
        days=int(row["days"]),
        by_kind=by_kind,
        kinds=frozenset(row.get("kinds", ())),
    )


def reasons(one: Lying, now: dt.datetime, thresholds: Thresholds) -> Iterator[Inactivity]:
    """Every reason to report the matter now."""
    rules = thresholds.rules
    quiet_since = one.last_act_at or one.opened_at
    if one.owes:
        yield from _reached(rules[IDLE], one.kind, quiet_since, now)
    if one.last_act_at is None:
        yield from _reached(rules[UNHANDLED], one.kind, one.opened_at, now)
    if not one.assigned:
        yield from _reached(rules[NOBODY], one.kind, one.opened_at, now)
    for clock in one.overdue:
        rule = rules[STATUTORY if clock.statutory else OPERATIONAL]
        yield from _reached(rule, one.kind, clock.due_at, now, clock.key)


def _reached(
    rule: Rule, kind: str, since: dt.datetime, now: dt.datetime, step: str = ""
) -> Iterator[Inactivity]:
    threshold, days = rule.threshold(kind), days_between(since, now)
    if threshold is not None and since <= now and days >= threshold:
        yield Inactivity(rule, days, since, threshold, step)


def days_between(since: dt.datetime, now: dt.datetime) -> int:
    """Beijing dates from one moment to another."""
    return (now.astimezone(BEIJING).date() - since.astimezone(BEIJING).date()).days
