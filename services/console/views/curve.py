"""监测曲线: panels of an outlet page and pictures of findings, as plain JSON for one renderer.

Panel: judged curve, measured curve behind it where the limit asks for conversion (折算), limit
line, marks under the curve, finding spans. Missing values are `null`, and so is the middle of a
hole in time, so that a line never bridges what nobody measured. Times are unix milliseconds, as
the browser counts.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from services.chassis.clock import beijing, from_timestamp
from services.chassis.pb.detect.v1.detect_pb2 import FINDING_STATE_OPEN, Finding, Picture
from services.chassis.pb.ingest.v1.ingest_pb2 import (
    READING_KIND_HOUR,
    READING_KIND_REALTIME,
    FactorSeries,
    ReadingKind,
)
from services.chassis.pb.registry.v1.registry_pb2 import Limit
from services.console.language import translator, word
from services.console.views.factors import factor_of
from services.console.views.numbers import unit_text

#: Flags that need no mark: absent and 正常.
QUIET_FLAGS = frozenset("-N\0")
#: What the page offers: key -> (kind, length, usual seconds between two values).
RANGES: dict[str, tuple["ReadingKind.ValueType", timedelta, int]] = {
    "1h": (READING_KIND_REALTIME, timedelta(hours=1), 30),
    "7d": (READING_KIND_HOUR, timedelta(days=7), 3600),
    "30d": (READING_KIND_HOUR, timedelta(days=30), 3600),
    "90d": (READING_KIND_HOUR, timedelta(days=90), 3600),
}
#: A hole is longer than this many usual steps.
HOLE_STEPS = 2.5

Point = tuple[int, float | None]


def limit_in_force(limits: Iterable[Limit], factor: str, day: date) -> Limit | None:
    """Find the limit of a factor in force on `day` (Beijing): the hourly one, else the daily."""
    iso = day.isoformat()
    found = {
        limit.averaging: limit
        for limit in limits
        if limit.factor == factor
        and limit.valid_from <= iso
        and (not limit.valid_to or iso < limit.valid_to)
    }
    return found.get("hourly") or found.get("daily")


def judged_column(series: FactorSeries, limit: Limit | None) -> Sequence[float]:
    """Give the column that the limit judges: converted where it asks for oxygen conversion."""
    converted = limit is not None and limit.ref_o2_percent > 0
    has_converted = any(math.isfinite(value) for value in series.converted)
    return series.converted if converted and has_converted else series.value


def points(times_s: Sequence[int], values: Sequence[float], step_s: int) -> list[Point]:
    """Pair times and values; a hole in time gets a `null` so that the line breaks there."""
    found: list[Point] = []
    before: int | None = None
    for time_s, value in zip(times_s, values, strict=True):
        if before is not None and time_s - before > HOLE_STEPS * step_s:
            found.append(((before + step_s) * 1000, None))
        found.append((time_s * 1000, finite(value)))
        before = time_s
    return found


def finite(value: float) -> float | None:
    """Give a number that JSON can hold; four significant decimals are more than a sensor has."""
    return round(value, 4) if math.isfinite(value) else None


def panel(
    series: FactorSeries,
    limits: Sequence[Limit],
    findings: Iterable[Finding],
    *,
    step_s: int,
    now: datetime,
    language: str,
) -> dict[str, Any]:
    """Make the panel of one factor."""
    factor = factor_of(series.factor)
    limit = limit_in_force(limits, series.factor, beijing(now).date())
    judged = judged_column(series, limit)
    converted = judged is not series.value
    return {
        "code": series.factor,
        "name": factor.name(language),
        "unit": factor.unit,
        "points": points(series.time_s, judged, step_s),
        "measured": points(series.time_s, series.value, step_s) if converted else [],
        "converted": converted,
        "limit": None if limit is None else limit_line(limit),
        "flags": [
            (time_s * 1000, flag)
            for time_s, flag in zip(series.time_s, series.flags, strict=False)
            if flag not in QUIET_FLAGS
        ],
        "spans": [
            finding_span(one, language)
            for one in findings
            if not one.factors or series.factor in one.factors
        ],
        "band": [],
    }


def limit_line(limit: Limit) -> dict[str, float | str | None]:
    """Give the upper and the lower line of a limit, and what mean it judges."""
    return {
        "averaging": limit.averaging,
        "upper": finite(limit.upper) if limit.upper else None,
        "lower": finite(limit.lower) if limit.lower else None,
    }


def finding_span(finding: Finding, language: str) -> dict[str, Any]:
    """Give the shaded span of a finding."""
    return {
        "from": finding.start.seconds * 1000,
        "to": finding.end.seconds * 1000,
        "label": word(language, "rule", finding.rule_id),
        "open": finding.state == FINDING_STATE_OPEN,
        "id": finding.finding_id,
    }


def picture_panel(finding: Finding, language: str) -> dict[str, Any]:
    """Make the panel of a finding's own picture: its curve, the usual band, what was tested."""
    picture = finding.picture
    codes = list(finding.factors) or ["—"]
    factor = factor_of(codes[0])
    step_s = usual_step(picture.time_s)
    limit = finite(picture.limit)
    return {
        "code": codes[0],
        "name": "、".join(factor_of(code).name(language) for code in codes),
        "unit": unit_text(picture.unit) or factor.unit,
        "points": points(picture.time_s, picture.value, step_s),
        "measured": [],
        "converted": False,
        "limit": None if limit is None else {"averaging": "", "upper": limit, "lower": None},
        "flags": [
            (time_s * 1000, flag)
            for time_s, flag in zip(picture.time_s, picture.flags, strict=False)
            if flag not in QUIET_FLAGS
        ],
        "spans": [
            *([tested_span(finding, language)] if picture.tested_start_s else []),
            *marked_spans(picture, language),
        ],
        "band": band(picture),
    }


