"""管控期间的视频与门禁: what cameras and gates saw at plants, beside orders to stop or limit."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from services.detect.outside.records import Event, Order
from services.detect.outside.rule import OutsideRule
from services.detect.outside.sign import MOST_SOURCES, OutsideSign, saturated
from services.detect.outside.township import day_start_s
from services.detect.outside.words import moment, plain, span

_FILE = Path(__file__).parent / "event_types.csv"
_DAY_S = 86_400
_ELECTRIC = 9
_GOODS = ("diesel", "")  # fuel of lorries that stages bar; not known counts where the stage is


@dataclass(frozen=True)
class EventType:
    """A sender's word for what a camera saw: when it counts and how much."""

    name: str
    under: str  # always | stop: only while an order to stop binds the plant
    medium: str
    strength: float


@cache
def event_types() -> dict[str, EventType]:
    """视频事件类型 of `event_types.csv` by the sender's word."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return {
        r["type"]: EventType(r["name"], r["under"], r["medium"], float(r["strength"]))
        for r in csv.DictReader(lines)
    }


def video_signs(events: Sequence[Event], orders: Sequence[Order]) -> Iterator[OutsideSign]:
    """视频与航拍迹象: events that always count, and those that do while a plant must stand still.

    A drone's word counts as a camera's. Events of one plant, type and Beijing day are one sign. A
    type that is not in `event_types.csv` is listed at ingest and makes no sign.
    """
    groups: dict[tuple[str, str, int], list[tuple[Event, Order | None]]] = {}
    for one in sorted(events, key=lambda e: (e.begin_s, e.key)):
        kind = event_types().get(one.type)
        if kind is None or one.kind == "gate":
            continue
        order = binding(one, orders, "stop")
        if kind.under == "always" or order is not None:
            where = one.credit_code or one.device
            groups.setdefault((where, one.type, day_start_s(one.begin_s)), []).append((one, order))
    for (where, word, day), found in sorted(groups.items()):
        yield _video(where, word, day, found)


def binding(event: Event, orders: Sequence[Order], measure: str = "") -> Order | None:
    """管控指令 that binds the event's plant at its time, None where there is none."""
    for one in orders:
        mine = bool(event.credit_code) and one.credit_code == event.credit_code
        if mine and one.begin_s <= event.begin_s < one.end_s and measure in ("", one.measure):
            return one
    return None


def _video(where: str, word: str, day: int, found: list[tuple[Event, Order | None]]) -> OutsideSign:
    kind, (first, order) = event_types()[word], found[0]
    begin_s, end_s = first.begin_s, max(event.end_s for event, _ in found)
    during = f"，停产指令{order.source}期间" if order is not None else ""
    said = f"：{first.text}" if first.text else ""
    device = "无人机" if first.kind == "drone" else "视频"
    times = f"等{len(found)}次" if len(found) > 1 else ""
    return OutsideSign(
        key=f"video|{where}|{word}|{day}", kind="video" if first.kind == "video" else "drone",
        begin_s=begin_s, end_s=max(end_s, begin_s + 1), division=first.division,
        medium=kind.medium, strength=min(1.0, kind.strength + (0.2 if order else 0.0)),
        seen=f"{moment(begin_s)}{times}{during}，{device}{first.device}见{kind.name}{said}",
        silenced_by="没有此事件" if kind.under == "always" else "没有此事件，或当时没有停产指令",
        credit_code=first.credit_code, point=first.point, radius_m=200.0, value=float(len(found)),
        unit="次", sources=tuple(event.key for event, _ in found)[:MOST_SOURCES],
    )  # fmt: skip


