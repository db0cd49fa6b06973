"""Outside clues, marks and other pushed things."""

from alembic import op

revision = "ingest_0005"
down_revision = "ingest_0004"
branch_labels = None
depends_on = None

# `version` 0 is the first received; what came later for the same key and says something else is
# kept beside it. `raw` are the bytes of the digest, the same as in the frame in the ledger.
ITEM = """
CREATE TABLE outside_item (
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 7),
    key text NOT NULL CHECK (key <> ''),
    version integer NOT NULL CHECK (version >= 0),
    revision integer NOT NULL,
    at timestamptz NOT NULL,
    until timestamptz,
    subject text NOT NULL,
    division text NOT NULL CHECK (division ~ '^[0-9]{6}$'),
    outlet_id text NOT NULL,
    credit_code text NOT NULL,
    raw bytea NOT NULL,
    sm3 bytea NOT NULL CHECK (octet_length(sm3) = 32),
    received_at timestamptz NOT NULL,
    peer text NOT NULL,
    correlation_id text NOT NULL,
    PRIMARY KEY (kind, key, version)
)
"""

# 标记 with typed columns; a change is a new revision, the highest one counts (view mark_now).
MARK = """
CREATE TABLE mark (
    outlet_id text NOT NULL CHECK (outlet_id <> ''),
    mark_id text NOT NULL CHECK (mark_id <> ''),
    revision integer NOT NULL CHECK (revision > 0),
    family smallint NOT NULL CHECK (family BETWEEN 1 AND 8),
    subtype smallint NOT NULL,
    condition text NOT NULL,
    facility text NOT NULL,
    factors text[] NOT NULL,
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'rejected', 'withdrawn')),
    reason text NOT NULL,
    proof_ids text[] NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz,
    rule_version text NOT NULL,
    manual_values jsonb NOT NULL,
    division text NOT NULL,
    credit_code text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, mark_id, revision),
    CHECK (start_at < end_at)
)
"""

MARK_NOW = """
CREATE VIEW mark_now AS
SELECT DISTINCT ON (outlet_id, mark_id) * FROM mark
ORDER BY outlet_id, mark_id, revision DESC
"""


def upgrade() -> None:
    """Create everything."""
    op.execute(ITEM)
    op.execute("CREATE INDEX outside_item_by_time ON outside_item (at, kind)")
    op.execute(
        "CREATE INDEX outside_item_by_division"
        " ON outside_item (division text_pattern_ops, kind, at)"
    )
    op.execute(
        "CREATE INDEX outside_item_by_outlet ON outside_item (outlet_id, at) WHERE outlet_id <> ''"
    )
    op.execute("CREATE INDEX outside_item_by_subject ON outside_item (subject, at)")
    op.execute(MARK)
    op.execute("CREATE INDEX mark_by_time ON mark (outlet_id, start_at)")
    op.execute(MARK_NOW)
    op.execute(
        "CREATE TABLE push_tally ("
        " peer text NOT NULL, word text NOT NULL, count bigint NOT NULL, PRIMARY KEY (peer, word))"
    )
    op.execute("GRANT SELECT ON mark_now TO farsight_ingest")
    # What came from outside is evidence: the service may add, never change.
    op.execute("REVOKE UPDATE, DELETE ON outside_item, mark FROM farsight_ingest")


def downgrade() -> None:
    """There is no way back: evidence is not dropped by a migration."""
    raise NotImplementedError
