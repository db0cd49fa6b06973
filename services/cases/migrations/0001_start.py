"""Matters, their append-only timeline, clocks, findings and clues."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.chassis.tables import create_chassis_tables_v1

revision = "cases_0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def text_columns(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False, server_default="") for name in names]


def upgrade() -> None:
    create_chassis_tables_v1(op.get_bind())
    create_matter()
    create_event()
    create_clock()
    create_findings()


def create_matter() -> None:
    op.create_table(
        "matter",
        sa.Column("matter_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("factors", ARRAY(sa.Text), nullable=False),
        sa.Column("confidential", sa.Boolean, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT),
        sa.Column("next_due_at", MOMENT),
        sa.Column("version", sa.BigInteger, nullable=False),
        *text_columns(
            "title",
            "item",
            "outlet_id",
            "credit_code",
            "division",
            "in_charge",
            "enterprise_name",
            "enterprise_short",
            "outlet_name",
            "assignee_id",
            "assignee_name",
            "team_id",
            "next_due_key",
            "correlation_id",
            "parent_matter_id",
            "referral_id",
        ),
        sa.CheckConstraint("kind IN ('order', 'case')"),
        sa.CheckConstraint("level BETWEEN 1 AND 3"),
        sa.CheckConstraint("kind = 'order' OR confidential"),
    )
    # One open order for an outlet, item and set of factors: the second replica's insert fails.
    op.create_index(
        "matter_open_order",
        "matter",
        ["outlet_id", "item", "factors"],
        unique=True,
        postgresql_where=sa.text("kind = 'order' AND closed_at IS NULL"),
    )
    op.create_index("matter_queue", "matter", ["division", "next_due_at"])
    op.create_index("matter_enterprise", "matter", ["credit_code"])
    op.create_index("matter_outlet", "matter", ["outlet_id"])


def create_event() -> None:
    op.create_table(
        "matter_event",
        sa.Column("matter_id", sa.Text, sa.ForeignKey("matter.matter_id"), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True),
        sa.Column("event_id", sa.BigInteger, sa.Identity(), nullable=False, unique=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("scripted", sa.Boolean, nullable=False),
        sa.Column("fields", JSONB, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        *text_columns(
            "actor_id",
            "actor_name",
            "actor_role",
            "act",
            "act_zh",
            "from_state",
            "to_state",
            "reason",
        ),
        sa.CheckConstraint("seq > 0"),
        sa.CheckConstraint("octet_length(digest) = 32"),
    )
    op.execute("ALTER TABLE matter_event ADD tx xid8 NOT NULL DEFAULT pg_current_xact_id()")
    op.create_index("matter_event_feed", "matter_event", ["tx", "event_id"])
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON matter_event "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON matter_event "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON matter_event FROM farsight_cases")


def create_clock() -> None:
    op.create_table(
        "matter_clock",
        sa.Column("clock_id", sa.Text, primary_key=True),
        sa.Column("matter_id", sa.Text, sa.ForeignKey("matter.matter_id"), nullable=False),
        sa.Column("statutory", sa.Boolean, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("provisional", sa.Boolean, nullable=False),
        sa.Column("derivation", JSONB, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("pauses", JSONB, nullable=False),
        sa.Column("grants", JSONB, nullable=False),
        sa.Column("schedule", sa.Integer, nullable=False),
        *text_columns("key", "action_zh", "source_zh", "state"),
        sa.CheckConstraint("state IN ('running', 'satisfied', 'breached', 'cancelled')"),
    )
    op.create_index("matter_clock_matter", "matter_clock", ["matter_id"])
    op.create_index(
        "matter_clock_provisional",
        "matter_clock",
        ["clock_id"],
        postgresql_where=sa.text("provisional AND ended_at IS NULL"),
    )


def create_findings() -> None:
    op.create_table(
        "finding",
        sa.Column("finding_id", sa.Text, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("outlet_id", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("finding_outlet", "finding", ["outlet_id"])
    op.create_table(
        "matter_finding",
        sa.Column("matter_id", sa.Text, sa.ForeignKey("matter.matter_id"), primary_key=True),
        sa.Column("finding_id", sa.Text, sa.ForeignKey("finding.finding_id"), primary_key=True),
        sa.Column("position", sa.BigInteger, sa.Identity(), nullable=False),
    )
    op.create_index("matter_finding_finding", "matter_finding", ["finding_id"])
    op.create_table(
        "clue",
        sa.Column("clue_id", sa.Text, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("matter_id", sa.Text, sa.ForeignKey("matter.matter_id"), nullable=False),
    )
    op.create_table(
        "number",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("division", sa.Text, primary_key=True),
        sa.Column("year", sa.Integer, primary_key=True),
        sa.Column("last", sa.Integer, nullable=False),
    )
