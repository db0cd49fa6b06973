"""Trigger tables of packs and what triggers were reached, live and in monitor mode."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "cases_0002"
down_revision = "cases_0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create everything."""
    create_trigger_table()
    create_trigger_hit()


def create_trigger_table() -> None:
    """触发规则表 of each activation: append-only, by trigger and by rights."""
    op.create_table(
        "trigger_table",
        sa.Column("seq", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("pack_id", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),  # empty = the shipped table
        sa.Column("timeline", JSONB, nullable=False),  # [[first day, pack, version], ...]
        sa.Column("activated_at", MOMENT, nullable=False),
    )
    op.create_index("trigger_table_pack", "trigger_table", ["pack_id", "version"])
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON trigger_table "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON trigger_table "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON trigger_table FROM farsight_cases")


def create_trigger_hit() -> None:
    """One row a finding, item and mode: the highest trigger that it reached."""
    op.create_table(
        "trigger_hit",
        sa.Column("finding_id", sa.Text, primary_key=True),
        sa.Column("item", sa.Text, primary_key=True),
        sa.Column("mode", sa.Text, primary_key=True),
        sa.Column("opens", sa.Text, primary_key=True),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("trigger", sa.Text, nullable=False),
        sa.Column("item_zh", sa.Text, nullable=False),
        sa.Column("table_version", sa.Text, nullable=False),
        sa.Column("outlet_id", sa.Text, nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("factors", ARRAY(sa.Text), nullable=False),
        sa.Column("day", sa.Date, nullable=False),  # Beijing day of the finding's start
        sa.Column("first_at", MOMENT, nullable=False),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
        sa.CheckConstraint("mode IN ('live', 'monitor')"),
        sa.CheckConstraint("opens IN ('order', 'case')"),
        sa.CheckConstraint("level BETWEEN 1 AND 3"),
    )
    op.create_index("trigger_hit_day", "trigger_hit", ["day", "division"])


def downgrade() -> None:
    """Never: evidence does not go back."""
    raise NotImplementedError("migrations of cases do not go back")
