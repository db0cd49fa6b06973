"""Documents 文书 and their numbers."""

revision = "cases_0004"
down_revision = "cases_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
