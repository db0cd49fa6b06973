"""A private RabbitMQ node of the distribution's package, with its own epmd (消息总线).

The package's `/usr/sbin/rabbitmq-server` insists on the user `rabbitmq` and on the machine's
node; the script in its `lib/rabbitmq/bin` takes everything from the environment. Erlang's port
mapper normally stays behind as a daemon; here it is a supervised process of its own, and Erlang is
told never to start one (`-start_epmd false`).
"""

import os
import shutil
from pathlib import Path

from kombu.connection import Connection

from farsight.local.errors import LocalError
from farsight.local.ports import Address
from farsight.local.programs import Program

SERVER = "RabbitMQ"
SETTING = "AMQP_URI"
USER = "farsight"
# Debian's folder first, then those of upstream's package and of a hand-made install.
_SCRIPTS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/opt/rabbitmq/sbin/rabbitmq-server")


def uri(address: Address, password: str) -> str:
    """The URI of the private node's default virtual host."""
    return f"amqp://{USER}:{password}@{address}//"


def prepare(data: Path, address: Address, password: str) -> None:
    """Write the node's configuration; no plugin is enabled."""
    for part in ("home", "mnesia", "log"):
        (data / part).mkdir(parents=True, exist_ok=True)
    (data / "enabled_plugins").write_text("[].\n")
    descriptor = os.open(data / "rabbitmq.conf", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(
            f"listeners.tcp.1 = {address}\n"
            f"default_user = {USER}\ndefault_pass = {password}\n"
            "log.file = false\nlog.console = true\nlog.console.level = warning\n"
            # The default keeps 40 % of the machine's memory; one machine shares it with all.
            "vm_memory_high_watermark.relative = 0.25\n"
            "disk_free_limit.absolute = 200MB\n"
        )


def programs(
    data: Path, *, amqp: Address, distribution: Address, epmd: Address
) -> tuple[Program, Program]:
    """The port mapper and the node."""
    script = _server_script()
    environment = {
        "HOME": str(data / "home"),
        "ERL_EPMD_ADDRESS": epmd.host,
        "ERL_EPMD_PORT": str(epmd.port),
        "ERL_AFLAGS": "-start_epmd false",
        "RABBITMQ_NODENAME": "farsight@localhost",
        "RABBITMQ_NODE_PORT": str(amqp.port),
        "RABBITMQ_DIST_PORT": str(distribution.port),
        "RABBITMQ_MNESIA_BASE": str(data / "mnesia"),
        "RABBITMQ_LOG_BASE": str(data / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(data / "enabled_plugins"),
        "RABBITMQ_CONFIG_FILE": str(data / "rabbitmq.conf"),
        # Else the machine's own /etc/rabbitmq/rabbitmq-env.conf would be read.
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        # Makes the start script exec Erlang, so that the supervised pid is the node's.
        "detached": "1",
    }
    return (
        Program(
            name="epmd",
            group="epmd",
            command=(_epmd(), "-address", epmd.host, "-port", str(epmd.port)),
            environment={"HOME": str(data / "home")},
        ),
        Program(
            name="rabbitmq",
            group="servers",
            command=(script,),
            environment=environment,
            directory=data,
            stop_wait_s=30,
        ),
    )


def ping(amqp_uri: str) -> None:
    """Raise the driver's error when the broker does not accept a connection and a channel."""
    with Connection(amqp_uri, connect_timeout=5) as connection:
        connection.connect()
        connection.channel().close()


def _server_script() -> str:
    for path in _SCRIPTS:
        if os.access(path, os.X_OK):
            return path
    found = shutil.which("rabbitmq-server")
    if found is None:
        raise LocalError(
            f"{SERVER} is not installed: install the package rabbitmq-server"
            f" (`make run` does) or set {SETTING} to a broker you have"
        )
    return found


def _epmd() -> str:
    found = shutil.which("epmd") or "/usr/bin/epmd"
    if not os.access(found, os.X_OK):
        raise LocalError("epmd (Erlang) is not installed; RabbitMQ needs it")
    return found
