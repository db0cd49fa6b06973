"""What a matter 办理事项 is: its head, its clocks, its timeline and what findings said.

Plain values. A `Matter` is what the store loaded; `steps.take` says what an act makes of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from services.cases.domain.deadline import Pause
from services.cases.domain.derivation import Grant, Line
from services.cases.domain.leave import Leave, away_on

SYSTEM_ID = "system"


class Kind(Enum):
    """Which life cycle a matter follows; a side path of a case is a matter below it (ADR 0025)."""

    ORDER = "order"  # 电子督办单
    CASE = "case"  # 案件
    LISTED = "listed"  # 挂牌督办
    INSPECTION = "inspection"  # 现场检查
    PRESERVATION = "preservation"  # 证据先行登记保存
    RECTIFICATION = "rectification"  # 责令改正、复查、按日连续处罚
    SEIZURE = "seizure"  # 查封、扣押
    RESTRICTION = "restriction"  # 限制生产、停产整治
    DETENTION = "detention"  # 适用行政拘留案件移送
    SERVICE = "service"  # 一份文书的送达


class Level(IntEnum):
    """督办级别 (national interface V1.6, 2.4)."""

    WARNING = 1  # 事前预警
    DISPATCH = 2  # 事中调度
    SUPERVISION = 3  # 事后督办


class ClockState(Enum):
    """Where a clock stands; a breached one that was met later keeps its breach."""

    RUNNING = "running"
    SATISFIED = "satisfied"
    BREACHED = "breached"
    LAPSED = "lapsed"  # a right, a waiting time or an effect came to its end: nobody failed
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Doer:
    """Who does an act. `person_id` is the officer id of a person in authority, else the user id."""

    person_id: str
    name: str
    role: str
    division: str = ""
    credit_code: str = ""
    scripted: bool = False


SYSTEM = Doer(SYSTEM_ID, "系统", "system")


@dataclass(frozen=True)
class Officer:
    """执法人员 as far as gates and assignment ask. `expires` None = no certificate.

    `also`: other numbers of the same person, those that were given up included.
    """

    officer_id: str
    name: str
    division: str
    role: str
    team_id: str = ""
    expires: dt.date | None = None
    also: frozenset[str] = frozenset()
    leaves: tuple[Leave, ...] = ()

    def away(self, today: dt.date) -> Leave | None:
        """The absence 离岗 of this day, None when the officer is there."""
        return away_on(self.leaves, today)

    def certified(self, today: dt.date) -> bool:
        """Whether the certificate 执法证 is in force (PL art 42)."""
        return self.expires is not None and self.expires >= today


@dataclass(frozen=True)
class Running:
    """A clock that was started on a matter. `schedule` grows when its end moves."""

    clock_id: str
    key: str
    statutory: bool
    action_zh: str
    source_zh: str
    started_at: dt.datetime
    due_at: dt.datetime | None
    provisional: bool
    derivation: tuple[Line, ...]
    state: ClockState = ClockState.RUNNING
    ended_at: dt.datetime | None = None
    pauses: tuple[Pause, ...] = ()
    grants: tuple[Grant, ...] = ()
    schedule: int = 1
    lapses: bool = False  # its end is no breach, see `clocks.Clock.lapses`
    bound: str = "authority"  # whose act it waits for, see `clocks.Clock.bound`
    started_by: int = 0  # timeline line that started it, 0 = unknown
    start_field: str = ""  # its field with the starting day, `after:<clock id>`, empty = its moment

    @property
    def open(self) -> bool:
        """Whether what it asks for is still to be done."""
        return self.ended_at is None


@dataclass(frozen=True)
class Event:
    """One line of the timeline; `fields` hold text only, so that a line has one spelling."""

    seq: int
    at: dt.datetime
    doer: Doer
    act: str
    act_zh: str
    from_state: str
    to_state: str
    reason: str
    fields: Mapping[str, str]
    digest: bytes = b""


@dataclass(frozen=True)
class Row:
    """A row of a matter: what one finding said at its latest revision."""

    finding_id: str
    revision: int
    rule_id: str
    factors: tuple[str, ...]
    start: dt.datetime
    end: dt.datetime
    closed: bool
    seen: str
    statistic: float
    threshold: float
    unit: str
    count: int
    withdrawn: bool = False  # later data showed that the rule saw nothing
    why: str = ""  # reason of the last judging again, where detect gives one


@dataclass(frozen=True)
class Matter:
    """办理事项: an order or a case. `version` is the number of its last timeline line."""

    matter_id: str
    number: str
    kind: Kind
    state: str
    level: Level
    title: str
    item: str
    factors: tuple[str, ...]
    outlet_id: str
    credit_code: str
    division: str  # county of the outlet
    in_charge: str  # division whose people handle it: the county, or its city
    enterprise_name: str
    enterprise_short: str
    outlet_name: str
    confidential: bool
    assignee_id: str
    assignee_name: str
    team_id: str
    opened_at: dt.datetime
    correlation_id: str = ""
    parent_matter_id: str = ""
    referral_id: str = ""
    root_id: str = ""  # the matter that the whole family grew from; its own id for that one
    industry: str = ""  # of the plant when it was opened, GB/T 4754-2017
    risk: int = 0  # 0..100, see `risk.risk_of`
    risk_reasons: tuple[tuple[str, str, int], ...] = ()  # key, Chinese, points; heaviest first
    closed_at: dt.datetime | None = None
    version: int = 0
    clocks: tuple[Running, ...] = ()
    events: tuple[Event, ...] = ()
    rows: tuple[Row, ...] = field(default=())

    def last(self, act: str) -> Event | None:
        """The latest event of an act."""
        return next((event for event in reversed(self.events) if event.act == act), None)

    def open_clock(self, key: str) -> Running | None:
        """The clock of that key that still asks for something."""
        return next((clock for clock in self.clocks if clock.key == key and clock.open), None)

    def opening(self) -> Event | None:
        """The first line of the timeline: what the matter was opened with."""
        return self.events[0] if self.events else None

    def next_due(self) -> Running | None:
        """The open clock of ours that ends first; a paused one has no end.

        What only lapses asks nobody to act, so the queue does not sort by it.
        """
        due = [c for c in self.clocks if c.open and c.due_at is not None and not c.lapses]
        return min(due, key=lambda clock: (clock.due_at, clock.clock_id), default=None)
