"""Readings, versions, ledger, seals and balance."""

from alembic import op

from services.chassis.tables import create_chassis_tables_v1

revision = "ingest_0001"
down_revision = None
branch_labels = None
depends_on = None

READING = """
CREATE TABLE reading (
    mn text NOT NULL,
    kind smallint NOT NULL,
    data_time timestamptz NOT NULL,
    outlet_id text NOT NULL,
    factors text[] NOT NULL,
    value bytea NOT NULL,
    min bytea,
    max bytea,
    cou bytea,
    converted bytea,
    flags text NOT NULL,
    odd jsonb,
    received_at timestamptz NOT NULL,
    part smallint NOT NULL,
    leaf bigint NOT NULL,
    PRIMARY KEY (mn, kind, data_time),
    CHECK (octet_length(value) = 8 * cardinality(factors)),
    CHECK (char_length(flags) = cardinality(factors))
) PARTITION BY RANGE (data_time)
"""

VERSION = """
CREATE TABLE reading_version (
    mn text NOT NULL,
    kind smallint NOT NULL,
    data_time timestamptz NOT NULL,
    factor text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    outlet_id text NOT NULL,
    value float8,
    min float8,
    max float8,
    cou float8,
    converted float8,
    flag text NOT NULL,
    odd jsonb,
    received_at timestamptz NOT NULL,
    part smallint NOT NULL,
    leaf bigint NOT NULL,
    PRIMARY KEY (mn, kind, data_time, factor, version)
)
"""

LEDGER = """
CREATE TABLE ledger (
    part smallint NOT NULL,
    leaf bigint NOT NULL,
    arrival_hour timestamptz NOT NULL,
    segment text NOT NULL,
    block_offset bigint NOT NULL,
    block_size integer NOT NULL,
    byte_offset integer NOT NULL,
    size integer NOT NULL,
    sm3 bytea NOT NULL CHECK (octet_length(sm3) = 32),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    outcome text NOT NULL,
    reason text NOT NULL,
    mn text NOT NULL,
    outlet_id text NOT NULL,
    cn text NOT NULL,
    qn text NOT NULL,
    data_time timestamptz,
    received_at timestamptz NOT NULL,
    peer text NOT NULL,
    correlation_id text NOT NULL,
    notes text[] NOT NULL,
    PRIMARY KEY (part, leaf, arrival_hour),
    CHECK ((outcome = 'refused') = (reason <> '')),
    CHECK (outcome IN ('accepted', 'duplicate', 'refused'))
) PARTITION BY RANGE (arrival_hour)
"""

# A day's table is made by the first batch that needs it. The service's role owns no table, so the
# function runs with the migration's rights and takes nothing but a known table and a date.
ENSURE_DAY = """
CREATE FUNCTION ensure_day(parent text, day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ingest AS $$
DECLARE child text := parent || '_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF parent NOT IN ('reading', 'ledger') THEN
        RAISE EXCEPTION 'no daily table: %', parent;
    END IF;
    IF to_regclass(child) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext(child));
    -- Not to_regclass: it remembers its "no" in a cache that an advisory lock does not refresh.
    IF EXISTS (SELECT FROM pg_tables WHERE schemaname = 'ingest' AND tablename = child) THEN
        RETURN;
    END IF;
    EXECUTE format(
        'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', child, parent,
        day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    IF parent = 'ledger' THEN
        EXECUTE format('REVOKE UPDATE, DELETE ON %I FROM farsight_ingest', child);
    END IF;
END $$
"""


def upgrade() -> None:
    """Create everything."""
    create_chassis_tables_v1(op.get_bind())
    op.execute(READING)
    op.execute("CREATE INDEX reading_by_outlet ON reading (outlet_id, kind, data_time)")
    # Times far from today (a dead clock's year 2000) must not make a table each.
    op.execute("CREATE TABLE reading_other PARTITION OF reading DEFAULT")
    op.execute(VERSION)
    op.execute(
        "CREATE INDEX reading_version_by_outlet ON reading_version (outlet_id, kind, data_time)"
    )
    op.execute(LEDGER)
    op.execute("CREATE INDEX ledger_by_outlet ON ledger (outlet_id, data_time)")
    op.execute(
        "CREATE TABLE ledger_head ("
        " part smallint PRIMARY KEY, next_leaf bigint NOT NULL, sealed_leaf bigint NOT NULL,"
        " last_hour timestamptz, CHECK (sealed_leaf BETWEEN 0 AND next_leaf))"
    )
    op.execute(
        "CREATE TABLE ledger_seal ("
        " part smallint NOT NULL, first_leaf bigint NOT NULL,"
        " size bigint NOT NULL CHECK (size > 0),"
        " hour timestamptz NOT NULL, root_sm3 bytea NOT NULL, previous_seal_id text NOT NULL,"
        " chain_sm3 bytea NOT NULL, sealed_at timestamptz NOT NULL DEFAULT now(),"
        " PRIMARY KEY (part, first_leaf))"
    )
    op.execute(
        "CREATE TABLE balance ("
        " hour timestamptz NOT NULL, owner text NOT NULL, word text NOT NULL,"
        " count bigint NOT NULL, PRIMARY KEY (hour, owner, word))"
    )
    op.execute("CREATE INDEX balance_by_owner ON balance (owner, hour)")
    op.execute(ENSURE_DAY)
    op.execute("REVOKE ALL ON FUNCTION ensure_day(text, date) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ensure_day(text, date) TO farsight_ingest")
    # What was received, sealed or deviated is evidence: the service may add, never change.
    op.execute("REVOKE UPDATE, DELETE ON ledger, ledger_seal, reading_version FROM farsight_ingest")


def downgrade() -> None:
    """There is no way back: evidence is not dropped by a migration."""
    raise NotImplementedError
