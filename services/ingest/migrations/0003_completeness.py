"""Origin of readings, the three kept values, certificates of completeness, rates, back-fill."""

from alembic import op

revision = "ingest_0003"
down_revision = "ingest_0002"
branch_labels = None
depends_on = None

# Fixed when the grace of its hour closes. What arrives later is counted in certificate_fill.
CERTIFICATE = """
CREATE TABLE certificate (
    hour timestamptz NOT NULL,
    outlet_id text NOT NULL,
    kind smallint NOT NULL,
    due smallint NOT NULL CHECK (due > 0),
    came smallint NOT NULL CHECK (came >= 0),
    late smallint NOT NULL CHECK (late >= 0),
    filled smallint NOT NULL CHECK (filled >= 0),
    failed smallint NOT NULL CHECK (failed >= 0),
    stopped smallint NOT NULL CHECK (stopped >= 0),
    missing smallint NOT NULL CHECK (missing >= 0),
    closed_at timestamptz NOT NULL,
    inputs_sha256 bytea NOT NULL CHECK (octet_length(inputs_sha256) = 32),
    sm3 bytea NOT NULL CHECK (octet_length(sm3) = 32),
    PRIMARY KEY (hour, outlet_id, kind),
    CHECK (due = came + late + filled + failed + stopped + missing)
) PARTITION BY RANGE (hour)
"""

FILL = """
CREATE TABLE certificate_fill (
    hour timestamptz NOT NULL,
    outlet_id text NOT NULL,
    kind smallint NOT NULL,
    late smallint NOT NULL CHECK (late >= 0),
    filled smallint NOT NULL CHECK (filled >= 0),
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, hour, kind)
)
"""

ENSURE_MONTH = """
CREATE FUNCTION ensure_certificates(month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ingest AS $$
DECLARE
    first date := date_trunc('month', month)::date;
    child text := 'certificate_' || to_char(month, 'YYYYMM');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(child));
    IF EXISTS (SELECT FROM pg_tables WHERE schemaname = 'ingest' AND tablename = child) THEN
        RETURN;
    END IF;
    EXECUTE format(
        'CREATE TABLE %I PARTITION OF certificate FOR VALUES FROM (%L) TO (%L)', child,
        first::timestamp AT TIME ZONE 'UTC',
        (first + interval '1 month')::timestamp AT TIME ZONE 'UTC');
    EXECUTE format('REVOKE UPDATE, DELETE ON %I FROM farsight_ingest', child);
END $$
"""


def upgrade() -> None:
    """Create everything."""
    # Numbers of Origin; 0 = written before the column existed, read as live.
    op.execute("ALTER TABLE reading ADD COLUMN origin smallint NOT NULL DEFAULT 0")
    # Factors that a later frame added: factor -> [received_at in unix seconds, origin].
    op.execute("ALTER TABLE reading ADD COLUMN added jsonb")
    op.execute("ALTER TABLE reading_version ADD COLUMN origin smallint NOT NULL DEFAULT 0")
    op.execute(
        "ALTER TABLE reading_version ADD COLUMN state smallint NOT NULL DEFAULT 1"
        " CHECK (state BETWEEN 1 AND 3)"
    )
    # As reported: factor -> [code, scale, unit] as received, where they are not its own (2005).
    op.execute("ALTER TABLE reading ADD COLUMN reported jsonb")
    op.execute("ALTER TABLE reading_version ADD COLUMN reported jsonb")
    op.execute(
        "CREATE TABLE monitor_point ("
        " mn text PRIMARY KEY, outlet_id text NOT NULL, part smallint NOT NULL,"
        " division text NOT NULL, credit_code text NOT NULL,"
        " realtime_s integer NOT NULL, minute_min integer NOT NULL, free_hours smallint NOT NULL,"
        " enabled boolean NOT NULL, since timestamptz NOT NULL, revision bigint NOT NULL)"
    )
    op.execute("CREATE INDEX monitor_point_by_outlet ON monitor_point (outlet_id)")
    # Refused frames are few; the hour's failed slots are found without reading its ledger.
    op.execute(
        "CREATE INDEX ledger_refused ON ledger (part, arrival_hour)"
        " WHERE outcome = 'refused' AND outlet_id <> ''"
    )
    # How far a partition has been settled: an hour closes only once everything of it is here.
    op.execute(
        "CREATE TABLE settled_until ("
        " part smallint PRIMARY KEY, received_at timestamptz NOT NULL,"
        " settled_at timestamptz NOT NULL)"
    )
    op.execute(CERTIFICATE)
    op.execute("CREATE INDEX certificate_by_outlet ON certificate (outlet_id, hour)")
    # Holes are rare: planner and lists find them without reading whole months.
    op.execute(
        "CREATE INDEX certificate_holes ON certificate (outlet_id, kind, hour)"
        " WHERE missing + failed > 0 AND kind > 1"
    )
    op.execute(ENSURE_MONTH)
    op.execute("REVOKE ALL ON FUNCTION ensure_certificates(date) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ensure_certificates(date) TO farsight_ingest")
    op.execute("REVOKE UPDATE, DELETE ON certificate FROM farsight_ingest")
    op.execute(FILL)
    op.execute(
        "CREATE TABLE certificate_close ("
        " part smallint NOT NULL, span text NOT NULL CHECK (span IN ('hour', 'day')),"
        " hour timestamptz NOT NULL, outlets integer NOT NULL, made_at timestamptz NOT NULL,"
        " PRIMARY KEY (part, span, hour))"
    )
    # Certificates whose `after` must be counted again: one row an hour that got something late.
    op.execute(
        "CREATE TABLE arrived_late ("
        " hour timestamptz NOT NULL, outlet_id text NOT NULL, kind smallint NOT NULL,"
        " PRIMARY KEY (hour, outlet_id, kind))"
    )
    op.execute(
        "CREATE TABLE rate_day ("
        " day date NOT NULL, outlet_id text NOT NULL, kind smallint NOT NULL,"
        " division text NOT NULL, credit_code text NOT NULL, free_hours smallint NOT NULL,"
        " hours smallint NOT NULL, due integer NOT NULL, stopped integer NOT NULL,"
        " came integer NOT NULL, filled integer NOT NULL, after integer NOT NULL DEFAULT 0,"
        " PRIMARY KEY (day, outlet_id, kind))"
    )
    op.execute("CREATE INDEX rate_day_by_outlet ON rate_day (outlet_id, day)")
    op.execute(
        "CREATE TABLE backfill ("
        " backfill_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " mn text NOT NULL, outlet_id text NOT NULL, kind smallint NOT NULL,"
        " start_at timestamptz NOT NULL, end_at timestamptz NOT NULL,"
        " state text NOT NULL CHECK"
        "  (state IN ('asked', 'answered', 'no_data', 'failed', 'expired')),"
        " command_id uuid NOT NULL, reason text NOT NULL DEFAULT '',"
        " requested_by text NOT NULL, asked_at timestamptz NOT NULL, ended_at timestamptz)"
    )
    op.execute("CREATE INDEX backfill_by_outlet ON backfill (outlet_id, kind, start_at)")
    op.execute("CREATE UNIQUE INDEX backfill_outstanding ON backfill (mn) WHERE state = 'asked'")
    # Up to where registry records ("points") and marks ("marks") have been taken over.
    op.execute(
        "CREATE TABLE completeness_progress ("
        " name text PRIMARY KEY, number bigint NOT NULL, at timestamptz)"
    )


def downgrade() -> None:
    """There is no way back: evidence is not dropped by a migration."""
    raise NotImplementedError
