"""Call-backs through the public door, the service and the bus: who may ask, who sees what."""

import base64
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from nameko.exceptions import RemoteError
from nameko.standalone.rpc import ServiceRpcClient
from redis import Redis

from services.chassis import grpc_host
from services.chassis.bus.publish import Publisher
from services.chassis.errors import Forbidden, InputRejected, NotFound, RuleViolated
from services.chassis.identity import Actor, Role
from services.chassis.pb.ingest.v1 import callback_pb2 as pb
from services.chassis.pb.ingest.v1 import callback_pb2_grpc as rpc
from services.chassis.pb.ingest.v1 import command_pb2, logger_pb2
from tests.conftest import migrate
from tests.integration.commands_rig import PERIOD, StandInGate
from tests.integration.gate_rig import CREDIT, House, house, mn_of, wait_until
from tests.servers import fresh_database

COUNTY = Actor("county", Role.OFFICER, division="130402", name="张三")
NEIGHBOUR = Actor("neighbour", Role.OFFICER, division="130403")
OPERATOR = Actor("operator", Role.OPERATOR, division="000000")
PLATFORM = Actor("province", Role.PLATFORM, division="130000")
PLANT = Actor("plant", Role.ENTERPRISE, enterprise_id=CREDIT)
OTHER_PLANT = Actor("other", Role.ENTERPRISE, enterprise_id="91130402MA0OTHER1X")
POLICE = Actor("police", Role.POLICE, division="130400")


@pytest.fixture(scope="module")
def site(postgres_url, amqp_uri, redis_url, tmp_path_factory) -> Iterator[House]:
    """Doors, registry and ingest as processes."""
    with fresh_database(postgres_url, "commands") as url:
        for service in ("registry", "ingest"):
            migrate(url, service)
        folder = tmp_path_factory.mktemp("commands")
        with house(url, amqp_uri, folder, redis_url) as made:
            made.start("ingest", "services.chassis.host", "ingest")
            wait_until(lambda: knows_loggers(made))
            yield made


def knows_loggers(site: House) -> bool:
    """Whether ingest's copy of the registry has arrived."""
    try:
        return bool(call(site, OPERATOR, "ListCommandKinds", outlet_id=site.outlets[2]).kinds)
    except NotFound:
        return False


@pytest.fixture(scope="module")
def gate(amqp_uri, redis_url) -> Iterator[StandInGate]:
    """A stand-in gate that holds the test's first two loggers."""
    redis: Redis[str] = Redis.from_url(redis_url, decode_responses=True)
    made = StandInGate(amqp_uri, redis)
    for number in (1, 2):
        made.hold(mn_of(number))
    yield made
    made.die()
    redis.close()


def call(site: House, actor: Actor, method: str, **fields: Any) -> Any:
    """Call the door as somebody. Raises the platform's errors."""
    request = getattr(pb, f"{method}Request")(**fields)
    with grpc_host.client_channel(site.environment["FARSIGHT_GRPC_ADDR"]) as channel:
        stub = rpc.CommandServiceStub(channel)
        try:
            answer = getattr(stub, method)(request, metadata=site.bearer(actor), timeout=20)
            return list(answer) if method == "WatchCommand" else answer
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error


def ask(site: House, actor: Actor, cn: str, outlet: int = 0, **fields: Any) -> pb.Command:
    """Request a command at an outlet."""
    wanted = {"outlet_id": site.outlets[outlet], "cn": cn, **fields}
    return call(site, actor, "RequestCommand", **wanted).command


def publish(site: House, *events: Any) -> None:
    """Say something on the bus as a gate does."""
    publisher = Publisher(site.environment["AMQP_URI"])
    for event in events:
        publisher.publish_event(event)


def answered(site: House, gate: StandInGate, command_id: str) -> None:
    """Have the gate carry a command out."""
    order = wait_until(
        lambda: next((one for one in gate.orders() if one.command_id == command_id), None)
    )
    publish(site, *gate.walk(order))


