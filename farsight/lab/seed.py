"""`python -m farsight.lab.seed`: load the demo province through the gRPC door, as an operator.

Idempotent: a second run changes nothing but what hangs on the date: rosters reach some weeks ahead,
two officers are away this week and the next, one certificate ends with the next month.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from google.protobuf.message import Message

from farsight.lab.door_client import SignedInClient, parts, patiently
from farsight.lab.province import read_rows
from farsight.lab.seed_marks import seed_marks
from farsight.lab.simulate import DEFAULT_SEED
from services.chassis import grpc_host
from services.chassis.clock import BEIJING
from services.chassis.errors import FarsightError
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2_grpc as registry_grpc

OPERATOR = "operator"
DUTY_DAYS = 35
"""Days of rosters loaded ahead of today."""
SOON_OVER = "o-130426-4"
"""The officer whose certificate ends soon, so that its reminders can be seen."""
_PART = 400
_FILES: dict[str, type[Message]] = {
    "divisions": pb.Division,
    "enterprises": pb.Enterprise,
    "outlets": pb.Outlet,
    "loggers": pb.Logger,
    "limits": pb.Limit,
    "teams": pb.Team,
    "officers": pb.Officer,
    "contacts": pb.Contact,
    "agencies": pb.Agency,
    "meter_pairs": pb.MeterPair,
}


def records_of(name: str) -> Iterator[pb.Record]:
    """Yield the records of one file of the province."""
    shape = _FILES[name]
    bodies = pb.Record.DESCRIPTOR.oneofs_by_name["body"].fields
    field = next(one.name for one in bodies if one.message_type is shape.DESCRIPTOR)
    kind = pb.RecordKind.Value(f"RECORD_KIND_{field.upper()}")
    for row in read_rows(name):
        body = shape(**{key: _cast(shape, key, text) for key, text in row.items()})
        yield pb.Record(kind=kind, key=next(iter(row.values())), **{field: body})  # type: ignore[arg-type]


def _cast(shape: type[Message], name: str, text: str) -> object:
    field = shape.DESCRIPTOR.fields_by_name[name]
    if field.is_repeated:
        return [part for part in text.split(";") if part]
    if field.cpp_type == field.CPPTYPE_BOOL:
        return text == "true"
    if field.cpp_type == field.CPPTYPE_DOUBLE:
        return float(text)
    return int(text) if field.cpp_type == field.CPPTYPE_UINT32 else text


def duties(first: date, days: int) -> Iterator[pb.Record]:
    """Yield 值班表: the members of each team take the days in turn, by the date alone."""
    teams: dict[str, list[str]] = {}
    for row in read_rows("rosters"):
        teams.setdefault(row["team_id"], []).append(row["officer_id"])
    for team, members in teams.items():
        for day in (first + timedelta(days=n) for n in range(days)):
            key = f"{team}/{day.isoformat()}"
            officer = members[day.toordinal() % len(members)]
            duty = pb.Duty(duty_id=key, team_id=team, officer_id=officer, date=day.isoformat())
            yield pb.Record(kind=pb.RECORD_KIND_DUTY, key=key, duty=duty)


def leaves(today: date) -> Iterator[pb.Record]:
    """Yield 请假、离岗: from this week's Monday to the next one's Sunday."""
    monday = today - timedelta(days=today.weekday())
    for row in read_rows("leaves"):
        leave = pb.Leave(
            leave_id=f"v-{row['officer_id']}",
            from_day=monday.isoformat(),
            to_day=(monday + timedelta(days=13)).isoformat(),
            **row,
        )
        yield pb.Record(kind=pb.RECORD_KIND_LEAVE, key=leave.leave_id, leave=leave)


def officers(today: date) -> Iterator[pb.Record]:
    """Yield the officers; one certificate ends on the last day of the next month."""
    end = (today.replace(day=1) + timedelta(days=62)).replace(day=1) - timedelta(days=1)
    for record in records_of("officers"):
        if record.key == SOON_OVER:
            record.officer.certificate_expires = end.isoformat()
        yield record


def accounts() -> list[pb.Account]:
    """Return the demo accounts with their demo passwords."""
    return [
        pb.Account(**{k: v == "true" if k == "scripted" else v for k, v in row.items()})  # type: ignore[arg-type]
        for row in read_rows("accounts")
    ]


def requests(today: date, *, with_accounts: bool) -> Iterator[pb.SyncRequest]:
    """Yield the whole province in an order in which every reference is known before it is used."""
    for name in _FILES:
        records = officers(today) if name == "officers" else records_of(name)
        for part in parts(list(records), _PART):
            yield pb.SyncRequest(records=part)
    yield pb.SyncRequest(records=leaves(today))
    for part in parts(list(duties(today, DUTY_DAYS)), _PART):
        yield pb.SyncRequest(records=part)
    if with_accounts:
        for part in parts(accounts(), 20):
            yield pb.SyncRequest(accounts=part)


def seed(address: str, password: str, *, with_accounts: bool, wait_s: float) -> pb.SyncResponse:
    """Load everything as the first operator; wait for the doors to come up.

    Raises Unauthenticated when the password is not the operator's.
    """
    with grpc_host.client_channel(address) as channel:
        client = SignedInClient(channel, OPERATOR, password)
        patiently(client.sign_in, wait_s)
        stub = registry_grpc.RegistryServiceStub(channel)
        everything = requests(datetime.now(BEIJING).date(), with_accounts=with_accounts)
        return client.call(stub.Sync, _told(everything), timeout_s=120.0)


def _told(stream: Iterator[pb.SyncRequest]) -> Iterator[pb.SyncRequest]:
    sent = 0
    for request in stream:
        yield request
        sent += len(request.records) + len(request.accounts)
        print(f"seed: {sent} rows sent", file=sys.stderr, flush=True)


def _told_marks(args: argparse.Namespace) -> bool:
    """Bring the marks in; False when the gate or the doors refuse."""
    try:
        count = seed_marks(args.door, args.marks, DEFAULT_SEED, wait_s=args.wait)
    except FarsightError as error:
        print(f"seed: marks by {args.marks} (FARSIGHT_GATE_GRPC_ADDR): {error}", file=sys.stderr)
        return False
    print(f"seed: {count} marks pushed and accepted")
    return True


def main(argv: list[str] | None = None) -> int:
    """Run; 0 loaded, 1 refused rows or no door, 2 bad usage."""
    parser = argparse.ArgumentParser(prog="farsight.lab.seed", description=__doc__)
    parser.add_argument(
        "--door",
        default=os.environ.get("FARSIGHT_GRPC_ADDR", "") or "127.0.0.1:50051",
        help="gRPC doors host:port (FARSIGHT_GRPC_ADDR)",
    )
    parser.add_argument(
        "--no-accounts", action="store_true", help="records only, no accounts with demo passwords"
    )
    parser.add_argument(
        "--marks",
        metavar="HOST:PORT",
        default="",
        help="push the incinerators' marks to this gate; needs the accounts",
    )
    parser.add_argument("--wait", type=float, default=60.0, help="seconds to wait for the door")
    args = parser.parse_args(argv)
    password = os.environ.get("FARSIGHT_BOOTSTRAP_PASSWORD", "")
    if not password:
        print("seed: FARSIGHT_BOOTSTRAP_PASSWORD is missing", file=sys.stderr)
        return 2
    try:
        result = seed(args.door, password, with_accounts=not args.no_accounts, wait_s=args.wait)
    except FarsightError as error:
        print(f"seed: doors at {args.door} (FARSIGHT_GRPC_ADDR): {error}", file=sys.stderr)
        return 1
    if args.marks and not _told_marks(args):
        return 1
    for row in result.errors:
        print(f"seed: row {row.row} {row.key} {row.field}: {row.reason}", file=sys.stderr)
    print(
        f"seed: created {result.created}, updated {result.updated}, unchanged {result.unchanged},"
        f" refused {len(result.errors)}"
    )
    return 1 if result.errors else 0


if __name__ == "__main__":
    sys.exit(main())
