"""Leave 请假、离岗 in the registry on a real PostgreSQL: kept, shown and deleted like personnel."""

from collections.abc import Callable

import pytest

from services.chassis.db import Database
from services.chassis.identity import Actor, Role
from services.registry import wire
from services.registry.app import list_records as reading
from services.registry.app.change_records import Origin, change_records
from services.registry.domain.csv_rows import read_csv
from services.registry.domain.outcome import Entry, Outcome
from services.registry.domain.records import Body, Division, Kind, Leave, Officer, Team

HOME, CITY, PROVINCE = "650102", "650100", "650000"
PEOPLE: list[Body] = [
    Division(PROVINCE, "新疆维吾尔自治区", "", "province"),
    Division(CITY, "乌鲁木齐市", PROVINCE, "city"),
    Division(HOME, "天山区", CITY, "county"),
    Team("t-leave", "执法大队", HOME),
    *(
        Officer(
            who, "甲", HOME, "officer", "t-leave", "", f"新{who}", "2029-06-30", person_id=f"P{who}"
        )
        for who in ("o-leave", "o-stand")
    ),
]
CSV = (
    "leave_id,officer_id,from_day,to_day,substitute_id,kind,reason\n"
    "v-1,o-leave,2026-11-23,2026-11-27,o-stand,leave,产假\n"
)


def change(database: Database, *bodies: Body, deleted: bool = False) -> Outcome:
    """Keep records, or delete them."""
    entries = [Entry(n, body, deleted=deleted) for n, body in enumerate(bodies)]
    with database.transaction() as session:
        return change_records(session, entries, Origin("u", "sync"))


@pytest.fixture
def database(migrated_db: Callable[..., str]) -> Database:
    """The registry with a county and two officers, one of them away."""
    fresh = Database(migrated_db("registry"), "registry")
    change(fresh, *PEOPLE)
    (row,) = read_csv(Kind.LEAVE, CSV)
    assert row.body is not None
    change(fresh, row.body)
    return fresh


def leave_of(database: Database, who: Actor) -> list[Leave]:
    """What somebody reads of the county's absences."""
    rows, _ = reading.list_records(database, who, Kind.LEAVE, division="")
    return [one for row in rows if isinstance(one := wire.shown(row, secrets=False), Leave)]


def test_a_leave_is_seen_in_its_division_without_its_reason(database: Database) -> None:
    """It belongs to where its officer works; nobody but an operator reads why he is away."""
    near, far = Actor("l", Role.LEADER, HOME), Actor("x", Role.LEADER, "650103")
    plant = Actor("p", Role.ENTERPRISE, "", "91650102MA000T014P")

    (seen,) = leave_of(database, near)

    assert (seen.officer_id, seen.substitute_id, seen.to_day) == (
        "o-leave",
        "o-stand",
        "2026-11-27",
    )
    assert seen.reason == ""
    assert leave_of(database, far) == leave_of(database, plant) == []


def test_what_a_reader_may_not_see_stays_when_it_is_sent_back(database: Database) -> None:
    """A partner that sends its copy back empties neither the reason nor the person behind."""
    (seen,) = leave_of(database, Actor("l", Role.LEADER, HOME))
    blank = Officer("o-leave", "甲", HOME, "officer", "t-leave", "", "新o-leave", "2029-06-30")

    outcome = change(database, seen, blank)

    assert (outcome.unchanged, outcome.updated, outcome.errors) == (2, 0, [])


def test_who_stands_in_is_not_deleted_before_the_leave(database: Database) -> None:
    """The records name each other; personnel takes the leave back first."""
    stand_in = PEOPLE[-1]
    (seen,) = leave_of(database, Actor("l", Role.LEADER, HOME))

    refused = change(database, stand_in, deleted=True)
    gone = change(database, seen, deleted=True)
    last = change(database, stand_in, deleted=True)

    assert [(one.key, one.field) for one in refused.errors] == [("o-stand", "deleted")]
    assert (gone.deleted, last.deleted) == (1, 1)
    unknown = change(database, Leave("v-2", "o-stand", "2026-11-23", kind="leave"))
    assert [one.field for one in unknown.errors] == ["officer_id"]
