"""What the queue, lists and statistics look things up by."""

revision = "cases_0007"
down_revision = "cases_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
