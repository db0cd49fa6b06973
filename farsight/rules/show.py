"""`farsight rules show`: rows of a pack, or what applies to an outlet, and why."""

import argparse
import dataclasses
import datetime as dt
import json
import math
from collections.abc import Iterable
from typing import Any

from farsight.account import signed_in
from farsight.lab.door_client import SignedInClient
from farsight.rules.source import kept_pack, pack_of
from services.chassis.clock import beijing, utc_now
from services.chassis.errors import InputRejected
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.pb.registry.v1 import registry_pb2_grpc as registry_rpc
from services.detect.domain.block import Limit
from services.detect.domain.rule import day_hour
from services.detect.judgement.limits import resolve_limits, shown
from services.detect.judgement.parameters import OutletFacts
from services.detect.packs.diff import flat
from services.detect.packs.load import PARTS, shipped_pack
from services.detect.packs.pack import Pack
from services.detect.packs.select import find, select_all
from services.detect.wire import limit_of

#: Parts of which one row counts for a series, and parts of which several may.
_ONE = ("validity", "furnaces", "warnings", "amounts", "rates", "power")
_SEVERAL = ("marks", "pools")


@dataclasses.dataclass(frozen=True)
class Asked:
    """An outlet, real or thought of, and its registered limits by factor."""

    facts: OutletFacts
    factors: tuple[str, ...]
    own: dict[str, list[Limit]]


def show(args: argparse.Namespace) -> int:
    """规则查询."""
    asked: Asked | None
    if args.outlet:
        with signed_in(args) as door:
            pack = pack_of(args.pack, lambda: signed_in(args)) if args.pack else kept_pack(door)
            asked = _registered(door, args)
    else:
        pack = pack_of(args.pack, lambda: signed_in(args)) if args.pack else shipped_pack()
        asked = _thought_of(args)
    if asked is None:
        return _print_rows(_rows(pack, args.part), as_json=args.json)
    day = args.day or beijing(utc_now()).date()
    told = explain(pack, asked, day, _part_of(args.part) if args.part else "")
    print(json.dumps(told, ensure_ascii=False, indent=1) if args.json else "\n".join(text(told)))
    return 0


def _thought_of(args: argparse.Namespace) -> Asked | None:
    """An outlet by what was said of it; None where nothing was said."""
    if not (args.factor or args.industry or args.process or args.medium or args.division):
        return None
    medium = args.medium or ("water" if args.factor.startswith("w") else "air")
    facts = OutletFacts(
        outlet_id="", division=args.division, credit_code="", industry=args.industry,
        medium=medium, process=args.process, traits=_traits(args.trait),
    )  # fmt: skip
    return Asked(facts, (args.factor,) if args.factor else (), {})


