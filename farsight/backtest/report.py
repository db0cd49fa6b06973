"""差异报告: a comparison as canonical JSON with its digest; the same input, the same bytes."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict

from farsight.backtest.compare import Change, Difference, Flip, Labelled, by_county
from farsight.backtest.items import ItemCount, table_of
from farsight.backtest.replay import Replay
from services.chassis.clock import beijing, from_timestamp, from_unix
from services.chassis.pb.detect.v1 import detect_pb2

SCHEMA = "farsight.backtest/1"
#: Findings and days that a report lists one by one; counts are always complete.
LISTED = 2000


def difference_report(difference: Difference, data: str) -> bytes:
    """差异报告 of two packs: UTF-8 JSON with sorted keys, no blanks, `sha256` over all the rest.

    `data` says where the readings came from. NaN is written as null; times are Beijing's.
    """
    return canonical(difference_document(difference, data))


def difference_document(difference: Difference, data: str) -> dict[str, Any]:
    """The report before it is written down, without its digest."""
    old, new = difference.old, difference.new
    before, after = old.counts, new.counts
    return {
        "schema": SCHEMA,
        "data": data,
        "from": old.span.first.isoformat(),
        "to": old.span.last.isoformat(),
        "outlets": old.outlets,
        "old": _pack(old),
        "new": _pack(new),
        "summary": _summary(difference),
        "counties": [
            {
                "division": side.division,
                "name": difference.names.get(side.division, ""),
                "items": list(side.items),
                "officer_hours": [round(hours, 3) for hours in side.officer_hours],
            }
            for side in by_county(before, after)
        ],
        "triggers": _triggers(before, after),
        "flips": [_flip(one) for one in difference.flips],
        "confirmed_gained": [_labelled(one) for one in difference.confirmed(gained=True)],
        "confirmed_lost": [_labelled(one) for one in difference.confirmed(gained=False)],
        "labels": len(difference.labels),
        "findings": [_change(one) for one in difference.changes[:LISTED]],
        "findings_listed": min(len(difference.changes), LISTED),
    }


def canonical(document: Mapping[str, Any]) -> bytes:
    """规范 JSON of a document, with `sha256` (hex) over its canonical form without that key."""
    body = _dumps(document)
    return _dumps({**document, "sha256": hashlib.sha256(body).hexdigest()})


def verify(report: bytes) -> bool:
    """Whether a report still is what was written: its digest, and its canonical form."""
    document = json.loads(report)
    document.pop("sha256", None)
    return canonical(document) == report


def _dumps(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(
        _plain(document), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return text.encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _pack(replay: Replay) -> dict[str, Any]:
    table = table_of(replay.pack)
    return {
        "pack": replay.pack.name,
        "title": replay.pack.title,
        "sha256": replay.pack.sha256.hex(),
        "triggers": table.version,
        "findings": len(replay.findings),
        "officer_hours_an_item": dict(table.officer_hours),
    }


def _summary(difference: Difference) -> dict[str, Any]:
    sides = by_county(difference.old.counts, difference.new.counts)
    return {
        "items": [sum(side.items[n] for side in sides) for n in (0, 1)],
        "officer_hours": [round(sum(side.officer_hours[n] for side in sides), 3) for n in (0, 1)],
        "findings_gained": len(difference.gained),
        "findings_lost": len(difference.lost),
        "findings_changed": len(difference.changed),
        "enterprises_flipped": len(difference.flips),
        "days_flipped": sum(len(one.days) for one in difference.flips),
        "confirmed_gained": len(difference.confirmed(gained=True)),
        "confirmed_lost": len(difference.confirmed(gained=False)),
    }


def _triggers(old: Iterable[ItemCount], new: Iterable[ItemCount]) -> list[dict[str, Any]]:
    """Items of each trigger over all counties; monitor rows stand beside live ones."""
    rows: dict[tuple[str, str, bool], dict[str, Any]] = {}
    for at, counts in enumerate((old, new)):
        for one in counts:
            row = rows.setdefault(
                (one.trigger, one.level, one.live),
                {
                    "trigger": one.trigger,
                    "item": one.item_zh,
                    "level": one.level,
                    "mode": "live" if one.live else "monitor",
                    "items": [0, 0],
                    "officer_hours": [0.0, 0.0],
                },
            )
            row["items"][at] += one.items
            row["officer_hours"][at] = round(row["officer_hours"][at] + one.officer_hours, 3)
    return [row for _, row in sorted(rows.items())]


def _flip(flip: Flip) -> dict[str, Any]:
    return {
        "credit_code": flip.credit_code,
        "name": flip.name,
        "division": flip.division,
        "way": flip.way,
        "day_count": len(flip.days),
        "days": [
            {
                "day": one.day.isoformat(),
                "outlet_id": one.outlet_id,
                "factor": one.factor,
                "rule": one.rule_id,
                "now_over": one.now_over,
                "why": one.why,
            }
            for one in flip.days[:LISTED]
        ],
    }


def _labelled(one: Labelled) -> dict[str, Any]:
    return {
        "outlet_id": one.label.outlet_id,
        "factor": one.label.factor,
        "rule": one.label.rule_id,
        "matter": one.label.matter,
        "start": _hour(one.label.start * 3600),
        "end": _hour(one.label.end * 3600),
    }


def _change(change: Change) -> dict[str, Any]:
    one = change.one
    what = "gained" if change.before is None else "lost" if change.after is None else "changed"
    return {
        "what": what,
        "finding_id": one.finding_id,
        "outlet_id": one.outlet_id,
        "rule": one.rule_id,
        "factors": list(one.factors),
        "before": _finding(change.before),
        "after": _finding(change.after),
        "fields": list(change.fields),
    }


def _finding(one: detect_pb2.Finding | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "start": _hour(one.start.seconds),
        "end": _hour(one.end.seconds),
        "count": one.count,
        "statistic": one.statistic,
        "threshold": one.threshold,
        "unit": one.unit,
        "limit_id": one.limit_id,
        "seen": one.seen,
    }


def _hour(second: int) -> str:
    return beijing(from_unix(second)).strftime("%Y-%m-%dT%H:%M+08:00")


def replay_document(replay: Replay, data: str) -> dict[str, Any]:
    """单包回测 as a document: all findings and items of one pack."""
    return {
        "schema": SCHEMA,
        "data": data,
        "from": replay.span.first.isoformat(),
        "to": replay.span.last.isoformat(),
        "outlets": replay.outlets,
        "pack": _pack(replay),
        "triggers": _triggers(replay.counts, ()),
        "counties": [
            {"division": s.division, "items": s.items[0], "officer_hours": s.officer_hours[0]}
            for s in by_county(replay.counts, ())
        ],
        "findings": [_whole(one) for one in replay.findings],
    }


def _whole(one: detect_pb2.Finding) -> dict[str, Any]:
    whole: dict[str, Any] = MessageToDict(one, preserving_proto_field_name=True)
    whole["start"], whole["end"] = (
        beijing(from_timestamp(moment)).isoformat() for moment in (one.start, one.end)
    )
    return whole
