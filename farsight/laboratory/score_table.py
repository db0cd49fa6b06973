"""评分表: the score by pattern, as rows, as text and as JSON."""

import statistics
from dataclasses import asdict, dataclass

from farsight.laboratory.intervals import poisson, wilson
from farsight.laboratory.score import EventScore, Score

ALL = "ALL"


@dataclass(frozen=True)
class PatternScore:
    """One line of the table."""

    pattern: str
    events: int
    named: float
    lo95: float
    hi95: float
    chance: float
    delay_h: float | None
    any: float
    any_chance: float
    any_delay_h: float | None


def table(result: Score) -> list[PatternScore]:
    """By pattern, then ALL."""
    patterns = sorted({event.pattern for event in result.events})
    lines = [_line(p, [e for e in result.events if e.pattern == p]) for p in patterns]
    return [*lines, _line(ALL, result.events)] if result.events else []


def _line(pattern: str, events: list[EventScore]) -> PatternScore:
    named = [e.named_h for e in events if e.named_h is not None]
    seen = [e.delay_h for e in events if e.delay_h is not None]
    low, high = wilson(len(named), len(events))
    return PatternScore(
        pattern=pattern,
        events=len(events),
        named=len(named) / len(events),
        lo95=low,
        hi95=high,
        chance=statistics.fmean(e.chance_named for e in events),
        delay_h=statistics.median(named) if named else None,
        any=len(seen) / len(events),
        any_chance=statistics.fmean(e.chance for e in events),
        any_delay_h=statistics.median(seen) if seen else None,
    )


def text(result: Score, cut: float | None = None) -> str:
    """The table and the false alarms, for a terminal."""
    head = (
        f"{'pattern':<18}{'events':>7}{'named':>7}{'95 %':>12}{'chance':>8}{'delay h':>9}{'any':>6}"
    )
    lines = [head, *(_text(line) for line in table(result))]
    low, high = poisson(result.false_alarms, result.clean_years)
    lines.append(
        f"false alarms on clean stations: {result.false_alarms} episodes in"
        f" {result.clean_years:.1f} station-years = {result.per_station_year:.2f}"
        f" per station-year (95 % {low:.2f}-{high:.2f});"
        f" before events: {result.early / max(result.early_years, 1e-9):.2f}"
        + ("" if cut is None else f"; score cut {cut:.4g}")
    )
    return "\n".join(lines)


def _text(line: PatternScore) -> str:
    span = f"{line.lo95:.2f}-{line.hi95:.2f}"
    return (
        f"{line.pattern:<18}{line.events:>7}{line.named:>7.2f}{span:>12}{line.chance:>8.2f}"
        f"{hours(line.delay_h):>9}{line.any:>6.2f}"
    )


def hours(value: float | None) -> str:
    """A delay, or a dash where nothing was found."""
    return "-" if value is None else f"{value:.1f}"


def as_json(result: Score, cut: float | None = None) -> dict[str, object]:
    """The same as plain values, for --json."""
    return {
        "table": [_rounded(asdict(line)) for line in table(result)],
        "fa": result.false_alarms,
        "station_years": result.clean_years,
        "fa_per_sy": result.per_station_year,
        "fa_95": list(poisson(result.false_alarms, result.clean_years)),
        "before_events": result.early / max(result.early_years, 1e-9),
        "cut": cut,
    }


def _rounded(row: dict[str, object]) -> dict[str, object]:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}
