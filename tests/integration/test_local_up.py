"""`farsight up` and `down`: one at a time, nothing left behind, going on where it stopped."""

import os
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from kombu.connection import Connection

from farsight.local.supervisor import MARKER
from tests.local_runs import (
    eventually,
    farsight,
    output_of,
    plain_environment,
    processes_of,
    start_up,
)

READY_S = 120


@pytest.fixture
def data(tmp_path):
    """A data folder; whatever still runs on it at the end of the test is ended."""
    folder = tmp_path / "data"
    yield folder
    farsight("down", "--data", str(folder))


def wait_ready(data, times=1):
    """Wait until `up` said that all is ready; the exported settings of the servers."""
    output = output_of(data)
    eventually(lambda: output.read_text().count("Ctrl-C or") == times, READY_S, output.read_text())
    lines = [line.split()[1] for line in output.read_text().splitlines() if "export" in line]
    return dict(line.split("=", 1) for line in lines)


def test_servers_start_and_ctrl_c_ends_all_of_them(data):
    """All three servers answer; after SIGINT no process of ours is left, epmd included."""
    up = start_up(data, "--servers-only")
    urls = wait_ready(data)
    with psycopg.connect(urls["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE kept (x int)")
    with Connection(urls["AMQP_URI"]) as broker, redis.Redis.from_url(urls["REDIS_URL"]) as cache:
        broker.connect()
        assert cache.ping()
    before = processes_of(data)
    assert any("epmd" in command for command in before.values())

    up.send_signal(signal.SIGINT)

    assert up.wait(60) == 0
    assert processes_of(data) == {}


def test_a_second_up_says_so_and_touches_nothing(data):
    """The second start on the same folder is refused with exit code 1 and the pid of the first."""
    up = start_up(data, "--servers-only")
    wait_ready(data)
    before = set(processes_of(data))

    second = farsight("up", "--data", str(data), "--servers-only")

    assert second.returncode == 1
    assert f"already running on {data} (pid {up.pid})" in second.stderr
    assert before <= set(processes_of(data))
    assert up.poll() is None


@pytest.mark.fault
def test_state_and_ports_survive_kill_9_of_up_and_of_the_supervisor(data):
    """After kill -9 the next start ends what was left and goes on with data and ports."""
    up = start_up(data, "--servers-only")
    urls = wait_ready(data)
    with psycopg.connect(urls["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE kept (x int)")
    supervisor = int((data / "run" / "supervisord.pid").read_text())

    os.kill(up.pid, signal.SIGKILL)
    os.kill(supervisor, signal.SIGKILL)
    up.wait(10)
    assert any("beam" in command for command in processes_of(data).values())
    again = start_up(data, "--servers-only")
    urls_again = wait_ready(data, times=2)

    assert urls_again == urls
    with psycopg.connect(urls["DATABASE_URL"]) as connection:
        connection.execute("SELECT x FROM kept")
    again.terminate()
    assert again.wait(60) == 0
    assert processes_of(data) == {}


@pytest.mark.fault
def test_killing_up_alone_ends_everything_by_itself(data):
    """The supervisor ends in order when `up` vanishes, so nothing lingers without an owner."""
    up = start_up(data, "--servers-only")
    wait_ready(data)

    up.kill()
    up.wait(10)

    eventually(lambda: processes_of(data) == {}, 60, "processes outlived farsight up")


def test_detached_status_and_down(data):
    """`--detach` returns when ready, `status` knows each process, `down` ends all and only them."""
    bystander = start_bystander(data)

    started = farsight("up", "--data", str(data), "--any-port", "--servers-only", "--detach")
    status = farsight("status", "--data", str(data))
    second = farsight("up", "--data", str(data), "--servers-only")
    down = farsight("down", "--data", str(data))

    assert started.returncode == 0, started.stderr
    for name in ("postgres", "rabbitmq", "valkey", "epmd"):
        assert f"{name} " in status.stdout
    assert second.returncode == 1
    assert down.returncode == 0, down.stderr
    assert set(processes_of(data)) == {bystander.pid}
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    assert farsight("status", "--data", str(data)).returncode == 1


def start_bystander(data):
    """A process of somebody else that has one of our logs open in its working folder."""
    (data / "logs").mkdir(parents=True)
    return subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(300)", str(data / "logs" / "x.log")],
        cwd=data / "logs",
        env={**plain_environment(), "NOT_" + MARKER: str(data)},
    )


@pytest.mark.parametrize(
    ("setting", "url", "server"),
    [
        ("DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/x", "PostgreSQL"),
        ("AMQP_URI", "amqp://u:secret@127.0.0.1:1//", "RabbitMQ"),
        ("REDIS_URL", "redis://:secret@127.0.0.1:1/0", "Redis"),
    ],
)
def test_a_refusing_server_is_one_clear_line(data, setting, url, server):
    """The line names server, address and setting, not the password; nothing is left running."""
    environment = {**plain_environment(), setting: url}

    done = farsight("up", "--data", str(data), "--servers-only", environment=environment)

    assert done.returncode == 1
    assert f"{server} at {urlsplit(url).hostname}:1 (setting {setting})" in done.stderr
    assert "secret" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert processes_of(data) == {}


def test_given_servers_are_used_and_none_is_started(data, postgres_url, amqp_uri, redis_url):
    """With all three settings only the supervisor runs; `down` leaves the servers alone."""
    urls = {"DATABASE_URL": postgres_url, "AMQP_URI": amqp_uri, "REDIS_URL": redis_url}
    environment = {**plain_environment(), **urls}

    up = farsight("up", "--data", str(data), "--servers-only", "--detach", environment=environment)
    running = processes_of(data)
    down = farsight("down", "--data", str(data))

    assert up.returncode == 0, up.stderr
    assert all(setting in up.stdout for setting in urls)
    assert len(running) == 1, running
    assert down.returncode == 0
    with psycopg.connect(postgres_url) as connection:
        connection.execute("SELECT 1")


def test_a_service_that_cannot_start_ends_the_start_with_its_log(data):
    """A wrong setting stops `up` long before any time-out: process, log file and reason shown."""
    environment = {**plain_environment(), "FARSIGHT_PARTITIONS": "many"}

    done = farsight("up", "--data", str(data), "--any-port", environment=environment)

    assert done.returncode == 1
    assert "does not stay up" in done.stderr
    assert str(data / "logs") in done.stderr
    assert "FARSIGHT_PARTITIONS must be a whole number" in done.stderr
    assert processes_of(data) == {}


def test_a_taken_port_is_said_before_anything_starts(data):
    """An asked port that is taken ends the start with exit code 1; an unknown name is usage."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        done = farsight("up", "--data", str(data), "--port", f"console={port}")

    assert done.returncode == 1
    assert f"port {port} asked for console is taken" in done.stderr
    assert farsight("up", "--data", str(data), "--port", "nonsense=1").returncode == 2
