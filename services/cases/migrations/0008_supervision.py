"""Sections of supervision orders, listed supervision."""

revision = "cases_0008"
down_revision = "cases_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
