"""Which history rules can judge which series yet."""

import sqlalchemy as sa
from alembic import op

revision = "detect_0002"
down_revision = "detect_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evaluation",
        sa.Column("outlet_id", sa.Text, primary_key=True),
        sa.Column("factor", sa.Text, primary_key=True),
        sa.Column("rule_id", sa.Text, primary_key=True),
        sa.Column("week", sa.BigInteger, nullable=False),
        sa.Column("known_days", sa.Integer, nullable=False),
        sa.Column("needed_days", sa.Integer, nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("credit_code", sa.Text, nullable=False),
        sa.CheckConstraint("known_days >= 0 AND needed_days >= 0", name="evaluation_days"),
    )


def downgrade() -> None:
    op.drop_table("evaluation")
