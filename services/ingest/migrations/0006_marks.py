"""Decisions about marks and the noon freeze."""

from alembic import op

revision = "ingest_0006"
down_revision = "ingest_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    op.execute("SELECT 1")


def downgrade() -> None:
    """Never: evidence does not go back."""
    raise NotImplementedError("migrations of ingest do not go back")
