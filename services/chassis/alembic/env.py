"""The one Alembic environment: `migrate.py` says which service and hands over the connection."""

from alembic import context
from sqlalchemy import text

connection = context.config.attributes["connection"]
service = context.config.attributes["service"]

# Another migration of the same database waits here; a lock held by the running site gives up soon.
connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": 0x46_41_52_53})
connection.execute(text("SET lock_timeout = '5s'"))
connection.execute(text("SET statement_timeout = '10min'"))
connection.execute(text(f"SET search_path TO {service}"))
connection.commit()

context.configure(
    connection=connection,
    version_table_schema=service,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
connection.commit()
connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": 0x46_41_52_53})
connection.commit()
