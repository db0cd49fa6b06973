"""A client of the public gRPC doors that stays signed in: for seeding and for scripted officers."""

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import grpc

from services.chassis import grpc_host
from services.chassis.errors import Unavailable
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.pb.registry.v1 import registry_pb2_grpc as registry_grpc

Reply = TypeVar("Reply")
_FRESH_S = 300.0  # sign in again well before the token's fifteen minutes are over


class SignedInClient:
    """One account at the doors. Errors come back as the platform's own."""

    def __init__(self, channel: grpc.Channel, user_name: str, password: str) -> None:
        self.channel = channel
        self.user_name = user_name
        self._password = password
        self._token = ""
        self._signed_in_at = 0.0
        self.account = registry.Account()

    def call(self, method: Callable[..., Reply], request: object, timeout_s: float = 30.0) -> Reply:
        """Call a unary or client-streaming method of a stub. Raises the typed chassis errors."""
        try:
            return method(request, metadata=self.metadata(), timeout=timeout_s)
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error

    def metadata(self) -> list[tuple[str, str]]:
        """Return the call metadata with a token that is still good for a while."""
        if not self._token or time.monotonic() - self._signed_in_at > _FRESH_S:
            self.sign_in()
        return grpc_host.bearer(self._token)

    def sign_in(self) -> None:
        """Get a token. Raises Unauthenticated when the password is wrong."""
        request = registry.SignInRequest(user_name=self.user_name, password=self._password)
        stub = registry_grpc.RegistryServiceStub(self.channel)
        try:
            answer: registry.SignInResponse = stub.SignIn(request, timeout=30.0)
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error
        self._token, self._signed_in_at = answer.token, time.monotonic()
        self.account = answer.account


def patiently(action: Callable[[], Reply], deadline_s: float, pause_s: float = 0.5) -> Reply:
    """Try again while the doors are away. Raises Unavailable when the time is over."""
    end = time.monotonic() + deadline_s
    while True:
        try:
            return action()
        except Unavailable:
            if time.monotonic() + pause_s > end:
                raise
            time.sleep(pause_s)


def parts(items: list[Any], size: int) -> Iterator[list[Any]]:
    """Yield consecutive parts of a list."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
