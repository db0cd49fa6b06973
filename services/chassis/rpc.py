"""Protobuf RPC over nameko's: the payload is base64 of the message, errors keep their type."""

import base64
import functools
from collections.abc import Callable
from typing import Any, TypeVar

import eventlet
from google.protobuf.message import Message
from nameko.exceptions import RemoteError, RpcTimeout, UnknownService
from nameko.rpc import ServiceRpc
from nameko.rpc import rpc as nameko_rpc

from services.chassis.errors import BY_REASON, FarsightError, Unavailable

Reply = TypeVar("Reply", bound=Message)

_BY_CLASS_NAME = {kind.__name__: kind for kind in BY_REASON.values()}


def rpc(request_class: type[Message]) -> Callable[[Callable[..., Message]], Any]:
    """Expose `def method(self, request) -> response message` as an RPC of the service."""

    def decorate(method: Callable[..., Message]) -> Any:
        @functools.wraps(method)
        def handle(self: Any, payload: str) -> str:
            request = request_class.FromString(base64.b64decode(payload))
            return base64.b64encode(method(self, request).SerializeToString()).decode()

        del handle.__dict__["__wrapped__"]
        expected = tuple(BY_REASON.values())
        return nameko_rpc(expected_exceptions=expected)(handle)

    return decorate


class Client:
    """Calls another service's RPC methods."""

    def __init__(self, proxy: Any, service: str) -> None:
        self._proxy = proxy
        self._service = service

    def call(
        self,
        method: str,
        request: Message,
        response_class: type[Reply],
        *,
        timeout_s: float = 30.0,
    ) -> Reply:
        """Call and wait. Raises the platform's own errors; Unavailable when nobody answers."""
        payload = base64.b64encode(request.SerializeToString()).decode()
        try:
            with eventlet.Timeout(timeout_s, RpcTimeout(timeout_s)):
                answer = getattr(self._proxy, method)(payload)
        except (UnknownService, RpcTimeout) as error:
            raise Unavailable(f"service {self._service} does not answer") from error
        except RemoteError as error:
            raise remote_error(error) from error
        return response_class.FromString(base64.b64decode(answer))


def remote_error(error: RemoteError) -> FarsightError:
    """Give a remote failure its type back; what we don't know is Unavailable and may be retried."""
    kind = _BY_CLASS_NAME.get(error.exc_type, Unavailable)
    return kind(str(error.value))


class RpcClient(ServiceRpc):  # type: ignore[misc]
    """nameko dependency: a `Client` of the named service."""

    def get_dependency(self, worker_ctx: Any) -> Client:
        """Give a client bound to this worker's context."""
        return Client(super().get_dependency(worker_ctx), self.target_service)
