"""规则包模式: what each row and rule may hold, checked by pydantic, told in words that help.

The types are those of the dataclasses that the engine reads; here stands what a type does not say.
Every fault names file, place, field, what is wrong and what to do.
"""

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from services.chassis.errors import InputRejected

T = TypeVar("T")

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")


def _day(value: object) -> object:
    """A day stays a day; a number must not turn into seconds since 1970."""
    if isinstance(value, dt.datetime) or not isinstance(value, (str, dt.date, type(None))):
        raise ValueError("not a day")  # noqa: TRY004 - pydantic collects ValueErrors
    if isinstance(value, str) and not _ISO.fullmatch(value.strip()):
        raise ValueError("not a day")
    return value


def _list(value: object) -> object:
    """Only a list is a list: a text would fall into letters."""
    if not isinstance(value, (list, tuple)):
        raise ValueError("not a list")  # noqa: TRY004 - pydantic collects ValueErrors
    return tuple(value)


def _codes(pattern: str) -> Any:
    one = Annotated[str, Field(pattern=f"^{pattern}$")]
    return Annotated[tuple[one, ...], BeforeValidator(_list)]


Day = Annotated[dt.date, BeforeValidator(_day)]
Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0, le=100_000)]
Window = Annotated[int, Field(ge=1, le=100_000)]
Percent = Annotated[float, Field(ge=0, le=100)]
Flags = Annotated[str, Field(pattern=r"^[A-Z-]*$")]
Word = Annotated[str, Field(pattern=r"^\S(.{0,118}\S)?$")]
Text = Annotated[str, Field(min_length=1)]
Factors = _codes(r"[aw]\d{5}")
#: name=value; "|" between alternatives, "&" inside one, "!" = must be known.
_TERM = r"[a-z0-9_]+(=|<|>=)[^|&!;=<>]+"
Traits = _codes(rf"{_TERM}([|&]{_TERM})*!?")

#: What a field may hold beyond its type, by name; `Class.field` where a name means two things.
KINDS: Mapping[str, Any] = {
    "key": Word, "source": Text, "since": Day, "until": Day | None, "since_existing": Day | None,
    "confidence": Literal["sure", "likely", "unsure"],
    "divisions": _codes(r"\d{2,6}"), "industries": _codes(r"\d{2,4}"),
    "media": Annotated[tuple[Literal["air", "water"], ...], BeforeValidator(_list)],
    "processes": _codes(r"\S.*"), "factors": Factors, "outlets": _codes(r"\S+"),
    "judged_flags": Flags, "stopped_flags": Flags, "missing_flags": Flags, "expects_flags": Flags,
    "hour_valid_minutes": Annotated[int, Field(ge=0, le=60)],
    "day_min_valid_hours": Annotated[int, Field(ge=0, le=24)], "day_min_valid_share": Share,
    "weight": Literal["none", "flow"], "without_flow": Literal["mean", "none"],
    "comparison": Literal["full_value", "rounded_value"],
    "o2_guard_percent": Percent, "o2_initial_percent": Percent, "detection_limit": Amount,
    "sudden_factor": Amount, "differs_share": Share,
    "qc_tolerance_share": Share,
    "free_hours_a_day": Annotated[int, Field(ge=0, le=24)],
    "family": Annotated[int, Field(ge=0, le=8)], "subtype": Annotated[int, Field(ge=0, le=9)],
    "effect": Literal["none", "invalid", "missing", "excused", "stopped", "exempt"],
    "min_overlap_minutes": Annotated[int, Field(ge=1, le=60)],
    "conditions": _codes(r"\S+"), "event_cap_conditions": _codes(r"\S+"), "cap_hours": Amount,
    "event_cap_hours": Amount, "period": Literal["year", "quarter", "event"], "pm_bound": Amount,
    "pm_factor": Annotated[str, Field(pattern=r"^[aw]\d{5}$")], "warn_share": Share,
    "FurnaceRule.factor": Annotated[str, Field(pattern=r"^[aw]\d{5}$")], "more_than": Count,
    "near_share": Share, "near_hours": Window, "projected_min_hours": Window,
    "ultra_low_share": Share, "short_gap_hours": Count, "high_share": Share, "low_share": Share,
    "short_window": Window, "long_window": Window, "poor_window": Window, "low_rate": Share,
    "below_window": Count, "AmountRule.statistic": Literal["max", "mean"],
    "free_factors": Factors, "production_share": Share, "treatment_share": Share,
    "debounce_minutes": Count, "pre_run_minutes": Count, "post_run_minutes": Count,
    "warning_minutes": Count, "dispatch_minutes": Count, "idle_minutes": Count,
    "order_tolerance": Share, "standard": Text,
    "rank": Literal["local", "industry", "generic", "policy"],
    "averaging": Literal["", "hourly", "daily"], "ref_o2": Annotated[float, Field(ge=0, lt=21)],
    "decimals": Annotated[int, Field(ge=0, le=6)], "region": Literal["", "general", "special"],
    "unit_age": Literal["", "new", "existing"], "water_temperature": Literal["", "le12", "gt12"],
    "months": Annotated[str, Field(pattern=r"^((0[1-9]|1[0-2])-(0[1-9]|1[0-2]))?$")],
    "traits": Traits, "benchmark_m3_per_t": Amount,
    "Rule.id": Word, "Rule.version": Word, "in_force_from": Day, "in_force_to": Day | None,
    "Rule.family": Word, "min_overlap_h": Count, "rules": _codes(r"\S+"),
    "confidential": Annotated[bool, Field(strict=True)],
    "PackHead.id": Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")],
    "PackHead.version": Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,39}$")],
    "title": Text,
    "RatePoint.test": Word, "Share.test": Word, "per_station_year": Amount,
    "Family.id": Word, "cap": Amount,
    "share": Annotated[float, Field(gt=0, le=10)],
    "false_share": Annotated[float, Field(gt=0, le=1)], "county_a_day": Count,
    "decisive": Annotated[float, Field(ge=0, allow_inf_nan=True)],
    "interval_class": Literal["minute", "quarter", "hour", "day", "any"],
}  # fmt: skip

