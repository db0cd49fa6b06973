"""The gRPC host: tokens checked before a method runs, errors typed on both sides."""

import asyncio
import threading

import grpc
import pytest

from services.chassis import grpc_host
from services.chassis.errors import Forbidden, NotFound, RuleViolated, Unauthenticated
from services.chassis.identity import Actor, Role, Tokens, create_token_key
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.chassis.pb.cases.v1 import cases_pb2_grpc as rpc
from services.chassis.pb.ingest.v1 import ingest_pb2, ingest_pb2_grpc


class Cases(rpc.CaseServiceServicer):
    """Synchronous, as doors are."""

    def GetMatter(self, request, context):  # noqa: N802
        if request.matter_id == "gate":
            raise RuleViolated("two officers", article="行政处罚法 42", missing="second officer")
        if request.matter_id == "none":
            raise NotFound("none")
        return pb.GetMatterResponse(matter=pb.Matter(title=grpc_host.actor_of(context).name))

    def Watch(self, request, context):  # noqa: N802
        yield pb.WatchResponse(resume_token="1")
        raise Forbidden("no more")


class Ingest(ingest_pb2_grpc.IngestServiceServicer):
    """Asynchronous, as the gate's is."""

    async def PushReadings(self, request_iterator, context):  # noqa: N802
        async for request in request_iterator:
            if request.sequence == 2:
                raise Forbidden("two")
            yield ingest_pb2.PushReadingsResponse(sequence=request.sequence)


@pytest.fixture
def door(tmp_path):
    """A running host: (channel, token)."""
    create_token_key(tmp_path / "k")
    tokens = Tokens(tmp_path / "k")
    started, loop = threading.Event(), asyncio.new_event_loop()
    box = {}

    async def serve():
        server = grpc_host.build_server(tokens)
        rpc.add_CaseServiceServicer_to_server(Cases(), server)
        ingest_pb2_grpc.add_IngestServiceServicer_to_server(Ingest(), server)
        await grpc_host.add_health_and_reflection(server, ["farsight.cases.v1.CaseService"])
        box["port"] = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        box["stop"] = asyncio.Event()
        started.set()
        await box["stop"].wait()
        await server.stop(0)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert started.wait(10)
    with grpc_host.client_channel(f"127.0.0.1:{box['port']}") as channel:
        yield channel, tokens.issue(Actor("u", Role.OFFICER, "130402", name="李"))[0]
    loop.call_soon_threadsafe(box["stop"].set)
    thread.join(10)
    assert not thread.is_alive()


def failure(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return grpc_host.error_from(caught.value)


def test_a_method_knows_its_caller(door):
    """The token's actor reaches the servicer."""
    channel, token = door

    answer = rpc.CaseServiceStub(channel).GetMatter(
        pb.GetMatterRequest(matter_id="x"), metadata=grpc_host.bearer(token), timeout=10
    )

    assert answer.matter.title == "李"


def test_without_a_token_nothing_runs(door):
    """No token, a bad token: UNAUTHENTICATED for unary and stream."""
    channel, _ = door
    stub = rpc.CaseServiceStub(channel)

    assert isinstance(
        failure(lambda: stub.GetMatter(pb.GetMatterRequest(), timeout=10)), Unauthenticated
    )
    assert isinstance(
        failure(lambda: list(stub.Watch(pb.WatchRequest(), metadata=grpc_host.bearer("x")))),
        Unauthenticated,
    )


def test_a_refusal_names_the_article_and_what_is_missing(door):
    """Rich details survive the wire."""
    channel, token = door
    stub = rpc.CaseServiceStub(channel)

    error = failure(
        lambda: stub.GetMatter(
            pb.GetMatterRequest(matter_id="gate"), metadata=grpc_host.bearer(token), timeout=10
        )
    )

    assert isinstance(error, RuleViolated)
    assert error.facts == {"article": "行政处罚法 42", "missing": "second officer"}


def test_a_stream_gives_what_it_had_before_its_error(door):
    """Synchronous and asynchronous streams both."""
    channel, token = door
    got = []

    def watch():
        for item in rpc.CaseServiceStub(channel).Watch(
            pb.WatchRequest(), metadata=grpc_host.bearer(token), timeout=10
        ):
            got.append(item.resume_token)

    def push():
        requests = iter([ingest_pb2.PushReadingsRequest(sequence=n) for n in (1, 2)])
        for item in ingest_pb2_grpc.IngestServiceStub(channel).PushReadings(
            requests, metadata=grpc_host.bearer(token), timeout=10
        ):
            got.append(item.sequence)

    assert isinstance(failure(watch), Forbidden)
    assert isinstance(failure(push), Forbidden)
    assert got == ["1", 1]


def test_health_and_reflection_need_no_token(door):
    """Probes of a cluster carry none."""
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    channel, _ = door
    answer = health_pb2_grpc.HealthStub(channel).Check(
        health_pb2.HealthCheckRequest(service="farsight.cases.v1.CaseService"), timeout=10
    )

    assert answer.status == health_pb2.HealthCheckResponse.SERVING
