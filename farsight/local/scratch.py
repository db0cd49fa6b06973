"""A PostgreSQL of its own for one command: started in a temporary folder, gone afterwards."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from farsight.local import leftovers, postgres
from farsight.local.folders import DataFolder
from farsight.local.keys import ensure_passwords
from farsight.local.ports import SERVER_LISTENERS, choose
from farsight.local.servers import plan
from farsight.local.supervisor import Supervisor, start_supervisor
from farsight.local.waiting import CrashWatch, await_server


@contextmanager
def scratch_database() -> Iterator[str]:
    """URL of an empty database. Raises `LocalError` when the server does not start."""
    root = Path(tempfile.mkdtemp(prefix="farsight-scratch-"))
    folder = DataFolder.open(root)
    addresses = choose(SERVER_LISTENERS, asked={}, remembered={}, use_preferred=False)
    passwords = ensure_passwords(folder.keys / "servers.json")
    server = next(
        one for one in plan(folder, addresses, passwords, {}) if one.setting == postgres.SETTING
    )
    process = start_supervisor(folder, server.programs, os.environ)
    try:
        supervisor = Supervisor(folder)
        server.prepare()
        for program in server.programs:
            supervisor.start(program)
        await_server(folder, CrashWatch(folder, supervisor), server)
        yield server.url
    finally:
        process.terminate()
        process.wait(60)
        leftovers.end(folder)
        shutil.rmtree(root, ignore_errors=True)
