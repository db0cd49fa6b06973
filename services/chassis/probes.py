"""/livez, /readyz and /metrics on a port of their own, for every process.

/livez says that the process turns; it asks no server, so that a broken database never starts a
storm of restarts. /readyz says whether it may get work.
"""

import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from services.chassis.errors import FarsightError

Check = Callable[[], None]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Say nothing: probes come every few seconds."""


class Probes:
    """The probe server of this process; starts listening at once, unready."""

    def __init__(self, bind: tuple[str, int], checks: Iterable[Check] = ()) -> None:
        self._ready = False
        self._checks = list(checks)
        self._metrics = make_wsgi_app()
        self._server = make_server(
            bind[0], bind[1], self._application, server_class=_Server, handler_class=_Quiet
        )
        self.port: int = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True, name="probes").start()

    def ready(self) -> None:
        """Say that work may come."""
        self._ready = True

    def not_ready(self) -> None:
        """Say that no new work should come."""
        self._ready = False

    def _application(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            answer: Iterable[bytes] = self._metrics(environ, start_response)
            return answer
        status, text = self._state(path)
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [text.encode()]

    def _state(self, path: str) -> tuple[str, str]:
        if path == "/livez":
            return "200 OK", "alive\n"
        if path != "/readyz":
            return "404 Not Found", "livez, readyz, metrics\n"
        if not self._ready:
            return "503 Service Unavailable", "starting or stopping\n"
        for check in self._checks:
            try:
                check()
            except FarsightError as error:
                return "503 Service Unavailable", f"{error}\n"
        return "200 OK", "ready\n"
