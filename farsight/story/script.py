"""The script of a story 案件脚本: people, a plant, and one step a line, read from YAML."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from services.chassis.clock import BEIJING
from services.chassis.identity import Actor, Role
from services.chassis.pb.registry.v1 import registry_pb2 as pb


@dataclass(frozen=True)
class FileToAttach:
    """A file that somebody hands in before the step; its text is its content."""

    name: str
    purpose: str
    text: str
    into: str = ""  # field of the step that names it


@dataclass(frozen=True)
class ScriptStep:
    """One step. `on` says of which matter: the case, or `service:decision`, or a kind."""

    at: dt.datetime
    who: str
    act: str
    on: str = "case"
    chapter: str = ""
    opens: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    files: tuple[FileToAttach, ...] = ()


@dataclass(frozen=True)
class Expected:
    """What the story claims of a clock: the last day of its term."""

    clock: str
    on: str
    last_day: dt.date


@dataclass(frozen=True)
class Script:
    """A whole story."""

    title: str
    outlet_id: str
    people: Mapping[str, Actor]
    records: tuple[pb.Record, ...]
    steps: tuple[ScriptStep, ...]
    expected: tuple[Expected, ...]
    ends: dt.datetime


def read_script(path: Path) -> Script:
    """Read a story. Raises `ValueError` that names the step or key that is wrong."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        people = {who: _person(who, body) for who, body in document["people"].items()}
        steps = tuple(_step(number, row, people) for number, row in enumerate(document["steps"], 1))
        return Script(
            title=document["title"],
            outlet_id=document["outlet"]["outlet_id"],
            people=people,
            records=_records(document, people),
            steps=steps,
            expected=tuple(_expected(row) for row in document.get("expect", ())),
            ends=_moment(document["ends"]),
        )
    except KeyError as fault:
        raise ValueError(f"{path.name}: {fault} is missing") from fault


def _person(who: str, body: Mapping[str, Any]) -> Actor:
    role = Role(body["role"])
    return Actor(
        user_id=who,
        role=role,
        division=str(body.get("division", "")),
        enterprise_id=body.get("enterprise", ""),
        name=body["name"],
        officer_id="" if role is Role.ENTERPRISE else who,
    )


def _step(number: int, row: Mapping[str, Any], people: Mapping[str, Actor]) -> ScriptStep:
    if row["who"] not in people:
        raise ValueError(f"step {number}: {row['who']} is nobody of this story")
    return ScriptStep(
        at=_moment(row["at"]),
        who=row["who"],
        act=row["act"],
        on=row.get("matter", "case"),
        chapter=row.get("chapter", ""),
        opens=row.get("opens", ""),
        fields={name: str(value) for name, value in row.get("fields", {}).items()},
        reason=row.get("reason", ""),
        files=tuple(FileToAttach(**one) for one in row.get("files", ())),
    )


def _expected(row: Mapping[str, Any]) -> Expected:
    return Expected(
        row["clock"], row.get("matter", "case"), dt.date.fromisoformat(str(row["last_day"]))
    )


def _moment(value: object) -> dt.datetime:
    """A Beijing moment; YAML hands dates and times over as it likes."""
    moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)


def _records(document: Mapping[str, Any], people: Mapping[str, Actor]) -> tuple[pb.Record, ...]:
    """The registry as `cases` keeps it."""
    plant, outlet = document["plant"], document["outlet"]
    records = [
        pb.Record(
            kind=pb.RECORD_KIND_ENTERPRISE,
            key=plant["credit_code"],
            enterprise=pb.Enterprise(**plant),
        ),
        pb.Record(
            kind=pb.RECORD_KIND_OUTLET,
            key=outlet["outlet_id"],
            outlet=pb.Outlet(credit_code=plant["credit_code"], **outlet),
        ),
    ]
    for who, actor in people.items():
        if actor.role is Role.ENTERPRISE:
            continue
        body = document["people"][who]
        officer = pb.Officer(
            officer_id=who,
            name=actor.name,
            division=actor.division,
            role=actor.role.value,
            team_id=f"team-{actor.division}",
            certificate=body["certificate"],
            certificate_expires="2099-12-31",
        )
        records.append(pb.Record(kind=pb.RECORD_KIND_OFFICER, key=who, officer=officer))
    for revision, record in enumerate(records, start=1):
        record.revision = revision
    return tuple(records)
