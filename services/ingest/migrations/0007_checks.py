"""Standard checks that loggers report."""

from alembic import op

revision = "ingest_0007"
down_revision = "ingest_0006"
branch_labels = None
depends_on = None

# 标样核查: the first result of a moment stays; the frame of another one is in the ledger.
CHECK = """
CREATE TABLE quality_check (
    outlet_id text NOT NULL,
    factor text NOT NULL,
    checked_at timestamptz NOT NULL,
    measured double precision,
    standard double precision,
    said smallint NOT NULL,
    mn text NOT NULL,
    command_id text NOT NULL,
    received_at timestamptz NOT NULL,
    sm3 bytea NOT NULL CHECK (octet_length(sm3) = 32),
    PRIMARY KEY (outlet_id, factor, checked_at)
)
"""


def upgrade() -> None:
    """Create everything; what a logger reported is evidence: the service may add, never change."""
    op.execute(CHECK)
    op.execute("REVOKE UPDATE, DELETE ON quality_check FROM farsight_ingest")


def downgrade() -> None:
    """Never: evidence does not go back."""
    raise NotImplementedError("migrations of ingest do not go back")
