"""不作为 out of the store: open matters read as a stream, sums of all, the longest kept."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.cases import rules
from services.cases.domain.inactivity import (
    Inactivity,
    Lying,
    Overdue,
    Thresholds,
    read_thresholds,
    reasons,
)

_BATCH = 2000


@dataclass
class Sum:
    """Items of one division, officer or step."""

    name: str = ""
    items: int = 0
    open_matters: int = 0
    longest_days: int = 0
    by_rule: dict[str, int] = field(default_factory=dict)

    def add(self, one: Inactivity) -> None:
        """Count an item."""
        self.items += 1
        self.longest_days = max(self.longest_days, one.days)
        self.by_rule[one.rule.key] = self.by_rule.get(one.rule.key, 0) + 1


@dataclass
class Report:
    """The longest items as (matter id, reason), longest first, and the sums of all."""

    total: int = 0
    items: list[tuple[str, Inactivity]] = field(default_factory=list)
    by_division: dict[str, Sum] = field(default_factory=dict)
    by_officer: dict[str, Sum] = field(default_factory=dict)
    by_step: dict[str, Sum] = field(default_factory=dict)


@dataclass(frozen=True)
class _Found:
    matter_id: str
    division: str
    assignee_id: str
    assignee_name: str
    lying: Lying


def thresholds() -> Thresholds:
    """The thresholds of `inactivity.yaml`."""
    return read_thresholds(rules.load("inactivity.yaml"))


def report_inactivity(
    session: Session, prefix: str, officer_id: str, most: int, now: dt.datetime
) -> Report:
    """Judge every open matter of the counties whose codes begin so, perhaps of one officer."""
    report, table = Report(), thresholds()
    kept: list[tuple[int, str, str, str]] = []
    reasons_of: dict[tuple[str, str, str], Inactivity] = {}
    for one in _open_matters(session, prefix, officer_id):
        division = report.by_division.setdefault(one.division, Sum())
        officer = report.by_officer.setdefault(one.assignee_id, Sum(one.assignee_name))
        division.open_matters += 1
        officer.open_matters += 1
        for why in reasons(one.lying, now, table):
            report.total += 1
            division.add(why)
            officer.add(why)
            if why.step:
                report.by_step.setdefault(why.step, Sum()).add(why)
            key = (one.matter_id, why.rule.key, why.step)
            reasons_of[key] = why
            heapq.heappush(kept, (why.days, *key))
            if len(kept) > most:
                _, *shortest = heapq.heappop(kept)
                del reasons_of[shortest[0], shortest[1], shortest[2]]
    order = sorted(kept, key=lambda one: (-one[0], *one[1:]))
    report.items = [(key[0], reasons_of[key[0], key[1], key[2]]) for _, *key in order]
    return report


def _open_matters(session: Session, prefix: str, officer_id: str) -> Iterator[_Found]:
    rows = session.execute(
        _OPEN, {"inside": f"{prefix}%", "officer": officer_id}, execution_options=_STREAM
    )
    for row in rows:
        overdue = tuple(
            Overdue(key, dt.datetime.fromisoformat(due), statutory)
            for key, due, statutory in row.overdue or ()
        )
        yield _Found(
            row.matter_id,
            row.division,
            row.assignee_id,
            row.assignee_name,
            Lying(
                kind=row.kind,
                opened_at=row.opened_at,
                last_act_at=row.last_act_at,
                assigned=bool(row.assignee_id),
                owes=bool(row.owes),
                overdue=overdue,
            ),
        )


_STREAM = {"stream_results": True, "yield_per": _BATCH}
_OPEN = text(
    """
    SELECT m.matter_id, m.division, m.kind, m.assignee_id, m.assignee_name, m.opened_at,
        acted.at AS last_act_at, clocks.owes, clocks.overdue
    FROM matter m
    LEFT JOIN LATERAL (
        SELECT e.at FROM matter_event e
        WHERE e.matter_id = m.matter_id AND e.actor_role IN ('officer', 'leader')
        ORDER BY e.seq DESC LIMIT 1
    ) acted ON true
    LEFT JOIN LATERAL (
        SELECT count(*) > 0 AS owes, jsonb_agg(
            jsonb_build_array(c.key, c.due_at, c.statutory) ORDER BY c.due_at, c.key
        ) FILTER (WHERE c.state = 'breached') AS overdue
        FROM matter_clock c
        WHERE c.matter_id = m.matter_id AND c.ended_at IS NULL AND NOT c.lapses
          AND c.due_at IS NOT NULL AND c.bound IN ('authority', 'leader')
    ) clocks ON true
    WHERE m.closed_at IS NULL AND m.division LIKE :inside
      AND (:officer = '' OR m.assignee_id = :officer)
    ORDER BY m.matter_id
    """
)
