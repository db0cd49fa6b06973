"""Families of matters: side paths of a case are matters below it; clocks that lapse."""

import sqlalchemy as sa
from alembic import op

revision = "cases_0003"
down_revision = "cases_0002"
branch_labels = None
depends_on = None

KINDS = (
    "order", "case", "listed", "inspection", "preservation", "rectification", "seizure",
    "restriction", "detention", "service",
)  # fmt: skip
STATES = ("running", "satisfied", "breached", "lapsed", "cancelled")


def one_of(column: str, values: tuple[str, ...]) -> str:
    """Write a check."""
    return f"{column} IN ({', '.join(map(repr, values))})"


def upgrade() -> None:
    """Widen heads and clocks; a matter that stood alone is its own root."""
    for table, column in (("matter", "kind"), ("matter_clock", "state")):
        drop_checks(table, column)
    op.create_check_constraint("matter_kind", "matter", one_of("kind", KINDS))
    op.create_check_constraint("matter_clock_state", "matter_clock", one_of("state", STATES))
    op.add_column("matter", sa.Column("root_id", sa.Text, nullable=False, server_default=""))
    op.add_column("matter", sa.Column("risk", sa.Integer, nullable=False, server_default="0"))
    op.execute("UPDATE matter SET root_id = matter_id")
    op.create_check_constraint("matter_risk", "matter", "risk BETWEEN 0 AND 100")
    op.create_index("matter_root", "matter", ["root_id"])
    for column in (
        sa.Column("lapses", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("bound", sa.Text, nullable=False, server_default="authority"),
        sa.Column("started_by", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("start_field", sa.Text, nullable=False, server_default=""),
    ):
        op.add_column("matter_clock", column)


def drop_checks(table: str, column: str) -> None:
    """Drop the unnamed checks of the first migration that speak of a column."""
    op.execute(
        f"""
        DO $$ DECLARE one text; BEGIN
            FOR one IN
                SELECT conname FROM pg_constraint
                WHERE conrelid = '{table}'::regclass AND contype = 'c'
                  AND pg_get_constraintdef(oid) LIKE '%{column}%'
            LOOP EXECUTE format('ALTER TABLE {table} DROP CONSTRAINT %I', one); END LOOP;
        END $$
        """  # noqa: S608 (names of our own)
    )
