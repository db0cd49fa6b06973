"""The real servers that tests run against: the product's own embedded ones, started once.

Each server starts when the first test asks for it; all end with the session, even when pytest is
killed. `DATABASE_URL`, `AMQP_URI` or `REDIS_URL` in the environment name real ones instead.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from farsight.local import leftovers, postgres, rabbitmq, valkey
from farsight.local.folders import DataFolder
from farsight.local.keys import ensure_passwords
from farsight.local.ports import SERVER_LISTENERS, choose
from farsight.local.servers import Server, plan
from farsight.local.supervisor import Supervisor, start_supervisor
from farsight.local.waiting import CrashWatch, await_server


class TestServers:
    """A supervisor that knows all three servers and starts each on demand."""

    __test__ = False

    def __init__(self, folder: DataFolder) -> None:
        addresses = choose(SERVER_LISTENERS, asked={}, remembered={}, use_preferred=False)
        passwords = ensure_passwords(folder.keys / "servers.json")
        planned = plan(folder, addresses, passwords, os.environ)
        self._servers = {server.setting: server for server in planned}
        self._folder = folder
        self._answering: set[str] = set()
        programs = [program for server in planned for program in server.programs]
        self._process = start_supervisor(folder, programs, os.environ)
        self._supervisor = Supervisor(folder)

    def url(self, setting: str) -> str:
        """The URL of the server behind a setting, started and answering."""
        server = self._servers[setting]
        if setting not in self._answering:
            self._start(server)
            self._answering.add(setting)
        return server.url

    def stop(self, setting: str) -> None:
        """Stop a server, for a test that needs it away; `url` starts it again."""
        self._answering.discard(setting)
        for program in reversed(self._servers[setting].programs):
            self._supervisor.stop(program)

    def close(self) -> None:
        """End every server."""
        self._process.terminate()
        self._process.wait(60)
        leftovers.end(self._folder)

    def _start(self, server: Server) -> None:
        server.prepare()
        for program in server.programs:
            self._supervisor.start(program)
        # A watch of its own: the starts that earlier tests asked for are no crashes.
        await_server(self._folder, CrashWatch(self._folder, self._supervisor), server)


@contextmanager
def running_servers() -> Iterator[TestServers]:
    """The servers in a temporary folder that is removed afterwards."""
    root = Path(tempfile.mkdtemp(prefix="farsight-test-"))
    servers = TestServers(DataFolder.open(root))
    try:
        yield servers
    finally:
        servers.close()
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def fresh_database(server_url: str, prefix: str) -> Iterator[str]:
    """A new empty database on the server; its URL. Dropped afterwards."""
    name = f"{prefix}_{uuid.uuid4().hex[:12]}"
    postgres.ensure_database(server_url, name)
    try:
        yield server_url.rpartition("/")[0] + "/" + name
    finally:
        postgres.drop_database(server_url, name)


SETTINGS = (postgres.SETTING, rabbitmq.SETTING, valkey.SETTING)
