"""Waiting for what was started, and noticing early when it will not come (就绪等待)."""

import http.client
import time
from collections import defaultdict
from collections.abc import Callable, Iterable

from farsight.local.errors import ProcessFailed, ServerUnavailable
from farsight.local.folders import DataFolder
from farsight.local.ports import Address
from farsight.local.programs import Program
from farsight.local.servers import Server, ping_once
from farsight.local.supervisor import Supervisor

SERVER_TIMEOUT_S = 90
SERVICE_TIMEOUT_S = 240
_POLL_S = 0.2
_STARTS_BEFORE_GIVING_UP = 3


class CrashWatch:
    """Counts starts, so that a process that keeps ending ends the wait early."""

    def __init__(self, folder: DataFolder, supervisor: Supervisor) -> None:
        self._folder = folder
        self._supervisor = supervisor
        self._starts: defaultdict[str, set[int]] = defaultdict(set)

    def check(self, programs: Iterable[Program]) -> None:
        """Raise `ProcessFailed` for the first program that ended too often."""
        watched = {each.name for each in programs}
        for state in self._supervisor.processes():
            if state.name not in watched or not state.started_at:
                continue
            starts = self._starts[state.name]
            starts.add(state.started_at)
            if state.state == "FATAL" or len(starts) > _STARTS_BEFORE_GIVING_UP:
                reason = f"does not stay up, {len(starts)} starts"
                raise ProcessFailed(state.name, reason, self._folder.log_of(state.name))


def await_server(folder: DataFolder, watch: CrashWatch, server: Server) -> None:
    """Wait until the server answers. Raises `ServerUnavailable` at once for one not ours."""
    deadline = time.monotonic() + SERVER_TIMEOUT_S
    while True:
        try:
            ping_once(server)
        except ServerUnavailable as error:
            if not server.programs:
                raise
            watch.check(server.programs)
            if time.monotonic() > deadline:
                log = folder.log_of(server.programs[-1].name)
                raise ProcessFailed(server.programs[-1].name, str(error), log) from None
            time.sleep(_POLL_S)
        else:
            return


def await_ready(
    folder: DataFolder,
    watch: CrashWatch,
    programs: Iterable[Program],
    report: Callable[[Program], None],
) -> None:
    """Wait until each program answers 200 on `/readyz`, reporting each as it comes."""
    waiting = [each for each in programs if each.probe is not None]
    deadline = time.monotonic() + SERVICE_TIMEOUT_S
    while waiting:
        for program in list(waiting):
            if program.probe is not None and is_ready(program.probe):
                report(program)
                waiting.remove(program)
        if not waiting:
            return
        watch.check(waiting)
        if time.monotonic() > deadline:
            name = waiting[0].name
            reason = f"is not ready after {SERVICE_TIMEOUT_S} s"
            raise ProcessFailed(name, reason, folder.log_of(name))
        time.sleep(_POLL_S)


def is_ready(probe: Address) -> bool:
    """Whether a process says it can take work."""
    return not why_not_ready(probe)


def why_not_ready(probe: Address) -> str:
    """Why a process cannot take work, in its own words; empty = it can."""
    connection = http.client.HTTPConnection(probe.host, probe.port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        words = answer.read(500).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return f"no answer: {error}"
    finally:
        connection.close()
    return "" if answer.status == http.HTTPStatus.OK else words or f"status {answer.status}"


def metrics_of(probe: Address) -> dict[str, float]:
    """What a process's `/metrics` says, by name with labels; nothing when it does not answer."""
    connection = http.client.HTTPConnection(probe.host, probe.port, timeout=2)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException):
        return {}
    finally:
        connection.close()
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines if name}
