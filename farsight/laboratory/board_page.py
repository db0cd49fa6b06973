"""评分板页面: docs/scoreboard.md from what was measured."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from farsight.laboratory.board import Split, clean_rows, named_share, pooled
from farsight.laboratory.cheats.library import cheats
from farsight.laboratory.intervals import poisson, wilson
from farsight.laboratory.outcomes import Precision
from farsight.laboratory.score import Score
from farsight.laboratory.score_table import ALL, PatternScore, hours, table

_HERE = Path(__file__).parent
_HOW = """\
A *dial* is the number of false alarms per station-year, all tests together, that an alarm may have
by the measured rates (`screening/rates.csv`); every folder and pattern has the same thresholds.
*Named* = found under the right name from its start to 24 h after its end; *chance* = what alarms
scattered blindly at the same rate would have hit; *false* = episodes per clean station-year.
Intervals are 95 %.
"""
_PEERS_SAY = """\
Peers and yardstick: held-out figures of detection.md 3.2, with 83 (naive), 18 (ioos_qc), 19 (saqc),
7 (adtk), 52 (stumpy), 1 and 3 (yardstick) false alarms per station-year.
"""
_CLEAN_SAYS = """\
False-alarm episodes per station-year on stations without any event, by kind and interval. The
unseen folders hold series, media and intervals that no test was tuned or calibrated on.
"""
_MADE_SAYS = """\
Made by `farsight lab make` on real series of several factors and on simulated stations with marks,
checks and a parameter log. What series alone cannot show (D21, D29, D30, D32, D34, D35, D37) is
tested where its data are.
"""
_NO_OUTCOMES = """\
None were given: `--outcomes labels.csv` (docs/backtest.md), or `--outcomes stored`, which asks a
running platform for its closed cases.
"""
PEERS = ("naive", "ioos_qc", "saqc", "adtk", "stumpy", "yardstick_1", "yardstick_3")


@dataclass(frozen=True)
class Board:
    """Everything that the page shows."""

    command: str
    dials: Sequence[float]
    """False alarms per station-year that were asked for, rising; the first two are shown whole."""
    cases: Sequence[Split]
    made: Sequence[Split]
    unseen: Sequence[Split]
    outcomes: Sequence[Precision]
    picture: str
    """Name of the SVG beside the page."""


def page(board: Board) -> str:
    """The page."""
    parts = [
        "# 评分板: how often cheats are found, and how often we are wrong\n",
        f"Written by `{board.command}`. {_HOW}",
        *_totals(board),
        *(_patterns(split, board.dials) for split in board.cases),
        *_clean(board),
        *_made(board),
        *_outcomes(board),
    ]
    return "\n".join(parts)


def peer_points() -> list[tuple[str, float, float]]:
    """Other detectors of detection.md 3.2 on the public benchmark: name, recall, false alarms."""
    with (_HERE / "peer_totals.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [(row["detector"], float(row["named"]), float(row["per_station_year"])) for row in rows]


def _totals(board: Board) -> list[str]:
    lines = ["## All patterns\n", f"![recall against false alarms]({board.picture})\n"]
    head = "| folder | events | clean station-years |"
    head += "".join(f" dial {dial:g}: named / false |" for dial in board.dials) + " seconds |"
    lines += [head, "|" + "---|" * (len(board.dials) + 4)]
    for split in board.cases:
        scores = [split.score(dial) for dial in board.dials]
        cells = "".join(f" {named_share(s):.2f} / {_rate(s)} |" for s in scores)
        lines.append(
            f"| {split.name} | {len(scores[0].events)} | {scores[0].clean_years:.1f} |{cells}"
            f" {split.seconds:.0f} |"
        )
    if len(board.cases) > 1:
        every = [pooled([s.score(dial) for s in board.cases]) for dial in board.dials]
        cells = "".join(f" **{named_share(s):.2f}** / {_rate(s)} |" for s in every)
        lines.append(f"| all | {len(every[0].events)} | {every[0].clean_years:.1f} |{cells} |")
    lines.append(
        "\nOthers on the public benchmark (detection.md 3.2, named / false alarms per"
        " station-year): "
        + "; ".join(f"{name} {named:.2f} / {rate:g}" for name, named, rate in peer_points())
        + ".\n"
    )
    return lines


def _rate(one: Score) -> str:
    low, high = poisson(one.false_alarms, one.clean_years)
    return f"{one.per_station_year:.2f} ({low:.2f}-{high:.2f})"


def _patterns(split: Split, dials: Sequence[float]) -> str:
    low, high = dials[0], dials[1]
    first, second = ({line.pattern: line for line in table(split.score(d))} for d in (low, high))
    others = _peers()
    lines = [
        f"## {split.name}, by pattern\n",
        _PEERS_SAY,
        f"| pattern | events | dial {low:g}: named | chance | delay h | dial {high:g}: named "
        + "".join(f"| {name} " for name in ("delay h", *PEERS, "")).rstrip(),
        "|" + "---|" * (7 + len(PEERS)),
    ]
    for pattern, line in first.items():
        peers = others.get(pattern, {})
        told = " | ".join(peers.get(peer) or "-" for peer in PEERS)
        name = "**all**" if pattern == ALL else pattern
        lines.append(
            f"| {name} | {line.events} | {_named(line)} | {line.chance:.2f} |"
            f" {hours(line.delay_h)} | {_named(second[pattern])} |"
            f" {hours(second[pattern].delay_h)} | {told} |"
        )
    return "\n".join([*lines, ""])


def _named(line: PatternScore) -> str:
    return f"{line.named:.2f} ({line.lo95:.2f}-{line.hi95:.2f})"


def _peers() -> Mapping[str, Mapping[str, str]]:
    with (_HERE / "peers.csv").open(encoding="utf-8", newline="") as lines:
        return {row["pattern"]: row for row in csv.DictReader(lines)}


def _clean(board: Board) -> list[str]:
    lines = [
        "## Clean series alone\n",
        _CLEAN_SAYS,
        "| folder | kind | interval min | stations | station-years |"
        + "".join(f" dial {dial:g} |" for dial in board.dials[:2])
        + f" most at {board.dials[1]:g} |",
        "|" + "---|" * 8,
    ]
    for split in (*board.cases[:1], *board.made, *board.unseen):
        tight, loose = (clean_rows(split, dial) for dial in board.dials[:2])
        for one, more in zip(tight, loose, strict=True):
            lines.append(
                f"| {split.name} | {one.kind} | {one.interval_min} | {one.stations} |"
                f" {one.years:.2f} | {_count(one.episodes, one.years)} |"
                f" {_count(more.episodes, more.years)} | {more.most} |"
            )
        for total in [[sum(r.episodes for r in rows) for rows in (tight, loose)]]:
            years = sum(row.years for row in tight)
            cells = " | ".join(_count(count, years) for count in total)
            stations = sum(row.stations for row in tight)
            lines.append(f"| **{split.name}** | all | | {stations} | {years:.1f} | {cells} | |")
    return [*lines, ""]


def _count(count: int, years: float) -> str:
    low, high = poisson(count, years)
    rate = count / years if years else 0.0
    return f"{rate:.2f} ({low:.2f}-{high:.2f})"


def _made(board: Board) -> list[str]:
    if not board.made:
        return []
    low, high = board.dials[0], board.dials[1]
    lines = [
        "## Our own cheats, by cheat\n",
        _MADE_SAYS,
        f"| cheat | code | what | events | dial {low:g}: named | any | {high:g}: named | delay h |",
        "|---|---|---|---|---|---|---|---|",
    ]
    first, second = (pooled([s.score(dial) for s in board.made]) for dial in (low, high))
    for name, cheat in cheats().items():
        mine, more = (
            [e for e in one.events if e.event.split("-")[0] == name] for one in (first, second)
        )
        if not mine:
            continue
        found = sum(e.named_h is not None for e in mine)
        seen = sum(e.delay_h is not None for e in mine)
        later = sorted(e.named_h for e in more if e.named_h is not None)
        span = "-".join(f"{end:.2f}" for end in wilson(found, len(mine)))
        delay = hours(later[len(later) // 2] if later else None)
        lines.append(
            f"| {name} | {cheat.code} | {cheat.how} | {len(mine)} | {found / len(mine):.2f}"
            f" ({span}) | {seen / len(mine):.2f} | {len(later) / len(more):.2f} | {delay} |"
        )
    lines.append(
        f"\nAll: {named_share(first):.2f} named at dial {low:g} with {_rate(first)} false alarms"
        f" per clean station-year, {named_share(second):.2f} at {high:g} with {_rate(second)}.\n"
    )
    return lines


def _outcomes(board: Board) -> list[str]:
    lines = ["## Confirmed outcomes of real cases\n"]
    if not board.outcomes:
        return [*lines, _NO_OUTCOMES]
    lines += ["| test | checked | confirmed | precision |", "|---|---|---|---|"]
    for one in board.outcomes:
        low, high = one.interval
        lines.append(
            f"| {one.rule_id or 'any'} | {one.checked} | {one.confirmed} |"
            f" {one.share:.2f} ({low:.2f}-{high:.2f}) |"
        )
    return [*lines, ""]
