"""Reads the demo province's files and builds an outlet model for each logger."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from farsight.lab.model.cheats import KNOWN, Cheat
from farsight.lab.model.identity import Identity
from farsight.lab.model.noise import key_of
from farsight.lab.model.outlet import OutletModel

DEMO = Path(__file__).parent.parent / "demo"


@dataclass(frozen=True)
class DemoLogger:
    """演示数采仪: the logger and the model of the outlet it serves."""

    mn: str
    password: str
    st: str
    realtime_s: int
    minute_min: int
    model: OutletModel
    version: int = 2017  # of HJ 212 that it speaks
    key: bytes = b""  # SM4 key of 2025, empty = sends in the clear


def read_rows(name: str, folder: Path = DEMO / "province") -> list[dict[str, str]]:
    """Return the rows of one file of the province as texts by column."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_cheats(anchor_hour: int, seed: int, folder: Path = DEMO) -> dict[str, list[Cheat]]:
    """Return the stories of `scenarios.csv` by outlet; their hours count from `anchor_hour`.

    Raises ValueError for a pattern the model does not know.
    """
    cheats: dict[str, list[Cheat]] = defaultdict(list)
    for row in read_rows("scenarios", folder):
        if row["pattern"] not in KNOWN:
            raise ValueError(f"scenarios.csv: unknown pattern {row['pattern']!r} in {row['name']}")
        start = anchor_hour + int(row["start_hours"])
        cheats[row["outlet_id"]].append(
            Cheat(
                factors=tuple(row["factors"].split(";")) if row["factors"] else (),
                pattern=row["pattern"],
                start=start,
                end=start + int(row["length_hours"]),
                amount=float(row["amount"]),
                noise=float(row["noise"]),
                key=key_of(seed, row["name"]),
            )
        )
    return cheats


def strictest_limits() -> dict[str, dict[str, float]]:
    """Return the smallest upper limit by outlet and factor over all averaging times."""
    limits: dict[str, dict[str, float]] = defaultdict(dict)
    for row in read_rows("limits"):
        own, upper = limits[row["outlet_id"]], float(row["upper"])
        own[row["factor"]] = min(own.get(row["factor"], upper), upper)
    return limits


def demo_loggers(
    anchor_hour: int, seed: int, only: Sequence[str] = (), *, honest: bool = False
) -> list[DemoLogger]:
    """Return every demo logger with its model.

    `only` keeps the named MNs, `honest` drops the cheats.
    """
    outlets = {row["outlet_id"]: row for row in read_rows("outlets")}
    limits = strictest_limits()
    cheats = {} if honest else read_cheats(anchor_hour, seed)
    loggers = []
    for row in read_rows("loggers"):
        if only and row["mn"] not in only:
            continue
        outlet = outlets[row["outlet_id"]]
        model = OutletModel(
            who=Identity(outlet["outlet_id"], outlet["process"], seed),
            factors=tuple(outlet["factors"].split(";")),
            limits=limits[outlet["outlet_id"]],
            ref_o2=float(outlet["ref_o2_percent"]),
            cheats=tuple(cheats.get(outlet["outlet_id"], ())),
        )
        intervals = int(row["realtime_interval_s"]), int(row["minute_interval_min"])
        loggers.append(
            DemoLogger(
                row["mn"],
                row["password"],
                row["st"],
                *intervals,
                model,
                version=int(row["version"]) or 2017,
                key=bytes.fromhex(row["sm4_key"]),
            )
        )
    return loggers
