"""What `farsight status` finds out about a running platform (运行状况)."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import grpc

from farsight.local import deadletters, ports
from farsight.local.errors import LocalError
from farsight.local.folders import DataFolder
from farsight.local.memory import memory_of_trees
from farsight.local.supervisor import Supervisor
from farsight.local.waiting import metrics_of, why_not_ready
from services.chassis.bus.topology import all_queues
from services.chassis.errors import FarsightError
from services.chassis.grpc_host import bearer, client_channel, error_from
from services.chassis.identity import Actor, Role, Tokens
from services.chassis.pb.ingest.v1 import (
    ingest_pb2,
    ingest_pb2_grpc,
    ledger_pb2,
    ledger_pb2_grpc,
)

# GB/T 2260 000000: the whole country. The operator of one machine sees all of it.
_EVERYWHERE = "000000"
_CALL_TIMEOUT_S = 10


@dataclass(frozen=True)
class ProcessLine:
    """One process."""

    name: str
    state: str
    ready: bool | None
    """What `/readyz` says; None for a process without one."""
    pid: int
    uptime_s: int
    restarts: int
    memory_bytes: int
    reason: str


@dataclass(frozen=True)
class Balance:
    """帧平衡: what became of every frame that arrived."""

    received: int
    accepted: int
    duplicate: int
    refused: Mapping[str, int]

    @property
    def closed(self) -> bool:
        """Whether every received frame has exactly one outcome."""
        return self.received == self.accepted + self.duplicate + sum(self.refused.values())


@dataclass(frozen=True)
class Keeping:
    """保全: the signed log, the server's clock, disks, hours whose counts do not close."""

    head: int = 0
    """Number of the newest signed head; 0 = none yet."""
    signed_at: str = ""
    clock_synchronised: bool = False
    disk_free_mb: Mapping[str, int] = field(default_factory=dict)
    stopped: bool = False
    """Whether batches wait because a disk is full."""
    open_hours: Sequence[str] = ()


@dataclass
class Report:
    """Everything `farsight status` tells; `problems` are why its exit code is 1."""

    data: str
    processes: list[ProcessLine] = field(default_factory=list)
    queues: dict[str, int] = field(default_factory=dict)
    dead_letters: dict[str, int] = field(default_factory=dict)
    unrouted: int = 0
    balance: Balance | None = None
    keeping: Keeping | None = None
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def make_report(folder: DataFolder, environment: Mapping[str, str]) -> Report:
    """Ask the supervisor, the bus and the door. Raises `LocalError` without a supervisor."""
    report = Report(str(folder.root))
    report.processes = _processes(folder)
    report.problems += [
        f"{each.name} is {each.state}" + (f" ({each.reason})" if each.reason else "")
        for each in report.processes
        if each.state != "RUNNING"
    ]
    report.problems += [
        f"{each.name} is not ready" + (f" ({each.reason})" if each.reason else "")
        for each in report.processes
        if each.state == "RUNNING" and each.ready is False
    ]
    _add_queues(report, environment)
    if any(each.name == "doors" for each in report.processes):
        _add_balance(report, environment)
        _add_keeping(report, folder, environment)
    return report


def _processes(folder: DataFolder) -> list[ProcessLine]:
    states = Supervisor(folder).processes()
    memory = memory_of_trees([each.pid for each in states if each.pid])
    spawned = _spawns(folder)
    addresses = ports.load(folder.root / "ports.json")
    lines = []
    for state in states:
        probe = addresses.get(f"probe-{state.name}")
        runs = state.state == "RUNNING"
        why_not = why_not_ready(probe) if probe is not None and runs else ""
        lines.append(
            ProcessLine(
                name=state.name,
                state=state.state,
                ready=None if probe is None else runs and not why_not,
                pid=state.pid,
                uptime_s=state.uptime_s,
                restarts=max(0, spawned[state.name] - 1),
                memory_bytes=memory.get(state.pid, 0),
                reason=why_not if runs else state.reason,
            )
        )
    return lines


