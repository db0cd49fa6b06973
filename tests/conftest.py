"""Fixtures for every test: real servers and fresh databases."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers import TestServers, fresh_database, running_servers

# Programs of the virtual environment (buf, lint-imports) are found without activating it.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="session")
def servers() -> Iterator[TestServers]:
    """The embedded servers of this session; each starts when first asked for."""
    with running_servers() as running:
        yield running


@pytest.fixture(scope="session")
def postgres_url(servers: TestServers) -> str:
    """URL of a running PostgreSQL; take `database` or `migrated_db` rather than write here."""
    return servers.url("DATABASE_URL")


@pytest.fixture(scope="session")
def amqp_uri(servers: TestServers) -> str:
    """URI of a running RabbitMQ, shared by the session: use queue names of your own."""
    return servers.url("AMQP_URI")


@pytest.fixture(scope="session")
def redis_url(servers: TestServers) -> str:
    """URL of a running Valkey, shared by the session."""
    return servers.url("REDIS_URL")


@pytest.fixture
def database(postgres_url: str) -> Iterator[str]:
    """URL of a new empty database for one test."""
    with fresh_database(postgres_url, "test") as url:
        yield url


@pytest.fixture(scope="module")
def migrated_db(postgres_url: str) -> Iterator[Callable[..., str]]:
    """`migrated_db("cases")`: URL of a database of this module with that service's migrations.

    Several services may be named; asking again for the same ones gives the same database.
    """
    made: dict[tuple[str, ...], str] = {}
    with ExitStack() as stack:

        def make(*services: str) -> str:
            if services not in made:
                url = stack.enter_context(fresh_database(postgres_url, services[0]))
                for service in services:
                    migrate(url, service)
                made[services] = url
            return made[services]

        yield make


def migrate(database_url: str, service: str) -> None:
    """Apply a service's migrations as the product does, in a process of their own."""
    done = subprocess.run(
        [sys.executable, "-m", "services.chassis.migrate", service],
        env={**os.environ, "DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
