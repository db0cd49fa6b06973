"""Findings, clues, and who looks after which partition."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.chassis.tables import create_chassis_tables_v1

revision = "detect_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_chassis_tables_v1(op.get_bind())
    op.create_table(
        "finding",
        sa.Column("finding_id", sa.Text, primary_key=True),
        sa.Column("outlet_id", sa.Text, nullable=False),
        sa.Column("rule_id", sa.Text, nullable=False),
        sa.Column("factor", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("begin_hour", sa.BigInteger, nullable=False),
        sa.Column("end_hour", sa.BigInteger, nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("credit_code", sa.Text, nullable=False),
        sa.Column("confidential", sa.Boolean, nullable=False),
        sa.Column("hits", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("picture", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("revision > 0", name="finding_revision"),
        sa.CheckConstraint("end_hour >= begin_hour", name="finding_span"),
    )
    op.create_index(
        "finding_one_open",
        "finding",
        ["outlet_id", "rule_id", "factor"],
        unique=True,
        postgresql_where=sa.text("open"),
    )
    op.create_index("finding_by_outlet", "finding", ["outlet_id", "end_hour"])
    op.create_index("finding_by_division", "finding", ["division", "begin_hour", "finding_id"])
    op.create_table(
        "clue",
        sa.Column("clue_id", sa.Text, primary_key=True),
        sa.Column("outlet_id", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("begin_hour", sa.BigInteger, nullable=False),
        sa.Column("end_hour", sa.BigInteger, nullable=False),
        sa.Column("finding_ids", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("factors", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("pattern", sa.Text, nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("credit_code", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("clue_by_outlet", "clue", ["outlet_id", "end_hour"])
    op.create_index("clue_by_division", "clue", ["division"])
    op.create_table(
        "partition_owner",
        sa.Column("partition", sa.Integer, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    for name in ("partition_owner", "clue", "finding"):
        op.drop_table(name)
