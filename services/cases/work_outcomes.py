"""办理结果与时效 of a period, counted from the timeline and the clocks and from nothing else.

Everything is one statement a figure; each groups by county and, in the same pass, over all of them
(GROUPING SETS), so that a median over the jurisdiction is a median and no mean of medians.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.cases import rules
from services.cases.domain.clocks import Kind as ClockKind
from services.cases.domain.matter import Kind

#: Division under which the sums over the jurisdiction are kept.
ALL = ""


@dataclass(frozen=True)
class Period:
    """What is counted: moments in `[start, end)`, counties whose codes begin so, perhaps a kind."""

    start: dt.datetime
    end: dt.datetime
    prefix: str
    kind: Kind | None = None

    def values(self) -> dict[str, Any]:
        """For the statements below."""
        return {
            "start": self.start,
            "end": self.end,
            "inside": f"{self.prefix}%",
            "kind": self.kind.value if self.kind else "",
        }


@dataclass(frozen=True)
class Phase:
    """How long matters stayed in a state that they left in the period, in natural days."""

    kind: str
    state: str
    count: int
    median_days: float
    p90_days: float


@dataclass(frozen=True)
class ClockEnds:
    """What became of the ends of a clock."""

    key: str
    met: int
    breached: int
    lapsed: int
    used: int

    @property
    def share_met(self) -> float:
        """Met of all that had to be met; -1 where nothing had to."""
        had_to = self.met + self.breached
        return self.met / had_to if had_to else -1.0


@dataclass
class Outcomes:
    """Sums of one county, or of all."""

    division: str
    opened: int = 0
    reopened: int = 0
    withdrawn: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)  # "<kind>.<last state>" of the closed
    fines_yuan: int = 0
    decisions: int = 0
    no_penalty: int = 0
    lapsed_rights: int = 0
    phases: list[Phase] = field(default_factory=list)
    clocks: list[ClockEnds] = field(default_factory=list)

    @property
    def closed(self) -> int:
        """Matters that came to an end."""
        return sum(self.outcomes.values())

    @property
    def breaches(self) -> int:
        """Clocks that ran out."""
        return sum(one.breached for one in self.clocks)


def count_outcomes(session: Session, period: Period) -> dict[str, Outcomes]:
    """Sums by county code and, under `ALL`, over all of them."""
    found: dict[str, Outcomes] = {ALL: Outcomes(ALL)}

    def of(division: str | None) -> Outcomes:
        return found.setdefault(division or ALL, Outcomes(division or ALL))

    for division, name, number in _acts(session, period):
        setattr(of(division), name, number)
    for division, kind, state, number in _closed(session, period):
        of(division).outcomes[f"{kind}.{state}"] = number
    for division, fines, penalties, without in _decided(session, period):
        sums = of(division)
        sums.fines_yuan, sums.decisions, sums.no_penalty = fines, penalties, without
    for division, *stay in _phases(session, period):
        of(division).phases.append(Phase(*stay))
    rights = {one.key for one in rules.clock_table() if one.kind is ClockKind.RIGHT}
    for division, *ends in _clocks(session, period):
        one = ClockEnds(*ends)
        of(division).clocks.append(one)
        of(division).lapsed_rights += one.lapsed if one.key in rights else 0
    return found


_SCOPE = "m.division LIKE :inside AND (:kind = '' OR m.kind = :kind)"
_SETS = "GROUPING SETS ((m.division), ())"


def _run(
    session: Session, statement: str, period: Period, **more: Any
) -> Iterator[tuple[Any, ...]]:
    for row in session.execute(text(statement), {**period.values(), **more}):
        yield tuple(row)


def _acts(session: Session, period: Period) -> Iterator[tuple[Any, ...]]:
    """Openings, reopenings and withdrawals: lines of the timeline."""
    names = rules.load("outcomes.yaml")
    for name, condition, acts in (
        ("opened", "e.seq = 1", []),
        ("reopened", "e.act = ANY(:acts)", names["reopened"]),
        ("withdrawn", "e.act = ANY(:acts) AND e.from_state <> e.to_state", names["withdrawn"]),
    ):
        statement = f"""
            SELECT m.division, '{name}', count(*)
            FROM matter_event e JOIN matter m USING (matter_id)
            WHERE e.at >= :start AND e.at < :end AND {condition} AND {_SCOPE}
            GROUP BY {_SETS} HAVING count(*) > 0
        """  # noqa: S608 (texts of our own)
        yield from _run(session, statement, period, **({"acts": acts} if acts else {}))


def _finals() -> list[str]:
    """`<kind>.<state>` of every state that ends a matter."""
    lives = ((kind, rules.life_cycle(kind)) for kind in Kind)
    return [f"{k.value}.{s.key}" for k, life in lives for s in life.states.values() if s.final]


def _closed(session: Session, period: Period) -> Iterator[tuple[Any, ...]]:
    """Matters by the last line of the period that ended them."""
    statement = f"""
        WITH ended AS (
            SELECT DISTINCT ON (e.matter_id) e.matter_id, e.to_state AS state
            FROM matter_event e JOIN matter m USING (matter_id)
            WHERE e.at >= :start AND e.at < :end AND e.from_state <> e.to_state AND {_SCOPE}
              AND m.kind || '.' || e.to_state = ANY(:finals)
              AND NOT m.kind || '.' || e.from_state = ANY(:finals)
            ORDER BY e.matter_id, e.seq DESC
        )
        SELECT m.division, m.kind, ended.state, count(*) FROM ended JOIN matter m USING (matter_id)
        GROUP BY GROUPING SETS ((m.division, m.kind, ended.state), (m.kind, ended.state))
    """  # noqa: S608 (texts of our own)
    return _run(session, statement, period, finals=_finals())


def _decided(session: Session, period: Period) -> Iterator[tuple[Any, ...]]:
    """Fines and decisions: the last line of each deciding act of a matter, as corrected."""
    rows = rules.load("outcomes.yaml")["decisions"]
    statement = f"""
        WITH last AS (
            SELECT DISTINCT ON (e.matter_id, e.act) e.matter_id, e.seq, e.fields, rule
            FROM matter_event e JOIN matter m USING (matter_id)
            JOIN jsonb_array_elements(CAST(:rules AS jsonb)) AS rule
              ON rule->>'kind' = m.kind AND rule->>'act' = e.act
            WHERE e.at >= :start AND e.at < :end AND {_SCOPE}
            ORDER BY e.matter_id, e.act, e.seq DESC
        ), said AS (
            SELECT matter_id, rule,
                coalesce({_corrected("outcome")}, fields->>(rule->>'outcome'), '') AS outcome,
                coalesce({_corrected("amount")}, fields->>(rule->>'amount'), '') AS amount
            FROM last
        )
        SELECT m.division,
            coalesce(sum(CASE WHEN amount ~ '^[0-9]+$' THEN amount::bigint END)
                FILTER (WHERE rule->'penalty' ? outcome), 0)::bigint,
            count(*) FILTER (WHERE rule->'penalty' ? outcome),
            count(*) FILTER (WHERE rule->'no_penalty' ? outcome)
        FROM said JOIN matter m USING (matter_id) GROUP BY {_SETS}
    """  # noqa: S608 (texts of our own)
    return _run(session, statement, period, rules=json.dumps(rows))


def _corrected(name: str) -> str:
    """The last correction of a field of that line, whenever it was made."""
    return f"""(
        SELECT c.fields->>'value' FROM matter_event c
        WHERE c.matter_id = last.matter_id AND c.act = 'correct'
          AND c.fields->>'seq' = last.seq::text AND c.fields->>'field' = rule->>'{name}'
        ORDER BY c.seq DESC LIMIT 1
    )"""  # noqa: S608 (texts of our own)


def _phases(session: Session, period: Period) -> Iterator[tuple[Any, ...]]:
    """Stays by the moves of a matter: from the move into a state to the move out of it."""
    statement = f"""
        WITH moves AS (
            SELECT e.matter_id, e.from_state, e.at,
                lag(e.at) OVER (PARTITION BY e.matter_id ORDER BY e.seq) AS since
            FROM matter_event e
            WHERE e.from_state <> e.to_state AND e.at < :end AND e.matter_id IN (
                SELECT x.matter_id FROM matter_event x WHERE x.at >= :start AND x.at < :end
            )
        ), stays AS (
            SELECT m.division, m.kind, from_state, extract(epoch FROM at - since) / 86400 AS days
            FROM moves JOIN matter m USING (matter_id)
            WHERE since IS NOT NULL AND at >= :start AND {_SCOPE}
        )
        SELECT m.division, m.kind, m.from_state, count(*),
            (percentile_cont(0.5) WITHIN GROUP (ORDER BY days))::float8,
            (percentile_disc(0.9) WITHIN GROUP (ORDER BY days))::float8
        FROM stays m
        GROUP BY GROUPING SETS ((m.division, m.kind, m.from_state), (m.kind, m.from_state))
        ORDER BY 1 NULLS FIRST, 2, 3
    """  # noqa: S608 (texts of our own)
    return _run(session, statement, period)


def _clocks(session: Session, period: Period) -> Iterator[tuple[Any, ...]]:
    """Ends that fell into the period: a breach counts where its end was due, all else where met."""
    statement = f"""
        SELECT m.division, c.key,
            count(*) FILTER (WHERE c.state = 'satisfied' AND NOT c.lapses AND {_ENDED}),
            count(*) FILTER (WHERE c.state = 'breached' AND {_DUE}),
            count(*) FILTER (WHERE c.state = 'lapsed' AND {_ENDED}),
            count(*) FILTER (WHERE c.state = 'satisfied' AND c.lapses AND {_ENDED})
        FROM matter_clock c JOIN matter m USING (matter_id)
        WHERE {_SCOPE} AND ({_ENDED} OR c.state = 'breached' AND {_DUE})
        GROUP BY GROUPING SETS ((m.division, c.key), (c.key))
        ORDER BY 1 NULLS FIRST, 2
    """  # noqa: S608 (texts of our own)
    return _run(session, statement, period)


_ENDED = "c.ended_at >= :start AND c.ended_at < :end"
_DUE = "c.due_at >= :start AND c.due_at < :end"


def names_of(outcomes: Mapping[str, Outcomes]) -> dict[str, str]:
    """Chinese of the outcomes: kind and last state."""
    keys: Sequence[str] = sorted({key for one in outcomes.values() for key in one.outcomes})
    names = {}
    for key in keys:
        kind, _, state = key.partition(".")
        life = rules.life_cycle(Kind(kind))
        names[key] = f"{life.zh or kind}：{life.states[state].zh}"
    return names
