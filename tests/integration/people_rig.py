"""People who come, go and are away, for the tests of `cases`."""

import datetime as dt
from typing import Any

from services.cases.app.handle_finding import handle_finding
from services.cases.app.people_timers import sweep_all
from services.cases.domain.matter import Event, Matter
from services.cases.door_views import answer_of
from services.chassis.identity import Actor, Role
from services.chassis.pb.cases.v1 import cases_pb2
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.replica import apply_records, last_revision
from tests.integration.cases_rig import CITY, COUNTY, Region, actor, finding

FACTORS = ("a21026", "a21002", "a34013", "a21005", "a19001", "a21003", "a21004", "a21011")
CITY_LEADER = actor(Role.LEADER, "cl-1", CITY)
CITY_OFFICER = actor(Role.OFFICER, "c-1", CITY)


def keep(place: Region, *records: pb.Record) -> None:
    """Change the copy of the registry."""
    with place.database.transaction() as session:
        revision = last_revision(session)
        for n, record in enumerate(records, start=1):
            record.revision = revision + n
        apply_records(session, records)


def person(number: str, **changes: Any) -> pb.Record:
    """An officer of the county as the registry tells of him."""
    fields: dict[str, Any] = {
        "officer_id": number,
        "name": number,
        "division": COUNTY,
        "role": "officer",
        "team_id": f"t-{COUNTY}",
        "certificate": f"冀环{number}",
        "certificate_expires": "2030-01-01",
        **changes,
    }
    return pb.Record(kind=pb.RECORD_KIND_OFFICER, key=number, officer=pb.Officer(**fields))


def gone(number: str) -> pb.Record:
    """The officer is struck off; the body is as it was last."""
    record = person(number)
    record.deleted = True
    return record


def away(
    number: str, first: str, last: str = "", substitute: str = "", kind: str = "leave"
) -> pb.Record:
    """Days without an officer."""
    leave = pb.Leave(
        leave_id=f"v-{number}",
        officer_id=number,
        from_day=first,
        to_day=last,
        substitute_id=substitute,
        kind=kind,
    )
    return pb.Record(kind=pb.RECORD_KIND_LEAVE, key=leave.leave_id, leave=leave)


def orders(place: Region, count: int = 1) -> list[Matter]:
    """That many open orders, each about another factor."""
    for factor in FACTORS[:count]:
        place.run(handle_finding, finding(place.now, hours=3, factors=[factor]))
    return place.matters()


def swept(place: Region, now: dt.datetime | None = None) -> int:
    """One look at all open matters."""
    return sweep_all(place.database, now or place.now)


def said(matter: Matter, act: str) -> list[Event]:
    """Lines of an act."""
    return [event for event in matter.events if event.act == act]


def told(place: Region, template: str) -> list[cases_pb2.NoticeRequested]:
    """Notices of a template that wait in the outbox."""
    return [one for one in place.sent(cases_pb2.NoticeRequested) if one.template == template]


def allowed_names(place: Region, who: Actor, matter: Matter) -> set[str]:
    """Acts that the door would offer."""
    with place.database.transaction() as session:
        return {act.act for act in answer_of(session, who, matter, place.now).allowed}
