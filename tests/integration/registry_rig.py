"""The doors process over real gRPC and PostgreSQL, seeded with the demo province."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text

from farsight.lab import seed as seeding
from farsight.lab.door_client import SignedInClient, patiently
from services.chassis import grpc_host
from services.chassis.db import sqlalchemy_url
from services.chassis.identity import create_token_key
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2_grpc as grpc_pb

OPERATOR_PASSWORD = "operator-of-the-test"
DEMO_PASSWORD = "farsight-demo"


class Door:
    """The running doors process with its database."""

    def __init__(self, address: str, database_url: str) -> None:
        self.address = address
        self.database_url = database_url
        self.channel = grpc_host.client_channel(address)
        self.stub = grpc_pb.RegistryServiceStub(self.channel)

    def client(self, user: str, password: str = DEMO_PASSWORD) -> SignedInClient:
        """Somebody at the door."""
        return SignedInClient(self.channel, user, password)

    @property
    def operator(self) -> SignedInClient:
        """The first operator."""
        return self.client("operator", OPERATOR_PASSWORD)

    def scalar(self, query: str) -> object:
        """Ask the database directly, as its owner."""
        engine = create_engine(sqlalchemy_url(self.database_url))
        with engine.begin() as connection:
            return connection.scalar(text(query))

    def all_of(self, client: SignedInClient, kind: pb.RecordKind.ValueType) -> list[pb.Record]:
        """Every page of a list."""
        found, token = [], ""
        while True:
            request = pb.ListRecordsRequest(kind=kind, page_size=7, page_token=token)
            page = client.call(self.stub.ListRecords, request)
            found += page.records
            token = page.next_page_token
            if not token:
                return found


@contextmanager
def seeded_door(database_url: str, folder: Path, *services: str) -> Iterator[Door]:
    """The doors of the named services, the registry's among them, with the demo province."""
    create_token_key(folder / "token.jwk")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    env = {
        **os.environ,
        "DATABASE_URL": database_url,
        "FARSIGHT_DATA": str(folder),
        "FARSIGHT_GRPC_BIND": address,
        "FARSIGHT_TOKEN_KEY": str(folder / "token.jwk"),
        "FARSIGHT_BOOTSTRAP_PASSWORD": OPERATOR_PASSWORD,
        "FARSIGHT_PROBE_BIND": "127.0.0.1:0",
    }
    command = [sys.executable, "-m", "services.chassis.doors", *services]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        running = Door(address, database_url)
        patiently(running.operator.sign_in, 30)
        result = seeding.seed(address, OPERATOR_PASSWORD, with_accounts=True, wait_s=5)
        assert list(result.errors) == []
        yield running
    finally:
        process.terminate()
        process.wait(20)
