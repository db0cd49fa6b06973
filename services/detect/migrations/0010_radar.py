"""Collusion radar: what was compared of each operator, and the edges that were found."""

import sqlalchemy as sa
from alembic import op

revision = "detect_0010"
down_revision = "detect_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "radar_look",
        sa.Column("operator", sa.Text, primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True),  # first partition of who looked
        sa.Column("end_slot", sa.BigInteger, nullable=False),  # hour slot, exclusive
        sa.Column("outlets", sa.Integer, nullable=False),
        sa.Column("pairs", sa.Integer, nullable=False),
        sa.Column("control", sa.Integer, nullable=False),
        sa.Column("divisions", sa.ARRAY(sa.Text), nullable=False),  # of its outlets
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "radar_edge",
        sa.Column("outlet_id", sa.Text, primary_key=True),
        sa.Column("other_id", sa.Text, primary_key=True),
        sa.Column("operator", sa.Text, nullable=False, index=True),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("division", sa.Text, nullable=False),  # of one outlet
        sa.Column("other_division", sa.Text, nullable=False),  # of the other
        sa.Column("body", sa.LargeBinary, nullable=False),  # RadarEdge
    )


def downgrade() -> None:
    """Refuse: what was kept must not be lost by a step back."""
    raise NotImplementedError("restore a backup instead")
