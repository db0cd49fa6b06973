"""`farsight call`: ask a logger for something (反控) and follow it to its answer.

Exit 0: done (or only handed over, without --wait). Exit 1: it failed, expired or is refused.
Exit 2: bad usage.
"""

import argparse
import json
import re
import sys
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

import grpc
from google.protobuf.json_format import MessageToDict

from farsight.account import add_account_arguments, signed_in
from farsight.call_text import command_line, kind_line, step_lines, summary
from farsight.lab.door_client import SignedInClient
from services.chassis import grpc_host
from services.chassis.clock import BEIJING, beijing, to_timestamp, utc_now
from services.chassis.errors import FarsightError, InputRejected
from services.chassis.pb.ingest.v1 import callback_pb2 as pb
from services.chassis.pb.ingest.v1 import callback_pb2_grpc as rpc
from services.chassis.pb.ingest.v1 import command_pb2
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.pb.registry.v1 import registry_pb2_grpc as registry_rpc

_EPILOG = """\
examples:
  farsight call DA001 minutes --from "2026-11-22 08:00" --to "2026-11-22 09:00" --wait
  farsight call 010000A8900016F000169DC0 check PolId=w01018 --reason "quarterly check" --wait
  farsight call DA001 info PolId=w01018 InfoId=i13001 --wait
  farsight call DA001 3011 PolId=a21026 CalibrationType=0 --reason "zero drift"
  farsight call --kinds DA001             what may be asked, with its words
  farsight call --list DA001              what was asked
  farsight call --follow COMMAND_ID       its steps, as they come
"""
_MN = re.compile(r"[0-9A-Za-z]{14}|[0-9A-Fa-f]{24}")
_DONE = command_pb2.COMMAND_STATE_DONE
#: Seconds a watch may last; the door ends it sooner.
_WATCH_S = 4 * 3600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("target", nargs="?", metavar="MN|OUTLET", help="logger, outlet id, or an outlet's code")
    add("action", nargs="?", metavar="WORD|CN", help="what to ask: a word of --kinds, or the CN")
    add("fields", nargs="*", metavar="NAME=VALUE", help="CP fields by the standard's names")
    add("--from", dest="begin", type=_moment, metavar="ISO", help="BeginTime; no zone: Beijing")
    add("--to", dest="end", type=_moment, metavar="ISO", help="EndTime, inclusive")
    add("--reason", default="", help="why; needed for what changes something at the site")
    add("--deadline", type=float, metavar="MIN", help="minutes it may wait to begin (60)")
    add("--wait", action="store_true", help="follow the steps to the end")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--list", action="store_true", help="list commands, newest first")
    mode.add_argument("--kinds", action="store_true", help="list what may be asked")
    mode.add_argument("--follow", metavar="ID", help="show a command's steps as they come")
    mode.add_argument("--cancel", metavar="ID", help="withdraw what was not sent yet")
    add("--json", action="store_true", help="print JSON")
    add_account_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Do what was asked; returns the exit code."""
    try:
        with signed_in(args) as client:
            stub = rpc.CommandServiceStub(client.channel)
            if args.follow:
                return _follow(client, stub, args.follow, as_json=args.json)
            if args.cancel:
                return _cancel(client, stub, args)
            target = _target(client, args.target) if args.target else {}
            if args.list or args.kinds:
                return (_list if args.list else _kinds)(client, stub, target, as_json=args.json)
            if not (args.target and args.action):
                print("farsight call: a target and what to ask are needed", file=sys.stderr)
                return 2
            return _ask(client, stub, target, args)
    except FarsightError as error:
        facts = "".join(f"; {name}: {value}" for name, value in error.facts.items())
        print(f"farsight call: {error}{facts}", file=sys.stderr)
        return 2 if isinstance(error, InputRejected) else 1


def _target(client: SignedInClient, text: str) -> dict[str, str]:
    """A logger's number, an outlet's id, or an outlet's code where only one has it."""
    if "-" in text:
        return {"outlet_id": text}
    if _MN.fullmatch(text):
        return {"mn": text}
    request = registry.ListRecordsRequest(kind=registry.RECORD_KIND_OUTLET, page_size=500)
    stub = registry_rpc.RegistryServiceStub(client.channel)
    records = []
    while True:
        page = client.call(stub.ListRecords, request)
        records += [one.outlet for one in page.records if one.outlet.code == text]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    if len(records) == 1:
        return {"outlet_id": records[0].outlet_id}
    several = ", ".join(one.outlet_id for one in records[:6])
    raise InputRejected(f"{len(records)} outlets have the code {text}", outlets=several or "none")


