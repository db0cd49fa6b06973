"""`farsight rate`: 传输率 with numerator and denominator, in time and after fill; 传输有效率.

Exit 0: printed. Exit 1: the door refused or is away. Exit 2: bad usage.
"""

import argparse
import json
import math
import sys
from collections.abc import Mapping
from datetime import timedelta

from farsight import rate_effective
from farsight.account import add_account_arguments, signed_in
from farsight.lab.door_client import SignedInClient
from services.chassis.clock import beijing, utc_now
from services.chassis.errors import FarsightError
from services.chassis.pb.ingest.v1 import ingest_pb2
from services.chassis.pb.ingest.v1 import transmission_pb2 as pb
from services.chassis.pb.ingest.v1 import transmission_pb2_grpc as rpc
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.pb.registry.v1 import registry_pb2_grpc as registry_rpc

_EPILOG = """\
examples:
  farsight rate                                  yesterday, by county
  farsight rate --division 130400 --by outlet    the outlets of a city
  farsight rate --month 2026-11 --by city --json
  farsight rate --effective --by operator        传输有效率 with the validity of judged days
"""
LEVELS = {
    "outlet": pb.RATE_LEVEL_OUTLET,
    "enterprise": pb.RATE_LEVEL_ENTERPRISE,
    "county": pb.RATE_LEVEL_COUNTY,
    "city": pb.RATE_LEVEL_CITY,
    "province": pb.RATE_LEVEL_PROVINCE,
    "operator": pb.RATE_LEVEL_OUTLET,  # summed here, see rate_effective
}
KINDS = {
    "hour": ingest_pb2.READING_KIND_HOUR,
    "minute": ingest_pb2.READING_KIND_MINUTE,
    "realtime": ingest_pb2.READING_KIND_REALTIME,
    "day": ingest_pb2.READING_KIND_DAY,
}
_PAGE = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("--division", default="", metavar="CODE", help="only this province, city or county")
    period = parser.add_mutually_exclusive_group()
    period.add_argument("--day", default="", metavar="YYYY-MM-DD", help="Beijing day (yesterday)")
    period.add_argument("--month", default="", metavar="YYYY-MM", help="Beijing month")
    add("--by", choices=LEVELS, default="county", help="how to sum (%(default)s)")
    add("--kind", choices=KINDS, default="hour", help="which data (%(default)s)")
    add("--effective", action="store_true", help="with validity 有效率 and effective rate")
    add("--json", action="store_true", help="print JSON")
    add_account_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Ask and print; gives the exit code."""
    day = args.day or ("" if args.month else yesterday())
    request = pb.ListRatesRequest(
        day=day,
        month=args.month,
        level=LEVELS[args.by],
        division=args.division,
        kind=KINDS[args.kind],
    )
    if args.by == "operator" and not args.effective:
        print("farsight rate: --by operator needs --effective", file=sys.stderr)
        return 2
    try:
        with signed_in(args) as client:
            if args.effective:
                print(_effective(client, request, args))
                return 0
            answer = client.call(rpc.TransmissionServiceStub(client.channel).ListRates, request)
            names = {} if args.json else names_of(client, args.by)
    except (FarsightError, OSError) as error:
        print(f"farsight rate: {error}", file=sys.stderr)
        return 1
    print(as_json(answer) if args.json else as_text(answer, names, day or args.month))
    return 0


def _effective(
    client: SignedInClient, request: pb.ListRatesRequest, args: argparse.Namespace
) -> str:
    """传输有效率 as JSON or a table."""
    rows, total = rate_effective.ask(client, request, args.by)
    if args.json:
        return rate_effective.as_json(rows, total)
    names = {} if args.by == "operator" else names_of(client, args.by)
    return rate_effective.as_text(rows, total, names, request.day or request.month)


def yesterday() -> str:
    """The newest day of which all hours may be closed."""
    return (beijing(utc_now()) - timedelta(days=1)).date().isoformat()


def names_of(client: SignedInClient, level: str) -> dict[str, str]:
    """Names of divisions, enterprises or outlets by their codes; empty where they can't be read."""
    kind = {
        "outlet": registry.RECORD_KIND_OUTLET,
        "enterprise": registry.RECORD_KIND_ENTERPRISE,
    }.get(level, registry.RECORD_KIND_DIVISION)
    stub = registry_rpc.RegistryServiceStub(client.channel)
    names: dict[str, str] = {}
    token = ""
    while True:
        request = registry.ListRecordsRequest(kind=kind, page_size=_PAGE, page_token=token)
        page = client.call(stub.ListRecords, request)
        for record in page.records:
            body = getattr(record, record.WhichOneof("body") or "division")
            names[record.key] = body.name
        token = page.next_page_token
        if not token:
            return names


def as_json(answer: pb.ListRatesResponse) -> str:
    """All numbers, for scripts; a share without a denominator is null."""
    rows = [_fields(one) for one in answer.rates]
    total = _fields(answer.total) if answer.HasField("total") else None
    return json.dumps({"rates": rows, "total": total}, ensure_ascii=False, indent=1)


def _fields(one: pb.Rate) -> dict[str, object]:
    return {
        "key": one.key,
        "period": one.period,
        "due": one.due,
        "stopped": one.stopped,
        "came": one.came,
        "free": one.free,
        "filled": one.filled,
        "realtime": None if math.isnan(one.realtime) else one.realtime,
        "after_fill": None if math.isnan(one.after_fill) else one.after_fill,
        "provisional": one.provisional,
        "outlets": one.outlets,
    }


def as_text(answer: pb.ListRatesResponse, names: Mapping[str, str], period: str) -> str:
    """A table for people."""
    if not answer.rates:
        return f"{period}: nothing was due, or no hour of it is closed yet 尚无应传数据"
    heading = (
        f"{'':<32}{'outlets':>8}{'due':>9}{'stopped':>9}{'came':>9}{'free':>6}{'filled':>8}"
        f"{'in time':>10}{'after fill':>12}"
    )
    lines = [f"transmission rate 传输率 {period}", heading]
    lines += [_line(names.get(one.key, ""), one) for one in answer.rates]
    lines += [_line("all 合计", answer.total)]
    if answer.total.provisional:
        lines.append("* provisional: final after 13:00 of the following day 暂定值")
    return "\n".join(lines)


def _line(name: str, one: pb.Rate) -> str:
    label = f"{one.key} {name}".strip()
    wide = sum(ord(letter) > 0x2E80 for letter in label)  # such letters take two columns
    mark = "*" if one.provisional else " "
    return (
        f"{label:<{max(32 - wide, 1)}}{one.outlets:>8}{one.due:>9}{one.stopped:>9}{one.came:>9}"
        f"{one.free:>6}{one.filled:>8}{_percent(one.realtime):>9}{mark}{_percent(one.after_fill):>11}"
        f"{mark}"
    )


def _percent(share: float) -> str:
    """A share with two decimals, cut and never rounded up to a full hundred; nothing is a dash."""
    return "-" if math.isnan(share) else f"{math.floor(share * 10_000 + 1e-9) / 100:.2f} %"
