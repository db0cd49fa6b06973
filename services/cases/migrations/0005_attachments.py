"""Files handed in 证据材料, kept by digest."""

revision = "cases_0005"
down_revision = "cases_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
