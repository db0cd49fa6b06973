"""Electricity and control orders."""

from alembic import op

revision = "detect_0005"
down_revision = "detect_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    op.execute("SELECT 1")


def downgrade() -> None:
    """Never: evidence does not go back."""
    raise NotImplementedError("migrations of detect do not go back")
