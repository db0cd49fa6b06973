"""The people of a walk: a county, its city and province, a plant; enough of each for four eyes."""

from __future__ import annotations

from services.chassis.identity import Actor, Role
from services.chassis.pb.registry.v1 import registry_pb2 as pb

PLANT = "91130402MA000T014P"
OUTLET = f"{PLANT}-DA001"
#: Plants that people open matters at: one act of one plant is punished once (PL art 29).
PLANTS = (PLANT, *(f"91130402MA000T{n}00P" for n in range(1, 9)))
COUNTY, CITY, PROVINCE = "130402", "130400", "130000"


def _actor(who: str, role: Role, division: str) -> Actor:
    return Actor(who, role, division, name=who, officer_id=who)


OFFICERS = tuple(_actor(f"o-{n}", Role.OFFICER, COUNTY) for n in range(1, 7))
CITY_OFFICERS = tuple(_actor(f"c-{n}", Role.OFFICER, CITY) for n in range(1, 4))
LEADERS = (
    *(_actor(f"l-{n}", Role.LEADER, COUNTY) for n in range(1, 4)),
    *(_actor(f"cl-{n}", Role.LEADER, CITY) for n in range(1, 3)),
    _actor("pl-1", Role.LEADER, PROVINCE),
)
MANAGER = Actor("u-plant", Role.ENTERPRISE, "", PLANT, name="u-plant")
PEOPLE: dict[str, Actor] = {
    one.user_id: one for one in (*OFFICERS, *CITY_OFFICERS, *LEADERS, MANAGER)
}


def registry_records() -> list[pb.Record]:
    """The registry as `cases` keeps it."""
    records = [one for plant in PLANTS for one in _plant_records(plant)]
    for one in PEOPLE.values():
        if one.role is Role.ENTERPRISE:
            continue
        officer = pb.Officer(
            officer_id=one.officer_id,
            name=one.name,
            division=one.division,
            role=one.role.value,
            team_id=f"t-{one.division}",
            certificate=f"冀环{one.officer_id}",
            certificate_expires="2060-01-01",
        )
        records.append(pb.Record(kind=pb.RECORD_KIND_OFFICER, key=one.user_id, officer=officer))
    for revision, record in enumerate(records, start=1):
        record.revision = revision
    return records


def _plant_records(credit_code: str) -> list[pb.Record]:
    """A plant in the county and its outlet."""
    plant = pb.Enterprise(
        credit_code=credit_code,
        name=f"示范纸业{credit_code[-4:]}有限公司",
        short_name="示范纸业",
        division=COUNTY,
        industry="2221",
        address="示范路1号",
        longitude=114.5,
        latitude=36.6,
    )
    outlet = pb.Outlet(
        outlet_id=f"{credit_code}-DA001",
        credit_code=credit_code,
        name="总排口",
        division=COUNTY,
        medium="water",
    )
    return [
        pb.Record(kind=pb.RECORD_KIND_ENTERPRISE, key=credit_code, enterprise=plant),
        pb.Record(kind=pb.RECORD_KIND_OUTLET, key=outlet.outlet_id, outlet=outlet),
    ]
