"""标记: the sheet of a day, the form and the list as a page shows them."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from services.chassis.clock import BEIJING, beijing, from_timestamp, to_timestamp
from services.chassis.errors import Conflict, FarsightError
from services.chassis.pb.ingest.v1 import mark_pb2 as pb
from services.chassis.pb.ingest.v1 import outside_pb2
from services.console.language import Translate, word
from services.console.views.factors import factor_of

LOCAL = "%Y-%m-%dT%H:%M"
#: How a state looks: a class of `.tag`.
TONES = {"waiting": "open", "accepted": "good", "refused": "bad", "rejected": "bad",
         "withdrawn": "", "active": "good"}  # fmt: skip
#: Flags in the legend of the strip, HJ 212-2017.
FLAGS = ("M", "C", "D", "F", "B", "S", "T")
NOT_MINE = outside_pb2.MARK_FAMILY_NOT_MINE


@dataclass(frozen=True)
class Chip:
    """A day to choose; `freezes_at` absent = frozen already."""

    day: str
    freezes_at: Timestamp | None


@dataclass(frozen=True)
class Typed:
    """What stands in the form; empty for a new one."""

    mark_id: str = ""
    expected: int = 0
    kind: str = ""
    start: str = ""
    end: str = ""
    facility: str = ""
    factors: tuple[str, ...] = ()
    reason: str = ""
    proof_ids: tuple[str, ...] = ()
    manual_values: str = ""


def title_of(mark: outside_pb2.Mark, language: str) -> str:
    """Name a mark by its condition, else by its family."""
    if mark.condition:
        return word(language, "mark_condition", mark.condition)
    title = word(language, "mark_family", str(mark.family))
    if mark.subtype:
        title += " · " + word(language, "mark_subtype", f"{mark.family}.{mark.subtype}")
    return title


def kind_name(option: pb.MarkKindOption, language: str) -> str:
    """Name a kind in the reader's language."""
    return option.name_en if language == "en" else option.name_zh


def state_of(record: pb.MarkRecord) -> str:
    """Tell in one word how a revision stands."""
    if record.mark.status == outside_pb2.MARK_STATUS_REJECTED:
        return "rejected"
    if record.decision == pb.MARK_DECISION_REFUSED:
        return "refused"
    if record.late and not record.decision:
        return "waiting"
    if record.mark.status == outside_pb2.MARK_STATUS_WITHDRAWN:
        return "withdrawn"
    return "accepted" if record.decision == pb.MARK_DECISION_ACCEPTED else "active"


def cell_class(hour: pb.MarkHour) -> str:
    """Give the classes of one hour's cell."""
    words = ["h"]
    if not hour.received:
        words.append("missing")
    elif hour.flag and hour.flag != "N":
        words.append(f"flag-{hour.flag}")
    if hour.mark_ids:
        words.append("marked")
    if hour.conflict:
        words.append("conflict")
    return " ".join(words)


def chips(sheets: Iterable[pb.GetMarkDayResponse]) -> list[Chip]:
    """Give the days that can be chosen, from the sheets that were read."""
    return [Chip(one.day, None if one.frozen else one.freezes_at) for one in sheets]


def local(moment: Timestamp) -> str:
    """Write a moment as a field of the form wants it."""
    return beijing(from_timestamp(moment)).strftime(LOCAL)


def moment(text: str) -> Timestamp | None:
    """Read such a field; None for nothing or nonsense."""
    try:
        return to_timestamp(datetime.strptime(text, LOCAL).replace(tzinfo=BEIJING))
    except ValueError:
        return None


def fresh(day: str) -> Typed:
    """Give the form of a new mark of a day."""
    return Typed(start=f"{day}T00:00", end=f"{day}T01:00")


def suggested(one: pb.MarkSuggestion) -> Typed:
    """Give the form filled by a suggestion."""
    mark = one.mark
    return Typed(
        kind=one.kind,
        start=local(mark.start),
        end=local(mark.end),
        factors=tuple(mark.factors),
        reason=mark.reason,
    )