def _ask(
    client: SignedInClient,
    stub: rpc.CommandServiceStub,
    target: dict[str, str],
    args: argparse.Namespace,
) -> int:
    asked = client.call(stub.ListCommandKinds, pb.ListCommandKindsRequest(**target))
    kind = next((one for one in asked.kinds if args.action in (one.cn, one.word)), None)
    request = pb.RequestCommandRequest(
        cn=kind.cn if kind else args.action,  # the door says why what it did not offer is refused
        parameters=dict(_fields(args, kind)),
        reason=args.reason,
        request_id=str(uuid.uuid4()),
        **target,  # type: ignore[arg-type]
    )
    if args.deadline:
        request.deadline.CopyFrom(to_timestamp(utc_now() + timedelta(minutes=args.deadline)))
    command = client.call(stub.RequestCommand, request).command
    if args.wait:
        return _follow(client, stub, command.command_id, as_json=args.json)
    print(_json(command) if args.json else command_line(command))
    return 0


def _fields(args: argparse.Namespace, kind: pb.CommandKind | None) -> Iterator[tuple[str, str]]:
    """The CP fields: those given, the period, and the present moment for a clock to be set."""
    for text in args.fields:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputRejected(f"{text!r} is no NAME=VALUE")
        yield name, value
    for name, moment in (("BeginTime", args.begin), ("EndTime", args.end)):
        if moment is not None:
            yield name, f"{beijing(moment):%Y%m%d%H%M%S}"
    given = {text.partition("=")[0] for text in args.fields}
    if kind is not None and kind.cn == "1012" and "SystemTime" not in given:
        yield "SystemTime", f"{beijing(utc_now()):%Y%m%d%H%M%S}"


def _follow(
    client: SignedInClient, stub: rpc.CommandServiceStub, command_id: str, *, as_json: bool
) -> int:
    request = pb.WatchCommandRequest(command_id=command_id)
    command = pb.Command()
    steps: list[pb.CommandStep] = []
    try:
        for news in stub.WatchCommand(request, metadata=tuple(client.metadata()), timeout=_WATCH_S):
            command = news.command
            if not as_json:
                head = [] if steps else [command_line(command)]
                print("\n".join([*head, *step_lines(news.steps)]), flush=True)
            steps += news.steps
    except grpc.RpcError as error:
        raise grpc_host.error_from(error) from error
    answer = pb.GetCommandResponse(command=command, steps=steps)
    print(_json(answer) if as_json else summary(answer))
    return 0 if command.state == _DONE else 1


def _cancel(client: SignedInClient, stub: rpc.CommandServiceStub, args: argparse.Namespace) -> int:
    request = pb.CancelCommandRequest(command_id=args.cancel, reason=args.reason)
    command = client.call(stub.CancelCommand, request).command
    print(_json(command) if args.json else command_line(command))
    return 0


def _list(
    client: SignedInClient, stub: rpc.CommandServiceStub, target: dict[str, str], *, as_json: bool
) -> int:
    answer = client.call(stub.ListCommands, pb.ListCommandsRequest(**target))  # type: ignore[arg-type]
    if as_json:
        print(_json(answer))
        return 0
    for command in answer.commands:
        print(command_line(command))
    if not answer.commands:
        print("nothing was asked yet")
    return 0


def _kinds(
    client: SignedInClient, stub: rpc.CommandServiceStub, target: dict[str, str], *, as_json: bool
) -> int:
    answer = client.call(stub.ListCommandKinds, pb.ListCommandKindsRequest(**target))
    print(_json(answer) if as_json else "\n".join(map(kind_line, answer.kinds)))
    return 0


def _json(message: object) -> str:
    found = MessageToDict(message, preserving_proto_field_name=True)  # type: ignore[arg-type]
    return json.dumps(found, ensure_ascii=False, indent=1)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)
