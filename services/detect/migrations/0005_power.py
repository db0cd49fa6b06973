"""Electricity: meters, their minutes by day, and plants whose days are to be judged."""

import sqlalchemy as sa
from alembic import op

revision = "detect_0005"
down_revision = "detect_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "meter",
        sa.Column("credit_code", sa.Text, primary_key=True),
        sa.Column("meter_id", sa.Text, primary_key=True),
        sa.Column("use", sa.Integer, nullable=False),
        sa.Column("facility", sa.Text, nullable=False),
        sa.Column("told_s", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "meter_day",
        sa.Column("credit_code", sa.Text, primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True),
        sa.Column("meter_id", sa.Text, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("newest", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("newest BETWEEN 0 AND 1439", name="meter_day_minute"),
    )
    # The body is deflated already: pglz would only cost time.
    op.execute("ALTER TABLE meter_day ALTER COLUMN body SET STORAGE EXTERNAL")
    op.create_table(
        "power_due",
        sa.Column("credit_code", sa.Text, primary_key=True),
        sa.Column("since_day", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    """Never: evidence does not go back."""
    raise NotImplementedError("migrations of detect do not go back")
