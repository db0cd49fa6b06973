"""办理动作: the forms of the acts that a role may take now, from what the door allows."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.chassis.pb.cases.v1.cases_pb2 import ActField, AllowedAct
from services.chassis.pb.registry.v1.registry_pb2 import Officer

PREFIX = "field."
_LOCAL = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$")


@dataclass(frozen=True)
class Choice:
    """One line of a select box."""

    value: str
    label: str


@dataclass(frozen=True)
class FieldForm:
    """One input of an act's form, with what was typed before a refusal."""

    name: str
    label: str
    type: str  # text | choice | date | moment | number | money | files
    required: bool
    choices: tuple[Choice, ...]
    value: str
    when_field: str = ""  # shown only while this field of the form ...
    when_values: str = ""  # ... has one of these values, separated by spaces


@dataclass(frozen=True)
class ActForm:
    """The form of one act. `open` after a refusal, so that the typed text is not lost."""

    act: str
    name: str
    hint: str
    fields: tuple[FieldForm, ...]
    reason: str
    open: bool
    must_reason: bool = False
    papers: bool = False  # it issues documents, so a draft can be looked at first
    aside: bool = False


def act_forms(
    allowed: Iterable[AllowedAct],
    officers: Iterable[Officer],
    *,
    files: Iterable[Choice] = (),
    typed_act: str = "",
    typed: Mapping[str, str] | None = None,
) -> list[ActForm]:
    """Make the forms; `typed` fills the one that was refused, `files` are what can be named."""
    people = tuple(officer_choice(one) for one in officers)
    known = {"officer": people, "files": tuple(files)}
    return [
        act_form(one, known, typed or {} if one.act == typed_act else {}, one.act == typed_act)
        for one in allowed
    ]


def act_form(
    allowed: AllowedAct,
    known: Mapping[str, tuple[Choice, ...]],
    typed: Mapping[str, str],
    is_open: bool,
) -> ActForm:
    """Make the form of one act."""
    fields = tuple(
        FieldForm(
            one.name,
            one.label or one.name,
            "choice" if one.type == "officer" else one.type or "text",
            one.required,
            known.get(one.type) or tuple(choices(one)),
            typed.get(PREFIX + one.name, ""),
            one.when_field,
            " ".join(one.when_values),
        )
        for one in allowed.fields
    )
    return ActForm(
        allowed.act,
        allowed.name,
        allowed.hint,
        fields,
        typed.get("reason", ""),
        is_open,
        allowed.reason,
        bool(allowed.papers),
        allowed.aside,
    )


def choices(field: ActField) -> Iterable[Choice]:
    """Read "value|label" lines."""
    for line in field.choices:
        value, _, label = line.partition("|")
        yield Choice(value, label or value)


def officer_choice(officer: Officer) -> Choice:
    """Write an officer as a choice: name and certificate number."""
    certificate = f"({officer.certificate})" if officer.certificate else ""
    return Choice(officer.officer_id, f"{officer.name}{certificate}")


def posted_fields(form: Mapping[str, str]) -> dict[str, str]:
    """Take the act's fields out of a posted form; empty ones were not filled in.

    A browser's moment has no zone: people here mean Beijing.
    """
    return {
        name[len(PREFIX) :]: f"{text.strip()}+08:00" if _LOCAL.match(text.strip()) else text.strip()
        for name, text in form.items()
        if name.startswith(PREFIX) and text.strip()
    }
