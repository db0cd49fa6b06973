"""The queue at the store: order, wishes, search, pages that stay exact while matters come in."""

import base64
import datetime as dt
import json

import pytest
from sqlalchemy import event, select

from services.cases import queries
from services.cases.domain.matter import Kind
from services.cases.queries import View, Wanted
from services.cases.tables import MatterRow
from services.chassis.clock import utc_now
from services.chassis.errors import InputRejected
from services.chassis.identity import Scope
from tests.integration.cases_many import COUNTIES, Mass, fill
from tests.integration.cases_rig import region

NOW = utc_now()
EVERYTHING = View(frozenset(Kind), Scope("13"))


@pytest.fixture(scope="module")
def many(migrated_db):
    """660 open matters with their clocks."""
    with region(migrated_db("cases"), NOW) as fresh:
        with fresh.database.transaction() as session:
            fill(session, Mass(660), NOW)
        fresh.execute("RESET ROLE", "ANALYZE matter", "ANALYZE matter_clock")
        yield fresh


def page(place, size=50, token="", view=EVERYTHING, **wishes):
    """One page of the queue."""
    with place.database.transaction() as session:
        return queries.list_matters(session, view, Wanted(**wishes), size, token)


def walk(place, size=150, between=lambda: None, **wishes):
    """Ids of every page, one after the other."""
    token, found = "", []
    while True:
        one = page(place, size, token, **wishes)
        found += [matter.matter_id for matter in one.matters]
        token = one.token
        if not token:
            return found
        between()


def sealed(*parts) -> str:
    """What a token looks like from outside."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def heads(place, *columns):
    """Columns of every head."""
    with place.database.transaction() as session:
        return list(session.execute(select(*columns)))


@pytest.mark.parametrize("order", ["", "rank", "due", "opened"])
def test_pages_hold_every_matter_once_in_the_order_that_is_asked_for(many, order):
    """Keyset pages against one sort of everything."""
    far = dt.datetime.max.replace(tzinfo=dt.UTC)
    rows = heads(many, MatterRow)
    key = {
        "due": lambda row: (row.next_due_at or far, row.matter_id),
        "opened": lambda row: (-row.opened_at.timestamp(), row.matter_id),
    }.get(order, lambda row: (row.rank, row.matter_id))
    expected = [row.matter_id for (row,) in sorted(rows, key=lambda one: key(one[0]))]

    assert walk(many, order=order) == expected


@pytest.mark.parametrize(
    ("order", "token"),
    [
        ("rank", "???"),
        ("rank", sealed(1)),
        ("rank", sealed("rank", "1", "m")),
        ("rank", sealed("rank", "x", "m", 1)),
        ("rank", sealed("rank", "1", "m", "x")),
        ("due", sealed("rank", "1", "m", 1)),
        ("opened", sealed("opened", "x", "m", 1)),
    ],
)
def test_a_token_that_is_not_of_this_list_is_refused(many, order, token):
    """Rubbish, another order's token, places that are none."""
    with pytest.raises(InputRejected, match="token"):
        page(many, order=order, token=token)


def test_an_order_that_there_is_none_is_refused(many):
    """And named."""
    with pytest.raises(InputRejected, match="rank"):
        page(many, order="colour")


@pytest.mark.parametrize(
    "wishes",
    [
        {"kind": Kind.CASE},
        {"level": 3},
        {"state": "open"},
        {"state": "verified"},
        {"item": "hourly_exceedance"},
        {"assignee_id": f"o-{COUNTIES[3]}-1"},
        {"risk_from": 30},
        {"opened_from": NOW - dt.timedelta(days=9), "opened_before": NOW - dt.timedelta(days=3)},
        {"due_from": NOW, "due_before": NOW + dt.timedelta(days=2)},
        {"overdue_at": NOW},
    ],
    ids="-".join,
)
def test_a_wish_cuts_the_list_down_and_the_total_with_it(many, wishes):
    """Against the same question asked of every head."""

    def fits(row):
        return all(
            {
                "kind": lambda v: row.kind == v.value,
                "state": lambda v: row.closed_at is None if v == "open" else row.state == v,
                "assignee_id": lambda v: row.assignee_id == v,
                "level": lambda v: row.level == v,
                "item": lambda v: row.item == v,
                "risk_from": lambda v: row.risk >= v,
                "opened_from": lambda v: row.opened_at >= v,
                "opened_before": lambda v: row.opened_at < v,
                "due_from": lambda v: row.next_due_at >= v,
                "due_before": lambda v: row.next_due_at < v,
                "overdue_at": lambda v: row.next_due_at <= v,
            }[name](value)
            for name, value in wishes.items()
        )

    expected = {row.matter_id for (row,) in heads(many, MatterRow) if fits(row)}

    assert set(walk(many, **wishes)) == expected
    assert page(many, **wishes).total == len(expected)
    assert expected


@pytest.mark.parametrize(
    "search",
    ["热电", "电", "永年热", "有限公司", f"91{COUNTIES[5]}M", "ma000", "-000123", "督〔2026〕",
     "%", "_", "没有这样的名称", "'; --"],
)  # fmt: skip
def test_a_part_of_name_code_or_number_finds_exactly_what_holds_it(many, search):
    """Against a plain look at every head; signs of patterns are signs."""
    columns = (
        MatterRow.matter_id, MatterRow.number, MatterRow.enterprise_name, MatterRow.credit_code,
    )  # fmt: skip
    expected = {
        matter_id
        for matter_id, *words in heads(many, *columns)
        if any(search.lower() in word.lower() for word in words)
    }

    assert set(walk(many, search=search)) == expected


def test_a_search_longer_than_any_name_is_refused(many):
    """60 signs."""
    with pytest.raises(InputRejected, match="60"):
        page(many, search="长" * 61)


@pytest.mark.parametrize(
    ("wishes", "index", "without"),
    [
        ({}, "matter_rank", "enable_sort"),
        ({"order": "due"}, "matter_due", "enable_sort"),
        ({"order": "opened"}, "matter_opened", "enable_sort"),
        ({"search": "000123"}, "matter_search", "enable_indexscan"),
    ],
    ids=str,
)
def test_each_order_and_the_search_have_an_index(many, wishes, index, without):
    """The plan of a page names it; the table is small, so other ways are switched off."""
    asked: list[tuple[str, object]] = []
    engine = many.database.engine

    def note(_connection, _cursor, statement, parameters, *_):
        asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    page(many, view=View(frozenset(Kind), Scope("")), **wishes)
    event.remove(engine, "before_cursor_execute", note)
    statement, parameters = next(one for one in asked if "ORDER BY" in one[0])
    with many.database.transaction() as session:
        cursor = session.connection().connection.cursor()
        cursor.execute(f"SET LOCAL enable_seqscan TO off; SET LOCAL {without} TO off")
        plan = "".join(line for (line,) in cursor.execute(f"EXPLAIN {statement}", parameters))

    assert index in plan
