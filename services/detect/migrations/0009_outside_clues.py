"""Outside clues: places, candidates and their reasons."""

import sqlalchemy as sa
from alembic import op

revision = "detect_0009"
down_revision = "detect_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "outside_city",
        sa.Column("city", sa.Text, primary_key=True),
        sa.Column("newest_s", sa.BigInteger, nullable=False),
        sa.Column("due", sa.Boolean, nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "outside_day",
        sa.Column("city", sa.Text, primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True),
        sa.Column("series", sa.Text, primary_key=True),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("longitude", sa.Float, nullable=False),
        sa.Column("latitude", sa.Float, nullable=False),
        sa.Column("crs", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "outside_item",
        sa.Column("city", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at_s", sa.BigInteger, nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("credit_code", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("outside_item_at", "outside_item", ["city", "at_s"])
    op.create_table(
        "outside_clue",
        sa.Column("clue_id", sa.Text, primary_key=True),
        sa.Column("city", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("verdict", sa.Integer, nullable=False),
        sa.Column("begin_s", sa.BigInteger, nullable=False),
        sa.Column("end_s", sa.BigInteger, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("credit_code", sa.Text, nullable=False),
        sa.Column("sign_keys", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("kinds", sa.ARRAY(sa.Integer), nullable=False),
        sa.Column("plants", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("outside_clue_city", "outside_clue", ["city", "open"])
    op.create_table(
        "outside_map",
        sa.Column("city", sa.Text, primary_key=True),
        sa.Column("pollutant", sa.Text, primary_key=True),
        sa.Column("product", sa.Text, primary_key=True),
        sa.Column("hot", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """Refuse: what was kept must not be lost by a step back."""
    raise NotImplementedError("restore a backup instead")
