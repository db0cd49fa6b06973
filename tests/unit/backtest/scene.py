"""A small history as a folder: two plants of two counties, four weeks, hours above some limits."""

import datetime as dt
from pathlib import Path

import numpy as np

from services.detect.domain.rule import hour_of
from services.detect.packs.load import load_pack, shipped_pack
from services.detect.packs.pack import Pack

FIRST, LAST = dt.date(2026, 8, 3), dt.date(2026, 8, 30)
NOX, O2 = "a21002", "a19001"
EAST, WEST = "91130402MA00000EAS-DA001", "91130404MA00000WES-DA001"
#: Hours from the first day on in which NOx is 45, 85 and 130 mg/m3 instead of 20 or so.
SOME, MORE, MOST = range(50, 53), range(200, 205), range(400, 404)


def write_history(folder: Path, *, long: bool = False) -> Path:
    """Write the tables; wide readings, or long ones."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, "divisions", "code,name", "130402,邯山区", "130404,复兴区")
    write(
        folder, "enterprises", "credit_code,name,division,industry",
        f"{EAST[:18]},东方热电,130402,4411", f"{WEST[:18]},西山热电,130404,4411",
    )  # fmt: skip
    write(
        folder, "outlets", "outlet_id,credit_code,code,name,medium,process,factors,ref_o2_percent",
        *(f"{one},{one[:18]},DA001,1号炉,air,coal boiler,{NOX};{O2},6" for one in (EAST, WEST)),
    )  # fmt: skip
    write(
        folder, "limits",
        "limit_id,outlet_id,factor,averaging,upper,unit,ref_o2_percent,source,valid_from",
        *(f"L-{one},{one},{NOX},hourly,100,mg/m3,6,排污许可证,2020-01-01" for one in (EAST, WEST)),
    )  # fmt: skip
    write(
        folder, "labels", "outlet_id,start,end,verdict,factor,matter",
        f"{EAST},{moment(MORE[0])},{moment(MORE[-1] + 1)},confirmed,{NOX},督-1",
        f"{EAST},{moment(MOST[0])},{moment(MOST[-1] + 1)},confirmed,{NOX},督-2",
    )  # fmt: skip
    rows = list(_long() if long else _wide())
    head = "outlet_id,data_time,factor,value,converted,flag"
    wide = f"outlet_id,data_time,{NOX},{NOX}.converted,{NOX}.flag,{O2}"
    write(folder, "readings", head if long else wide, *rows)
    return folder


def write(folder: Path, name: str, *lines: str) -> None:
    """Write a table."""
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def moment(hour: int) -> str:
    """Beijing time of an hour of the scene, as people write it."""
    return (dt.datetime.combine(FIRST, dt.time()) + dt.timedelta(hours=hour)).isoformat(" ")


def nox(outlet_id: str) -> np.ndarray:
    """Converted NOx of each hour: the eastern plant has three bad stretches."""
    hours = (LAST - FIRST).days * 24 + 24
    value = 20 + 3 * np.sin(np.arange(hours) / 5) + np.random.default_rng(3).normal(0, 1, hours)
    if outlet_id == EAST:
        value[SOME], value[MORE], value[MOST] = 45, 85, 130
    return np.round(value, 2)


def _wide():
    for outlet_id in (EAST, WEST):
        for hour, value in enumerate(nox(outlet_id).tolist()):
            yield f"{outlet_id},{moment(hour)},{value},{value},N,6"


def _long():
    for outlet_id in (EAST, WEST):
        for hour, value in enumerate(nox(outlet_id).tolist()):
            yield f"{outlet_id},{moment(hour)},{NOX},{value},{value},N"
            yield f"{outlet_id},{moment(hour)},{O2},6,,"


def stricter(limit: int) -> Pack:
    """The shipped pack with another NOx limit of coal boilers, under a name of its own."""
    files = dict(shipped_pack().files)
    lines = files["limits.csv"].decode().splitlines()
    changed = [
        line.replace(",100,mg/m3", f",{limit},mg/m3") if "coal-boiler/a21002/h," in line else line
        for line in lines
    ]
    assert changed != lines
    files["limits.csv"] = ("\n".join(changed) + "\n").encode()
    files["pack.yaml"] = files["pack.yaml"].replace(b"id: base", b"id: strict")
    return load_pack(files)


FIRST_HOUR = hour_of(FIRST)
