"""检出表: alarms as lines of det.csv and as JSON."""

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from farsight.screen.folder import time_text
from farsight.screen.names import screen_name
from farsight.screen.run import Screened
from services.detect.screening.alarms import Alarm
from services.detect.screening.panel import Panel
from services.detect.screening.sentences import sentences

COLUMNS = ("station", "time", "factor", "pattern", "score")
#: Score of a rate that is too small to name.
_MOST = 300.0


def write_detections(path: Path, screened: Screened) -> int:
    """Write det.csv; gives the number of lines.

    One line for each sign of an alarm, at the moment when the alarm could be raised: with the last
    value that it rests on. The score is -log10 of the joint false-alarm rate a station-year.
    """
    lines = sorted(_lines(screened).items())
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((*key, f"{score:.4f}") for key, score in lines)
    return len(lines)


def _lines(screened: Screened) -> dict[tuple[str, str, str, str], float]:
    """Station, time, factor, pattern -> highest score: a line is not said twice."""
    best: dict[tuple[str, str, str, str], float] = {}
    for found in screened.found:
        for alarm in found.alarms:
            for sign in alarm.signs:
                outlet = found.panel.keys[sign.row]
                key = (
                    outlet.outlet_id,
                    time_text(found.panel, alarm.end - 1),
                    outlet.factor,
                    screen_name(sign.test).pattern,
                )
                best[key] = max(best.get(key, -_MOST), score_of(alarm))
    return best


def score_of(alarm: Alarm) -> float:
    """-log10 of the joint rate: 0 is once a station-year, 2 once in a hundred."""
    return -math.log10(max(alarm.per_station_year, 10**-_MOST))


def as_json(screened: Screened) -> str:
    """All alarms with their signs and sentences, and what was not evaluated."""
    document = {
        "rows": screened.table.rows,
        "stations": sum(len(found.panel.rows_of) for found in screened.found),
        "series": sum(len(found.panel.keys) for found in screened.found),
        "station_years": round(screened.station_years, 3),
        "pack": screened.pack,
        "alarms_per_station_year": screened.per_station_year,
        "notes": list(screened.table.notes),
        "failed": screened.failed,
        "unmeasured": list(screened.unmeasured),
        "not_evaluated": [
            {"test": one.test, "needs_days": one.needs_days, "series": list(one.series)}
            for one in screened.not_evaluated
        ],
        "alarms": [
            one for found in screened.found for one in _alarms(screened, found.panel, found.alarms)
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)


def _alarms(screened: Screened, panel: Panel, alarms: list[Alarm]) -> Iterator[dict[str, Any]]:
    for alarm in alarms:
        signs = []
        for sign in alarm.signs:
            said = sentences(panel, sign, screened.basis.book)
            signs.append({
                "factor": panel.keys[sign.row].factor,
                "test": sign.test,
                "pattern": screen_name(sign.test).pattern,
                "start": time_text(panel, sign.begin),
                "end": time_text(panel, sign.end),
                "score": _number(sign.score),
                "statistic": _number(sign.statistic),
                "value": _number(sign.value),
                "expected": _number(sign.expected),
                "silent_at": _number(sign.silent_at),
                "variant": sign.variant,
                "seen": said.seen,
                "silenced_by": said.silenced_by,
            })  # fmt: skip
        yield {
            "station": panel.keys[alarm.row].outlet_id,
            "time": time_text(panel, alarm.end - 1),
            "per_station_year": alarm.per_station_year,
            "clue": alarm.is_clue,
            "families": list(alarm.families),
            "signs": signs,
        }


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
