"""`farsight queue`: the queue 办理清单 of a running platform, on the screen or as a file.

Exit 0: printed or written. Exit 1: the door refused or is away. Exit 2: bad usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path

import grpc
from google.protobuf.json_format import MessageToDict

from farsight.account import add_account_arguments, signed_in
from farsight.lab.door_client import SignedInClient
from services.chassis import grpc_host
from services.chassis.clock import BEIJING, beijing, from_timestamp, to_timestamp
from services.chassis.errors import FarsightError, InputRejected
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.chassis.pb.cases.v1 import cases_pb2_grpc as rpc
from services.chassis.pb.cases.v1 import work_pb2, work_pb2_grpc

_EPILOG = """\
examples:
  farsight queue                                    what is open, most pressing first
  farsight queue --division 130402 --overdue        what is late in a county
  farsight queue --search 热电 --json
  farsight queue --xlsx 办理清单.xlsx --all           every matter, closed ones too
  farsight queue --kind case --csv cases.csv --due-before 2026-12-01
"""
KINDS = {
    name.removeprefix("MATTER_KIND_").lower(): number for name, number in pb.MatterKind.items()
}
_EXPORT_S = 3600.0
_PAGE = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("--division", default="", metavar="CODE", help="only this province, city or county")
    add("--kind", choices=[kind for kind in KINDS if kind != "unspecified"], help="only this kind")
    add("--overdue", action="store_true", help="only what is past its nearest end")
    add("--all", action="store_true", help="closed matters too")
    add("--mine", action="store_true", help="only what is in your charge")
    add("--officer", default="", metavar="ID", help="only in this officer's charge; - = nobody's")
    add("--item", default="", metavar="KEY", help="only this trigger item")
    add("--search", default="", metavar="TEXT", help="part of plant, credit code, number, 文号")
    add("--risk", type=int, default=0, metavar="N", help="at least this risk, 0..100")
    add("--order", choices=["rank", "due", "opened"], default="rank", help="(%(default)s)")
    for name, what in (("opened", "opened"), ("due", "due")):
        add(f"--{name}-from", type=_day, metavar="DAY", help=f"{what} on this Beijing day or later")
        add(f"--{name}-before", type=_day, metavar="DAY", help=f"{what} before this Beijing day")
    add("--limit", type=int, default=50, metavar="N", help="rows on the screen (%(default)s)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", type=Path, metavar="FILE", help="write all rows as CSV")
    form.add_argument("--xlsx", type=Path, metavar="FILE", help="write all rows as Excel workbook")
    form.add_argument("--json", action="store_true", help="print JSON")
    add_account_arguments(parser)


def _day(text: str) -> date:
    return date.fromisoformat(text)


def run(args: argparse.Namespace) -> int:
    """Ask and print or write; gives the exit code."""
    try:
        with signed_in(args) as client:
            target = args.csv or args.xlsx
            if target:
                _export(client, _query(args), target, excel=bool(args.xlsx))
            else:
                _show(client, _query(args), args)
    except (FarsightError, OSError) as error:
        print(f"farsight queue: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputRejected) else 1
    return 0


def _query(args: argparse.Namespace) -> pb.ListMattersRequest:
    query = pb.ListMattersRequest(
        division=args.division,
        kind=KINDS[args.kind] if args.kind else pb.MATTER_KIND_UNSPECIFIED,
        state="" if args.all else "open",
        search=args.search,
        mine=args.mine,
        order=args.order,
        assignee_id=args.officer,
        item=args.item,
        overdue=args.overdue,
        risk_from=args.risk,
    )
    for name in ("opened_from", "opened_before", "due_from", "due_before"):
        day = getattr(args, name)
        if day is not None:
            midnight = datetime.combine(day, time(), BEIJING)
            getattr(query, name).CopyFrom(to_timestamp(midnight))
    return query


def _export(
    client: SignedInClient, query: pb.ListMattersRequest, target: Path, *, excel: bool
) -> None:
    """Write beside the target first: a broken stream leaves no half file under its name."""
    request = work_pb2.ExportQueueRequest(
        query=query,
        format=work_pb2.TABLE_FORMAT_XLSX if excel else work_pb2.TABLE_FORMAT_CSV,
    )
    stub = work_pb2_grpc.WorkServiceStub(client.channel)
    part = target.with_name(target.name + ".part")
    rows = 0
    try:
        with part.open("wb") as file:
            for answer in _answers(stub.ExportQueue, request, client):
                rows = answer.rows
                file.write(answer.chunk)
                _progress(answer)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    print(f"{target}: {rows} rows, {target.stat().st_size} bytes")


def _answers(
    method: grpc.UnaryStreamMultiCallable[
        work_pb2.ExportQueueRequest, work_pb2.ExportQueueResponse
    ],
    request: work_pb2.ExportQueueRequest,
    client: SignedInClient,
) -> Iterator[work_pb2.ExportQueueResponse]:
    try:
        yield from method(request, metadata=tuple(client.metadata()), timeout=_EXPORT_S)
    except grpc.RpcError as error:
        raise grpc_host.error_from(error) from error


def _progress(answer: work_pb2.ExportQueueResponse) -> None:
    if sys.stderr.isatty() and not answer.chunk:
        share = answer.rows * 100 // max(answer.total, 1)
        end = "\n" if answer.rows == answer.total else ""
        print(
            f"\r{answer.rows}/{answer.total} rows {share} %", end=end, file=sys.stderr, flush=True
        )


def _show(client: SignedInClient, query: pb.ListMattersRequest, args: argparse.Namespace) -> None:
    stub = rpc.CaseServiceStub(client.channel)
    matters: list[pb.Matter] = []
    total = 0
    while len(matters) < args.limit:
        query.page_size = min(_PAGE, args.limit - len(matters))
        page = client.call(stub.ListMatters, query)
        matters += page.matters
        query.page_token, total = page.next_page_token, page.total
        if not page.next_page_token:
            break
    print(_json(matters, total) if args.json else _text(matters, total))


def _json(matters: list[pb.Matter], total: int) -> str:
    found = [MessageToDict(one, preserving_proto_field_name=True) for one in matters]
    return json.dumps({"total": total, "matters": found}, ensure_ascii=False, indent=1)


def _text(matters: list[pb.Matter], total: int) -> str:
    lines = [f"{'due':<17}{'risk':>5}  number, state, plant, title, officer"]
    for one in matters:
        due = (
            f"{beijing(from_timestamp(one.next_due_at)):%Y-%m-%d %H:%M}" if one.next_due_key else ""
        )
        what = f"{one.number} [{one.state_name}] {one.enterprise_name} {one.title}"
        lines.append(f"{due:<17}{one.risk:>5}  {what} {one.assignee_name}".rstrip())
    shown = f"{len(matters)} of {total}" if total > len(matters) else f"{total}"
    return "\n".join([*lines, f"{shown} matters 事项"])
