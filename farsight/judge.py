"""`farsight judge`: 日研判 hour by hour, as stored or computed again.

Exit 0: printed. Exit 1: a recomputation came to something else, or the door refused or is away.
Exit 2: bad usage.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator

from google.protobuf.json_format import MessageToDict

from farsight.account import add_account_arguments, signed_in
from services.chassis.clock import beijing, from_timestamp, from_unix
from services.chassis.errors import FarsightError
from services.chassis.pb.detect.v1 import judgement_pb2 as pb
from services.chassis.pb.detect.v1 import judgement_pb2_grpc as rpc
from services.chassis.pb.ingest.v1 import mark_pb2

_EPILOG = """\
examples:
  farsight judge 91130402MA00000001-DA001 2026-11-21           the newest revision
  farsight judge 91130402MA00000001-DA001 2026-11-21 --revision 1 --then
                            computed again from what revision 1 knew: must be the same
  farsight judge 91130402MA00000001-DA001 2026-11-21 --now --json
"""
STATES = (
    "缺失", "有效", "仪器无效", "标记无效", "质控失效", "可疑", "豁免", "停运", "不折算",
    "分钟不足",
)  # fmt: skip
NOTES = ("超量程", "超上限", "颗粒物高", "标记冲突", "重算不符", "自行折算", "突变", "非企业责任")
_HOURS = 24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("outlet", metavar="OUTLET", help="<credit code>-<DA001>")
    add("day", metavar="DAY", help="Beijing day, YYYY-MM-DD")
    add("--revision", type=int, default=0, metavar="N", help="revision (the newest)")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--then", action="store_true", help="compute again as known then")
    mode.add_argument("--now", action="store_true", help="compute again from all that is known now")
    add("--json", action="store_true", help="print JSON")
    add_account_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Ask and print; gives the exit code."""
    request = pb.GetDayJudgementRequest(
        outlet_id=args.outlet, day=args.day, revision=args.revision, recompute=mode_of(args)
    )
    try:
        with signed_in(args) as client:
            stub = rpc.JudgementServiceStub(client.channel)
            answer = client.call(stub.GetDayJudgement, request)
    except (FarsightError, OSError) as error:
        print(f"farsight judge: {error}", file=sys.stderr)
        return 1
    recomputed = bool(args.then or args.now)
    print(as_json(answer) if args.json else as_text(answer, recomputed=recomputed))
    return int(recomputed and bool(answer.revisions) and not answer.same)


def mode_of(args: argparse.Namespace) -> pb.Recompute.ValueType:
    """How the day is asked for."""
    if args.then:
        return pb.RECOMPUTE_AS_KNOWN_THEN
    return pb.RECOMPUTE_AS_KNOWN_NOW if args.now else pb.RECOMPUTE_UNSPECIFIED


def as_json(answer: pb.GetDayJudgementResponse) -> str:
    """All of it; numbers that are none are the text NaN, bytes are base64."""
    plain = MessageToDict(answer, preserving_proto_field_name=True)
    return json.dumps(plain, ensure_ascii=False, indent=1)


def as_text(answer: pb.GetDayJudgementResponse, *, recomputed: bool) -> str:
    """Tables for people: head, hours of each factor, marks, pools, inputs, what differs."""
    one = answer.judgement
    lines = [*_head(one)]
    for factor in one.factors:
        lines += ["", *_factor(factor)]
    lines += _marks(one)
    lines += _pools(one)
    lines += ["", f"inputs 输入 sha256 {one.inputs_sha256.hex()}"]
    lines += [f"  {i.kind:<9}{i.id:<40} {i.sha256.hex()[:16]}" for i in one.inputs]
    if answer.revisions:
        lines += ["", "revisions 版本"]
        lines += [
            f"  {r.revision:>3}  {beijing(from_timestamp(r.judged_at)):%Y-%m-%d %H:%M:%S}  "
            f"{r.reason:<10}{r.pack_id}@{r.pack_version}  {r.inputs_sha256.hex()[:16]}"
            for r in answer.revisions
        ]
    if recomputed:
        lines += ["", *_verdict(answer)]
    return "\n".join(lines)