def test_an_officer_asks_and_follows_it_to_the_answer(site: House, gate: StandInGate) -> None:
    """Asked by gRPC, ordered on the bus, told by the gate, streamed to who watches."""
    asked = ask(site, COUNTY, "3020", parameters={"PolId": "a21026", "InfoId": "i13001"})
    assert asked.title_zh
    assert asked.state == command_pb2.COMMAND_STATE_QUEUED
    seen: list[pb.WatchCommandResponse] = []
    watcher = threading.Thread(
        target=lambda: seen.extend(call(site, COUNTY, "WatchCommand", command_id=asked.command_id))
    )
    watcher.start()
    answered(site, gate, asked.command_id)
    watcher.join(20)

    steps = [step for answer in seen for step in answer.steps]
    assert seen[-1].command.state == command_pb2.COMMAND_STATE_DONE
    assert [command_pb2.CommandStepKind.Name(one.kind)[18:] for one in steps] == [
        "REQUESTED", "DISPATCHED", "WRITTEN", "ACKNOWLEDGED", "ANSWER", "RESULT",
    ]  # fmt: skip
    (field,) = steps[4].fields
    assert (field.name, field.title_zh, field.value) == ("i13001-Info", "测量量程", "100.0")
    assert steps[5].detail_zh == "1 执行成功"
    assert all(later.elapsed_ms >= one.elapsed_ms for one, later in zip(steps, steps[1:]))  # noqa: B905, RUF007


def test_who_may_ask_for_what(site: House) -> None:
    """History: county, operator, platform. Control: county and operator, and only with a reason."""
    clock = {"SystemTime": "20261122100000"}
    for actor in (COUNTY, OPERATOR, PLATFORM):
        assert ask(site, actor, "2051", 2, parameters=PERIOD).requested_by == actor.user_id
    for actor in (COUNTY, OPERATOR):
        assert ask(site, actor, "1012", 2, parameters=clock, reason="校时").control
        with pytest.raises(RuleViolated, match="reason"):
            ask(site, actor, "1012", 2, parameters=clock)
    for actor in (PLATFORM, PLANT):
        with pytest.raises(Forbidden):
            ask(site, actor, "1012", 2, parameters=clock, reason="校时")
    with pytest.raises(Forbidden):
        ask(site, PLANT, "2051", 2, parameters=PERIOD)
    for actor in (NEIGHBOUR, OTHER_PLANT, POLICE):
        with pytest.raises(NotFound):
            ask(site, actor, "2051", 2, parameters=PERIOD)
    with pytest.raises(Forbidden):  # a new password is the operator's business
        ask(site, COUNTY, "1072", 2, parameters={"NewPW": "654321"}, reason="x")
    with pytest.raises(InputRejected, match="BeginTime"):
        ask(site, COUNTY, "2051", 2)


def test_who_sees_what(site: House, gate: StandInGate) -> None:
    """A plant sees its own command without people, reasons and gates; nobody else's sees it."""
    asked = ask(site, COUNTY, "1012", 1, parameters={"SystemTime": "20261122100000"}, reason="抽查")
    answered(site, gate, asked.command_id)
    wait_until(lambda: read(site, OPERATOR, asked).command.ended_at.seconds)

    officer, plant = read(site, COUNTY, asked), read(site, PLANT, asked)

    assert (officer.command.reason, officer.command.requested_name) == ("抽查", "张三")
    assert officer.command.gate_id == gate.gate_id
    hidden = plant.command
    assert (hidden.reason, hidden.requested_by, hidden.requested_name, hidden.gate_id) == ("",) * 4
    assert all(not step.gate_id for step in plant.steps)
    assert gate.gate_id not in str(plant)
    raws = {actor.user_id: b"".join(one.raw for one in read(site, actor, asked).steps)
            for actor in (OPERATOR, COUNTY)}  # fmt: skip
    assert b"PW=123456" in raws["operator"]
    assert b"PW=******" in raws["county"]
    for actor in (NEIGHBOUR, OTHER_PLANT, POLICE):
        with pytest.raises(NotFound):
            read(site, actor, asked)
        with pytest.raises(NotFound):
            call(site, actor, "WatchCommand", command_id=asked.command_id)
    with pytest.raises(NotFound):
        call(site, COUNTY, "GetCommand", command_id="no such")


def read(site: House, actor: Actor, command: pb.Command) -> pb.GetCommandResponse:
    """A command with its steps."""
    answer: pb.GetCommandResponse = call(site, actor, "GetCommand", command_id=command.command_id)
    return answer