def _traits(given: Iterable[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    if not all(name and value for name, _, value in pairs):
        raise InputRejected("a trait is NAME=VALUE, as unit=new")
    return {name: value for name, _, value in pairs}


def _registered(door: SignedInClient, args: argparse.Namespace) -> Asked:
    """An outlet of the registry with its plant and limits. Raises NotFound."""
    stub = registry_rpc.RegistryServiceStub(door.channel)

    def record(kind: registry.RecordKind.ValueType, key: str) -> registry.Record:
        return door.call(stub.GetRecord, registry.GetRecordRequest(kind=kind, key=key)).record

    outlet = record(registry.RECORD_KIND_OUTLET, args.outlet).outlet
    plant = record(registry.RECORD_KIND_ENTERPRISE, outlet.credit_code).enterprise
    facts = OutletFacts(
        outlet_id=outlet.outlet_id, division=outlet.division, credit_code=outlet.credit_code,
        industry=plant.industry, medium=outlet.medium, process=outlet.process,
        ref_o2=outlet.ref_o2_percent, operator=plant.operator_name,
        traits=_traits([*outlet.traits, *args.trait]),
    )  # fmt: skip
    own: dict[str, list[Limit]] = {}
    request = registry.ListRecordsRequest(
        kind=registry.RECORD_KIND_LIMIT, credit_code=outlet.credit_code, page_size=500
    )
    while True:
        page = door.call(stub.ListRecords, request)
        for one in (entry.limit for entry in page.records):
            if one.outlet_id == outlet.outlet_id:
                own.setdefault(one.factor, []).append(limit_of(one))
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    factors = (args.factor,) if args.factor else tuple(outlet.factors)
    return Asked(facts, factors, own)


def explain(pack: Pack, asked: Asked, day: dt.date, part: str = "") -> dict[str, Any]:
    """What of a pack applies to an outlet on a Beijing day, and why."""
    told: dict[str, Any] = {"pack": pack.name, "day": day.isoformat(), "facts": flat(asked.facts)}
    hour = day_hour(day.isoformat())
    for factor in asked.factors or ("",):
        own = asked.own.get(factor, [])
        found: dict[str, Any] = {}
        if part in {"", "standards"} and factor:
            limits = resolve_limits(own, pack, asked.facts, factor)
            found["limits"] = [_limit(one) for one in limits if one.since <= hour < one.until]
        for name in _ONE:
            row = find(getattr(pack, name), asked.facts, factor, day)
            if row is not None and part in {"", name}:
                found[name] = flat(row)
        for name in _SEVERAL:
            rows: list[Any] = select_all(getattr(pack, name), asked.facts, factor, day)
            if part in {"", name}:
                found[name] = [flat(row) for row in rows]
        known = pack.book.factor(factor)
        title = f"{factor} {known.name_zh}" if factor else "outlet"
        told.setdefault("factors", {})[title.strip()] = found
    return told


def _limit(one: Limit) -> dict[str, Any]:
    return {
        "limit_id": one.limit_id,
        "averaging": one.averaging,
        "lower": None if math.isnan(one.lower) else one.lower,
        "upper": None if math.isnan(one.upper) else one.upper,
        "bounds": shown(one),
        "unit": one.unit,
        "ref_o2_percent": one.ref_o2,
        "water_temperature": one.water_temperature,
        "basis": one.basis,
        "source": one.source,
        "why": one.why,
    }


def text(told: dict[str, Any]) -> list[str]:
    """An explanation for people."""
    facts = told["facts"]
    traits = " ".join(f"{k.removeprefix('traits.')}={v}" for k, v in facts.items()
                      if k.startswith("traits."))  # fmt: skip
    lines = [
        f"{told['pack']} on {told['day']}: {facts['outlet_id']} {facts['process']}"
        f" industry {facts['industry'] or '-'} {facts['medium']} {traits}".rstrip()
    ]
    if not facts["industry"]:
        lines.append("no industry is told (--industry): no standard is chosen")
    for title, found in told["factors"].items():
        lines.append(title)
        for one in found.get("limits", []):
            tier = {"le12": " (<=12 degC)", "gt12": " (>12 degC)"}.get(one["water_temperature"], "")
            oxygen = f" at {one['ref_o2_percent']:g}% O2" if one["ref_o2_percent"] else ""
            lines.append(
                f"  {one['averaging']:7}{one['bounds']} {one['unit']}{oxygen}{tier}"
                f"  [{one['basis']}] {one['source']}\n          {one['why']}"
            )
        lines += [_row_line(name, found[name]) for name in _ONE if name in found]
        lines += [_row_line(name, row) for name in _SEVERAL for row in found.get(name, [])]
    return lines


def _row_line(name: str, row: dict[str, str]) -> str:
    plain = {"key", "since", "until", "source", "confidence"}
    said = " ".join(
        f"{k}={v}" for k, v in row.items() if v and k not in plain and not k.startswith("scope.")
    )
    return f"  {name} {row['key']} ({row['confidence']}): {said}\n          {row['source']}"


def _part_of(name: str) -> str:
    """Field of `Pack` for a part by its field, file or file's stem. Raises InputRejected."""
    for part, (file, _) in PARTS.items():
        if name in {part, file, file.partition(".")[0]}:
            return part
    known = ", ".join(file for file, _ in PARTS.values())
    raise InputRejected(f"{name} is no part of a pack; choose one of {known}, rules")


def _rows(pack: Pack, part: str) -> list[dict[str, str]]:
    if not part:
        return [{"part": file, "rows": str(len(getattr(pack, name)))}
                for name, (file, _) in PARTS.items()]  # fmt: skip
    if part == "rules":
        return [flat(rule) for rule in pack.book.all_versions]
    return [flat(row) for row in getattr(pack, _part_of(part))]


def _print_rows(rows: list[dict[str, str]], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return 0
    for row in rows:
        print("; ".join(f"{name}={value}" for name, value in row.items() if value))
    return 0
