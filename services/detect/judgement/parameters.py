"""规则参数: the rows of a rule pack as the engine reads them. `packs` builds them from data files.

Every row has a scope (empty = everywhere), a period in force, a source and a confidence.
"""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scope:
    """适用范围: prefixes of codes; empty = everywhere."""

    divisions: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    media: tuple[str, ...] = ()  # air | water
    processes: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()
    outlets: tuple[str, ...] = ()

    def has(self, facts: "OutletFacts", factor: str = "") -> bool:
        """Whether an outlet (and a factor of it) is meant."""
        return (
            (not self.divisions or facts.division.startswith(self.divisions))
            and (not self.industries or facts.industry.startswith(self.industries))
            and (not self.media or facts.medium in self.media)
            and (not self.processes or facts.process in self.processes)
            and (not self.outlets or facts.outlet_id in self.outlets)
            and (not self.factors or not factor or factor in self.factors)
        )

    @property
    def narrowness(self) -> int:
        """How many things are named: the narrowest row that fits wins, then the latest in force."""
        named = (
            self.divisions, self.industries, self.media, self.processes, self.factors, self.outlets
        )  # fmt: skip
        return sum(bool(one) for one in named)


@dataclass(frozen=True)
class OutletFacts:
    """What rules ask of an outlet and its enterprise, from the registry."""

    outlet_id: str
    division: str
    credit_code: str
    industry: str  # GB/T 4754-2017, four digits
    medium: str  # air | water
    process: str
    ref_o2: float = 0.0
    operator: str = ""  # 第三方运维, empty = the plant itself
    traits: Mapping[str, str] = field(default_factory=dict)
    """Registry `Outlet.traits`: unit=new|existing, region=key, built=2005-06-01, ..."""


@dataclass(frozen=True)
class Row:
    """What every row of a pack carries."""

    key: str
    scope: Scope
    since: dt.date  # first Beijing day in force
    until: dt.date | None  # first day no longer in force
    source: str
    confidence: str  # sure | likely | unsure


@dataclass(frozen=True)
class ValidityRule(Row):
    """有效性规则 of one medium, industry or factor (HJ 75, HJ 356, GB 18484, MEE order 10)."""

    judged_flags: str = "NT-"  # "-" = none sent
    stopped_flags: str = "F"
    missing_flags: str = "B"  # every other letter makes the hour FLAGGED
    hour_valid_minutes: int = 45  # HJ 75-2017
    day_min_valid_hours: int = 0  # 0 = no such rule
    day_min_valid_share: float = 0.0  # of the running hours
    weight: str = "none"  # none | flow: daily mean weighted by the flow of valid pairs
    without_flow: str = "mean"  # mean | none: daily mean of an outlet that has no flow meter at all
    averaged: bool = True  # False: pH, each hour is judged by itself
    o2_guard_percent: float = 19.0
    o2_initial_percent: float = 21.0  # phi0
    comparison: str = "full_value"  # full_value | rounded_value (GB/T 8170-2008 4.3)
    suspect_zero: bool = False  # an hour of zero is SUSPECT
    suspect_negative: bool = False
    detection_limit: float = 0.0  # below it the hour is SUSPECT; 0 = no such rule
    sudden_factor: float = 0.0  # times the median of the last 24 valid hours; 0 = no such rule
    differs_share: float = 0.01  # D29: |reported - recomputed| > max(share x reported, resolution)
    free_hours_a_day: int = 0  # standard check that costs no validity (COD, NH3-N, TP, TN: 1)
    qc_tolerance_share: float = 0.0  # error of a standard check that passes; 0 = no such rule


@dataclass(frozen=True)
class MarkKind(Row):
    """标记种类: what one kind of mark means. `condition` is empty for device marks."""

    family: int = 0  # MarkFamily of the interface V1.6
    subtype: int = 0  # 0 = any
    condition: str = ""  # mswi_ql, tp_bw, ...
    name_zh: str = ""
    effect: str = "none"  # none | invalid | missing | excused | stopped | exempt
    pool: str = ""  # key of the pool or cap that is charged, empty = no cap
    factors: tuple[str, ...] = ()  # exempted factors, empty = all (cement start: NOx and SO2)
    min_overlap_minutes: int = 1  # of an hour that counts as marked
    expects_flags: str = ""  # wire flags that agree with it; another one is a conflict
    needs_proof: bool = False


@dataclass(frozen=True)
class PoolRule(Row):
    """豁免时段上限: hours that several conditions share, charged in time order."""

    name_zh: str = ""
    conditions: tuple[str, ...] = ()
    cap_hours: float = 0.0  # 0 = not confirmed: counted, never refused
    period: str = "year"  # year | quarter | event: natural year or quarter in Beijing, or one mark
    event_cap_hours: float = 0.0  # a single event at most, 0 = none
    event_cap_conditions: tuple[str, ...] = ()  # those to which the event cap applies, empty = all
    pm_bound: float = 0.0  # hourly particulate mean at most, mg/m3, 0 = none
    pm_factor: str = "a34013"
    warn_share: float = 0.8