def test_lists_are_cut_to_the_jurisdiction_and_paged(site: House) -> None:
    """Newest first, page by page, by outlet and state; background only when asked for."""
    made = [ask(site, COUNTY, "2061", 2, parameters=PERIOD).command_id for _ in range(5)]
    quiet = ask(site, COUNTY, "2061", 2, parameters=PERIOD, background=True).command_id
    pages: list[str] = []
    token = ""
    while True:
        page = call(
            site, COUNTY, "ListCommands", outlet_id=site.outlets[2], page_size=2, page_token=token
        )
        pages += [one.command_id for one in page.commands]
        token = page.next_page_token
        if not token:
            break

    assert pages[:5] == made[::-1]
    assert len(pages) == len(set(pages))
    assert quiet not in pages
    everything = call(site, COUNTY, "ListCommands", with_background=True, page_size=500).commands
    assert quiet in {one.command_id for one in everything}
    for actor in (NEIGHBOUR, OTHER_PLANT):
        assert not call(site, actor, "ListCommands").commands
    with pytest.raises(Forbidden):
        call(site, POLICE, "ListCommands")
    done = call(site, COUNTY, "ListCommands", state=command_pb2.COMMAND_STATE_DONE).commands
    assert {one.state for one in done} <= {command_pb2.COMMAND_STATE_DONE}


def test_a_waiting_command_is_withdrawn_by_who_may_ask(site: House) -> None:
    """The logger is away: withdrawn, with who and why; the plant may not, and not twice."""
    waiting = ask(site, COUNTY, "2061", 2, parameters=PERIOD)
    with pytest.raises(Forbidden):
        call(site, PLANT, "CancelCommand", command_id=waiting.command_id)

    gone = call(site, COUNTY, "CancelCommand", command_id=waiting.command_id, reason="误发").command

    assert gone.state == command_pb2.COMMAND_STATE_CANCELLED
    assert read(site, COUNTY, waiting).steps[-1].detail == "张三: 误发"
    with pytest.raises(RuleViolated):
        call(site, COUNTY, "CancelCommand", command_id=waiting.command_id)


def test_another_service_asks_by_rpc(site: House) -> None:
    """In its own name, once however often it asks, and refused like everybody else."""
    request = pb.RequestCommandRequest(
        mn=mn_of(3), cn="2061", parameters=PERIOD, requested_by="detect", purpose="check",
        request_id=uuid.uuid4().hex, background=True,
    )  # fmt: skip

    def send() -> pb.RequestCommandResponse:
        payload = base64.b64encode(request.SerializeToString()).decode()
        uri = site.environment["AMQP_URI"]
        with ServiceRpcClient("ingest", uri=uri, timeout=20) as client:
            answer = client.request_command(payload)
        return pb.RequestCommandResponse.FromString(base64.b64decode(answer))

    first, second = send(), send()

    assert (first.repeated, second.repeated) == (False, True)
    assert first.command.command_id == second.command.command_id
    assert (first.command.requested_by, first.command.purpose) == ("detect", "check")
    request.cn = "9999"
    with pytest.raises(RemoteError, match="no command"):
        send()


def test_connections_are_shown(site: House, gate: StandInGate) -> None:
    """Since when, which version, from where; the plant sees its own without the address."""
    event = logger_pb2.LoggerSession(
        mn=mn_of(1), outlet_id=site.outlets[0], open=True, gate_id=gate.gate_id,
        session_id="s1", peer="10.1.2.3:40000", version=2025,
    )  # fmt: skip
    event.at.GetCurrentTime()
    publish(site, logger_pb2.LoggerSessions(sessions=[event]))

    def loggers(actor: Actor) -> list[pb.LoggerState]:
        return list(call(site, actor, "ListLoggers", open_only=True).loggers)

    (seen,) = wait_until(lambda: loggers(COUNTY))
    assert (seen.mn, seen.version, seen.peer) == (mn_of(1), 2025, "10.1.2.3:40000")
    assert seen.since.seconds == event.at.seconds
    assert [(one.peer, one.gate_id) for one in loggers(PLANT)] == [("", "")]
    assert not loggers(NEIGHBOUR)


def test_the_table_of_commands_is_offered_by_role_and_version(site: House) -> None:
    """A form shows what the caller may ask this logger for."""
    offered: Callable[[Actor], dict[str, pb.CommandKind]] = lambda actor: {  # noqa: E731
        one.cn: one
        for one in call(site, actor, "ListCommandKinds", outlet_id=site.outlets[1]).kinds
    }

    officer, operator, platform = (offered(one) for one in (COUNTY, OPERATOR, PLATFORM))

    assert officer["2051"].word == "minutes"
    assert [one.name for one in officer["2051"].parameters] == ["BeginTime", "EndTime"]
    assert officer["3011"].control
    assert not officer["2051"].control
    assert "1072" not in officer
    assert "1072" in operator
    assert not any(one.control for one in platform.values())
    assert not offered(PLANT)
    assert "3024" not in officer  # this logger is not known to speak 2025
    with pytest.raises(Forbidden):
        offered(POLICE)
