"""`farsight work`: duty 值班, inactivity 不作为, outcomes 办理结果与时效 of a running platform.

Exit 0: printed. Exit 1: the door refused or is away. Exit 2: bad usage.
"""

import argparse
import sys
from collections.abc import Iterator

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from farsight.account import add_account_arguments, signed_in
from services.chassis.errors import FarsightError, InputRejected
from services.chassis.pb.cases.v1 import cases_pb2
from services.chassis.pb.cases.v1 import work_pb2 as pb
from services.chassis.pb.cases.v1 import work_pb2_grpc as rpc

_EPILOG = """\
examples:
  farsight work duty --from 2026-11-23 --to 2026-11-29
  farsight work inactivity --division 130400
  farsight work outcomes --from 2026-01-01 --to 2026-11-22 --json
"""
#: Sums over a province and some years take a while.
_LONG_S = 300.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("what", choices=["duty", "inactivity", "outcomes"])
    add("--division", default="", metavar="CODE", help="only this province, city or county")
    add("--from", dest="first", default="", metavar="DAY", help="first Beijing day")
    add("--to", dest="last", default="", metavar="DAY", help="last Beijing day, inclusive")
    add("--officer", default="", metavar="ID", help="inactivity of this officer only")
    add("--limit", type=int, default=0, metavar="N", help="most items of inactivity (200)")
    add("--kind", default="", metavar="KIND", help="outcomes of this kind of matter only")
    add("--json", action="store_true", help="print JSON")
    add_account_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Ask and print; gives the exit code."""
    try:
        with signed_in(args) as client:
            stub = rpc.WorkServiceStub(client.channel)
            answer: Message
            if args.what == "duty":
                answer = client.call(stub.ListDuty, _duty_request(args))
            elif args.what == "inactivity":
                answer = client.call(stub.GetInactivity, _inactivity_request(args), _LONG_S)
            else:
                answer = client.call(stub.GetOutcomes, _outcomes_request(args), _LONG_S)
    except (FarsightError, OSError) as error:
        print(f"farsight work: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputRejected) else 1
    if args.json:
        print(_json(answer))
    else:
        print("\n".join(_lines(answer)))
    return 0


def _duty_request(args: argparse.Namespace) -> pb.ListDutyRequest:
    return pb.ListDutyRequest(division=args.division, from_day=args.first, to_day=args.last)


def _inactivity_request(args: argparse.Namespace) -> pb.GetInactivityRequest:
    return pb.GetInactivityRequest(
        division=args.division, officer_id=args.officer, limit=max(args.limit, 0)
    )


def _outcomes_request(args: argparse.Namespace) -> pb.GetOutcomesRequest:
    name = f"MATTER_KIND_{(args.kind or 'unspecified').upper()}"
    if name not in cases_pb2.MatterKind.keys():  # noqa: SIM118 (no mapping)
        raise InputRejected(f"no kind {args.kind}", kind=args.kind)
    return pb.GetOutcomesRequest(
        division=args.division,
        from_day=args.first,
        to_day=args.last,
        kind=cases_pb2.MatterKind.Value(name),
    )


def _json(answer: Message) -> str:
    return MessageToJson(
        answer,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        ensure_ascii=False,
        indent=1,
    )


def _lines(answer: Message) -> Iterator[str]:
    if isinstance(answer, pb.ListDutyResponse):
        return _duty(answer)
    if isinstance(answer, pb.GetInactivityResponse):
        return _inactivity(answer)
    assert isinstance(answer, pb.GetOutcomesResponse)
    return _outcomes(answer)


def _duty(answer: pb.ListDutyResponse) -> Iterator[str]:
    for team in answer.teams:
        rest = "" if team.working_day else " 休息日"
        yield f"{team.day}{rest} {team.division} {team.team_id}"
        for one in team.people:
            warning = "" if one.certified else " 证件已过期"
            yield f"  {one.officer_id} {one.name} ({one.role}){warning}: {len(one.due)} due"
            for matter in one.due:
                late = " 超期" if matter.overdue else ""
                yield f"    {matter.number} {matter.enterprise_name} {matter.next_due_action}{late}"
    for day in answer.unmanned:
        yield f"{day.day} {day.division} 无人值班: {day.open_matters} open matters"


def _inactivity(answer: pb.GetInactivityResponse) -> Iterator[str]:
    yield f"不作为 {answer.total} items (thresholds {answer.thresholds_version})"
    for title, sums in (("division", answer.by_division), ("officer", answer.by_officer)):
        for one in sums:
            name = f"{one.key or '-'} {one.name}".strip()
            yield f"  {title} {name}: {one.items} items, longest {one.longest_days} days"
    for step in answer.by_step:
        yield f"  step {step.key} {step.name}: {step.items} overdue"
    for item in answer.items:
        matter = item.matter
        what = item.step_name or matter.next_due_action
        yield f"{item.days:>5} d {matter.number} {item.rule_name} {what} {matter.assignee_name}"


def _outcomes(answer: pb.GetOutcomesResponse) -> Iterator[str]:
    yield f"办理结果与时效 {answer.from_day} .. {answer.to_day}"
    for one in (answer.total, *answer.by_division):
        yield (
            f"{one.division}: opened {one.opened}, closed {one.closed}, fines {one.fines_yuan} yuan"
            f" in {one.decisions} decisions, no penalty {one.no_penalty}, breaches {one.breaches},"
            f" reopened {one.reopened}, lapsed rights {one.lapsed_rights}"
        )
    for key, number in sorted(answer.total.outcomes.items()):
        yield f"  {answer.names[key]}: {number}"
    for stay in answer.total.phases:
        days = f"median {stay.median_days:.1f} d, p90 {stay.p90_days:.1f} d"
        yield f"  {stay.state_name}: {stay.count} stays, {days}"
    for clock in answer.total.clocks:
        share = "-" if clock.share_met < 0 else f"{clock.share_met:.1%}"
        yield f"  {clock.key} {clock.action}: met {clock.met}, breached {clock.breached}, {share}"
