"""The log a partition with signed heads; readings by kind, day and month, with Parquet behind."""

from alembic import op

revision = "ingest_0004"
down_revision = "ingest_0003"
branch_labels = None
depends_on = None

# Entries written before have version 1: their leaf follows from the raw bytes' digest alone.
LEDGER = """
ALTER TABLE ledger
    ADD COLUMN version smallint NOT NULL DEFAULT 0,
    ADD COLUMN repairs text[] NOT NULL DEFAULT '{}',
    ADD COLUMN origin smallint NOT NULL DEFAULT 0,
    ADD COLUMN command_id text NOT NULL DEFAULT '',
    ADD COLUMN entry_version smallint NOT NULL DEFAULT 1,
    ADD COLUMN leaf_sm3 bytea,
    ADD CHECK ((entry_version = 1) = (leaf_sm3 IS NULL)),
    ADD CHECK (octet_length(leaf_sm3) = 32)
"""

LOG = """
CREATE TABLE ledger_tree (
    part smallint PRIMARY KEY,
    size bigint NOT NULL CHECK (size >= 0),
    last_hour timestamptz
);
CREATE TABLE ledger_tile (
    part smallint NOT NULL,
    level smallint NOT NULL,
    number bigint NOT NULL,
    digests bytea NOT NULL CHECK (octet_length(digests) BETWEEN 32 AND 8192),
    PRIMARY KEY (part, level, number)
);
-- Digests do not compress; do not try.
ALTER TABLE ledger_tile ALTER COLUMN digests SET STORAGE EXTERNAL;
CREATE TABLE signed_head (
    number bigint PRIMARY KEY CHECK (number > 0),
    hour timestamptz UNIQUE,
    made_at timestamptz NOT NULL,
    body bytea NOT NULL,
    sizes jsonb NOT NULL,
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 64),
    signature bytea NOT NULL CHECK (octet_length(signature) = 64)
);
REVOKE UPDATE, DELETE ON signed_head FROM farsight_ingest;
REVOKE DELETE ON ledger_tile, ledger_tree FROM farsight_ingest;
-- The ledger grows in order of arrival: a few pages of index find an hour.
CREATE INDEX ledger_by_arrival ON ledger USING brin (received_at);
CREATE TABLE balance_check (
    hour timestamptz PRIMARY KEY,
    checked_at timestamptz NOT NULL,
    received bigint NOT NULL,
    accounted bigint NOT NULL,
    leaves bigint NOT NULL
);
"""

# The present table's columns, whatever earlier migrations added, by kind and then by time. Readings
# of real time and minutes come by the thousand a day and go first, hours and days stay long.
READING = """
ALTER TABLE reading RENAME TO reading_0001;
ALTER TABLE reading_other RENAME TO reading_0001_other;
ALTER INDEX reading_by_outlet RENAME TO reading_0001_by_outlet;
ALTER INDEX reading_pkey RENAME TO reading_0001_pkey;
CREATE TABLE reading (LIKE reading_0001 INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    PRIMARY KEY (mn, kind, data_time)) PARTITION BY LIST (kind);
CREATE INDEX reading_by_outlet ON reading (outlet_id, kind, data_time);
CREATE TABLE reading_realtime PARTITION OF reading FOR VALUES IN (1) PARTITION BY RANGE (data_time);
CREATE TABLE reading_minute PARTITION OF reading FOR VALUES IN (2) PARTITION BY RANGE (data_time);
CREATE TABLE reading_hour PARTITION OF reading FOR VALUES IN (3) PARTITION BY RANGE (data_time);
CREATE TABLE reading_day PARTITION OF reading FOR VALUES IN (4) PARTITION BY RANGE (data_time);
CREATE TABLE reading_realtime_other PARTITION OF reading_realtime DEFAULT;
CREATE TABLE reading_minute_other PARTITION OF reading_minute DEFAULT;
CREATE TABLE reading_hour_other PARTITION OF reading_hour DEFAULT;
CREATE TABLE reading_day_other PARTITION OF reading_day DEFAULT;
CREATE TABLE reading_other PARTITION OF reading DEFAULT;
CREATE TABLE reading_parquet (
    child text PRIMARY KEY,
    kind smallint NOT NULL,
    first_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    path text NOT NULL,
    row_count bigint NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    byte_count bigint NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    dropped_at timestamptz
);
"""