def _head(one: pb.DayJudgement) -> Iterator[str]:
    state = "frozen 已冻结" if one.frozen else "not frozen 未冻结"
    yield f"{one.outlet_id}  {one.day}  {state}  pack 规则包 {one.pack_id}@{one.pack_version}"
    if one.revision:
        known = beijing(from_timestamp(one.known_at))
        yield f"revision 版本 {one.revision} ({one.reason}), known until {known:%Y-%m-%d %H:%M:%S}"
    else:
        yield "not stored 未存档: computed from what is known now"


def _factor(one: pb.FactorDay) -> Iterator[str]:
    mean = f"day mean 日均 {_number(one.mean)}" + (" over 超标" if one.day_over else "")
    yield (
        f"{one.factor}  {mean}  valid 有效 {one.valid_hours}/{one.running_hours} h"
        f"  amount {_number(one.amount_kg)} kg + {_number(one.substituted_kg)} kg"
    )
    for limit in one.limits:
        low = "" if math.isnan(limit.lower) else f"{limit.lower:g}–"
        yield (
            f"  limit {limit.averaging} {low}{limit.upper:g} {limit.unit} ({limit.basis}, "
            f"{limit.source}) {limit.why}"
        )
    hourly = (x.upper for x in one.limits if x.averaging == "hourly" and x.basis != "policy")
    bound = _number(next(hourly, math.nan))
    names = f"{'received':>10} {'judged':>10} {'check':>10} {'exempt':>10} {'limit':>8}"
    yield f"  {'h':>2} {names}  state"
    for hour in range(_HOURS):
        notes = [word for bit, word in enumerate(NOTES) if one.notes[hour] >> bit & 1]
        over = " 超标" if one.over[hour] else ""
        yield (
            f"  {hour:02} {_number(one.received[hour]):>10} {_number(one.judged[hour]):>10} "
            f"{_number(one.check[hour]):>10} {_number(one.exempted[hour]):>10} {bound:>8}  "
            f"{one.flags[hour]} {STATES[one.state[hour]]}{over} {' '.join(notes)}".rstrip()
        )


def _marks(one: pb.DayJudgement) -> list[str]:
    if not one.marks:
        return []
    lines = ["", "marks 标记"]
    for record in one.marks:
        mark = record.mark
        start, end = (beijing(from_unix(at.seconds)) for at in (mark.start, mark.end))
        late = f" {mark_pb2.MarkDecision.Name(record.decision)}" if record.late else ""
        lines.append(
            f"  {mark.mark_id}/{mark.revision} {start:%m-%d %H:%M}–{end:%m-%d %H:%M} "
            f"family {mark.family} {mark.condition} {','.join(mark.factors)} {mark.reason}{late}"
        )
    return lines


def _pools(one: pb.DayJudgement) -> list[str]:
    lines = []
    if one.pools:
        lines += ["", "pools 豁免时段"]
        lines += [
            f"  {use.name_zh} {use.facility} {use.period}: {use.used_hours:g} h used, "
            f"{_number(use.remaining_hours)} h left, {use.refused_hours:g} h refused"
            for use in one.pools
        ]
    if one.HasField("furnace"):
        furnace = one.furnace
        verdict = "violation 不达标" if furnace.violation else "ok"
        said = f"{furnace.five_minute_means} five-minute means, {furnace.low} low"
        lowest = f"{furnace.excused} excused, lowest {_number(furnace.lowest_degc)} degC"
        lines += ["", f"furnace 炉温: {said}, {lowest}: {verdict}"]
    return lines


def _verdict(answer: pb.GetDayJudgementResponse) -> list[str]:
    if not answer.revisions:
        return ["nothing is stored to compare with 尚无存档可比"]
    if answer.same:
        return ["same 与存档一致"]
    return ["different 与存档不一致", *(f"  {text}" for text in answer.differences)]


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.6g}"
