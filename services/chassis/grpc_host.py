"""gRPC the platform's way: tokens checked, errors typed, health, reflection, limits, metrics.

Servicers are plain synchronous classes: `grpc.aio` runs their methods in a bounded thread pool. A
method asks `actor_of(context)` who calls and raises the chassis' errors; the interceptor here turns
them into status codes with `google.rpc.ErrorInfo` details.
"""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.chassis.errors import (
    Conflict,
    DataLost,
    FarsightError,
    Forbidden,
    InputRejected,
    NotFound,
    RuleViolated,
    StorageFull,
    Unauthenticated,
    Unavailable,
)
from services.chassis.identity import Actor, Tokens
from services.chassis.log import get_logger
from services.chassis.metrics import RPC_SECONDS

log = get_logger(__name__)

STATUS: dict[type[FarsightError], grpc.StatusCode] = {
    InputRejected: grpc.StatusCode.INVALID_ARGUMENT,
    RuleViolated: grpc.StatusCode.FAILED_PRECONDITION,
    NotFound: grpc.StatusCode.NOT_FOUND,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    Forbidden: grpc.StatusCode.PERMISSION_DENIED,
    Conflict: grpc.StatusCode.ABORTED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    StorageFull: grpc.StatusCode.UNAVAILABLE,
    DataLost: grpc.StatusCode.DATA_LOSS,
}
ERROR_DOMAIN = "farsight"
#: Methods that need no token.
PUBLIC = frozenset({"/farsight.registry.v1.RegistryService/SignIn"})
PUBLIC_SERVICES = ("/grpc.health.", "/grpc.reflection.")

OPTIONS = [
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.max_send_message_length", 16 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.so_reuseport", 0),
]

#: Threads of the streams that are open; a stream holds one only while it computes.
_STREAMS = ThreadPoolExecutor(64, thread_name_prefix="stream")
_END = object()

_tokens: dict[int, Tokens] = {}


def token_in(metadata: Any) -> str:
    """Find the bearer token in call metadata; empty when there is none."""
    for key, value in metadata or ():
        if key == "authorization" and str(value).startswith("Bearer "):
            return str(value)[len("Bearer ") :]
    return ""


def actor_of(context: Any) -> Actor:
    """Tell who calls. Raises Unauthenticated."""
    return _host_tokens().read(token_in(context.invocation_metadata()))


def _host_tokens() -> Tokens:
    try:
        return _tokens[0]
    except KeyError:
        raise Unauthenticated("this process has no token key") from None


def use_tokens(tokens: Tokens) -> None:
    """Set the key that `actor_of` reads with: once, when a server is built."""
    _tokens[0] = tokens


def status_of(error: FarsightError) -> status_pb2.Status:
    """Describe an error as a rich status: message, reason, and the facts."""
    code = STATUS.get(type(error), grpc.StatusCode.INTERNAL)
    detail = AnyMessage()
    facts = {key: str(value) for key, value in error.facts.items()}
    detail.Pack(
        error_details_pb2.ErrorInfo(reason=error.reason, domain=ERROR_DOMAIN, metadata=facts)
    )
    number = code_pb2.Code.Value(code.name)
    return status_pb2.Status(code=number, message=error.message, details=[detail])


def error_from(call: grpc.RpcError) -> FarsightError:
    """Give a client the typed error back from a failed call."""
    code = call.code() if hasattr(call, "code") else grpc.StatusCode.UNKNOWN
    kind = next((k for k, status in STATUS.items() if status == code), Unavailable)
    facts: dict[str, str] = {}
    trailing: Any = call.trailing_metadata() if hasattr(call, "trailing_metadata") else ()
    for key, value in trailing or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    facts = dict(info.metadata)
    message = call.details() if hasattr(call, "details") else str(call)
    return kind(message or code.name, **facts)


class GuardInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg] # stubs only
    """Checks the token and turns the platform's errors into statuses, for every method."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wrap the method's handler."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.startswith(PUBLIC_SERVICES):
            return handler
        kind = ("stream" if handler.request_streaming else "unary") + (
            "_stream" if handler.response_streaming else "_unary"
        )
        guarded = guard(getattr(handler, kind), method, streams=handler.response_streaming)
        make: Any = getattr(grpc, f"{kind}_rpc_method_handler")
        return make(guarded, handler.request_deserializer, handler.response_serializer)


def guard(behaviour: Callable[..., Any], method: str, *, streams: bool) -> Callable[..., Any]:
    """Wrap a handler of any of the four kinds, synchronous or not."""

    def check(context: Any) -> None:
        if method not in PUBLIC:
            actor_of(context)

    if inspect.isasyncgenfunction(behaviour):

        async def async_stream(request: Any, context: Any) -> AsyncIterator[Any]:
            try:
                check(context)
                async for item in behaviour(request, context):
                    yield item
            except FarsightError as error:
                await context.abort_with_status(_AioStatus(error))

        return async_stream
    if asyncio.iscoroutinefunction(behaviour):

        async def async_unary(request: Any, context: Any) -> Any:
            try:
                check(context)
                return await behaviour(request, context)
            except FarsightError as error:
                await context.abort_with_status(_AioStatus(error))

        return async_unary
    if streams:

        async def sync_stream(request: Any, context: Any) -> AsyncIterator[Any]:
            try:
                check(context)
                async for item in drive(behaviour(request, context)):
                    yield item
            except FarsightError as error:
                await context.abort_with_status(_AioStatus(error))

        return sync_stream

    def sync_unary(request: Any, context: Any) -> Any:
        start, code = time.monotonic(), "OK"
        try:
            check(context)
            return behaviour(request, context)
        except FarsightError as error:
            code = error.reason
            abort(context, error)
        finally:
            RPC_SECONDS.labels(method, code).observe(time.monotonic() - start)

    return sync_unary


async def drive(iterator: Iterator[Any]) -> AsyncIterator[Any]:
    """Run a synchronous generator in threads, for a server-streaming method.

    grpc.aio's own adapter aborts a call while the last message is in flight
    (TOO_MANY_OPERATIONS). A generator that waits must yield None now and then: nothing is sent,
    and a client that has gone is noticed.
    """
    loop = asyncio.get_running_loop()
    try:
        while (item := await loop.run_in_executor(_STREAMS, next, iterator, _END)) is not _END:
            if item is not None:
                yield item
    finally:
        _STREAMS.submit(_close, iterator)


def _close(iterator: Any) -> None:
    while True:
        try:
            iterator.close()
        except ValueError:  # it is still running its last step in another thread
            time.sleep(0.1)
        else:
            return


class _AioStatus(grpc.Status):
    """A rich status in the form `abort_with_status` wants."""

    def __init__(self, error: FarsightError) -> None:
        status = status_of(error)
        self.code = STATUS.get(type(error), grpc.StatusCode.INTERNAL)
        self.details = error.message
        self.trailing_metadata = (("grpc-status-details-bin", status.SerializeToString()),)


def abort(context: Any, error: FarsightError) -> None:
    """End a synchronous call with the error's rich status."""
    code = STATUS.get(type(error), grpc.StatusCode.INTERNAL)
    trailing = (("grpc-status-details-bin", status_of(error).SerializeToString()),)
    context.abort(code, error.message, trailing)


def build_server(tokens: Tokens, *, workers: int = 64) -> grpc.aio.Server:
    """Make a server with interceptor, limits and thread pool; the caller adds services."""
    use_tokens(tokens)
    return grpc.aio.server(
        migration_thread_pool=ThreadPoolExecutor(workers, thread_name_prefix="door"),
        interceptors=[GuardInterceptor()],
        options=OPTIONS,
        maximum_concurrent_rpcs=1000,
    )


async def add_health_and_reflection(server: grpc.aio.Server, services: Iterable[str]) -> None:
    """Add the standard health and reflection services for the named services; all are SERVING."""
    names = list(services)
    servicer: Any = health.aio.HealthServicer()  # type: ignore[attr-defined] # stubs lack it
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    for name in [*names, ""]:
        await servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    reflection.enable_server_reflection(
        [*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server
    )


def door_address(setting: str, service: str) -> str:
    """Give the address of one service's door.

    On one machine a single process hosts all doors and `FARSIGHT_GRPC_ADDR` is its address; on
    Kubernetes each door is a Deployment of its own and the setting names it as `{service}`.

    >>> door_address("127.0.0.1:9213", "cases"), door_address("{service}-door:50051", "cases")
    ('127.0.0.1:9213', 'cases-door:50051')
    """
    return setting.replace("{service}", service)


def client_channel(address: str) -> grpc.Channel:
    """Open a synchronous channel to a door on loopback or inside the cluster's mesh."""
    return grpc.insecure_channel(address, options=OPTIONS)


def bearer(token: str) -> list[tuple[str, str]]:
    """Give the metadata that carries a token."""
    return [("authorization", f"Bearer {token}")]
