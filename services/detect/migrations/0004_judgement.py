"""Marks, freezes, day judgements and outlets to judge again."""

import sqlalchemy as sa
from alembic import op

revision = "detect_0004"
down_revision = "detect_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything; what was stated and what was judged is never changed afterwards."""
    op.add_column("finding", sa.Column("inputs", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "mark_revision",
        sa.Column("outlet_id", sa.Text, primary_key=True),
        sa.Column("mark_id", sa.Text, primary_key=True),
        sa.Column("revision", sa.BigInteger, primary_key=True),
        sa.Column("decided_us", sa.BigInteger, primary_key=True),
        sa.Column("first_hour", sa.BigInteger, nullable=False),
        sa.Column("end_hour", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("end_hour > first_hour", name="mark_span"),
    )
    op.create_index("mark_by_outlet", "mark_revision", ["outlet_id", "end_hour"])
    op.create_table(
        "frozen_day",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "rejudge",
        sa.Column("outlet_id", sa.Text, primary_key=True),
        sa.Column("reason", sa.Text, primary_key=True),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("since_hour", sa.BigInteger, nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("rejudge_due", "rejudge", ["partition", "due_at"])
    op.create_table(
        "day_judgement",
        sa.Column("outlet_id", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True),
        sa.Column("pack", sa.Text, nullable=False),
        sa.Column("inputs_sha256", sa.LargeBinary, nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("frozen", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("credit_code", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("revision > 0", name="day_judgement_revision"),
        sa.CheckConstraint("octet_length(inputs_sha256) = 32", name="day_judgement_inputs"),
    )
    op.create_index("day_judgement_by_plant", "day_judgement", ["credit_code", "day"])
    # The body is compressed already: pglz would only cost time.
    op.execute("ALTER TABLE day_judgement ALTER COLUMN body SET STORAGE EXTERNAL")
    op.execute(
        "REVOKE UPDATE, DELETE ON mark_revision, frozen_day, day_judgement FROM farsight_detect"
    )


def downgrade() -> None:
    """Never: evidence does not go back."""
    raise NotImplementedError("migrations of detect do not go back")
