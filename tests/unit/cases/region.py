"""People and matters for the pure tests of `cases`."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from services.cases.domain.attempt import Attempt
from services.cases.domain.matter import Doer, Kind, Level, Matter, Officer, Row
from services.chassis.clock import BEIJING

NOW = dt.datetime(2026, 11, 2, 10, 30, tzinfo=BEIJING)
COUNTY = "130402"
PEOPLE = {
    one.officer_id: one
    for one in (
        Officer("o-1", "甲", COUNTY, "officer", "t", dt.date(2030, 1, 1)),
        Officer("o-2", "乙", COUNTY, "officer", "t", dt.date(2030, 1, 1)),
        Officer("o-3", "丙", COUNTY, "officer", "t", dt.date(2030, 1, 1)),
        Officer("l-1", "丁", COUNTY, "leader", "t", dt.date(2030, 1, 1)),
    )
}
PLANT = Doer("u-plant", "厂", "enterprise")


def doer(officer_id: str) -> Doer:
    """An officer who acts."""
    officer = PEOPLE[officer_id]
    return Doer(officer_id, officer.name, officer.role, officer.division)


def row(**changes: object) -> Row:
    """What a finding of one hour says."""
    start = NOW - dt.timedelta(hours=1)
    plain = Row("f-1", 1, "hourly_exceedance", ("a21026",), start, NOW, False, "超标", 41.25, 35.0,
                "mg/m3", 1)  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def blank(kind: Kind, level: Level = Level.DISPATCH) -> Matter:
    """A matter before its first step."""
    return Matter(
        matter_id="m-1",
        number="督〔2026〕130402-0001",
        kind=kind,
        state="",
        level=level,
        title="二氧化硫小时均值超标",
        item="hourly_exceedance",
        factors=("a21026",),
        outlet_id="x-DA001",
        credit_code="x",
        division=COUNTY,
        in_charge=COUNTY,
        enterprise_name="示范热电有限公司",
        enterprise_short="示范热电",
        outlet_name="1号炉",
        confidential=kind is Kind.CASE,
        assignee_id="o-1",
        assignee_name="甲",
        team_id="t",
        opened_at=NOW,
        rows=(row(),),
    )


def attempt(
    matter: Matter,
    who: Doer,
    fields: dict[str, str] | None = None,
    reason: str = "",
    **more: object,
) -> Attempt:
    """Something that somebody wants to do now."""
    now = more.get("now", NOW)
    assert isinstance(now, dt.datetime)
    return Attempt(matter, who, fields or {}, reason, PEOPLE, now)
