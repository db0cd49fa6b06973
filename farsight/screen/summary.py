"""终端小结: what was found, in a table of a terminal's width."""

from collections import Counter

from rich.console import Console
from rich.table import Table as Grid

from farsight.screen.episodes import episodes_of
from farsight.screen.names import screen_name
from farsight.screen.run import Screened
from services.detect.domain.words import number

_STRONGEST = 10


def show(console: Console, screened: Screened, seconds: float) -> None:
    """Print what was read, found and not evaluated."""
    episodes = episodes_of(screened)
    stations = sum(len(found.panel.rows_of) for found in screened.found)
    series = sum(len(found.panel.keys) for found in screened.found)
    struck = len({one.station for one in episodes})
    console.print(
        f"{screened.table.rows:,} rows, {series} series, {stations} stations,"
        f" {screened.station_years:.1f} station-years in {seconds:.0f} s"
    )
    for note in screened.table.notes:
        console.print(f"  {note}", style="yellow", markup=False)
    console.print(
        f"alarms 告警: {len(episodes)} episodes at {struck} stations, of which"
        f" {sum(one.is_clue for one in episodes)} rest on two kinds of evidence 线索"
        f" (dial: {number(screened.per_station_year)} false alarms a station-year)"
    )
    if episodes:
        console.print(_by_test(screened))
        console.print(_strongest(screened))
    short = {key for one in screened.not_evaluated for key in one.series}
    if short:
        console.print(
            f"not evaluated 未评估: {len(short)} series lack history for one test or more; the"
            " report lists them"
        )
    for test, error in screened.failed.items():
        console.print(f"{test} ended in an error 出错: {error}", style="red", markup=False)
    if screened.unmeasured:
        console.print(
            f"never measured, so silent 未标定: {', '.join(screened.unmeasured)}", markup=False
        )


def _by_test(screened: Screened) -> Grid:
    stations: dict[str, set[str]] = {}
    alarms: Counter[str] = Counter()
    for one in episodes_of(screened):
        for test in one.tests:
            alarms[test] += 1
            stations.setdefault(test, set()).add(one.station)
    grid = Grid(header_style="bold")
    grid.add_column("test 检验")
    for heading in ("episodes 告警", "stations 站点"):
        grid.add_column(heading, justify="right")
    for test, count in alarms.most_common():
        name = screen_name(test)
        grid.add_row(f"{name.name_zh} {name.name_en}", str(count), str(len(stations[test])))
    return grid


def _strongest(screened: Screened) -> Grid:
    grid = Grid(header_style="bold")
    for heading in (
        "strongest 最强",
        "factor 因子",
        "from 起",
        "what 检验",
        "station-years a false one",
    ):
        grid.add_column(heading)
    for one in episodes_of(screened)[:_STRONGEST]:
        names = "、".join(screen_name(test).name_zh for test in one.tests[:2])
        factors = ", ".join(one.factors[:3])
        grid.add_row(one.station, factors, one.start_text[:10], names, _years(one.rate))
    return grid


def _years(rate: float) -> str:
    """Station-years of honest data to one such alarm."""
    years = 1 / max(rate, 1e-9)
    if years > 1e6:
        return "> 1,000,000"
    return f"{years:,.0f}" if years >= 10 else number(years, 2)
