"""Decisions about marks, proofs and the noon freeze."""

from alembic import op

revision = "ingest_0006"
down_revision = "ingest_0005"
branch_labels = None
depends_on = None

# What was pushed before this migration came by push; it covered no day that anybody had frozen.
MARK = """
ALTER TABLE mark
    ADD COLUMN channel text NOT NULL DEFAULT 'push'
        CHECK (channel IN ('console', 'grpc', 'csv', 'push')),
    ADD COLUMN late boolean NOT NULL DEFAULT false
"""

# 审核: at most one about a revision. `rejected` stands on the revision that rejects.
DECISION = """
CREATE TABLE mark_decision (
    outlet_id text NOT NULL,
    mark_id text NOT NULL,
    revision integer NOT NULL,
    decision text NOT NULL CHECK (decision IN ('accepted', 'refused', 'rejected')),
    decided_by text NOT NULL,
    decided_name text NOT NULL,
    decided_at timestamptz NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    PRIMARY KEY (outlet_id, mark_id, revision),
    FOREIGN KEY (outlet_id, mark_id, revision) REFERENCES mark
)
"""

# 证明材料. The id is that of its digest, so the same file for the same outlet is kept once.
PROOF = """
CREATE TABLE mark_proof (
    outlet_id text NOT NULL,
    proof_id text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    size integer NOT NULL CHECK (size > 0),
    content bytea NOT NULL CHECK (octet_length(content) = size),
    sm3 bytea NOT NULL CHECK (octet_length(sm3) = 32),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    kept_by text NOT NULL,
    kept_at timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, proof_id)
)
"""

# 冻结: one row a Beijing day, written once.
FREEZE = """
CREATE TABLE mark_freeze (
    day date PRIMARY KEY,
    frozen_at timestamptz NOT NULL,
    told_at timestamptz NOT NULL
)
"""

# What rates take out of their denominators: a late revision only once it is accepted. New columns
# go to the end of the view.
MARK_NOW = """
CREATE OR REPLACE VIEW mark_now AS
SELECT DISTINCT ON (m.outlet_id, m.mark_id) m.*
FROM mark AS m LEFT JOIN mark_decision AS d USING (outlet_id, mark_id, revision)
WHERE NOT m.late OR d.decision = 'accepted'
ORDER BY m.outlet_id, m.mark_id, m.revision DESC
"""


def upgrade() -> None:
    """Create everything."""
    for statement in (MARK, DECISION, MARK_NOW, PROOF, FREEZE):
        op.execute(statement)
    op.execute("CREATE INDEX mark_by_arrival ON mark (received_at)")
    op.execute("CREATE INDEX mark_decision_by_time ON mark_decision (decided_at)")
    op.execute("CREATE INDEX mark_late ON mark (received_at) WHERE late")
    # What plants state and officers decide is evidence: the service may add, never change.
    op.execute(
        "REVOKE UPDATE, DELETE ON mark_decision, mark_proof, mark_freeze FROM farsight_ingest"
    )


def downgrade() -> None:
    """Never: evidence does not go back."""
    raise NotImplementedError("migrations of ingest do not go back")
