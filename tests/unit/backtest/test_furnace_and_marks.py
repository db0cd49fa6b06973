"""A furnace's five-minute means and marks in a replay: what is excused, and as of when."""

import datetime as dt
from pathlib import Path

import pytest

from farsight.backtest.folder import FolderHistory
from farsight.backtest.replay import Replay, replay
from farsight.backtest.walk import Span
from services.detect.packs.load import shipped_pack
from tests.unit.backtest.scene import EAST, FIRST, LAST, MOST, moment, write, write_history

FURNACE = "91130402MA00000FUR-DA001"
DAY = dt.date(2026, 8, 5)


def furnace(folder: Path, low: int) -> FolderHistory:
    """One furnace, one day of hours, and so many five-minute means of 840 degC."""
    folder.mkdir(parents=True)
    write(folder, "enterprises", "credit_code,name,division,industry",
          f"{FURNACE[:18]},焚烧,130402,4417")  # fmt: skip
    write(folder, "outlets", "outlet_id,credit_code,code,name,medium,process,factors",
          f"{FURNACE},{FURNACE[:18]},DA001,1号炉,air,MSWI furnace,a34013;a01901")  # fmt: skip
    write(folder, "readings_hour", "outlet_id,data_time,a34013,a34013.converted,a34013.flag",
          *(f"{FURNACE},{DAY} {hour:02d}:00,5,5,N" for hour in range(24)))  # fmt: skip
    times = [f"{n * 5 // 60:02d}:{n * 5 % 60:02d}" for n in range(288)]
    write(folder, "readings_minute", "outlet_id,kind,data_time,factor,value,flag",
          *(f"{FURNACE},minute,{DAY} {time},a01901,{840 if n < low else 900},N"
            for n, time in enumerate(times)))  # fmt: skip
    return FolderHistory(folder)


@pytest.mark.parametrize(("low", "items"), [(5, []), (6, ["mswi_cold", "mswi_cold_case"])])
def test_more_than_five_low_means_are_an_order_and_a_case(
    tmp_path: Path, low: int, items: list[str]
) -> None:
    """Five are none; six are supervision and a clue (MEE order 10)."""
    found = replay(shipped_pack(), furnace(tmp_path / "f", low), Span(DAY, DAY))

    cold = [one for one in found.items if one.item == "mswi_low_temperature"]
    assert sorted(one.trigger for one in cold) == items
    assert {one.level for one in cold} == ({"supervision", "clue"} if items else set())


def marked(folder: Path, made: int, *more: str) -> Replay:
    """The eastern plant marks its four hours of 130 as maintenance, made `made` hours later."""
    head = "outlet_id,mark_id,revision,family,factors,start,end,status,made_at"
    head += ",decision,decided_at" if more else ""
    write_history(folder)
    cells = [EAST, "m-1", "1", "maintenance", "a21002", moment(MOST[0]), moment(MOST[-1] + 1)]
    cells += ["active", moment(MOST[-1] + made), *more]
    write(folder, "marks", head, ",".join(cells))
    return replay(shipped_pack(), FolderHistory(folder), Span(FIRST, LAST))


def over(found: Replay) -> list[int]:
    """Hours of the exceedances that are left."""
    return [one.count for one in found.findings if one.rule_id == "hourly_exceedance"]


def test_a_mark_counts_when_it_came_in_time_or_was_accepted(tmp_path: Path) -> None:
    """Before noon of the next day it takes the hours out; after it, only with the authority."""
    in_time = marked(tmp_path / "a", 5)
    late = marked(tmp_path / "b", 60)
    refused = marked(tmp_path / "c", 60, "refused", moment(MOST[-1] + 70))
    accepted = marked(tmp_path / "d", 60, "accepted", moment(MOST[-1] + 70))

    assert [over(one) for one in (in_time, late, refused, accepted)] == [[], [4], [4], []]