def _spawns(folder: DataFolder) -> Counter[str]:
    """How often each process was started since the supervisor began, from its log."""
    counts: Counter[str] = Counter()
    for line in (folder.logs / "supervisord.log").read_text(errors="replace").splitlines():
        if "supervisord started with pid" in line:
            counts.clear()
        elif " spawned: '" in line:
            counts[line.split("'")[1]] += 1
    return counts


def _add_queues(report: Report, environment: Mapping[str, str]) -> None:
    names = [each.name for each in all_queues(int(environment["FARSIGHT_PARTITIONS"]))]
    dead = deadletters.queues()
    unrouted = dead.pop(deadletters.UNROUTED_NAME)
    try:
        with deadletters.connected(environment["AMQP_URI"]) as connection:
            depths = {name: deadletters.depth(connection, name) or 0 for name in names}
    except LocalError as error:
        report.problems.append(str(error))
        return
    report.unrouted = depths.pop(unrouted, 0)
    report.dead_letters = {name: depths.pop(queue, 0) for name, queue in dead.items()}
    report.queues = depths
    report.problems += [
        f"{name} has {count} dead letters (farsight dead list {name})"
        for name, count in report.dead_letters.items()
        if count
    ]


def _add_balance(report: Report, environment: Mapping[str, str]) -> None:
    try:
        report.balance = _balance(environment)
    except (FarsightError, OSError) as error:
        report.problems.append(f"frame balance: {error}")
        return
    if not report.balance.closed:
        report.problems.append("frame balance does not close: a frame has no outcome")


def _add_keeping(report: Report, folder: DataFolder, environment: Mapping[str, str]) -> None:
    """The log from the door, the disks from ingest's own metrics."""
    request = ledger_pb2.GetKeepingRequest()
    with client_channel(environment["FARSIGHT_GRPC_ADDR"]) as channel:
        stub = ledger_pb2_grpc.LedgerServiceStub(channel)
        try:
            answer = stub.GetKeeping(
                request, timeout=_CALL_TIMEOUT_S, metadata=_bearer(environment)
            )
        except grpc.RpcError as error:
            report.problems.append(f"ledger: {error_from(error)}")
            return
    probe = ports.load(folder.root / "ports.json").get("probe-ingest")
    values = metrics_of(probe) if probe is not None else {}
    free = {
        name: int(values[f'farsight_disk_free_bytes{{volume="{name}"}}'] // 1_000_000)
        for name in ("archive", "database")
        if f'farsight_disk_free_bytes{{volume="{name}"}}' in values
    }
    report.keeping = Keeping(
        head=answer.head.number,
        signed_at=answer.head.made_at.ToJsonString() if answer.head.number else "",
        clock_synchronised=answer.clock_synchronised,
        disk_free_mb=free,
        stopped=bool(values.get("farsight_keeping_stopped")),
        open_hours=[one.hour.ToJsonString() for one in answer.imbalances],
    )
    if report.keeping.stopped:
        report.problems.append(f"a disk is full, nothing is acknowledged (free, MB: {free})")
    report.problems += [
        f"hour {hour}: frames received, accounted for and kept differ"
        for hour in report.keeping.open_hours
    ]


def _bearer(environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    tokens = Tokens(Path(environment["FARSIGHT_TOKEN_KEY"]))
    operator = Actor("farsight-status", Role.OPERATOR, division=_EVERYWHERE, name="farsight status")
    token, _ = tokens.issue(operator)
    return tuple(bearer(token))


def _balance(environment: Mapping[str, str]) -> Balance:
    request = ingest_pb2.GetBalanceRequest()
    request.start.FromSeconds(0)
    request.end.FromSeconds(int(time.time()) + 3600)
    with client_channel(environment["FARSIGHT_GRPC_ADDR"]) as channel:
        history = ingest_pb2_grpc.HistoryServiceStub(channel)
        try:
            answer = history.GetBalance(
                request, timeout=_CALL_TIMEOUT_S, metadata=_bearer(environment)
            )
        except grpc.RpcError as error:
            raise error_from(error) from None
    total = answer.total
    return Balance(total.received, total.accepted, total.duplicate, dict(total.refused))
