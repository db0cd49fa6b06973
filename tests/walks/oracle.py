"""What may be true of a walk, read from the tables' own text and not through the engine."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.cases.domain import history
from services.cases.domain.matter import ClockState, Kind, Matter
from services.cases.tables import ClockRow
from services.chassis.pb.cases.v1 import cases_pb2
from services.chassis.tables import DueRow, OutboxRow

DATA = Path(__file__).resolve().parents[2] / "services" / "cases" / "data"


class Moves:
    """Legal moves (from, act, to) and who may take them, of every kind."""

    def __init__(self) -> None:
        common = read_table("lifecycle_common.yaml")["acts"]
        self.moves: dict[Kind, dict[tuple[str, str], set[str]]] = {}
        self.roles: dict[Kind, dict[str, set[str]]] = {}
        self.states: dict[Kind, set[str]] = {}
        self.final: dict[Kind, set[str]] = {}
        for kind in Kind:
            table = read_table(f"lifecycle_{kind.value}.yaml")
            own = {row["act"] for row in table["acts"]}
            left_out = own | set(table.get("without", ()))
            rows = [*table["acts"], *(row for row in common if row["act"] not in left_out)]
            self.states[kind] = set(table["states"])
            self.final[kind] = {k for k, body in table["states"].items() if body.get("final")}
            self._read_rows(kind, rows)

    def _read_rows(self, kind: Kind, rows: list[dict[str, Any]]) -> None:
        moves: dict[tuple[str, str], set[str]] = defaultdict(set)
        roles: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            roles[row["act"]] |= set(row["by"])
            targets = {row["to"], *(one["to"] for one in row.get("to_if", ()))}
            for source in self._sources(kind, row["from"]):
                moves[source, row["act"]] |= {source if to == "same" else to for to in targets}
        self.moves[kind], self.roles[kind] = moves, roles

    def _sources(self, kind: Kind, named: Any) -> set[str]:
        if named == "any":
            return self.states[kind]
        if named == "open":
            return self.states[kind] - self.final[kind]
        return set(named) or {""}


def read_table(name: str) -> Any:
    """A table's own text, parsed."""
    return yaml.safe_load((DATA / name).read_text(encoding="utf-8"))


def check_matter(moves: Moves, matter: Matter) -> None:
    """Every line is a legal move of somebody who may take it; the chain is whole."""
    state = ""
    for event in matter.events:
        where = (
            f"{matter.number} line {event.seq}: {event.from_state} -{event.act}-> {event.to_state}"
        )
        assert event.from_state == state, where
        assert event.to_state in moves.moves[matter.kind][state, event.act], where
        if event.act != "attach":
            assert event.doer.role in moves.roles[matter.kind][event.act], where
        state = event.to_state
    assert matter.state == state
    assert matter.version == len(matter.events)
    assert history.first_break(matter.matter_id, matter.events) is None
    assert (matter.closed_at is not None) == any(
        event.to_state in moves.final[matter.kind] for event in matter.events
    ), matter.number


def check_clocks(session: Session, matters: list[Matter], now: dt.datetime) -> Counter[str]:
    """No clock is lost or noted twice, no reminder is sent twice; gives what became of clocks."""
    lost = session.scalars(
        select(ClockRow.clock_id).where(
            ClockRow.ended_at.is_(None),
            ClockRow.state == ClockState.RUNNING.value,
            ClockRow.due_at <= now,
        )
    ).all()
    assert not lost, lost[:5]
    waiting = select(func.count()).where(DueRow.done_at.is_(None), DueRow.at <= now)
    assert session.scalar(waiting) == 0
    for matter in matters:
        noted = Counter(
            (event.fields["clock"], event.fields["due"])
            for event in matter.events
            if event.doer.role == "system"
            and {"clock", "due"} <= set(event.fields)
            and event.act != "reckon"
        )
        have = Counter(clock.key for clock in matter.clocks)
        for (key, due), times in noted.items():
            assert times <= have[key], (matter.number, key, due, times)
    _check_notices(session)
    return Counter(clock.state.value for matter in matters for clock in matter.clocks)


def _check_notices(session: Session) -> None:
    """One cause is one request to tell."""
    name = cases_pb2.NoticeRequested.DESCRIPTOR.full_name
    bodies = session.scalars(select(OutboxRow.body).where(OutboxRow.type_name == name))
    causes = Counter(cases_pb2.NoticeRequested.FromString(body).cause_id for body in bodies)
    twice = [cause for cause, times in causes.items() if times > 1]
    assert not twice, twice[:5]
