"""Lists and sums of work to protobuf."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from services.cases import rules, wire
from services.cases.domain.matter import Kind
from services.cases.tables import MatterRow
from services.cases.work_duty import OnDuty, Team, Unmanned
from services.cases.work_inactivity import Report, Sum, thresholds
from services.cases.work_outcomes import ALL, ClockEnds, Outcomes, Phase, names_of
from services.chassis.clock import to_timestamp
from services.chassis.pb.cases.v1 import work_pb2 as pb


def line_message(row: MatterRow, now: dt.datetime) -> pb.MatterLine:
    """A head as lists show it."""
    kind = Kind(row.kind)
    message = pb.MatterLine(
        matter_id=row.matter_id,
        number=row.number,
        kind=wire.KINDS[kind],
        state_name=rules.life_cycle(kind).states[row.state].zh,
        title=row.title,
        enterprise_name=row.enterprise_name,
        division=row.division,
        assignee_id=row.assignee_id,
        assignee_name=row.assignee_name,
        next_due_action=action_of(row.next_due_key),
        risk=row.risk,
    )
    if row.next_due_at is not None:
        message.next_due_at.CopyFrom(to_timestamp(row.next_due_at))
        message.overdue = row.closed_at is None and row.next_due_at <= now
    return message


def action_of(key: str) -> str:
    """What a clock of the table asks for, Chinese; the last version's words."""
    found = [clock.action_zh for clock in rules.clock_table() if clock.key == key]
    return found[-1] if found else key


def duty_message(
    teams: Sequence[Team], unmanned: Sequence[Unmanned], now: dt.datetime
) -> pb.ListDutyResponse:
    """值班表."""
    calendar = rules.terms().calendar
    return pb.ListDutyResponse(
        teams=[
            pb.DutyTeam(
                day=team.day.isoformat(),
                division=team.division,
                team_id=team.team_id,
                people=[_person(one, team.day, now) for one in team.people],
                working_day=calendar.is_working(team.day),
            )
            for team in teams
        ],
        unmanned=[
            pb.UnmannedDay(
                day=one.day.isoformat(), division=one.division, open_matters=one.open_matters
            )
            for one in unmanned
        ],
    )


def _person(one: OnDuty, day: dt.date, now: dt.datetime) -> pb.DutyPerson:
    return pb.DutyPerson(
        officer_id=one.officer.officer_id,
        name=one.officer.name,
        role=one.officer.role,
        certified=one.officer.certified(day),
        due=[line_message(row, now) for row in one.due],
    )


def inactivity_message(
    report: Report, heads: Mapping[str, MatterRow], now: dt.datetime
) -> pb.GetInactivityResponse:
    """不作为: items with their heads, sums of all."""
    return pb.GetInactivityResponse(
        items=[
            pb.InactivityItem(
                matter=line_message(heads[matter_id], now),
                rule=why.rule.key,
                rule_name=why.rule.zh,
                article=why.rule.article,
                days=why.days,
                since=to_timestamp(why.since),
                step=why.step,
                step_name=action_of(why.step) if why.step else "",
                threshold_days=why.threshold,
            )
            for matter_id, why in report.items
        ],
        total=report.total,
        by_division=_sums(report.by_division),
        by_officer=_sums(report.by_officer),
        by_step=_sums({key: _named(key, one) for key, one in report.by_step.items()}),
        thresholds_version=thresholds().version,
        as_of=to_timestamp(now),
    )


def _named(key: str, one: Sum) -> Sum:
    one.name = action_of(key)
    return one


def _sums(sums: Mapping[str, Sum]) -> list[pb.InactivityCount]:
    return [
        pb.InactivityCount(
            key=key,
            name=one.name,
            items=one.items,
            open_matters=one.open_matters,
            longest_days=one.longest_days,
            by_rule=one.by_rule,
        )
        for key, one in sorted(sums.items())
        if one.items
    ]


def outcomes_message(found: Mapping[str, Outcomes], division: str) -> pb.GetOutcomesResponse:
    """办理结果与时效: the whole, then each county."""
    total = outcome_message(found[ALL])
    total.division = division
    return pb.GetOutcomesResponse(
        total=total,
        by_division=[outcome_message(found[key]) for key in sorted(found) if key != ALL],
        names=names_of(found),
        rules_version=str(rules.load("outcomes.yaml")["version"]),
    )


def outcome_message(one: Outcomes) -> pb.OutcomeCount:
    """Sums of one county."""
    return pb.OutcomeCount(
        division=one.division,
        opened=one.opened,
        closed=one.closed,
        reopened=one.reopened,
        withdrawn=one.withdrawn,
        outcomes=one.outcomes,
        fines_yuan=one.fines_yuan,
        decisions=one.decisions,
        no_penalty=one.no_penalty,
        breaches=one.breaches,
        lapsed_rights=one.lapsed_rights,
        phases=map(_phase, one.phases),
        clocks=map(_clock, one.clocks),
    )


def _phase(one: Phase) -> pb.PhaseTime:
    states = rules.life_cycle(Kind(one.kind)).states
    return pb.PhaseTime(
        kind=wire.KINDS[Kind(one.kind)],
        state=one.state,
        state_name=states[one.state].zh if one.state in states else one.state,
        count=one.count,
        median_days=one.median_days,
        p90_days=one.p90_days,
    )


def _clock(one: ClockEnds) -> pb.ClockShare:
    row = next((clock for clock in rules.clock_table() if clock.key == one.key), None)
    return pb.ClockShare(
        key=one.key,
        action=action_of(one.key),
        statutory=row is not None and row.statutory,
        bound=row.bound if row else "",
        met=one.met,
        breached=one.breached,
        lapsed=one.lapsed,
        used=one.used,
        share_met=one.share_met,
    )
