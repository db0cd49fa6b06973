"""`farsight detect`: tests for falsified data over a folder or a table, without a platform.

Exit 0: done, whatever was found. Exit 1: the data could not be read. Exit 2: bad usage.
"""

import argparse
import re
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from farsight.screen.detections import as_json, write_detections
from farsight.screen.episodes import episodes_of
from farsight.screen.folder import read_table
from farsight.screen.names import screen_name
from farsight.screen.run import Screened, screen
from farsight.screen.summary import show
from services.chassis.errors import InputRejected
from services.chassis.picture.svg import svg
from services.detect.packs.load import load_pack, read_folder, shipped_pack
from services.detect.packs.pack import Pack
from services.detect.screening.run import tests_in

_EPILOG = """\
data:
  DIR       series.csv (station,factor,time,value and, if there are, limit,flag) and stations.csv
            (station,interval_min and, if there are, enterprise,kind,operator); a missing row is a
            missing value. Without stations.csv the interval is guessed from the times.
  FILE      one such table alone, CSV (UTF-8 or GBK) or Excel; Chinese headers as well (站点、因子、
            时间、值、限值、标记), or one column a factor: 时间, COD(mg/L), 氨氮(mg/L) ...

examples:
  farsight detect province/ -o det.csv --report report.html
  farsight detect 排口小时数据.xlsx --report report.html
  farsight detect province/ --report report.html --pictures pictures/
  farsight detect province/ -o det.csv --alarms-per-station-year 0.5 --json > alarms.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("data", type=Path, metavar="DIR|FILE", help="series to test")
    add("-o", "--output", type=Path, metavar="CSV", help="write alarms, one line a sign")
    add("--report", type=Path, metavar="HTML", help="write a page with pictures")
    add("--pictures", type=Path, metavar="DIR", help="write each picture as SVG and PNG")
    add("--json", action="store_true", help="print alarms with their sentences as JSON")
    add(
        "--alarms-per-station-year",
        type=_rate,
        metavar="N",
        help="false alarms that honest data may raise, all tests together (the pack's dial: 2)",
    )
    add("--pack", type=Path, metavar="DIR", help="rule pack (the one that ships with Farsight)")
    add("--quiet", action="store_true", help="no progress bar")


def run(args: argparse.Namespace) -> int:
    """Read, test, write; gives the exit code."""
    began = time.monotonic()
    try:
        pack = load_pack(read_folder(args.pack)) if args.pack else shipped_pack()
        screened = _screen(args, pack)
        if args.output:
            write_detections(args.output, screened)
        if args.report:
            _write_report(args, screened)
        if args.pictures:
            _write_pictures(args.pictures, screened)
    except (InputRejected, OSError) as error:
        print(f"farsight detect: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(as_json(screened))
    else:
        show(Console(), screened, time.monotonic() - began)
        for path in filter(None, (args.output, args.report, args.pictures)):
            print(f"written 已写入: {path}")
    return 0


def _screen(args: argparse.Namespace, pack: Pack) -> Screened:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=args.quiet) as bar:
        task = bar.add_task(f"reading 读取 {args.data.name}", total=None)
        table = read_table(args.data)
        bar.update(task, total=len(table.panels) * len(tests_in(pack.book)))

        def tell(test: str) -> None:
            bar.update(task, advance=1, description=f"testing 检验 {screen_name(test).name_zh}")

        rate = args.alarms_per_station_year or pack.dial.per_station_year
        return screen(table, pack, rate, tell)


def _write_report(args: argparse.Namespace, screened: Screened) -> None:
    from farsight.screen.report import page  # noqa: PLC0415 - templates, only when asked for

    args.report.write_bytes(page(screened, args.data.resolve().name))


def _write_pictures(folder: Path, screened: Screened) -> None:
    from farsight.screen.report import drawing_for  # noqa: PLC0415 - only when asked for
    from services.chassis.picture.png import png  # noqa: PLC0415 - loads the fonts of the machine

    folder.mkdir(parents=True, exist_ok=True)
    for at, one in enumerate(episodes_of(screened), 1):
        name = re.sub(r"[^\w.-]", "_", f"{at:03}_{one.station}")
        picture = svg(drawing_for(one, screened.basis.book, alone=True))
        (folder / f"{name}.svg").write_bytes(picture)
        (folder / f"{name}.png").write_bytes(png(picture))


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1000:
        raise argparse.ArgumentTypeError("a number above 0, as 2 or 0.5")
    return rate
