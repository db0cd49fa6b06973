"""传输有效率 for `farsight rate --effective`: joins ingest's rates with the validity of detect."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from farsight.lab.door_client import SignedInClient
from services.chassis.effective_rate import Effective, effective
from services.chassis.errors import InputRejected
from services.chassis.pb.detect.v1 import judgement_pb2 as detect
from services.chassis.pb.detect.v1 import judgement_pb2_grpc as detect_rpc
from services.chassis.pb.ingest.v1 import transmission_pb2 as ingest
from services.chassis.pb.ingest.v1 import transmission_pb2_grpc as ingest_rpc
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.pb.registry.v1 import registry_pb2_grpc as registry_rpc

LEVELS = {
    "outlet": detect.SUM_LEVEL_OUTLET,
    "enterprise": detect.SUM_LEVEL_ENTERPRISE,
    "county": detect.SUM_LEVEL_COUNTY,
    "city": detect.SUM_LEVEL_CITY,
    "province": detect.SUM_LEVEL_PROVINCE,
    "operator": detect.SUM_LEVEL_OPERATOR,
}
#: Outlets whose plant has no 第三方运维单位.
OWN = "(own 自行运维)"
_PAGE = 500
#: Rows of one answer of ingest; of more outlets it tells no more.
_MOST_OUTLETS = 10_000


@dataclass(frozen=True)
class Joined:
    """One row: both rates and what they give."""

    key: str
    rate: ingest.Rate
    sums: detect.DaySum
    effective: Effective


def ask(
    client: SignedInClient, request: ingest.ListRatesRequest, by: str
) -> tuple[list[Joined], Joined | None]:
    """Ask both doors; rows of either, and all together (None where nothing was due).

    Ingest does not know who runs an outlet's instruments: by operator its outlets are summed here.
    Raises a FarsightError where a door refuses.
    """
    rates = client.call(ingest_rpc.TransmissionServiceStub(client.channel).ListRates, request)
    asked = detect.ListDaySumsRequest(
        day=request.day, month=request.month, division=request.division, level=LEVELS[by]
    )
    sums = client.call(detect_rpc.JudgementServiceStub(client.channel).ListDaySums, asked)
    listed = list(rates.rates)
    if by == "operator":
        if len(listed) >= _MOST_OUTLETS:
            raise InputRejected("too many outlets to sum by operator: narrow it with --division")
        listed = by_operator(listed, operators(client))
    total = join([rates.total], [sums.total])[0] if rates.HasField("total") else None
    return join(listed, sums.sums), total


def join(rates: Iterable[ingest.Rate], sums: Iterable[detect.DaySum]) -> list[Joined]:
    """Rows of both by key; what is not judged yet has no validity and no effective rate."""
    judged = {one.key or OWN: one for one in sums}
    sent = {one.key or OWN: one for one in rates}
    nothing = detect.DaySum(validity=math.nan)
    silent = ingest.Rate(realtime=math.nan, after_fill=math.nan)
    found = []
    for key in sorted(sent | judged):
        rate, one = sent.get(key, silent), judged.get(key, nothing)
        found.append(
            Joined(key, rate, one, effective(rate.realtime, rate.after_fill, one.validity))
        )
    return found


def by_operator(rates: Iterable[ingest.Rate], names: Mapping[str, str]) -> list[ingest.Rate]:
    """Rates of outlets summed by operator; `names` by credit code, empty = the plant itself."""
    totals: dict[str, ingest.Rate] = {}
    for one in rates:
        name = names.get(one.key.partition("-")[0], "")
        total = totals.setdefault(name, ingest.Rate(key=name, period=one.period))
        for field in ("due", "stopped", "came", "free", "filled", "free_after", "outlets"):
            setattr(total, field, getattr(total, field) + getattr(one, field))
        total.provisional |= one.provisional
    for total in totals.values():
        total.realtime = _share(total.came + total.free, total)
        total.after_fill = _share(total.came + total.filled + total.free_after, total)
    return list(totals.values())


def operators(client: SignedInClient) -> dict[str, str]:
    """第三方运维单位 of each enterprise by credit code."""
    stub = registry_rpc.RegistryServiceStub(client.channel)
    found: dict[str, str] = {}
    token = ""
    while True:
        request = registry.ListRecordsRequest(
            kind=registry.RECORD_KIND_ENTERPRISE, page_size=_PAGE, page_token=token
        )
        page = client.call(stub.ListRecords, request)
        found |= {record.key: record.enterprise.operator_name for record in page.records}
        token = page.next_page_token
        if not token:
            return found


def as_json(rows: Iterable[Joined], total: Joined | None) -> str:
    """All numbers, for scripts; a share without a denominator is null."""
    return json.dumps(
        {"rates": [_fields(row) for row in rows], "total": _fields(total) if total else None},
        ensure_ascii=False,
        indent=1,
    )


def as_text(
    rows: Iterable[Joined], total: Joined | None, names: Mapping[str, str], period: str
) -> str:
    """A table for people: 传输率, 有效率 and 传输有效率 in both versions."""
    if total is None:
        return f"{period}: nothing was due, or no hour of it is closed yet 尚无应传数据"
    heading = (
        f"{'':<32}{'outlets':>8}{'in time':>10}{'after fill':>12}{'validity':>11}"
        f"{'effective':>12}{'after fill':>12}"
    )
    lines = [f"effective transmission rate 传输有效率 {period}", heading]
    lines += [_line(f"{row.key} {names.get(row.key, '')}".strip(), row) for row in rows]
    lines.append(_line("all 合计", total))
    if math.isnan(total.sums.validity):
        lines.append("no day of the period is judged yet: days are judged when marks are frozen")
    return "\n".join(lines)


def _line(label: str, row: Joined) -> str:
    wide = sum(ord(letter) > 0x2E80 for letter in label)  # such letters take two columns
    shares = (row.rate.realtime, row.rate.after_fill, row.sums.validity, *row.effective)
    widths = (10, 12, 11, 12, 12)
    return f"{label:<{max(32 - wide, 1)}}{max(row.rate.outlets, row.sums.outlets):>8}" + "".join(
        f"{_percent(share):>{width}}" for share, width in zip(shares, widths, strict=True)
    )


def _fields(row: Joined) -> dict[str, object]:
    return {
        "key": row.key,
        "outlets": max(row.rate.outlets, row.sums.outlets),
        "realtime": _or_null(row.rate.realtime),
        "after_fill": _or_null(row.rate.after_fill),
        "received": row.sums.received,
        "valid": row.sums.valid,
        "free": row.sums.free,
        "stopped": row.sums.stopped,
        "excused": row.sums.excused,
        "validity": _or_null(row.sums.validity),
        "effective": _or_null(row.effective.realtime),
        "effective_after_fill": _or_null(row.effective.after_fill),
        "provisional": row.rate.provisional,
    }


def _share(part: int, rate: ingest.Rate) -> float:
    base = rate.due - rate.stopped
    return min(part / base, 1.0) if base > 0 else math.nan


def _or_null(share: float) -> float | None:
    return None if math.isnan(share) else share


def _percent(share: float) -> str:
    """A share with two decimals, cut and never rounded up to a full hundred; nothing is a dash."""
    return "-" if math.isnan(share) else f"{math.floor(share * 10_000 + 1e-9) / 100:.2f} %"