# The service's role owns no table, so both functions run with the migration's rights and take
# nothing but a known table and a date. A period that lies in Parquet gets no table again: what
# still arrives for it goes to the kind's table of odd times.
ENSURE = """
CREATE OR REPLACE FUNCTION ensure_day(parent text, day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ingest AS $$
DECLARE
    span text := CASE WHEN parent IN ('reading_hour', 'reading_day') THEN 'month' ELSE 'day' END;
    first date := date_trunc(span, day)::date;
    next date := (first + ('1 ' || span)::interval)::date;
    name text := parent || '_'
        || to_char(first, CASE span WHEN 'month' THEN 'YYYYMM' ELSE 'YYYYMMDD' END);
    taken boolean := false;
BEGIN
    IF parent = 'reading' THEN  -- what the service before this migration calls
        PERFORM ensure_day('reading_realtime', day), ensure_day('reading_minute', day),
            ensure_day('reading_hour', day), ensure_day('reading_day', day);
        RETURN;
    END IF;
    IF parent NOT IN ('ledger', 'reading_realtime', 'reading_minute', 'reading_hour',
                      'reading_day') THEN
        RAISE EXCEPTION 'no table by time: %', parent;
    END IF;
    IF to_regclass(name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext(name));
    -- Not to_regclass: it remembers its "no" in a cache that an advisory lock does not refresh.
    IF EXISTS (SELECT FROM pg_tables WHERE schemaname = 'ingest' AND tablename = name)
       OR EXISTS (SELECT FROM reading_parquet p
                  WHERE p.child = name AND dropped_at IS NOT NULL)
    THEN
        RETURN;
    END IF;
    IF parent <> 'ledger' THEN  -- rows that came for this time before it had a table stay there
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE data_time >= $1 AND data_time < $2)',
                       parent || '_other')
            INTO taken
            USING first::timestamp AT TIME ZONE 'UTC', next::timestamp AT TIME ZONE 'UTC';
    END IF;
    IF taken THEN
        RETURN;
    END IF;
    EXECUTE format(
        'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', name, parent,
        first::timestamp AT TIME ZONE 'UTC', next::timestamp AT TIME ZONE 'UTC');
    IF parent = 'ledger' THEN
        EXECUTE format('REVOKE UPDATE, DELETE ON %I FROM farsight_ingest', name);
    END IF;
END $$
"""

DROP = """
CREATE FUNCTION drop_kept(child text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ingest AS $$
DECLARE kept bigint; present bigint;
BEGIN
    SELECT row_count INTO kept FROM reading_parquet p
        WHERE p.child = drop_kept.child AND dropped_at IS NULL;
    IF kept IS NULL OR child !~ '^reading_(realtime|minute|hour|day)_[0-9]+$' THEN
        RAISE EXCEPTION 'not kept as Parquet: %', child;
    END IF;
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', child);
    EXECUTE format('SELECT count(*) FROM %I', child) INTO present;
    IF present <> kept THEN  -- a row came after the file was written
        RETURN present - kept;
    END IF;
    EXECUTE format('DROP TABLE %I', child);
    UPDATE reading_parquet p SET dropped_at = now() WHERE p.child = drop_kept.child;
    RETURN 0;
END $$
"""

# Every row moves, or nothing does.
MOVE = """
DO $$
DECLARE before bigint; after bigint; one record;
BEGIN
    FOR one IN SELECT DISTINCT kind, (data_time AT TIME ZONE 'UTC')::date AS day FROM reading_0001
               WHERE kind BETWEEN 1 AND 4 AND data_time BETWEEN now() - interval '400 days'
                                                            AND now() + interval '2 days' LOOP
        PERFORM ensure_day('reading_' || (ARRAY['realtime', 'minute', 'hour', 'day'])[one.kind],
                           one.day);
    END LOOP;
    INSERT INTO reading SELECT * FROM reading_0001;
    SELECT count(*) INTO before FROM reading_0001;
    SELECT count(*) INTO after FROM reading;
    IF before <> after THEN
        RAISE EXCEPTION '% readings became %', before, after;
    END IF;
END $$
"""


def upgrade() -> None:
    """Create everything and move the readings."""
    op.execute(LEDGER)
    op.execute(LOG)
    op.execute(READING)
    op.execute(ENSURE)
    op.execute(DROP)
    for function in ("ensure_day(text, date)", "drop_kept(text)"):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO farsight_ingest")
    op.execute(MOVE)
    op.execute("DROP TABLE reading_0001")


def downgrade() -> None:
    """There is no way back: evidence is not dropped by a migration."""
    raise NotImplementedError