#: Curves that differ in size by more than this have a scale each.
_APART = 4.0


def picture_panels(finding: Finding, language: str) -> list[dict[str, Any]]:
    """Make the panels of a finding's own picture: a second curve beside the first, or below it."""
    picture, first = finding.picture, picture_panel(finding, language)
    if picture.value_name:
        first["name"] = word(language, "picture", picture.value_name)
    if not picture.second:
        return [first]
    below = points(picture.time_s, picture.second, usual_step(picture.time_s))
    name = word(language, "picture", picture.second_name)
    if _top(picture.value) < _APART * _top(picture.second):
        return [{**first, "measured": below, "measured_name": name}]
    return [first, {**first, "code": "second", "name": name, "points": below}]


def _top(values: Sequence[float]) -> float:
    return max((value for value in values if math.isfinite(value)), default=0.0)


def usual_step(times_s: Sequence[int]) -> int:
    """Tell the commonest distance of two neighbouring times in seconds; an hour for too few."""
    steps = sorted(b - a for a, b in pairwise(times_s) if b > a)
    return steps[len(steps) // 2] if steps else 3600


def tested_span(finding: Finding, language: str) -> dict[str, Any]:
    """Give the shaded span that the rule tested."""
    return {
        "from": finding.picture.tested_start_s * 1000,
        "to": finding.picture.tested_end_s * 1000,
        "label": word(language, "rule", finding.rule_id),
        "open": True,
        "id": finding.finding_id,
    }


def marked_spans(picture: Picture, language: str) -> list[dict[str, Any]]:
    """Give the spans that the plant marked, as the picture keeps them."""
    marked = zip(picture.marked_start_s, picture.marked_end_s, picture.marked_text, strict=False)
    return [
        {
            "from": start_s * 1000,
            "to": end_s * 1000,
            "label": translator(language)("chart.marked", text=text),
            "open": False,
            "id": "",
        }
        for start_s, end_s, text in marked
    ]


def band(picture: Picture) -> list[tuple[int, float | None, float | None]]:
    """Give the outlet's own usual range, where the rule stored one."""
    if not picture.band_low or not picture.band_high:
        return []
    return [
        (time_s * 1000, finite(low), finite(high))
        for time_s, low, high in zip(
            picture.time_s, picture.band_low, picture.band_high, strict=True
        )
    ]


def factor_order(codes: Iterable[str], limits: Iterable[Limit]) -> list[str]:
    """Put the factors that have a limit first, each group in the outlet's own order."""
    limited = {limit.factor for limit in limits}
    return sorted(codes, key=lambda code: code not in limited)


def in_span(finding: Finding, start: datetime, end: datetime) -> bool:
    """Whether a finding touches `[start, end)`."""
    return from_timestamp(finding.start) < end and from_timestamp(finding.end) > start
