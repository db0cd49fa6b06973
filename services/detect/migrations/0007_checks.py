"""Standard checks as ingest told them."""

import sqlalchemy as sa
from alembic import op

revision = "detect_0007"
down_revision = "detect_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything; what was reported is never changed afterwards."""
    op.create_table(
        "standard_check",
        sa.Column("outlet_id", sa.Text, primary_key=True),
        sa.Column("factor", sa.Text, primary_key=True),
        sa.Column("at_s", sa.BigInteger, primary_key=True),
        sa.Column("measured", sa.Double),  # null: absent or no number
        sa.Column("standard", sa.Double),
        sa.Column("error_share", sa.Double),
        sa.Column("said", sa.SmallInteger, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("command_id", sa.Text, nullable=False),
        sa.Column("sm3", sa.LargeBinary, nullable=False),
    )
    # Nearly all checks pass: who looks for failed ones must not read the others.
    # `check_store` asks with this very expression.
    op.execute(
        "CREATE INDEX standard_check_by_error ON standard_check (outlet_id, (coalesce("
        "error_share, CASE said WHEN 2 THEN 'Infinity'::float8 WHEN 1 THEN 0::float8 END)))"
    )
    op.execute("REVOKE UPDATE, DELETE ON standard_check FROM farsight_detect")


def downgrade() -> None:
    """Never: evidence does not go back."""
    raise NotImplementedError("migrations of detect do not go back")
