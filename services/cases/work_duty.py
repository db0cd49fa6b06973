"""值班表 out of the registry copy, with what the people on duty have to finish. No telephone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.cases import registry_copy
from services.cases.domain.matter import Officer
from services.cases.queries import inside
from services.cases.tables import MatterRow
from services.chassis.clock import BEIJING
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.replica import records_of


@dataclass(frozen=True)
class OnDuty:
    """Somebody on duty on a day, with the open matters of theirs that end then."""

    officer: Officer
    due: tuple[MatterRow, ...]


@dataclass(frozen=True)
class Team:
    """值班队伍 of a county on a day."""

    day: dt.date
    division: str
    team_id: str
    people: tuple[OnDuty, ...]


@dataclass(frozen=True)
class Unmanned:
    """A county with open matters and nobody on duty on a day."""

    day: dt.date
    division: str
    open_matters: int


def list_duty(
    session: Session, prefix: str, days: Sequence[dt.date], today: dt.date
) -> tuple[list[Team], list[Unmanned]]:
    """Teams by day, county and team; what is overdue stands on today only."""
    people = {
        key: officer
        for key, officer in registry_copy.officers(session).items()
        if officer.division.startswith(prefix)
    }
    rostered = _rostered(session, days, people)
    due = _due(session, {who for one in rostered.values() for who in one}, days, today)
    teams = [
        Team(day, division, team, tuple(OnDuty(people[w], due.get((w, day), ())) for w in who))
        for (day, division, team), who in sorted(rostered.items())
    ]
    return teams, list(_unmanned(session, prefix, days, teams))


def _rostered(
    session: Session, days: Sequence[dt.date], people: Mapping[str, Officer]
) -> dict[tuple[dt.date, str, str], list[str]]:
    wanted = {day.isoformat(): day for day in days}
    found: dict[tuple[dt.date, str, str], set[str]] = {}
    for record in records_of(session, registry_pb2.RECORD_KIND_DUTY):
        duty = record.duty
        officer = people.get(duty.officer_id)
        if officer is not None and duty.date in wanted:
            team = duty.team_id or officer.team_id
            place = (wanted[duty.date], officer.division, team)
            found.setdefault(place, set()).add(officer.officer_id)
    return {place: sorted(who) for place, who in found.items()}


def _due(
    session: Session, officers: set[str], days: Sequence[dt.date], today: dt.date
) -> dict[tuple[str, dt.date], tuple[MatterRow, ...]]:
    end = dt.datetime.combine(max(days) + dt.timedelta(days=1), dt.time(), BEIJING)
    query = (
        select(MatterRow)
        .where(
            MatterRow.assignee_id.in_(sorted(officers)),
            MatterRow.closed_at.is_(None),
            MatterRow.next_due_at <= end,
        )
        .order_by(MatterRow.rank, MatterRow.matter_id)
    )
    found: dict[tuple[str, dt.date], tuple[MatterRow, ...]] = {}
    for row in session.scalars(query):
        assert row.next_due_at is not None
        # An end at midnight is the last moment of the day before it.
        last = (row.next_due_at - dt.timedelta(microseconds=1)).astimezone(BEIJING).date()
        place = (row.assignee_id, max(last, today))
        found[place] = (*found.get(place, ()), row)
    return found


def _unmanned(
    session: Session, prefix: str, days: Sequence[dt.date], teams: Sequence[Team]
) -> Iterator[Unmanned]:
    query = (
        select(MatterRow.division, func.count())
        .where(MatterRow.closed_at.is_(None), inside(prefix))
        .group_by(MatterRow.division)
        .order_by(MatterRow.division)
    )
    open_matters = [(division, number) for division, number in session.execute(query)]
    manned = {(team.day, team.division) for team in teams}
    for day in days:
        for division, number in open_matters:
            if (day, division) not in manned:
                yield Unmanned(day, division, number)
