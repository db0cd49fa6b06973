"""A city above the county of `cases_rig`, clocks swept as the service does it, and words."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import select

from services.cases import registry_copy, store
from services.cases.app import handle_due
from services.cases.app.attempts import system_attempt
from services.cases.app.open_by_person import Wish, open_by_person
from services.cases.app.open_matter import Opening, open_matter
from services.cases.app.perform import perform
from services.cases.app.save_step import BREACH
from services.cases.domain.matter import Kind, Level, Matter
from services.cases.tables import MatterRow
from services.chassis.identity import Actor, Role
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.replica import apply_records
from services.chassis.tables import DueRow
from tests.integration.cases_rig import CITY, OUTLET, PLANT, Region, actor, region

CITY_OFFICER = actor(Role.OFFICER, "c-sun", CITY)
CITY_SECOND = actor(Role.OFFICER, "c-zhou", CITY)
CITY_LEADER = actor(Role.LEADER, "c-leader", CITY)
PLATFORM = Actor("u-platform", Role.PLATFORM, "130000", name="省平台")
NOTICE = {
    "paper": "listed_notice",
    "paper_id": "p-1",
    "paper_title": "挂牌督办通知书",
    "officer_1": "c-leader",
    "officer_2": "c-zhou",
}
LISTING = {
    "level_of": "city",
    "problem": "二氧化硫多次超标",
    "requirements": "完成脱硫系统改造并通过验收",
    "responsible": "邯郸市生态环境局邯山区分局",
}


@contextmanager
def city_region(url: str, now: dt.datetime) -> Iterator[Region]:
    """A fresh region whose city has two officers and a leader."""
    people = [
        pb.Record(
            kind=pb.RECORD_KIND_OFFICER,
            key=one.officer_id,
            revision=100 + number,
            officer=pb.Officer(
                officer_id=one.officer_id,
                name=one.name,
                division=CITY,
                role=one.role.value,
                team_id="t-130400",
                certificate=f"冀环{number}",
                certificate_expires="2030-01-01",
            ),
        )
        for number, one in enumerate((CITY_OFFICER, CITY_SECOND, CITY_LEADER))
    ]
    with region(url, now) as place:
        with place.database.transaction() as session:
            apply_records(session, people)
        yield place


def open_one(
    place: Region,
    who: Actor,
    kind: Kind,
    act: str,
    fields: Mapping[str, str],
    level: Level = Level.SUPERVISION,
) -> Matter:
    """Open a matter by hand: an order at the outlet, anything else at the plant."""
    outlet = OUTLET if kind is Kind.ORDER else ""
    wish = Wish(kind, act, outlet, PLANT, level, fields=fields)
    with place.database.transaction() as session:
        return open_by_person(session, who, wish, place.now)


def of_kind(place: Region, kind: Kind) -> list[Matter]:
    """Matters of a kind, oldest first."""
    with place.database.transaction() as session:
        query = select(MatterRow.matter_id).where(MatterRow.kind == kind.value)
        ids = session.scalars(query.order_by(MatterRow.opened_at, MatterRow.number))
        return [store.load(session, one) for one in ids]


def sweep(place: Region, now: dt.datetime) -> None:
    """Everything that is due by then, oldest first, each row once."""
    place.now = now
    while True:
        with place.database.transaction() as session:
            query = (
                select(DueRow)
                .where(DueRow.kind == BREACH, DueRow.at <= now, DueRow.done_at.is_(None))
                .order_by(DueRow.at)
                .limit(1)
            )
            row = session.scalar(query)
            if row is None:
                return
            handle_due.breach(session, row.payload, row.at)
            row.done_at = now


def listed(place: Region, until: str) -> Matter:
    """A plant that the city listed; its notice waits to be served."""
    fields = {**LISTING, "until": until, "officer_2": "c-zhou"}
    return open_one(place, CITY_LEADER, Kind.LISTED, "list_plant", fields)


def to_be_served(place: Region) -> Matter:
    """A notice below a listing that waits to be served, without the cost of printing it."""
    with place.database.transaction() as session:
        plant = registry_copy.place_of_plant(session, "", PLANT)
        opening = Opening(
            Kind.LISTED, "propose", Level.SUPERVISION, "listed", "挂牌督办", (), (), "", {}
        )
        parent = open_matter(session, opening, plant, place.now)
        matter = replace(
            parent,
            matter_id=str(uuid.uuid4()),
            kind=Kind.SERVICE,
            number=store.next_number(session, Kind.SERVICE, parent.division, place.now.year),
            state="",
            parent_matter_id=parent.matter_id,
            version=0,
            clocks=(),
            events=(),
        )
        store.add(session, matter)
        attempt = system_attempt(session, matter, place.now, NOTICE)
        return perform(session, "begin", attempt).matter
