"""用电监控 for a page: panels of meters for the charts, bars of an order's hours for the eye."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from services.chassis.clock import BEIJING, beijing
from services.chassis.pb.detect.v1 import power_pb2 as pb
from services.console.language import Translate, translator, word
from services.console.views.curve import finite

STATES = {
    pb.POWER_STATE_EVALUATED: "evaluated",
    pb.POWER_STATE_SHORT_HISTORY: "short_history",
    pb.POWER_STATE_NO_READINGS: "no_readings",
    pb.POWER_STATE_NO_RUNNING: "no_running",
}
#: Size of an order's bar chart, in pixels.
HEIGHT, BAR, GAP = 96, 22, 6


def panels(answer: pb.GetPowerResponse, language: str) -> dict[str, Any]:
    """Give one panel a meter: its power, its own threshold, the spans of its pairs.

    Production and treatment differ in size by ten and more: on one scale the treatment would be a
    line on the ground, so each meter has its own, above each other and with one pointer.
    """
    if not answer.day:
        return {"panels": [], "span": None}
    start = datetime.combine(date.fromisoformat(answer.day), time(), BEIJING)
    first = round(start.timestamp()) * 1000
    step = answer.step_minutes * 60_000
    order = {"production": 0, "treatment": 1}
    meters = sorted(
        (one for one in answer.meters if one.use in order), key=lambda one: order[one.use]
    )
    return {
        "panels": [_panel(one, answer.pairs, first, step, language) for one in meters],
        "span": {"from": first, "to": first + 86_400_000},
    }


def _panel(
    meter: pb.MeterCurve, pairs: Iterable[pb.PairDay], first: int, step: int, language: str
) -> dict[str, Any]:
    t = translator(language)
    name = meter.meter_id
    mine = [one for one in pairs if name in (*one.production_meters, *one.treatment_meters)]
    bare = [(span, "power.unprotected", "red") for pair in mine for span in pair.unprotected]
    idle = [(span, "power.idle", "") for pair in mine for span in pair.idle if span.counts]
    label = t("power.runs_above" if meter.use == "production" else "power.off_below")
    level = finite(meter.threshold_kw)
    return {
        "code": name,
        "name": f"{word(language, 'meter_use', meter.use)} {meter.facility or name}",
        "unit": "kW",
        "points": [(first + n * step, finite(kw)) for n, kw in enumerate(meter.power_kw)],
        "measured": [],
        "converted": False,
        "limit": None if level is None else {
            "averaging": "", "upper": round(level, 1), "lower": None, "label": label
        },
        "flags": [],
        "spans": [_span(span, t(key), tone) for span, key, tone in (*bare, *idle)],
        "band": [],
        "from_zero": True,
    }  # fmt: skip


def _span(span: pb.PowerSpan, label: str, tone: str) -> dict[str, Any]:
    return {
        "from": span.start.seconds * 1000,
        "to": span.end.seconds * 1000,
        "label": label,
        "open": False,
        "id": "",
        "tone": tone,
    }


@dataclass(frozen=True)
class Bar:
    """One hour of an order: where its bar and the mark of what is allowed stand."""

    x: int
    y: float
    height: float
    allowed_y: float | None
    baseline_y: float | None
    state: str
    hour: pb.OrderHour


@dataclass(frozen=True)
class OrderBars:
    """管控指令 with its bars."""

    order: pb.OrderCompliance
    bars: Sequence[Bar]
    width: int
    kwh_left: float
    """Allowed less used over the judged hours; negative = beyond."""


def order_bars(order: pb.OrderCompliance) -> OrderBars:
    """Give the bars of an order's listed hours."""
    values = [v for h in order.hours for v in (h.used_kwh, h.baseline_kwh) if math.isfinite(v)]
    top = max(values, default=1.0) or 1.0

    def y_of(kwh: float) -> float | None:
        return round(HEIGHT * (1 - kwh / top), 1) if math.isfinite(kwh) else None

    bars = []
    for number, hour in enumerate(order.hours):
        y = y_of(hour.used_kwh)
        bars.append(
            Bar(
                x=number * (BAR + GAP),
                y=HEIGHT if y is None else y,
                height=0 if y is None else round(HEIGHT - y, 1),
                allowed_y=y_of(hour.allowed_kwh),
                baseline_y=y_of(hour.baseline_kwh),
                state=hour.state,
                hour=hour,
            )
        )
    width = max(1, len(bars)) * (BAR + GAP)
    return OrderBars(order, bars, width, order.allowed_kwh - order.used_kwh)


def neighbours(day: str, now: datetime) -> tuple[str, str]:
    """Give the day before and the day after; empty where that is in the future."""
    shown = date.fromisoformat(day)
    after = shown + timedelta(days=1)
    before = (shown - timedelta(days=1)).isoformat()
    return before, after.isoformat() if after <= beijing(now).date() else ""


def known_day(text: str) -> str:
    """Give an ISO day that was asked for; empty for a text that is none."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def advice(answer: pb.GetPowerResponse, t: Translate) -> list[str]:
    """Say in words what keeps the day from being judged; a day without pairs says so."""
    if not answer.day:
        return [t("power.nothing")]
    if not answer.pairs:
        return [t("power.no_pairs")]
    said = [
        t(f"power.state_{STATES[pair.state]}_why", name=pair.name or pair.pair_id)
        for pair in answer.pairs
        if pair.state != pb.POWER_STATE_EVALUATED
    ]
    if answer.sum_check.result == "differs":
        said.append(t("power.sum_differs", share=round(100 * answer.sum_check.share_over)))
    return said
