"""Sums of days: hours and amounts of a judged day by outlet and factor."""

import sqlalchemy as sa
from alembic import op

revision = "detect_0006"
down_revision = "detect_0005"
branch_labels = None
depends_on = None

COUNTS = ("hours", "stopped", "received", "valid", "free", "excused", "marked", "exempt")


def upgrade() -> None:
    """Create everything. Rows follow the newest revision of their day, so they do change."""
    op.create_table(
        "day_sum",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("outlet_id", sa.Text, primary_key=True),
        sa.Column("factor", sa.Text, primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("credit_code", sa.Text, nullable=False),
        sa.Column("operator", sa.Text, nullable=False),
        *(sa.Column(name, sa.SmallInteger, nullable=False) for name in COUNTS),
        sa.Column("amount_kg", sa.Double),  # null: no mass, or no flow
        sa.Column("substituted_kg", sa.Double),
        sa.CheckConstraint("valid + free <= received", name="day_sum_valid"),
        sa.CheckConstraint("received + stopped + excused <= hours", name="day_sum_hours"),
    )
    op.create_index("day_sum_by_plant", "day_sum", ["credit_code", "day"])


def downgrade() -> None:
    """Never: evidence does not go back."""
    raise NotImplementedError("migrations of detect do not go back")
