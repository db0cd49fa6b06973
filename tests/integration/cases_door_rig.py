"""The door of `cases` on a free port, and a client of it that can speak as anybody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

from services.cases.door import register
from services.chassis import grpc_host
from services.chassis.identity import Actor, Tokens, create_token_key
from services.chassis.settings import ChassisSettings


class Speaker:
    """Calls methods of any stub as anybody; errors come back typed."""

    def __init__(self, channel: grpc.Channel, tokens: Tokens) -> None:
        self.channel = channel
        self._tokens = tokens

    def token(self, who: Actor) -> Any:
        """The metadata of somebody who is signed in."""
        return grpc_host.bearer(self._tokens.issue(who)[0])

    def call(self, who: Actor, method: Any, request: Any) -> Any:
        """One answer."""
        try:
            return method(request, metadata=self.token(who), timeout=20)
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error

    def stream(self, who: Actor, method: Any, request: Any) -> list[Any]:
        """Every answer of a stream that ends."""
        try:
            return list(method(request, metadata=self.token(who), timeout=60))
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error


class DoorProcess:
    """A door that can be stopped and opened again on the same database, as after a restart."""

    def __init__(self, url: str, tokens: Tokens) -> None:
        self._settings = ChassisSettings.from_env({"DATABASE_URL": url})
        self._tokens = tokens
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

        async def start() -> tuple[grpc.aio.Server, int]:
            server = grpc_host.build_server(tokens)
            register(server, self._settings)
            port = server.add_insecure_port("127.0.0.1:0")
            await server.start()
            return server, port

        self._server, port = self._wait(start())
        self._channel = grpc_host.client_channel(f"127.0.0.1:{port}")
        self.speaker = Speaker(self._channel.__enter__(), tokens)

    def _wait(self, doing: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(20)

    def close(self) -> None:
        """Stop without waiting for calls in flight."""
        self._channel.__exit__(None, None, None)
        self._wait(self._server.stop(None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


def tokens_in(folder: Path) -> Tokens:
    """A fresh key of this test."""
    key = folder / "token.jwk"
    create_token_key(key)
    return Tokens(key)


@contextmanager
def open_door(url: str, folder: Path) -> Iterator[Speaker]:
    """A door for a module's tests."""
    door = DoorProcess(url, tokens_in(folder))
    try:
        yield door.speaker
    finally:
        door.close()
