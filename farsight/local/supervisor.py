"""supervisord (进程看护) as the parent of every process: its configuration, its start, its calls.

It restarts what ends, stops whole process groups, and answers on a unix socket inside the data
folder. Secrets travel in its environment, not in its configuration file.
"""

import os
import shlex
import shutil
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from farsight.local.errors import LocalError
from farsight.local.folders import DataFolder
from farsight.local.programs import Program

MARKER = "FARSIGHT_RUN_FOLDER"
"""Environment variable that every process of an installation carries; its value is the folder."""

# Groups in the order of their start; supervisord stops them in the reverse order.
GROUPS = ("epmd", "servers", "services", "demo")

_START_TIMEOUT_S = 15


@dataclass(frozen=True)
class ProcessState:
    """What supervisord knows of one process."""

    name: str
    group: str
    state: str
    """supervisord's word: STOPPED STARTING RUNNING BACKOFF STOPPING EXITED FATAL UNKNOWN."""
    pid: int
    started_at: int
    """Unix seconds."""
    uptime_s: int
    reason: str
    """Why it could not be started or with which status it ended; empty while it runs."""


class Supervisor:
    """The running supervisord of one data folder."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder

    @property
    def _api(self) -> Any:
        """A new connection a call: supervisor's transport never recovers from a refused one."""
        transport = SupervisorTransport(None, None, f"unix://{self._folder.supervisor_socket}")
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            self._api.getState()
        except (OSError, HTTPException, xmlrpc.client.Error):
            return False
        return True

    def start(self, program: Program) -> None:
        """Start one program without waiting for it; a running one is left alone."""
        try:
            self._api.startProcess(program.full_name, False)
        except xmlrpc.client.Fault as fault:
            if not fault.faultString.startswith("ALREADY_STARTED"):
                raise LocalError(f"{program.name} cannot be started: {fault.faultString}") from None

    def stop(self, program: Program) -> None:
        """Stop one program and wait until it has ended."""
        try:
            self._api.stopProcess(program.full_name, True)
        except xmlrpc.client.Fault as fault:
            if not fault.faultString.startswith("NOT_RUNNING"):
                raise LocalError(f"{program.name} cannot be stopped: {fault.faultString}") from None

    def processes(self) -> list[ProcessState]:
        """Every program with its state. Raises `LocalError` when supervisord is away."""
        try:
            answer: Any = self._api.getAllProcessInfo()
        except (OSError, HTTPException, xmlrpc.client.Error) as error:
            raise LocalError(f"nothing runs on {self._folder.root} ({error})") from None
        return [_state(each) for each in answer]

    def shut_down(self) -> None:
        """Ask it to stop everything and end; returns at once."""
        self._api.shutdown()


def _state(info: Mapping[str, Any]) -> ProcessState:
    running = info["statename"] in ("RUNNING", "STARTING", "STOPPING")
    return ProcessState(
        name=info["name"],
        group=info["group"],
        state=info["statename"],
        pid=info["pid"],
        started_at=info["start"],
        uptime_s=max(0, info["now"] - info["start"]) if running else 0,
        reason="" if running else str(info["spawnerr"] or f"exit status {info['exitstatus']}"),
    )


def start_supervisor(
    folder: DataFolder,
    programs: Sequence[Program],
    environment: Mapping[str, str],
    *,
    keep_open: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start supervisord with all programs stopped, and wait until it answers.

    With `keep_open`, a descriptor it shall hold while it lives (the lock), it outlives us;
    without, it ends everything when we die, however we die.
    """
    configuration = folder.run / "supervisord.conf"
    configuration.write_text(_configuration(folder, programs))
    command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(configuration)]
    if keep_open is None:
        command = [_setpriv(), "--pdeathsig", "TERM", *command]
    with (folder.logs / "supervisord.out").open("ab") as output:
        process = subprocess.Popen(
            command,
            env={**environment, MARKER: str(folder.root)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=() if keep_open is None else (keep_open,),
            # A terminal's Ctrl-C must reach us only: we end the children in order.
            start_new_session=True,
        )
    _await_answer(folder, process)
    return process


def _await_answer(folder: DataFolder, process: subprocess.Popen[bytes]) -> None:
    supervisor = Supervisor(folder)
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not supervisor.is_up():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise LocalError(f"supervisord does not start; see {folder.logs / 'supervisord.out'}")
        time.sleep(0.05)


def _setpriv() -> str:
    found = shutil.which("setpriv")
    if found is None:
        raise LocalError("setpriv (package util-linux) is missing")
    return found


def _configuration(folder: DataFolder, programs: Sequence[Program]) -> str:
    sections = [
        _section("unix_http_server", {"file": str(folder.supervisor_socket), "chmod": "0700"}),
        _section("supervisord", _daemon_options(folder)),
        _section(
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": ("supervisor.rpcinterface:make_main_rpcinterface")},
        ),
        *_group_sections(programs),
        *(_section(f"program:{each.name}", _program_options(folder, each)) for each in programs),
    ]
    return "\n".join(sections)


def _daemon_options(folder: DataFolder) -> dict[str, str]:
    options = {
        "nodaemon": "true",
        "silent": "true",
        "logfile": str(folder.logs / "supervisord.log"),
        "logfile_maxbytes": "5MB",
        "logfile_backups": "1",
        "pidfile": str(folder.run / "supervisord.pid"),
        "childlogdir": str(folder.logs),
        "identifier": "farsight",
    }
    if os.geteuid() == 0:
        options["user"] = "root"
    return options


def _group_sections(programs: Sequence[Program]) -> Iterable[str]:
    for priority, group in enumerate(GROUPS):
        names = [each.name for each in programs if each.group == group]
        if names:
            yield _section(
                f"group:{group}", {"programs": ",".join(names), "priority": str(priority)}
            )


def _program_options(folder: DataFolder, program: Program) -> dict[str, str]:
    return {
        "command": shlex.join(program.command),
        "directory": str(program.directory or Path.cwd()),
        "environment": ",".join(
            f'{key}="{value}"' for key, value in sorted(program.environment.items())
        ),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": "1",
        "startretries": "20",
        "stopasgroup": "true",
        "killasgroup": "true",
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_wait_s),
        "redirect_stderr": "true",
        "stdout_logfile": str(folder.log_of(program.name)),
        "stdout_logfile_maxbytes": "20MB",
        "stdout_logfile_backups": "2",
    }


def _section(name: str, options: Mapping[str, str]) -> str:
    """One section; supervisord expands `%`, so a literal one is doubled."""
    lines = [f"{key}={value.replace('%', '%%')}" for key, value in options.items() if value]
    return "\n".join([f"[{name}]", *lines, ""])
