"""外部记录: what came from outside, as values; positions in metres, times in unix seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from services.detect.kernels.series import Floats, Ints
from services.detect.outside.positions import NOWHERE, Point


@dataclass(frozen=True)
class Series:
    """一个网格或站点的一种污染物: its values, one a period, in order of time."""

    subject: str  # cell or station id
    kind: str  # grid | micro | township
    pollutant: str
    unit: str
    product: str  # of a grid, else empty
    point: Point
    name: str  # for people; empty = the id
    division: str
    length_s: int  # of a period
    start_s: Ints
    value: Floats


@dataclass(frozen=True)
class Located:
    """What all single records share."""

    key: str  # natural key at ingest
    begin_s: int
    end_s: int
    division: str
    credit_code: str = ""  # of the plant that the source itself names
    point: Point = NOWHERE
    address: str = ""
    media: int = 0  # pictures and films with it


@dataclass(frozen=True)
class Pass:
    """门禁 pass of a vehicle; who drove is nobody's business here."""

    direction: str = ""  # in | out
    stage: int = 0  # emission stage, 0 = not known, 9 = battery
    fuel: str = ""
    load_t: float = 0.0


@dataclass(frozen=True)
class Measured:
    """A value a drone measured on its way."""

    pollutant: str
    value: float
    unit: str
    at_s: int
    point: Point


@dataclass(frozen=True)
class Event(Located):
    """门禁、视频、无人机事件."""

    kind: str = ""  # gate | video | drone
    type: str = ""  # the sender's word
    device: str = ""
    mission: str = ""
    text: str = ""
    vehicle: Pass = Pass()
    values: tuple[Measured, ...] = ()


@dataclass(frozen=True)
class Complaint(Located):
    """投诉."""

    category: str = ""
    accused: str = ""
    text: str = ""
    channel: str = ""


@dataclass(frozen=True)
class Spot(Located):
    """卫星疑似点. `area_m2` NaN and `outline` empty where it is a mere point."""

    indicator: str = ""
    value: float = np.nan
    unit: str = ""
    area_m2: float = np.nan
    outline: tuple[Point, ...] = ()
    product: str = ""
    valid_s: int = 0  # until when; 0 = not told


@dataclass(frozen=True, eq=False)
class Fingerprint(Located):
    """水质指纹: a fluorescence spectrum, intensities[excitation, emission]."""

    sample: str = ""
    reference: bool = False  # of a known source: the plant it is placed at
    excitation_nm: Floats = field(default_factory=lambda: np.zeros(0))
    emission_nm: Floats = field(default_factory=lambda: np.zeros(0))
    intensity: Floats = field(default_factory=lambda: np.zeros((0, 0)))


@dataclass(frozen=True)
class Order:
    """管控指令 that binds a plant in [begin, end)."""

    order_id: str
    credit_code: str
    measure: str  # stop | limit
    allowed_share: float
    begin_s: int
    end_s: int
    source: str


@dataclass(frozen=True)
class Plant:
    """排污单位 as a candidate; `findings` of its own data by id with the hours they cover."""

    credit_code: str
    name: str
    short_name: str
    division: str
    industry: str
    point: Point
    factors: frozenset[str] = frozenset()
    media: frozenset[str] = frozenset()
    findings: Mapping[str, "DataFinding"] = field(default_factory=dict)


@dataclass(frozen=True)
class DataFinding:
    """疑似问题 of a plant's own data."""

    rule_id: str
    outlet_id: str
    begin_s: int
    end_s: int


@dataclass(frozen=True)
class Records:
    """外部记录 of one city: all that signs are looked for in, in a window [begin, end)."""

    begin_s: int
    end_s: int
    series: tuple[Series, ...] = ()
    events: tuple[Event, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    spots: tuple[Spot, ...] = ()
    fingerprints: tuple[Fingerprint, ...] = ()
    orders: tuple[Order, ...] = ()
    plants: tuple[Plant, ...] = ()
