"""What the queue, lists and statistics look things up by; rights that keep heads and clocks.

The embedded PostgreSQL comes without `pg_trgm`, and trigrams miss words of two Chinese signs: parts
of names and numbers are found by their pairs of signs, in a plain GIN index over an array.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "cases_0007"
down_revision = "cases_0006"
branch_labels = None
depends_on = None

ROLE = "farsight_cases"
#: Heads and what hangs on them are changed by steps, never removed.
KEPT = ("matter", "matter_clock", "matter_finding", "finding", "clue", "number", "trigger_hit")
#: What a matter is called and where it came from is said once.
FIXED = {
    "matter": ("matter_id", "number", "kind", "opened_at", "parent_matter_id"),
    "matter_clock": ("clock_id", "matter_id", "key", "statutory"),
}


def upgrade() -> None:
    """Add what orders and finds; then take rights away."""
    add_rank()
    add_grams()
    add_refusals()
    for table in KEPT:
        refuse_removal(table)
    for table, columns in FIXED.items():
        refuse_new_identity(table, columns)


def add_rank() -> None:
    """The queue's order as one number (`domain/risk.py`); older rows get their bare deadline."""
    op.add_column("matter", sa.Column("rank", sa.BigInteger, nullable=False, server_default="0"))
    reasons = sa.Column("risk_reasons", JSONB, nullable=False, server_default="[]")
    op.add_column("matter", reasons)
    op.execute(
        """
        UPDATE matter SET rank = CASE
            WHEN closed_at IS NOT NULL
                THEN 3000000000000 - floor(extract(epoch FROM closed_at))::bigint
            WHEN next_due_at IS NULL
                THEN 2000000000000 + floor(extract(epoch FROM opened_at))::bigint
            ELSE 1000000000000 + floor(extract(epoch FROM next_due_at))::bigint END
        """
    )
    op.create_index("matter_rank", "matter", ["rank", "matter_id"])
    division = sa.text("division text_pattern_ops")
    op.create_index("matter_division_rank", "matter", [division, "rank", "matter_id"])
    op.create_index("matter_opened", "matter", [sa.text("opened_at DESC"), "matter_id"])
    op.execute(
        "CREATE INDEX matter_due ON matter"
        " ((COALESCE(next_due_at, TIMESTAMPTZ 'infinity')), matter_id)"
    )
    is_open = sa.text("closed_at IS NULL")  # what is counted beside each first page
    op.create_index("matter_open", "matter", [division], postgresql_where=is_open)
    op.create_index("matter_assignee", "matter", ["assignee_id", "rank", "matter_id"])
    op.create_index("matter_closed", "matter", ["closed_at"])
    op.create_index("matter_clock_ended", "matter_clock", ["ended_at"])
    op.create_index("matter_event_at", "matter_event", ["at"])
    op.drop_index("matter_queue", "matter")  # led by division and a bare deadline


def add_grams() -> None:
    """Signs and pairs of signs of a text: what a part of a name is found by.

    Its cost is told to the planner, which otherwise would compute it for every head of a page.
    """
    op.execute(
        """
        CREATE FUNCTION search_grams(text) RETURNS text[]
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
            SELECT coalesce(array_agg(DISTINCT part), '{}') FROM (
                SELECT substr(lower($1), n, long) AS part
                FROM generate_series(1, length($1)) AS n, generate_series(1, 2) AS long
            ) AS parts
        $$
        """
    )
    op.execute(
        "CREATE INDEX matter_search ON matter USING gin"
        " (search_grams(number || ' ' || enterprise_name || ' ' || credit_code))"
    )
    op.execute(
        """
        DO $$ BEGIN
            IF EXISTS (
                SELECT FROM pg_attribute
                WHERE attrelid = to_regclass('paper') AND attname = 'number'
            ) THEN
                CREATE INDEX paper_search ON paper USING gin (search_grams(number));
            END IF;
        END $$
        """
    )


def add_refusals() -> None:
    """What the triggers below say."""
    for name, says in (
        ("refuse_removal", "rows of % are never removed"),
        ("refuse_new_identity", "a row of % keeps what it is called and where it came from"),
    ):
        op.execute(
            f"""
            CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION '{says}', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
            END $$
            """
        )


def refuse_removal(table: str) -> None:
    """No DELETE and no TRUNCATE, by right and by trigger."""
    op.execute(
        f"CREATE TRIGGER never_removed BEFORE DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_removal()"
    )
    op.execute(
        f"CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal()"
    )
    op.execute(f"REVOKE DELETE, TRUNCATE ON {table} FROM {ROLE}")


def refuse_new_identity(table: str, columns: tuple[str, ...]) -> None:
    """An UPDATE may repeat these columns and never change them."""
    changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in columns)
    op.execute(
        f"CREATE TRIGGER same_identity BEFORE UPDATE ON {table} "
        f"FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION refuse_new_identity()"
    )
