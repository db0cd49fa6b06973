"""Rule packs, proposals, difference reports, decisions and activations: all append-only."""

import sqlalchemy as sa
from alembic import op

from services.chassis.db import role_of

revision = "detect_0003"
down_revision = "detect_0002"
branch_labels = None
depends_on = None

_TABLES = ("pack", "pack_proposal", "pack_report", "pack_decision", "pack_activation")


def upgrade() -> None:
    """Create everything."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "pack",
        sa.Column("pack_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("kept_at", moment, nullable=False),
        sa.CheckConstraint("octet_length(sha256) = 32", name="pack_sha256"),
    )
    op.create_table(
        "pack_proposal",
        sa.Column("proposal_id", sa.Text, primary_key=True),
        sa.Column("pack_id", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("applies_from", sa.Date, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("proposed_by", sa.Text, nullable=False),
        sa.Column("proposed_by_name", sa.Text, nullable=False),
        sa.Column("proposed_at", moment, nullable=False),
        sa.Column("offered", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(["pack_id", "version"], ["pack.pack_id", "pack.version"]),
    )
    op.create_table(
        "pack_report",
        sa.Column("report_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("proposal_id", sa.Text, nullable=False, index=True),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("brought_by", sa.Text, nullable=False),
        sa.Column("brought_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["proposal_id"], ["pack_proposal.proposal_id"]),
    )
    op.create_table(
        "pack_decision",
        # One decision a proposal: of two approvers at the same moment one is too late.
        sa.Column("proposal_id", sa.Text, primary_key=True),
        sa.Column("approved", sa.Boolean, nullable=False),
        sa.Column("report_sha256", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("decided_by_name", sa.Text, nullable=False),
        sa.Column("decided_at", moment, nullable=False),
        sa.CheckConstraint("NOT approved OR octet_length(report_sha256) = 32", name="read_report"),
        sa.ForeignKeyConstraint(["proposal_id"], ["pack_proposal.proposal_id"]),
    )
    op.create_table(
        "pack_activation",
        sa.Column("activation_id", sa.BigInteger, sa.Identity(), primary_key=True),
        # Empty = the shipped pack at the first start, which nobody proposed.
        sa.Column("proposal_id", sa.Text, nullable=False, unique=True),
        sa.Column("pack_id", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("applies_from", sa.Date, nullable=False),
        sa.Column("proposed_by", sa.Text, nullable=False),
        sa.Column("approved_by", sa.Text, nullable=False),
        sa.Column("activated_at", moment, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.CheckConstraint("proposal_id = '' OR proposed_by <> approved_by", name="two_persons"),
        sa.ForeignKeyConstraint(["pack_id", "version"], ["pack.pack_id", "pack.version"]),
    )
    for table in _TABLES:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {role_of('detect')}")


def downgrade() -> None:
    """Never: evidence does not go back."""
    raise NotImplementedError("migrations of detect do not go back")
