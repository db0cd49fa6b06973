"""外部线索规则: numbers of `parameters.csv`, each with source and confidence there."""

import csv
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parent / "parameters.csv"


@dataclass(frozen=True)
class OutsideRule:
    """外部线索规则: what each number is, in which unit and from where, says parameters.csv."""

    window_days: float
    keep_days: float
    episode_gap_h: float
    min_cells: float
    min_periods: float
    hot_cell_share: float
    hot_z: float
    min_persistence: float
    min_known: float
    min_wind_ms: float
    wind_reach_m: float
    neighbour_m: float
    min_neighbours: float
    high_ratio: float
    high_z: float
    high_hours: float
    high_gap_h: float
    own_history_h: float
    bare_land_m2: float
    spot_days: float
    spot_radius_m: float
    flight_points: float
    plume_z: float
    plume_ratio: float
    plume_points: float
    plume_reach_m: float
    gate_tolerance: float
    gate_passes: float
    gate_days: float
    stage_barred: float
    congruence_same: float
    congruence_fair: float
    scatter_band_nm: float
    water_reach_m: float
    complaint_reach_m: float
    reach_m: float
    upwind_deg: float
    upwind_factor: float
    same_factor: float
    other_medium: float
    finding_factor: float
    most_candidates: float
    leading_share: float
    join_m: float
    day_hours: float
    eight_hours: float


@cache
def shipped_rule() -> OutsideRule:
    """外部线索规则 as this version ships it.

    >>> shipped_rule().bare_land_m2
    10000.0
    """
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    found = {row["name"]: float(row["value"]) for row in csv.DictReader(lines)}
    missing = {one.name for one in fields(OutsideRule)} ^ found.keys()
    if missing:
        raise ValueError(f"{_FILE.name}: {', '.join(sorted(missing))} missing or unknown")
    return OutsideRule(**found)
