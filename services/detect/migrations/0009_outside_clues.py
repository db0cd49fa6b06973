"""Outside clues: places, candidates and their reasons."""

revision = "detect_0009"
down_revision = "detect_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""


def downgrade() -> None:
    """Refuse: what was kept must not be lost by a step back."""
    raise NotImplementedError("restore a backup instead")
