"""Signs, votes, suppressions and what was held back."""

import sqlalchemy as sa
from alembic import op

from services.chassis.db import role_of

revision = "detect_0008"
down_revision = "detect_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "screen_sign",
        sa.Column("outlet_id", sa.Text, primary_key=True),
        sa.Column("rule_id", sa.Text, primary_key=True),
        sa.Column("factor", sa.Text, primary_key=True),
        sa.Column("begin_s", sa.BigInteger, primary_key=True),
        sa.Column("end_s", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),  # empty = raised
        sa.Column("log_e", sa.Double, nullable=False),  # joint, for the order of the list
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("credit_code", sa.Text, nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),  # ScreenSign
        sa.CheckConstraint("state IN ('raised', 'held', 'suppressed')", name="screen_sign_state"),
    )
    op.create_index("screen_sign_waiting", "screen_sign", ["division", "seen_at"],
                    postgresql_where=sa.text("state <> 'raised'"))  # fmt: skip
    op.create_table(
        "screen_state",
        sa.Column("outlet_id", sa.Text, primary_key=True),
        sa.Column("screened_until", sa.BigInteger, nullable=False),  # hour slot, exclusive
        sa.Column("frozen_until", sa.Date),  # newest frozen day at that time
    )
    op.create_table(
        "suppression",
        sa.Column("suppression_id", sa.Text, primary_key=True),
        sa.Column("outlet_id", sa.Text, nullable=False, index=True),
        sa.Column("factor", sa.Text, nullable=False),  # empty = all
        sa.Column("rule_id", sa.Text, nullable=False),  # empty = all tests
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_by_name", sa.Text, nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("until", moment, nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("credit_code", sa.Text, nullable=False),
        sa.Column("confirmed_by", sa.Text),
        sa.Column("confirmed_by_name", sa.Text),
        sa.Column("confirmed_at", moment),
        sa.Column("ended_by", sa.Text),
        sa.Column("ended_by_name", sa.Text),
        sa.Column("ended_at", moment),
        sa.Column("end_reason", sa.Text),
        # Two persons: what one of them hides alone would be hidden from everybody.
        sa.CheckConstraint("confirmed_by <> asked_by", name="suppression_two_persons"),
        sa.CheckConstraint("until > asked_at", name="suppression_ends"),
    )
    op.execute(f"REVOKE DELETE ON suppression FROM {role_of('detect')}")


def downgrade() -> None:
    """Refuse: what was kept must not be lost by a step back."""
    raise NotImplementedError("restore a backup instead")
