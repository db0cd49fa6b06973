"""档案记录: the records of the registry as plain values, one class a kind.

Field names are those of `registry.proto`, so that one generic translation (`wire.py`)
serves all kinds.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated


class Kind(IntEnum):
    """What a record describes; the numbers of `RecordKind` in registry.proto."""

    DIVISION = 1
    ENTERPRISE = 2
    OUTLET = 3
    LOGGER = 4
    LIMIT = 5
    OFFICER = 6
    TEAM = 7
    CONTACT = 8
    AGENCY = 9
    DUTY = 10
    METER_PAIR = 11
    CONTROL_ORDER = 12
    LEAVE = 13


Reference = tuple[Kind, str]
Moment = Annotated[str, "ISO time, UTC; empty = not set"]


@dataclass(frozen=True)
class Division:
    """行政区划 (GB/T 2260), with the dates between which its code is in use."""

    code: str
    name: str
    parent: str = ""
    level: str = ""
    valid_from: str = ""
    valid_to: str = ""


@dataclass(frozen=True)
class Enterprise:
    """排污单位: a discharger. Position in degrees, CGCS2000."""

    credit_code: str
    name: str
    short_name: str = ""
    division: str = ""
    industry: str = ""
    address: str = ""
    longitude: float = 0.0
    latitude: float = 0.0
    permit_code: str = ""
    key_discharger: bool = False
    operator_name: str = ""


@dataclass(frozen=True)
class Outlet:
    """排放口: a stack or outfall with its monitoring point. Reference oxygen in volume %."""

    outlet_id: str
    credit_code: str
    code: str = ""
    name: str = ""
    medium: str = ""
    process: str = ""
    factors: tuple[str, ...] = ()
    sampling_lines: tuple[str, ...] = ()
    ref_o2_percent: float = 0.0
    division: str = ""
    traits: tuple[str, ...] = ()  # name=value: what limits and rules ask beside the process


@dataclass(frozen=True)
class Logger:
    """数采仪: a data logger; one serves one outlet. SM4 keys are 32 hex characters."""

    mn: str
    outlet_id: str
    password: str = ""
    st: str = ""
    realtime_interval_s: int = 30
    minute_interval_min: int = 10
    enabled: bool = True
    addresses: tuple[str, ...] = ()
    certificate_sha256: str = ""
    hardware_id: str = ""
    version: int = 0
    repairs_off: tuple[str, ...] = ()
    sm4_key: str = ""
    sm4_key_before: str = ""
    sm4_key_since: str = ""  # ISO time, UTC; empty = not known


@dataclass(frozen=True)
class Limit:
    """排放限值 of one outlet and factor in `unit`, in force [valid_from, valid_to)."""

    limit_id: str
    outlet_id: str
    factor: str = ""
    averaging: str = ""
    lower: float | None = None
    upper: float | None = None
    unit: str = ""
    ref_o2_percent: float = 0.0
    source: str = ""
    valid_from: str = ""
    valid_to: str = ""
    decimals: int = 0
    basis: str = ""  # empty = permit


@dataclass(frozen=True)
class Officer:
    """执法人员 or another person who acts for an authority."""

    officer_id: str
    name: str = ""
    division: str = ""
    role: str = ""
    team_id: str = ""
    phone: str = ""
    certificate: str = ""
    certificate_expires: str = ""
    scripted: bool = False
    person_id: str = ""  # the same for every number that one person has had


@dataclass(frozen=True)
class Team:
    """执法队伍 of a division."""

    team_id: str
    name: str = ""
    division: str = ""


@dataclass(frozen=True)
class Contact:
    """联系人 of an enterprise, who gets its SMS."""

    contact_id: str
    credit_code: str
    name: str = ""
    phone: str = ""
    duty: str = ""


@dataclass(frozen=True)
class Agency:
    """公安 or 检察院 unit that takes the referrals of a city."""

    agency_id: str
    kind: str = ""
    name: str = ""
    division: str = ""


@dataclass(frozen=True)
class Duty:
    """值班: one officer's duty on one Beijing day."""

    duty_id: str
    team_id: str
    officer_id: str = ""
    date: str = ""


