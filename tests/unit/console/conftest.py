"""The console as a browser meets it: real HTTP, real gRPC, real Valkey."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from services.console.app import create_app
from services.console.settings import ConsoleSettings
from tests.unit.console.doors import TestDoors
from tests.unit.console.world import PASSWORD, World, make_world

CSRF = re.compile(r'name="csrf" value="([^"]+)"')


@pytest.fixture
def world() -> World:
    """A fresh invented world."""
    return make_world()


@pytest.fixture
def doors(world: World, tmp_path: Path) -> Iterator[TestDoors]:
    """The gRPC doors that answer from the world."""
    running = TestDoors(world, tmp_path)
    yield running
    running.close()


@pytest.fixture
def console_url(doors: TestDoors, redis_url: str) -> Iterator[str]:
    """Address of a running console."""
    settings = ConsoleSettings(("127.0.0.1", 0), doors.address, redis_url, "http://handset.test/")
    with running_console(settings) as url:
        yield url


@contextmanager
def running_console(settings: ConsoleSettings) -> Iterator[str]:
    """The console under uvicorn in a thread; gives its address."""
    config = uvicorn.Config(
        create_app(settings), host="127.0.0.1", port=0, log_config=None, access_log=False,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline, "the console did not start"
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


class Browser:
    """A browser without scripts: cookies, forms, the CSRF token of the last page."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, follow_redirects=True, trust_env=False, timeout=20)
        self.csrf = ""

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Open a page."""
        return self._keep(self.http.get(path, headers=headers))

    def post(
        self,
        path: str,
        fields: dict[str, str] | None = None,
        files: dict[str, tuple[str, bytes, str]] | None = None,
    ) -> httpx.Response:
        """Send a form of the last page, with files (name, content, type)."""
        form = {"csrf": self.csrf, **(fields or {})}
        return self._keep(self.http.post(path, data=form, files=files))

    def sign_in(
        self, user_name: str, password: str = PASSWORD, target: str = "/"
    ) -> httpx.Response:
        """Sign in by the form."""
        self.get("/sign-in")
        return self.post("/sign-in", {"user_name": user_name, "password": password, "next": target})

    def _keep(self, answer: httpx.Response) -> httpx.Response:
        token = (
            CSRF.search(answer.text) if "html" in answer.headers.get("content-type", "") else None
        )
        self.csrf = token.group(1) if token else self.csrf
        return answer


@pytest.fixture
def browser(console_url: str) -> Iterator[Browser]:
    """A browser that nobody signed in with yet."""
    one = Browser(console_url)
    yield one
    one.http.close()


@pytest.fixture
def officer(browser: Browser) -> Browser:
    """A county officer, signed in."""
    assert browser.sign_in("officer").status_code == 200
    return browser
