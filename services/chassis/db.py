"""Database sessions: one schema and one role a service, one transaction a use case."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from psycopg.errors import DiskFull
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from services.chassis.errors import StorageFull, Unavailable
from services.chassis.settings import required

#: Key under which a session remembers that it wrote to the outbox.
WROTE_OUTBOX = "farsight_wrote_outbox"


def role_of(schema: str) -> str:
    """Name the database role that owns nothing and may only do what its service does."""
    return f"farsight_{schema}"


def sqlalchemy_url(database_url: str) -> str:
    """Choose psycopg 3 for a plain postgresql:// address."""
    return database_url.replace("postgresql://", "postgresql+psycopg://", 1)


class Database:
    """One service's view of PostgreSQL: connections with its search path and its role."""

    def __init__(self, database_url: str, schema: str, *, pool_size: int = 5) -> None:
        self.schema = schema
        self.engine: Engine = create_engine(
            sqlalchemy_url(database_url),
            pool_size=pool_size,
            max_overflow=10,
            pool_pre_ping=True,
            connect_args={"application_name": f"farsight-{schema}", "connect_timeout": 10},
        )
        event.listen(self.engine, "connect", self._enter_schema)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._after_outbox: list[Callable[[], None]] = []

    def _enter_schema(self, connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET search_path TO {self.schema}")
            cursor.execute(f"SET ROLE {role_of(self.schema)}")
            cursor.execute("SET timezone TO 'UTC'")
        connection.commit()

    def on_outbox(self, wake: Callable[[], None]) -> None:
        """Call `wake` after each commit that wrote to the outbox."""
        self._after_outbox.append(wake)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Give a session; commit at the end, roll back on any error.

        Raises Unavailable when the database is away, StorageFull when its disk is full.
        """
        with self._sessions() as session:
            try:
                with session.begin():
                    yield session
            except OperationalError as error:
                if isinstance(error.orig, DiskFull):
                    raise StorageFull(f"database: {str(error.orig).strip()}") from error
                raise Unavailable(f"database: {str(error.orig).strip()}") from error
            if session.info.pop(WROTE_OUTBOX, False):
                for wake in self._after_outbox:
                    wake()

    def check(self) -> None:
        """Ask the database something. Raises Unavailable when it does not answer."""
        with self.transaction() as session:
            session.execute(text("SELECT 1"))


class OwnerDatabase(Database):
    """A schema with the rights of whom the address names: for the operator's own repairs."""

    def _enter_schema(self, connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET search_path TO {self.schema}")
            cursor.execute("SET timezone TO 'UTC'")
        connection.commit()


def database_from_env(schema: str) -> Database:
    """Connect as the service named `schema` to the database of `DATABASE_URL`."""
    return Database(required(os.environ, "DATABASE_URL"), schema)
