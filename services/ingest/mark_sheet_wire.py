"""标记日表 to protobuf."""

from collections.abc import Sequence
from math import isnan

from services.chassis.clock import from_unix, to_timestamp
from services.chassis.pb.ingest.v1 import mark_pb2 as pb
from services.chassis.pb.ingest.v1 import outside_pb2
from services.ingest.app.mark_day import HOUR_S, DaySheet
from services.ingest.domain.mark_kinds import Contradiction, KindOption, SeenHour, option_of
from services.ingest.domain.premarks import Suggestion
from services.ingest.mark_wire import record_message


def sheet_message(
    outlet_id: str, sheet: DaySheet, kinds: Sequence[KindOption]
) -> pb.GetMarkDayResponse:
    """The sheet for the door."""
    return pb.GetMarkDayResponse(
        outlet_id=outlet_id,
        day=sheet.day.isoformat(),
        freezes_at=to_timestamp(sheet.freezes_at),
        frozen=sheet.frozen,
        factors=[
            pb.MarkFactorDay(factor=factor, hours=[_hour(sheet, factor, one) for one in row])
            for factor, row in sheet.hours.items()
        ],
        marks=map(record_message, sheet.marks),
        suggestions=[suggestion_message(one, kinds) for one in sheet.suggestions],
        conflicts=[_conflict(one) for one in sheet.conflicts],
    )


def suggestion_message(one: Suggestion, kinds: Sequence[KindOption]) -> pb.MarkSuggestion:
    """A suggestion as a mark that could be submitted."""
    option = option_of(kinds, one.family, 0, one.condition)
    mark = outside_pb2.Mark(
        family=outside_pb2.MarkFamily.ValueType(one.family),
        condition=one.condition,
        factors=one.factors,
        start=to_timestamp(from_unix(one.start_s)),
        end=to_timestamp(from_unix(one.end_s)),
        reason=one.reason,
    )
    flag = one.why.removeprefix("flag_") if one.why.startswith("flag_") else ""
    return pb.MarkSuggestion(mark=mark, flag=flag, kind=option.key if option else "")


def _hour(sheet: DaySheet, factor: str, seen: SeenHour) -> pb.MarkHour:
    hour = pb.MarkHour(
        flag=seen.flag,
        received=seen.received,
        mark_ids=sheet.covering(factor, seen.hour),
        conflict=sheet.contradicts(factor, seen.hour),
    )
    if not isnan(seen.value):
        hour.value = seen.value
    return hour


def _conflict(one: Contradiction) -> pb.MarkConflict:
    return pb.MarkConflict(
        mark_id=one.mark_id,
        factor=one.factor,
        start=to_timestamp(from_unix(one.first * HOUR_S)),
        end=to_timestamp(from_unix(one.end * HOUR_S)),
        flag=one.flag,
        detail=f"仪器数据标记为{one.flag}，与企业标记不一致",
    )