def revised(record: pb.MarkRecord, kinds: Sequence[pb.MarkKindOption]) -> Typed:
    """Give the form filled by the revision that is to be changed."""
    mark = record.mark
    named = (mark.family, mark.subtype, mark.condition)
    key = next((k.key for k in kinds if (k.family, k.subtype, k.condition) == named), "")
    return Typed(
        mark_id=mark.mark_id,
        expected=mark.revision,
        kind=key,
        start=local(mark.start),
        end=local(mark.end),
        facility=mark.facility,
        factors=tuple(mark.factors),
        reason=mark.reason,
        proof_ids=tuple(mark.proof_ids),
        manual_values="; ".join(
            f"{v.factor}={v.value:g}@{beijing(from_timestamp(v.time)):%Y-%m-%d %H:%M}"
            for v in mark.manual_values
        ),
    )


def typed_from(texts: Mapping[str, str], factors: Sequence[str]) -> Typed:
    """Read the posted form."""
    number = texts.get("expected", "")
    return Typed(
        mark_id=texts.get("mark_id", ""),
        expected=int(number) if number.isascii() and number.isdigit() else 0,
        kind=texts.get("kind", ""),
        start=texts.get("start", ""),
        end=texts.get("end", ""),
        facility=texts.get("facility", "").strip(),
        factors=tuple(factors),
        reason=texts.get("reason", ""),
        proof_ids=tuple(texts.get("proof_ids", "").split()),
        manual_values=texts.get("manual_values", ""),
    )


def mark_from(typed: Typed, kinds: Sequence[pb.MarkKindOption]) -> outside_pb2.Mark:
    """Turn the form into a mark; what is missing stays empty, and the door says so."""
    option = next((one for one in kinds if one.key == typed.kind), pb.MarkKindOption())
    mark = outside_pb2.Mark(
        mark_id=typed.mark_id,
        family=option.family,
        subtype=option.subtype,
        condition=option.condition,
        facility=typed.facility,
        factors=typed.factors,
        reason=typed.reason,
        proof_ids=typed.proof_ids,
        manual_values=values_from(typed.manual_values),
    )
    for name in ("start", "end"):
        at = moment(getattr(typed, name))
        if at is not None:
            getattr(mark, name).CopyFrom(at)
    return mark


def values_from(text: str) -> list[outside_pb2.ManualValue]:
    """Read manual values written as `a21026=35.2@2026-11-21 08:30; ...`; nonsense has no time."""
    found = []
    for part in filter(None, (one.strip() for one in text.replace("；", ";").split(";"))):
        factor, _, rest = part.partition("=")
        number, _, at = rest.partition("@")
        value = outside_pb2.ManualValue(factor=factor.strip(), value=float("nan"))
        stamp = moment(at.strip().replace(" ", "T"))
        if stamp is not None:
            value.time.CopyFrom(stamp)
        with suppress(ValueError):
            value.value = float(number)
        found.append(value)
    return found


def refusal_words(error: FarsightError, t: Translate, language: str) -> str:
    """Say in the reader's language why something was not taken."""
    facts = error.facts
    if isinstance(error, Conflict):
        return t("marks.conflict_first", who=facts.get("by", "—"), n=facts.get("revision", "—"))
    if "other" in facts:
        return t("marks.overlaps", other=facts["other"])
    if facts.get("missing") == "proof":
        return t("marks.proof_needed")
    if "field" in facts:
        field = word(language, "mark_field", facts["field"].split("[")[0].split(".")[0])
        return t("marks.field_wrong", field=field, detail=error.message)
    return error.message


def day_links(day: date) -> tuple[str, str]:
    """Give the day before and the day after."""
    return (day - timedelta(days=1)).isoformat(), (day + timedelta(days=1)).isoformat()


def factor_choices(codes: Iterable[str], language: str) -> list[tuple[str, str]]:
    """Give the factors of the form with their names."""
    return [(code, factor_of(code).name(language)) for code in codes]
