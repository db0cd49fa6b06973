"""Limits, facts and small packs for the tests of rule packs."""

import dataclasses
import math

from services.detect.domain.block import Limit
from services.detect.judgement.parameters import OutletFacts, StandardLimit
from services.detect.packs.load import _rows, shipped_pack
from services.detect.packs.pack import Pack, digest

BASE = shipped_pack()
#: Hour slot of 2026-11-22 00:00 in Beijing.
TODAY = 1795276800 // 3600
#: The processes of the demo province with their industry and medium.
DEMO = {
    "coal boiler": ("4412", "air"), "cement kiln": ("3011", "air"),
    "clinker cooler": ("3011", "air"), "MSWI furnace": ("4417", "air"),
    "sewage grade 1A": ("4620", "water"), "paper mill": ("2221", "water"),
}  # fmt: skip


def facts(process: str, *, division: str = "130481", industry: str = "", medium: str = "",
          **traits: str) -> OutletFacts:  # fmt: skip
    """An outlet of a process as the registry knows it."""
    own = DEMO.get(process, ("", "air"))
    return OutletFacts(
        outlet_id="91130481FARX00013L-DA001", division=division,
        credit_code="91130481FARX00013L", industry=industry or own[0], medium=medium or own[1],
        process=process, traits=traits,
    )  # fmt: skip


def permit(upper: float, **changes: object) -> Limit:
    """A permit's limit in force for ever, unless told otherwise."""
    plain = Limit(
        limit_id="P", averaging="hourly", lower=math.nan, upper=upper, unit="mg/m3", ref_o2=6.0,
        source="许可证", since=0, until=2**40, decimals=0,
    )  # fmt: skip
    return dataclasses.replace(plain, **changes)


def at(limits, hour: int, averaging: str = "hourly", tier: str = "gt12") -> list[Limit]:
    """Limits in force in an hour, policy last."""
    now = [
        one
        for one in limits
        if one.since <= hour < one.until
        and one.averaging == averaging
        and one.water_temperature in {"", tier}
    ]
    return sorted(now, key=lambda one: one.basis == "policy")


def with_limits(*lines: str) -> Pack:
    """The shipped pack with other rows in limits.csv, each `column=value, column=value`."""
    rows = [dict(cell.split("=", 1) for cell in line.split(", ")) for line in lines]
    plain = {
        "rank": "industry", "media": "air", "averaging": "hourly", "unit": "mg/m3", "ref_o2": "6",
        "factors": "a21026", "since": "2000-01-01", "source": "s", "confidence": "sure",
        "standard": "GB 1",
    }  # fmt: skip
    columns = sorted({*plain, "key", *(name for row in rows for name in row)})
    table = [",".join(columns)]
    for number, row in enumerate(rows):
        whole = plain | {"key": f"row{number}"} | row
        table.append(",".join(whole.get(name, "") for name in columns))
    body = "\n".join(table).encode()
    standards = tuple(_rows(body, "limits.csv", StandardLimit))
    return dataclasses.replace(BASE, standards=standards, sha256=digest({"limits.csv": body}))
