"""How often and how fast pages are served, by route."""

import time

from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_SECONDS = Histogram("farsight_console_seconds", "Pages served", ["route", "status"])


class Measured:
    """ASGI middleware that observes every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and look at the clock."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = time.monotonic(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            # The route's pattern, never the path: ids would make a series each.
            route = getattr(scope.get("route"), "path", "other")
            PAGE_SECONDS.labels(route, str(status)).observe(time.monotonic() - start)
