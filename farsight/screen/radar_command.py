"""`farsight radar`: outlets of one operator whose data carry the traces of one hand.

Exit 0: done, whatever was found. Exit 1: the data could not be read. Exit 2: bad usage.
"""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from farsight.screen.folder import read_table
from services.chassis.errors import InputRejected
from services.chassis.picture.png import png
from services.detect.packs.load import shipped_pack
from services.detect.screening.radar import Radar, radar
from services.detect.screening.radar_picture import radar_svg
from services.detect.screening.radar_words import KINDS, trace_words

_EPILOG = """\
data:
  DIR       series.csv and stations.csv as for `farsight detect`; the column operator of
            stations.csv names the maintenance company 第三方运维. Outlets without one are taken by
            enterprise.

examples:
  farsight radar province/
  farsight radar province/ --picture rings.svg
  farsight radar province/ --json > rings.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("data", type=Path, metavar="DIR|FILE", help="series of the outlets to compare")
    add("--picture", type=Path, metavar="SVG|PNG", help="write the rings as a graph")
    add("--json", action="store_true", help="print rings, edges and traces as JSON")
    add("--least", type=float, default=2.0, metavar="N",
        help="an edge is drawn where chance makes fewer than 10^-N in all (2)")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Read, compare, show; gives the exit code."""
    console = Console(stderr=True)
    try:
        with console.status("comparing outlets 比对排放口"):
            panels = read_table(args.data).panels
            found = radar(panels, shipped_pack().book.versions("same_outlets")[-1], args.least)
        if args.picture:
            picture = radar_svg(found)
            is_png = args.picture.suffix.lower() == ".png"
            args.picture.write_bytes(png(picture) if is_png else picture)
    except (InputRejected, OSError) as error:
        print(f"farsight radar: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(dataclasses.asdict(found), ensure_ascii=False, indent=1))
        return 0
    _show(Console(), found)
    if args.picture:
        print(f"written 已写入: {args.picture}")
    return 0


def _show(console: Console, found: Radar) -> None:
    """A table of edges, ring by ring."""
    if not found.pairs:
        console.print("no two outlets share an operator or owner: nothing to compare.")
        console.print(
            "Fill the column operator of stations.csv. 没有两个排放口属同一运维单位或企业"
        )
        return
    console.print(
        f"{found.pairs} pairs of one operator compared, {found.control} control pairs;"
        f" {len(found.rings)} rings 串通圈"
    )
    for ring in found.rings:
        table = Table(title=f"{ring.operator}: {', '.join(ring.outlets)}", title_justify="left")
        for name in ("outlets 排放口", "-log10 p", "evidence 证据"):
            table.add_column(name, justify="right" if name.startswith("-") else "left")
        for edge in ring.edges:
            said = [
                f"[{KINDS[t.kind][2]}]{trace_words(t)}[/]" for t in edge.traces if t.strength >= 2
            ]
            table.add_row(" — ".join(edge.outlets), f"{edge.strength:.1f}", "\n".join(said))
        console.print(table)
