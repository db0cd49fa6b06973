"""Leave, substitutes and who was told about an expiring certificate."""

revision = "cases_0006"
down_revision = "cases_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
