"""Supervision: terms differ by industry, sheets are read by change, plants are listed."""

import sqlalchemy as sa
from alembic import op

revision = "cases_0008"
down_revision = "cases_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The plant's industry on each head, and the indexes of the lists of supervision."""
    op.add_column("matter", sa.Column("industry", sa.Text, nullable=False, server_default=""))
    op.create_index(
        "matter_order_plant",
        "matter",
        ["credit_code", "opened_at"],
        postgresql_where=sa.text("kind IN ('order', 'listed')"),
    )
    op.create_index("matter_parent", "matter", ["parent_matter_id"])
    op.create_index(
        "matter_clock_breached",
        "matter_clock",
        ["due_at"],
        postgresql_where=sa.text("state = 'breached' AND ended_at IS NULL"),
    )
