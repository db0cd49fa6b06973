"""Append-only by the database's own rights: what the service's role may not do, table by table.

The tables come from the catalogue, so that a new append-only table is covered without anybody
remembering, and a list says which must be among them, so that none can lose its trigger unseen.
"""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.cases.app.handle_clue import handle_clue
from services.cases.app.handle_finding import handle_finding
from services.chassis.clock import utc_now
from tests.integration.cases_rig import MANAGER, bottle, finding, region

NOW = utc_now()
#: Tables that must be append-only; others that the catalogue names are tested with them.
APPEND_ONLY = {
    "matter_event", "trigger_table", "paper", "attachment", "attachment_content",
    "attachment_chunk", "inspection_form", "inspection_record",
}  # fmt: skip
#: Tables whose rows change by steps and are never removed.
KEPT = {
    "matter", "matter_clock", "matter_finding", "finding", "clue", "number", "trigger_hit",
}  # fmt: skip
REFUSALS = ("42501", "23001")  # insufficient privilege, restrict violation


@pytest.fixture(scope="module")
def place(migrated_db):
    """A region with a case and an order."""
    with region(migrated_db("cases"), NOW) as fresh:
        fresh.run(handle_finding, finding(NOW, hours=3))
        fresh.run(handle_clue, bottle(NOW))
        yield fresh


def tables_with(place, function: str) -> set[str]:
    """Tables of the schema with a trigger that calls this function."""
    with place.database.transaction() as session:
        found = session.scalars(
            text(
                "SELECT DISTINCT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
                " JOIN pg_proc ON pg_proc.oid = tgfoid WHERE proname = :function"
                " AND relnamespace = current_schema()::regnamespace"
            ),
            {"function": function},
        )
        return set(found)


def refusal(place, statement: str, *, as_owner: bool = False) -> str:
    """SQLSTATE of a statement that is refused; it must not pass."""
    role = ["RESET ROLE"] if as_owner else []
    with pytest.raises(DBAPIError) as refused:
        place.execute(*role, statement)
    return str(refused.value.orig.sqlstate)


def first_column(place, table: str) -> str:
    """Any column."""
    with place.database.transaction() as session:
        return str(
            session.scalar(
                text(
                    "SELECT attname FROM pg_attribute WHERE attrelid = CAST(:t AS regclass)"
                    " AND attnum > 0 AND attidentity = '' ORDER BY attnum LIMIT 1"
                ),
                {"t": table},
            )
        )


def test_every_table_that_must_be_append_only_is(place):
    """The list against the catalogue: trigger for rows and for the whole table."""
    assert tables_with(place, "refuse_change") >= APPEND_ONLY
    assert tables_with(place, "refuse_removal") >= KEPT


def test_the_service_can_change_no_row_of_an_append_only_table(place):
    """UPDATE, DELETE and TRUNCATE by the service's own role, on each table of the catalogue."""
    passed = []
    for table in sorted(tables_with(place, "refuse_change")):
        column = first_column(place, table)
        for statement in (
            f"UPDATE {table} SET {column} = {column}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table} CASCADE",
        ):
            if refusal(place, statement) not in REFUSALS:
                passed.append(statement)

    assert passed == []


def test_rights_alone_would_be_enough(place):
    """The role has neither UPDATE nor DELETE nor TRUNCATE there, whatever the triggers do."""
    with place.database.transaction() as session:
        held = [
            (table, right)
            for table in sorted(tables_with(place, "refuse_change"))
            for right in ("UPDATE", "DELETE", "TRUNCATE")
            if session.scalar(
                text("SELECT has_table_privilege('farsight_cases', :table, :right)"),
                {"table": table, "right": right},
            )
        ]

    assert held == []


def test_triggers_alone_would_be_enough(place):
    """Even the owner of the tables is refused, as long as nobody drops the trigger."""
    for table in ("matter_event", "trigger_table"):
        if table == "matter_event":
            assert refusal(place, f"DELETE FROM {table}", as_owner=True) == "23001"
        assert refusal(place, f"TRUNCATE {table} CASCADE", as_owner=True) == "23001"


@pytest.mark.parametrize("table", sorted(KEPT))
def test_no_head_no_clock_and_no_finding_is_ever_removed(place, table):
    """DELETE and TRUNCATE of what changes by steps."""
    assert refusal(place, f"DELETE FROM {table}") in REFUSALS
    assert refusal(place, f"TRUNCATE {table} CASCADE") in REFUSALS


@pytest.mark.parametrize(
    "change",
    [
        "matter SET number = 'x'",
        "matter SET matter_id = 'x'",
        "matter SET kind = 'listed'",
        "matter SET opened_at = now()",
        "matter SET parent_matter_id = 'x'",
        "matter_clock SET key = 'x'",
        "matter_clock SET matter_id = 'x'",
        "matter_clock SET statutory = NOT statutory",
    ],
)
def test_what_a_matter_is_called_and_where_it_came_from_stays(place, change):
    """An UPDATE may repeat these columns, as every step does, and never change them."""
    assert refusal(place, f"UPDATE {change}") == "23001"


def test_steps_still_pass(place):
    """What is refused hinders nobody who works."""
    order = next(one for one in place.matters() if one.kind.value == "order")

    after = place.act(MANAGER, order, "answer", cause="脱硫泵故障", measure="已更换", evidence="单")

    assert after.version == order.version + 1


def test_the_service_cannot_give_itself_the_rights(place):
    """Neither drop a trigger, nor grant, nor own."""
    for statement in (
        "ALTER TABLE matter_event DISABLE TRIGGER ALL",
        "DROP TRIGGER append_only ON matter_event",
        "GRANT DELETE ON matter_event TO farsight_cases",
        "DROP TABLE matter_event",
        "ALTER TABLE matter_event OWNER TO farsight_cases",
    ):
        try:
            assert refusal(place, statement) == "42501"
        except pytest.fail.Exception:  # PostgreSQL answers an empty GRANT with a warning
            assert statement.startswith("GRANT")
            assert refusal(place, "DELETE FROM matter_event") in REFUSALS
