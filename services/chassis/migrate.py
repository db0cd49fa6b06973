"""`python -m services.chassis.migrate NAME...|all`: brings schemas up to date; run by a Job.

One Alembic history, one schema and one role a service (`services/NAME/migrations/`). Lock and
statement timeouts keep a running site running; an advisory lock keeps two migrations apart.
"""

import os
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError

from services.chassis.db import role_of, sqlalchemy_url
from services.chassis.settings import required

SERVICES = ("registry", "ingest", "detect", "cases", "referral", "notify")
HERE = Path(__file__).parent
#: Key of the advisory lock that serialises migrations of one database.
LOCK = 0x46_41_52_53


def prepare_schema(connection: Connection, service: str) -> None:
    """Create the service's schema and role when missing; the role may use tables, not own them."""
    role = role_of(service)
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {service}"))
    if not connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :r"), {"r": role}):
        connection.execute(text(f"CREATE ROLE {role} NOLOGIN"))
    connection.execute(text(f"GRANT {role} TO CURRENT_USER"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA {service} TO {role}"))
    for kind, rights in (("TABLES", "SELECT, INSERT, UPDATE, DELETE"), ("SEQUENCES", "USAGE")):
        grant = f"GRANT {rights} ON {kind} TO {role}"
        connection.execute(text(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {service} {grant}"))


def migrate(service: str, database_url: str) -> None:
    """Prepare the schema, then run the service's Alembic history to its head."""
    engine = create_engine(sqlalchemy_url(database_url), connect_args={"connect_timeout": 10})
    with engine.begin() as connection:
        prepare_schema(connection, service)
    with engine.connect() as connection:
        config = Config()
        config.set_main_option("script_location", str(HERE / "alembic"))
        config.set_main_option("version_locations", str(HERE.parent / service / "migrations"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        config.attributes["service"] = service
        command.upgrade(config, "head")
    engine.dispose()


def main() -> None:
    """Migrate the services named on the command line."""
    names = sys.argv[1:]
    if not names or set(names) - {*SERVICES, "all"}:
        sys.exit(f"usage: python -m services.chassis.migrate all|{'|'.join(SERVICES)}")
    for name in SERVICES if "all" in names else names:
        try:
            migrate(name, required(os.environ, "DATABASE_URL"))
        except OperationalError as error:
            sys.exit(f"PostgreSQL (DATABASE_URL) refused: {str(error.orig).strip()}")
        print(f"migrated {name}")  # noqa: T201 - a Job's log


if __name__ == "__main__":
    main()