@dataclass(frozen=True)
class FurnaceRule(Row):
    """焚烧炉温度: five-minute means below the bound, by natural day and furnace."""

    factor: str = "a01901"  # HJ 212-2017 table B: mean combustion temperature
    bound_degc: float = 850.0
    more_than: int = 5
    factors: tuple[str, ...] = ()  # the five pollutants judged by the day


@dataclass(frozen=True)
class WarningRule(Row):
    """预警参数."""

    near_share: float = 0.9  # of the hourly limit
    near_hours: int = 3
    projected_min_hours: int = 6  # valid hours before a daily mean is projected
    ultra_low_share: float = 0.95  # of the month's valid hours within the policy value


@dataclass(frozen=True)
class AmountRule(Row):
    """排放量: substitution of missing concentrations, for amounts only (HJ 75-2017)."""

    short_gap_hours: int = 24
    high_share: float = 0.90
    low_share: float = 0.75
    short_window: int = 180
    long_window: int = 720
    poor_window: int = 2160
    below_window: int = 2160  # capture below `low_share`; 0 = not substituted
    statistic: str = "max"  # max | mean of the hourly amounts in the window


@dataclass(frozen=True)
class RateRule(Row):
    """有效传输率 (domain.md B.6)."""

    low_rate: float = 0.90
    free_factors: tuple[str, ...] = ()


@dataclass(frozen=True)
class PowerRule(Row):
    """用电监控 (falsification.csv D24)."""

    production_share: float = 0.20  # of its own P90: above = running
    treatment_share: float = 0.20  # of its own P10 of the running state: below = off
    debounce_minutes: int = 5
    pre_run_minutes: int = 0  # treatment must run before production starts
    post_run_minutes: int = 0
    warning_minutes: int = 15
    dispatch_minutes: int = 60
    idle_minutes: int = 0  # treatment runs without production for so long; 0 = not looked for
    order_tolerance: float = 0.10  # of the baseline, beside the ordered share (D35: 10 points)
    max_cadence_minutes: int = 15  # a reading holds until the next one, ...
    max_hold_cadences: int = 2  # ... at most so many of the meter's own intervals
    reference_days: int = 30  # whose P90 and P10 make the thresholds, before the judged day
    min_reference_days: int = 7  # fewer with readings: not evaluated, never clean
    min_p90_kw: float = 0.5  # a meter below it has no running state to be compared with
    sum_tolerance: float = 0.10  # sum of the meters beyond the total meter
    baseline_days: int = 7  # normal days before an order
    min_baseline_days: int = 3
    known_share: float = 0.75  # of an hour's minutes, before it counts as within an order


@dataclass(frozen=True)
class StandardLimit(Row):
    """标准限值: a row of limits.csv. `scope.factors` is never empty."""

    standard: str = ""  # GB 13223-2011
    table: str = ""
    rank: str = "industry"  # local | industry | generic | policy (only warns)
    category: str = ""  # as printed: coal boiler / new unit
    averaging: str = ""  # hourly | daily; empty = not for automatic judging (manual tests, rates)
    lower: float = math.nan
    upper: float = math.nan
    unit: str = ""  # as printed
    ref_o2: float = 0.0  # volume %, 0 = judged without conversion
    decimals: int = 0  # as printed
    region: str = ""  # general | special (特别排放限值: trait region=key); empty = one for both
    unit_age: str = ""  # new | existing; empty = any
    since_existing: dt.date | None = None  # first day for existing units, None = `since`
    water_temperature: str = ""  # le12 | gt12; empty = any
    months: str = ""  # 11-03 = November to March, Beijing; empty = the whole year
    traits: tuple[str, ...] = ()
    """All must hold; each is name=value, name<value or name>=value. "|" stands between
    alternatives, "&" inside one; "!" at the end: a missing trait counts as not met."""
    benchmark_m3_per_t: float = 0.0  # benchmark discharge volume of the process, 0 = none
    pollutant_zh: str = ""  # as printed
    applies_from: str = ""  # as printed
    condition: str = ""  # as printed
    note: str = ""


@dataclass(frozen=True)
class LegalRow:
    """法律依据 of one violation: the old law until 2026-08-14, the Code from 2026-08-15 on."""

    key: str
    description: str
    old_basis: str
    code_basis: str
    confidence: str
    texts: Mapping[str, str] = field(default_factory=dict)
    """Every other column of legal_basis.csv as printed: fines, measures, notes."""
