"""Who handles a matter 属地分派、改派: the county's team, on duty first; else the city, else above.

A new matter goes to the lowest office that has a certified officer. One whose officer cannot go on
stays in its office: another office takes it by a decision of a leader only, never by a holiday.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from services.cases.domain.attempt import Attempt
from services.cases.domain.four_eyes import did, is_recused
from services.cases.domain.leave import KINDS_ZH, Leave
from services.cases.domain.lifecycle import Act, LifeCycle
from services.cases.domain.matter import Doer, Matter, Officer
from services.cases.domain.office import office_of


@dataclass(frozen=True)
class Assignment:
    """A team and a person of it; empty where the region has nobody."""

    division: str
    team_id: str = ""
    officer_id: str = ""
    name: str = ""


class Why(Enum):
    """改派原因: why an officer does not go on with a matter."""

    GONE = "gone"
    LEAVE = "leave"
    CERTIFICATE = "certificate"
    MOVED = "moved"
    RECUSED = "recused"
    UNASSIGNED = "unassigned"
    RETURNED = "returned"
    HANDED_OVER = "handed_over"

    @property
    def zh(self) -> str:
        """The reason for people."""
        return _WHY_ZH[self]


_WHY_ZH = {
    Why.GONE: "承办人已离职或者注销",
    Why.LEAVE: "承办人离岗",
    Why.CERTIFICATE: "承办人执法证件失效",
    Why.MOVED: "承办人调离原单位或者原岗位",
    Why.RECUSED: "承办人回避",
    Why.UNASSIGNED: "没有承办人",
    Why.RETURNED: "原承办人已返岗",
    Why.HANDED_OVER: "随上级事项移交",
}


@dataclass(frozen=True)
class Vacancy:
    """空缺: a matter whose officer cannot go on, why, and for an absence who stands in."""

    why: Why
    leave: Leave | None = None

    @property
    def until(self) -> str:
        """Last day of the absence, empty for good."""
        return self.leave.last.isoformat() if self.leave and self.leave.last else ""

    @property
    def zh(self) -> str:
        """The reason in one sentence."""
        if self.leave is None:
            return self.why.zh
        until = f"，至{self.until}" if self.until else ""
        return f"{self.why.zh}（{KINDS_ZH.get(self.leave.kind, self.leave.kind)}{until}）"


@dataclass(frozen=True)
class Staff:
    """在岗情况 What assignment asks beside the officers: today's roster and everybody's load."""

    on_duty: Collection[str] = frozenset()
    load: Mapping[str, float] = field(default_factory=dict)

    def key(self, officer: Officer) -> tuple[bool, float, str]:
        """On duty first, then who has least to do, then by number: the same answer every time."""
        load = self.load.get(officer.officer_id, 0.0)
        return officer.officer_id not in self.on_duty, load, officer.officer_id


def levels_of(county: str) -> tuple[str, str, str]:
    """County, city and province of a county code (GB/T 2260).

    >>> levels_of("130402")
    ('130402', '130400', '130000')
    """
    return county, f"{county[:4]}00", f"{county[:2]}0000"


def assign(
    county: str, officers: Iterable[Officer], on_duty: Collection[str], today: dt.date
) -> Assignment:
    """The lowest level that has a certified officer; who is on duty goes first, then by id.

    Nobody who is away is given anything; where all of an office are, it has the matter unassigned.
    """
    people = [one for one in officers if one.role == "officer" and one.certified(today)]
    for division in dict.fromkeys(levels_of(county)):
        office = [one for one in people if one.division == division]
        there = [one for one in office if one.away(today) is None]
        if there:
            one = min(there, key=lambda o: (o.officer_id not in on_duty, o.officer_id))
            return Assignment(division, one.team_id, one.officer_id, one.name)
        if office:
            return Assignment(division, office[0].team_id)
    return Assignment(county)


def vacancy(attempt: Attempt) -> Vacancy | None:
    """Why the officer in charge cannot go on, None when he can."""
    matter = attempt.matter
    if not matter.assignee_id:
        return Vacancy(Why.UNASSIGNED)
    officer = attempt.officers.get(matter.assignee_id)
    if officer is None:
        return Vacancy(Why.GONE)
    if officer.role != "officer" or officer.division != office_of(matter):
        return Vacancy(Why.MOVED)
    if is_recused(attempt, officer.officer_id):
        return Vacancy(Why.RECUSED)
    if not officer.certified(attempt.today):
        return Vacancy(Why.CERTIFICATE)
    leave = officer.away(attempt.today)
    return Vacancy(Why.LEAVE, leave) if leave else None


def hindrance(officer: Officer, today: dt.date) -> str:
    """Why nothing can be given to an officer at all, empty when it can."""
    if officer.role != "officer":
        return "不是执法人员"
    if not officer.certified(today):
        return "没有有效执法证件"
    leave = officer.away(today)
    if leave is None:
        return ""
    until = f"至{leave.last}" if leave.last else ""
    return f"{KINDS_ZH.get(leave.kind, leave.kind)}{until}"


def candidates(attempt: Attempt, only: Collection[str] = ()) -> list[Officer]:
    """Officers of the office in charge who may take the matter; with `only`, those among them."""
    office = office_of(attempt.matter)
    return [
        one
        for one in attempt.officers.values()
        if one.division == office
        and one.officer_id != attempt.matter.assignee_id
        and (not only or one.officer_id in only)
        and not hindrance(one, attempt.today)
        and not is_recused(attempt, one.officer_id)
    ]


def choose(
    life: LifeCycle,
    attempt: Attempt,
    staff: Staff,
    substitute: str = "",
    only: Collection[str] = (),
) -> Officer | None:
    """Who takes over: whom the next acts shut out least, then the named substitute, then `Staff`.

    Nobody who could do none of the next acts of an officer, because of what he did before; None
    where nobody is left.
    """
    ahead = next_acts(life, attempt.matter)
    ranked = [
        ((shut, one.officer_id != substitute, *staff.key(one)), one)
        for one in candidates(attempt, only)
        if (shut := shut_out(attempt, one, ahead)) < max(1, len(ahead))
    ]
    return min(ranked, key=lambda pair: pair[0])[1] if ranked else None


def next_acts(life: LifeCycle, matter: Matter) -> Sequence[Act]:
    """What an officer may do here by the table of this kind of matter."""
    return [
        act
        for act in life.from_state(matter.state, matter.level)
        if "officer" in act.by and not act.common
    ]


def shut_out(attempt: Attempt, officer: Officer, acts: Iterable[Act]) -> int:
    """How many of the acts the four eyes forbid this officer."""
    as_doer = replace(
        attempt, doer=Doer(officer.officer_id, officer.name, officer.role, officer.division)
    )
    return sum(_forbidden(as_doer, act) for act in acts)


def _forbidden(attempt: Attempt, act: Act) -> bool:
    return any(
        gate.name == "other_person"
        and not gate.when.field
        and did(attempt, attempt.doer.person_id, frozenset(gate.asks["acts"]))
        for gate in act.gates
    )
