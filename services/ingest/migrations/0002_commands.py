"""Commands, their steps, logger sessions and anomalies."""

from alembic import op

revision = "ingest_0002"
down_revision = "ingest_0001"
branch_labels = None
depends_on = None

COMMAND = """
CREATE TABLE command (
    command_id uuid PRIMARY KEY,
    mn text NOT NULL CHECK (mn <> ''),
    outlet_id text NOT NULL,
    cn text NOT NULL CHECK (cn ~ '^[0-9]{4}$'),
    parameters jsonb NOT NULL,
    control boolean NOT NULL,
    purpose text NOT NULL CHECK (purpose <> ''),
    priority smallint NOT NULL,
    requested_by text NOT NULL CHECK (requested_by <> ''),
    requested_name text NOT NULL,
    requested_role text NOT NULL,
    reason text NOT NULL,
    request_id text NOT NULL,
    requested_at timestamptz NOT NULL,
    deadline timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN
        ('queued', 'sent', 'running', 'done', 'failed', 'lost', 'expired', 'cancelled')),
    outcome text NOT NULL DEFAULT '',
    sendings smallint NOT NULL DEFAULT 0,
    gate_id text NOT NULL DEFAULT '',
    qn text NOT NULL DEFAULT '',
    sent_at timestamptz,
    heard_at timestamptz,
    ended_at timestamptz,
    look_at timestamptz,
    steps integer NOT NULL DEFAULT 0,
    CHECK ((state IN ('queued', 'sent', 'running')) = (ended_at IS NULL)),
    CHECK ((ended_at IS NULL) = (look_at IS NOT NULL)),
    CHECK (state NOT IN ('sent', 'running') OR (gate_id <> '' AND sent_at IS NOT NULL))
)
"""

STEP = """
CREATE TABLE command_step (
    command_id uuid NOT NULL REFERENCES command,
    number integer NOT NULL CHECK (number > 0),
    kind text NOT NULL,
    at timestamptz NOT NULL,
    detail text NOT NULL,
    qn text NOT NULL,
    gate_id text NOT NULL,
    sending smallint NOT NULL,
    gate_number integer NOT NULL,
    fields jsonb NOT NULL,
    raw bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (command_id, number),
    CHECK ((gate_id = '') = (gate_number = 0))
)
"""

SESSION = """
CREATE TABLE logger_session (
    mn text PRIMARY KEY,
    outlet_id text NOT NULL,
    session_id text NOT NULL,
    gate_id text NOT NULL,
    peer text NOT NULL,
    version smallint NOT NULL,
    certificate_sha256 text NOT NULL,
    opened_at timestamptz,
    closed_at timestamptz,
    reason text NOT NULL,
    CHECK (opened_at IS NOT NULL OR closed_at IS NOT NULL)
)
"""

ANOMALY = """
CREATE TABLE logger_anomaly (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mn text NOT NULL CHECK (mn <> ''),
    outlet_id text NOT NULL,
    kind smallint NOT NULL CHECK (kind > 0),
    at timestamptz NOT NULL,
    before text NOT NULL,
    after text NOT NULL,
    offset_s double precision NOT NULL,
    peer text NOT NULL,
    gate_id text NOT NULL,
    correlation_id text NOT NULL
)
"""


def upgrade() -> None:
    """Create everything."""
    op.execute(COMMAND)
    op.execute(
        "CREATE UNIQUE INDEX command_once ON command (requested_by, request_id)"
        " WHERE request_id <> ''"
    )
    # Only what is under way is looked at; the rest is a record that grows for ever.
    op.execute(
        "CREATE INDEX command_look ON command ((priority < 0), look_at) WHERE look_at IS NOT NULL"
    )
    op.execute("CREATE INDEX command_under_way ON command (mn) WHERE look_at IS NOT NULL")
    op.execute(
        "CREATE INDEX command_by_outlet ON command (outlet_id, requested_at DESC, command_id)"
    )
    op.execute("CREATE INDEX command_newest ON command (requested_at DESC, command_id)")
    op.execute(STEP)
    op.execute(
        "CREATE UNIQUE INDEX command_step_once ON command_step"
        " (command_id, gate_id, sending, gate_number) WHERE gate_id <> ''"
    )
    op.execute(SESSION)
    op.execute("CREATE INDEX logger_session_by_outlet ON logger_session (outlet_id)")
    # Who asked a logger for what, and what came of it, is evidence: added to, never changed.
    op.execute("REVOKE UPDATE, DELETE ON command_step FROM farsight_ingest")
    op.execute("REVOKE DELETE ON command FROM farsight_ingest")
    anomalies()


def anomalies() -> None:
    """Irregularities of a logger's identity and clock (D28, D30)."""
    op.execute(ANOMALY)
    op.execute("CREATE INDEX logger_anomaly_by_outlet ON logger_anomaly (outlet_id, id DESC)")
    op.execute("CREATE INDEX logger_anomaly_by_mn ON logger_anomaly (mn, id DESC)")
    op.execute("REVOKE UPDATE, DELETE ON logger_anomaly FROM farsight_ingest")


def downgrade() -> None:
    """There is no way back: evidence is not dropped by a migration."""
    raise NotImplementedError
