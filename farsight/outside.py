"""`farsight outside`: clues from outside, the hot grid as a table or picture, townships by rank.

Exit 0: printed. Exit 1: the door refused, is away, or there is nothing to draw. Exit 2: bad usage.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from farsight.account import add_account_arguments, signed_in
from farsight.outside_picture import draw
from services.chassis.clock import beijing, from_timestamp
from services.chassis.errors import FarsightError
from services.chassis.pb.detect.v1 import detect_pb2
from services.chassis.pb.detect.v1 import outside_clue_pb2 as pb
from services.chassis.pb.detect.v1 import outside_clue_pb2_grpc as rpc

_EPILOG = """\
what:
  clues             places with their signs and candidates, best first (officers and leaders)
  map               cells of the hot grid by rank; --picture writes an SVG
  townships         townships by composite index, worst first

examples:
  farsight outside --user leader.130400 clues --division 130481
  farsight outside --user leader.130400 clues --clue 0f0c...      one clue with all its signs
  farsight outside --user leader.130400 map --pollutant a34004 --picture grid.svg
  farsight outside --user leader.130400 townships --days 7 --json
"""
_WHAT = ("clues", "map", "townships")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("what", choices=_WHAT, metavar="WHAT", help="clues, map or townships")
    add("--division", default="", metavar="CODE", help="six digits; else your jurisdiction")
    add("--clue", default="", metavar="ID", help="of clues: this one, whole")
    add("--closed", action="store_true", help="of clues: decided and ended ones too")
    add("--pollutant", default="", metavar="CODE", help="of map: HJ 524 code")
    add("--picture", type=Path, metavar="FILE", help="of map: write the picture as SVG")
    add("--days", type=int, default=3, metavar="N", help="of townships (%(default)s)")
    add("--json", action="store_true", help="print JSON")
    add_account_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Ask and print; gives the exit code."""
    try:
        with signed_in(args) as client:
            stub = rpc.OutsideClueServiceStub(client.channel)
            answer, write = _ask(args, lambda name, request: client.call(name(stub), request))
    except (FarsightError, OSError) as error:
        print(f"farsight outside: {error}", file=sys.stderr)
        return 1
    if args.picture is not None:
        if args.what != "map" or not answer.cells:
            print("farsight outside: nothing to draw: no grid values here", file=sys.stderr)
            return 1
        args.picture.write_text(draw(answer), encoding="utf-8")
    print(as_json(answer) if args.json else "\n".join(write(answer)))
    return 0


_Call = Callable[[Callable[[Any], Any], Message], Any]


def _ask(args: argparse.Namespace, call: _Call) -> tuple[Any, Callable[[Any], Iterator[str]]]:
    if args.what == "map":
        return call(
            lambda stub: stub.GetOutsideMap,
            pb.GetOutsideMapRequest(division=args.division, pollutant=args.pollutant),
        ), map_lines
    if args.what == "townships":
        request = pb.RankTownshipsRequest(division=args.division, days=max(1, args.days))
        return call(lambda stub: stub.RankTownships, request), township_lines
    if args.clue:
        one = pb.GetOutsideClueRequest(clue_id=args.clue)
        return call(lambda stub: stub.GetOutsideClue, one), lambda got: clue_lines(got.clue)
    state = detect_pb2.FINDING_STATE_UNSPECIFIED if args.closed else detect_pb2.FINDING_STATE_OPEN
    every = pb.ListOutsideCluesRequest(division=args.division, state=state, page_size=500)
    return call(lambda stub: stub.ListOutsideClues, every), list_lines


def as_json(answer: Message) -> str:
    """All of it; numbers that are none are the text NaN."""
    plain = MessageToDict(answer, preserving_proto_field_name=True)
    return json.dumps(plain, ensure_ascii=False, indent=1)


def list_lines(answer: pb.ListOutsideCluesResponse) -> Iterator[str]:
    """Two lines a clue."""
    for one in answer.clues:
        end = beijing(from_timestamp(one.end))
        where = one.name or one.cell or "-"
        yield f"{one.score:5.1f}  {one.clue_id}  {one.division}  {end:%m-%d %H:%M}  {where}"
        yield f"       {one.reason}"
    if not answer.clues:
        yield "no clue 没有线索"


def clue_lines(one: pb.OutsideClue) -> Iterator[str]:
    """One clue: signs with what would have silenced them, candidates with reasons."""
    yield f"{one.name or one.cell or one.place}  {one.division}  score 排序分 {one.score:.1f}"
    yield one.reason
    for sign in one.signs:
        yield f"- {sign.seen}"
        yield f"    silent if 不成立的条件: {sign.silenced_by}"
    yield "candidates 候选企业"
    for each in one.candidates:
        away = f"{each.distance_m / 1000:.1f} km" if math.isfinite(each.distance_m) else "-"
        yield f"{each.share:6.1%}  {each.credit_code}  {each.name}  {away}"
        yield f"        {'；'.join(each.reasons)}"
    for key in one.finding_ids:
        yield f"finding 疑似问题 {key}"
    if one.verdict_reason:
        yield f"verdict 核查结果 {pb.OutsideVerdict.Name(one.verdict)}: {one.verdict_reason}"


def map_lines(answer: pb.GetOutsideMapResponse) -> Iterator[str]:
    """A line a hot cell, then the ten next ones."""
    if not answer.cells:
        yield "no grid values 没有网格数据"
        return
    yield f"{answer.division}  {answer.pollutant} {answer.unit}  {answer.product}"
    yield "rank  cell            hot for     mean   usual  sub-cell"
    hot = [one for one in answer.cells if one.hot]
    for one in answer.cells[: len(hot) + 10]:
        sub = f"{one.sub_cell[-2:]} {one.sub_value:.1f}" if one.sub_cell else "-"
        star = "*" if one.hot else " "
        yield (
            f"{one.rank:4}{star} {one.cell:<15} {one.persistence:7.1%} {one.mean:8.1f} "
            f"{one.usual:7.1f}  {sub}"
        )


def township_lines(answer: pb.RankTownshipsResponse) -> Iterator[str]:
    """A line a township."""
    yield f"{answer.start} - {answer.end}"
    yield "rank  index   before  SO2 rank  township 乡镇"
    for one in answer.townships:
        index = f"{one.index:6.2f}" if one.rank else "     -"
        before = f"{one.before:6.2f}" if math.isfinite(one.before) else "     -"
        lack = f"  without 缺 {'、'.join(one.missing)}" if one.missing else ""
        yield f"{one.rank or '-':>4}  {index}  {before}  {one.so2_rank or '-':>8}  {one.name}{lack}"