@dataclass(frozen=True)
class Leave:
    """请假、离岗: Beijing days [from_day, to_day] without an officer; an open end is empty."""

    leave_id: str
    officer_id: str
    from_day: str = ""
    to_day: str = ""
    substitute_id: str = ""
    kind: str = ""
    reason: str = ""


@dataclass(frozen=True)
class MeterPair:
    """产治对应: treatment meters that must run while a production meter does (N to M)."""

    pair_id: str
    outlet_id: str
    name: str = ""
    production_meters: tuple[str, ...] = ()
    treatment_meters: tuple[str, ...] = ()
    treatment_logic: str = ""
    valid_from: str = ""
    valid_to: str = ""


@dataclass(frozen=True)
class ControlOrder:
    """管控指令 of a heavy-pollution emergency, in force [start, end).

    `allowed_share` is of the baseline production electricity.
    """

    order_id: str
    credit_code: str
    level: str = ""
    measure: str = ""
    allowed_share: float = 0.0
    start: Moment = ""
    end: Moment = ""
    meters: tuple[str, ...] = ()
    source: str = ""


Body = (
    Division
    | Enterprise
    | Outlet
    | Logger
    | Limit
    | Officer
    | Team
    | Contact
    | Agency
    | Duty
    | Leave
    | MeterPair
    | ControlOrder
)

CLASSES: dict[Kind, type[Body]] = {
    Kind.DIVISION: Division,
    Kind.ENTERPRISE: Enterprise,
    Kind.OUTLET: Outlet,
    Kind.LOGGER: Logger,
    Kind.LIMIT: Limit,
    Kind.OFFICER: Officer,
    Kind.TEAM: Team,
    Kind.CONTACT: Contact,
    Kind.AGENCY: Agency,
    Kind.DUTY: Duty,
    Kind.METER_PAIR: MeterPair,
    Kind.CONTROL_ORDER: ControlOrder,
    Kind.LEAVE: Leave,
}
KINDS = {shape: kind for kind, shape in CLASSES.items()}


@dataclass(frozen=True)
class Fault:
    """Why a record cannot be kept: the field and the reason."""

    field: str
    reason: str


def key_of(body: Body) -> str:
    """Return the record's own id: the first field of its class."""
    return str(next(iter(vars(body).values())))


def credit_code_of(body: Body) -> str:
    """Return the enterprise a record belongs to; empty for records of authorities.

    An outlet's id begins with the credit code, so a limit or a logger needs no look-up.
    """
    if isinstance(body, Enterprise | Outlet | Contact | ControlOrder):
        return body.credit_code
    if isinstance(body, Logger | Limit | MeterPair):
        return body.outlet_id.partition("-")[0]
    return ""


def division_of(body: Body) -> str:
    """Return the division written in the record itself, empty when it has none of its own."""
    return body.code if isinstance(body, Division) else str(getattr(body, "division", ""))


def references_of(body: Body) -> list[tuple[str, Reference]]:
    """Return (field, record it must find) for each reference that is filled in."""
    wanted: list[tuple[str, Reference]] = []
    if isinstance(body, Division):
        wanted.append(("parent", (Kind.DIVISION, body.parent)))
    elif isinstance(body, Outlet | Contact | ControlOrder):
        wanted.append(("credit_code", (Kind.ENTERPRISE, body.credit_code)))
    elif isinstance(body, Logger | Limit | MeterPair):
        wanted.append(("outlet_id", (Kind.OUTLET, body.outlet_id)))
    elif isinstance(body, Officer):
        wanted.append(("team_id", (Kind.TEAM, body.team_id)))
    elif isinstance(body, Duty):
        wanted.append(("team_id", (Kind.TEAM, body.team_id)))
        wanted.append(("officer_id", (Kind.OFFICER, body.officer_id)))
    elif isinstance(body, Leave):
        wanted.append(("officer_id", (Kind.OFFICER, body.officer_id)))
        wanted.append(("substitute_id", (Kind.OFFICER, body.substitute_id)))
    if not isinstance(body, Division) and division_of(body):
        wanted.append(("division", (Kind.DIVISION, division_of(body))))
    return [(field, (kind, key)) for field, (kind, key) in wanted if key]
