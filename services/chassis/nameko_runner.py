"""The inside of `host`: everything that must be imported after eventlet patched the world."""

import importlib
import os
import signal
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import eventlet
from kombu.connection import Connection
from nameko import config
from nameko.runners import ServiceRunner

from services.chassis.bus.topology import declare_topology
from services.chassis.db import database_from_env
from services.chassis.errors import Unavailable
from services.chassis.log import configure_logging, get_logger
from services.chassis.probes import Probes
from services.chassis.settings import ChassisSettings

log = get_logger(__name__)

#: Longest drain; the supervisor (15 s) and Kubernetes (30 s) would kill without a word later.
DRAIN_S = 12


def run(name: str) -> None:
    """Run the service `services.<name>.service.Service` until it is told to stop."""
    configure_nameko(ChassisSettings.from_env())  # our extensions read it when they are made
    run_class(importlib.import_module(f"services.{name}.service").Service)


def run_class(service: Any) -> None:
    """Run a service class. Exits with one clear line when a server is away."""
    name: str = service.name
    settings = ChassisSettings.from_env()
    configure_logging(name, as_json=settings.log_json)
    configure_nameko(settings)
    wait_for_bus(settings)
    wait_for_database(name)
    database = database_from_env(name)
    probes = Probes(settings.probe_bind, [database.check])
    runner = ServiceRunner()
    runner.add_service(service)
    for container in runner.containers:
        eventlet.spawn_n(exit_when_dead, container)
    runner.start()
    probes.ready()
    log.info("service_ready", service=name, probe_port=probes.port)
    stop_on_signal(runner, probes)
    runner.wait()


def exit_when_dead(container: Any) -> None:
    """End the process when its service died, so that it is started again.

    nameko tells by `runner.wait`, which is not reached when the service dies while it starts: the
    process would stay, look well and do nothing.
    """
    try:
        container.wait()
    except Exception:
        log.exception("service_died", service=container.service_name)
        eventlet.sleep(DRAIN_S)
        os._exit(1)


def configure_nameko(settings: ChassisSettings) -> None:
    """Put what nameko and our entrypoints need into nameko's configuration."""
    config.setup(
        {
            "AMQP_URI": settings.amqp_uri,
            "FARSIGHT_PARTITIONS": settings.partitions,
            "max_workers": max(16, settings.partitions + 8),
            "HEARTBEAT": 30,
        },
    )


def stop_on_signal(runner: ServiceRunner, probes: Probes) -> None:
    """Drain on SIGTERM and SIGINT; what does not end within `DRAIN_S` is killed and done again."""

    def overdue() -> None:
        log.warning("drain_overdue", seconds=DRAIN_S)
        runner.kill()

    def stop(_number: int, _frame: Any) -> None:
        probes.not_ready()
        eventlet.spawn_n(runner.stop)
        eventlet.spawn_after(DRAIN_S, overdue)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def server_of(uri: str) -> str:
    """Name host and port of an address without its password."""
    parts = urlsplit(uri)
    return f"{parts.hostname}:{parts.port or ''}".rstrip(":")


def wait_for_bus(settings: ChassisSettings, *, patience_s: float = 60) -> None:
    """Connect and declare the topology; gives up with one line after `patience_s`."""
    if not settings.amqp_uri:
        sys.exit("RabbitMQ: setting AMQP_URI is missing")
    deadline = time.monotonic() + patience_s
    while True:
        try:
            with Connection(settings.amqp_uri, connect_timeout=5) as connection:
                connection.ensure_connection(max_retries=1, timeout=5)
                declare_topology(connection, settings.partitions)
        except (OSError, connection.connection_errors, connection.channel_errors) as error:
            if time.monotonic() > deadline:
                sys.exit(f"RabbitMQ at {server_of(settings.amqp_uri)} (AMQP_URI) refused: {error}")
            time.sleep(1)
        else:
            return


def wait_for_database(name: str, *, patience_s: float = 60) -> None:
    """Wait until the database answers; gives up with one line after `patience_s`."""
    database = database_from_env(name)
    deadline = time.monotonic() + patience_s
    while True:
        try:
            database.check()
        except Unavailable as error:
            if time.monotonic() > deadline:
                where = server_of(str(database.engine.url))
                sys.exit(f"PostgreSQL at {where} (DATABASE_URL) refused: {error}")
            time.sleep(1)
        else:
            database.engine.dispose()
            return