#: What to do about each kind of fault; pydantic says what is wrong.
_REMEDIES = {
    "extra_forbidden": "take it out, or correct its name (known: {known})",
    "missing": "add it",
    "literal_error": "choose one of those",
    "string_pattern_mismatch": "write it as docs/rules.md says for this field",
    "value_error": "a day is written 2026-11-22; a list is written [a, b] in YAML, a;b in CSV",
    "string_type": "put the text in quotes",
    "bool_type": "write true or false",
    "finite_number": "write a plain number",
}


@dataclasses.dataclass(frozen=True)
class PackHead:
    """`pack.yaml`: which pack this is."""

    id: str
    version: str
    title: str


@cache
def model_of(shape: type) -> type[BaseModel]:
    """The pydantic model of a dataclass: its fields with what KINDS adds; no others."""
    wanted: dict[str, Any] = {}
    for field in dataclasses.fields(shape):
        kind = KINDS.get(f"{shape.__name__}.{field.name}", KINDS.get(field.name, field.type))
        if dataclasses.is_dataclass(kind):
            kind = model_of(kind)  # type: ignore[arg-type] # a class, never an instance
        wanted[field.name] = (kind, _default(field))
    config = ConfigDict(extra="forbid", allow_inf_nan=False)
    return create_model(shape.__name__, __config__=config, **wanted)


def _default(field: Any) -> Any:
    """A field's default; a scope that is not given is everywhere, an `until` that is not, open."""
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return Field(default_factory=field.default_factory)
    if field.name in {"until", "in_force_to"}:
        return None
    return Field(default_factory=dict, validate_default=True) if field.name == "scope" else ...


def build(shape: type[T], raw: object, where: str) -> T:
    """A dataclass from what a file says. Raises InputRejected naming every fault and its remedy."""
    if not isinstance(raw, Mapping):
        raise refusal(where, "", "is not a mapping of names to values", "write `name: value` lines")
    try:
        checked = model_of(cast(Any, shape)).model_validate(dict(raw))
    except ValidationError as error:
        raise InputRejected("\n".join(_faults(error, shape, where))) from error
    built: T = _filled(shape, checked)
    return built


def _filled(shape: Any, checked: BaseModel) -> Any:
    values = {}
    for field in dataclasses.fields(shape):
        value = getattr(checked, field.name)
        values[field.name] = _filled(field.type, value) if isinstance(value, BaseModel) else value
    return shape(**values)


def _faults(error: ValidationError, shape: type, where: str) -> list[str]:
    lines = []
    for fault in error.errors(include_url=False, include_input=True):
        place = ".".join(str(part) for part in fault["loc"])
        known = ", ".join(field.name for field in dataclasses.fields(shape))
        remedy = _REMEDIES.get(fault["type"], "correct the value").format(known=known)
        given = "" if fault["type"] == "missing" else f" (it is {str(fault['input'])[:60]!r})"
        message = fault["msg"].removeprefix("Value error, ")
        lines.append(str(refusal(where, place, f"{message}{given}", remedy)))
    return lines


def refusal(where: str, field: str, what: str, remedy: str) -> InputRejected:
    """The one form of every fault: place, field, what is wrong, what to do."""
    named = f", field {field}" if field else ""
    return InputRejected(f"{where}{named}: {what}; {remedy}", field=field)