def gate_signs(
    events: Sequence[Event], orders: Sequence[Order], rule: OutsideRule
) -> Iterator[OutsideSign]:
    """门禁迹象: barred lorries under an order, and more passes than the order leaves.

    Barred: diesel lorries of emission stage 1 to `stage_barred` (not known stages are counted
    beside, electric ones never). Surplus: passes of a whole Beijing day under an order against
    allowed share x mean of the days before it without an order, over at least `gate_days` days
    with passes; beyond the tolerance by `gate_passes` passes. A gate that was silent all day is
    no compliance and no sign. Fails for gates shared by several plants.
    """
    passes: dict[str, list[Event]] = {}
    for one in sorted(events, key=lambda e: (e.begin_s, e.key)):
        if one.kind == "gate" and one.credit_code:
            passes.setdefault(one.credit_code, []).append(one)
    for code, mine in sorted(passes.items()):
        bound = [one for one in orders if one.credit_code == code]
        for order in bound:
            yield from _barred(code, order, mine, rule)
            yield from _surplus(code, order, bound, mine, rule)


def _barred(code: str, order: Order, mine: list[Event], rule: OutsideRule) -> Iterator[OutsideSign]:
    found = [
        one
        for one in mine
        if order.begin_s <= one.begin_s < order.end_s
        and 0 < one.vehicle.stage <= rule.stage_barred
        and one.vehicle.stage != _ELECTRIC
        and one.vehicle.fuel in _GOODS
    ]
    if not found:
        return
    begin_s, end_s = found[0].begin_s, found[-1].end_s
    yield _gate(
        code, f"barred|{order.order_id}", found,
        seen=(
            f"{span(begin_s, end_s)}，管控指令{order.source}期间，门禁记录"
            f"国{rule.stage_barred:g}及以下柴油车{len(found)}车次"
        ),
        silenced_by=f"管控期间没有国{rule.stage_barred:g}及以下柴油车进出",
        strength=saturated(len(found), 5.0), expected=0.0,
    )  # fmt: skip


def _surplus(
    code: str, order: Order, bound: list[Order], mine: list[Event], rule: OutsideRule
) -> Iterator[OutsideSign]:
    days: dict[int, list[Event]] = {}
    for one in mine:
        days.setdefault(day_start_s(one.begin_s), []).append(one)
    usual = usual_passes(days, bound, order.begin_s)
    if len(usual) < rule.gate_days:
        return
    mean = sum(usual.values()) / len(usual)
    allowed = mean * min(1.0, order.allowed_share + rule.gate_tolerance)
    for day, found in sorted(days.items()):
        whole = order.begin_s <= day and day + _DAY_S <= order.end_s
        if whole and len(found) >= allowed + rule.gate_passes:
            share = "停产" if order.measure == "stop" else f"限产至{order.allowed_share:.0%}"
            yield _gate(
                code, f"surplus|{order.order_id}|{day}", found,
                seen=(
                    f"{moment(day)}起一天，管控指令{order.source}（{share}）期间，门禁记录{len(found)}"
                    f"车次；指令前{len(usual)}天平均{plain(mean)}车次，按指令应不超过{plain(allowed)}车次"
                ),
                silenced_by=f"当天少于{plain(allowed + rule.gate_passes)}车次",
                strength=saturated(len(found) / max(allowed, 1.0) - 1.0, 1.0), expected=mean,
            )  # fmt: skip


def usual_passes(
    days: Mapping[int, Sequence[object]], bound: Sequence[Order], until_s: int
) -> dict[int, int]:
    """平日车次 of the whole days before an order that no order touches."""
    return {
        day: len(found)
        for day, found in days.items()
        if day + _DAY_S <= until_s
        and not any(one.begin_s < day + _DAY_S and day < one.end_s for one in bound)
    }


def _gate(
    code: str, key: str, found: list[Event], *, seen: str, silenced_by: str, strength: float,
    expected: float,
) -> OutsideSign:  # fmt: skip
    return OutsideSign(
        key=f"vehicle_gate|{code}|{key}", kind="vehicle_gate", begin_s=found[0].begin_s,
        end_s=max(found[-1].end_s, found[0].begin_s + 1), division=found[0].division, medium="air",
        strength=strength, seen=seen, silenced_by=silenced_by, credit_code=code,
        point=found[0].point, radius_m=200.0, value=float(len(found)), expected=expected,
        unit="车次", sources=tuple(one.key for one in found)[:MOST_SOURCES],
    )  # fmt: skip
